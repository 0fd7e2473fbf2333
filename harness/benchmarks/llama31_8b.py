"""Llama 3.1 8B Instruct on 5000 articles of CNN/DailyMail: an article in, a summary out, ROUGE and tokens per second.

Contract of the reference implementation: greedy, 1 to 128 new tokens, prompts as token ids that come with the data set.
The answer that is logged is the generated ids with their end token, int32. LoadGen times tokens in this benchmark
(``use_token_latencies``): it is told of the first one, and of the number of tokens of each answer, which is 2 at least
because the first one may not be the end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.benchmarks.base import Counted, as_published
from harness.families.text_generator import RUNTIMES, Summariser, folder_of
from harness.model import Fixture

if TYPE_CHECKING:
    from harness.benchmarks.base import Outputs


class Llama31Edge(Summariser):
    """The benchmark ``llama3.1-8b-edge`` of the rounds from v5.1 on."""

    name = "llama3.1-8b-edge"
    official = ("llama3.1-8b-edge",)
    help = "summaries by Llama 3.1 8B, CNN/DailyMail, ROUGE"
    traits = folder_of(
        "Llama 3.1 8B Instruct",
        precision="bf16",
        stall_s=3600.0,
        runtimes=(*RUNTIMES, "remote_text"),
        further_tests=("TEST06",),
    )
    measurements = as_published("int64", "bf16", changed="none")
    records = ("sample_cnn_eval_5000.json",)
    dataset_form = "a folder with sample_cnn_eval_5000.json and tokenizer.json of the checkpoint"
    full_set = 5000
    generation: Mapping[str, Any] = {
        "num_beams": 1,
        "do_sample": False,
        "min_new_tokens": 1,
        "max_new_tokens": 128,
    }
    continuation = (1, 128)
    tells = True
    token_dtype = "<i4"
    response_bytes = 128 * 4

    def responses(self, outputs: Outputs, indices: Sequence[int]) -> Counted:
        """The ids of each answer, int32, and their number."""
        rows = self.ids(outputs)
        return Counted(rows, [len(row) for row in rows])

    def make_fixture(self, folder: Path, *, width: str, seed: int, samples: int) -> Fixture:
        """A seeded network that answers in made-up words, and highlights that plant a ROUGE-1."""
        from harness.fixtures.llama31_8b import make

        return make(folder, width=width, seed=seed, samples=samples)


BENCHMARK = Llama31Edge()

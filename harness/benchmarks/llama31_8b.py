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

from harness import checkpoints
from harness.benchmarks.base import Counted, Setting, Traits
from harness.datasets.cnn_dailymail import CnnDailymail, refuse_unscorable, scored
from harness.model import Accuracy, Fixture

if TYPE_CHECKING:
    from harness.benchmarks.base import Outputs, Program

RECORDS = ("sample_cnn_eval_5000.json",)
GENERATION: Mapping[str, Any] = {
    "num_beams": 1,
    "do_sample": False,
    "min_new_tokens": 1,
    "max_new_tokens": 128,
}


class Llama31Edge:
    """The benchmark ``llama3.1-8b-edge`` of the rounds from v5.1 on."""

    name = "llama3.1-8b-edge"
    official = ("llama3.1-8b-edge",)
    help = "summaries by Llama 3.1 8B, CNN/DailyMail, ROUGE"
    inputs = ("input_ids",)
    outputs = ("output_ids",)
    most = None
    extra = ("transformers", "tokenizers", "rouge_score", "nltk")
    fixture_samples = 8
    least_samples = 4
    token_dtype = "<i4"
    continuation = (1, 128)
    implementation = "edgewatt"
    full_set = 5000
    tensors = ()
    dataset_form = "a folder with sample_cnn_eval_5000.json and tokenizer.json of the checkpoint"
    response_bytes = 128 * 4
    traits = Traits(
        model="folder",
        backends=("pytorch", "pytorch_cuda", "remote_text"),
        ragged=True,
        batch=1,
        precision="bf16",
        stall_s=3600.0,
        model_about="a folder with Llama 3.1 8B Instruct in the form of save_pretrained",
        further_tests=("TEST06",),
    )
    measurements: Mapping[str, str] = {
        "input_data_types": "int64",
        "retraining": "No",
        "weight_data_types": "bf16",
        "weight_transformations": "none",
    }

    def dataset(self, path: Path) -> CnnDailymail:
        """A folder with the articles and the tokenizer."""
        return CnnDailymail(path, RECORDS)

    def refuse(self, model: Path) -> None:
        """Configuration and weights are whole."""
        checkpoints.refuse(model)

    def program(self, model: Path, setting: Setting) -> Program:
        """Open the checkpoint."""
        from harness.generation import causal

        return causal(model, setting, arguments=dict(GENERATION), tells=True)

    def responses(self, outputs: Outputs, indices: Sequence[int]) -> Counted:
        """The ids of each answer, int32, and their number."""
        import numpy as np

        ids, counts = outputs
        rows = [
            np.ascontiguousarray(row[: int(n)], dtype=np.int32) for row, n in zip(ids, counts, strict=True)
        ]
        return Counted(list(rows), [len(row) for row in rows])

    def accuracy(self, log: Path, dataset: Path) -> Accuracy:
        """ROUGE-1 in percent, and the other figures beside it, over the articles in the log."""
        return scored(log, self.dataset(dataset), self.token_dtype)

    def refuse_unscorable(self, dataset: Path) -> None:
        """The tokenizer and ROUGE."""
        refuse_unscorable(self.dataset(dataset))

    def ends(self, dataset: Path) -> frozenset[int]:
        """The tokens that end an answer."""
        return self.dataset(dataset).ends

    def make_fixture(self, folder: Path, *, width: str, seed: int, samples: int) -> Fixture:
        """A seeded network that answers in made-up words, and highlights that plant a ROUGE-1."""
        from harness.fixtures.llama31_8b import make

        return make(folder, width=width, seed=seed, samples=samples)


BENCHMARK = Llama31Edge()

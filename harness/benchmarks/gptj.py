"""GPT-J 6B on CNN/DailyMail: an article in, a summary out, ROUGE.

Contract of the reference implementation: four beams, early stopping, 30 to 128 new tokens; prompts of at most 1919
tokens, padded at their left with the end token. The answer that is logged is the generated ids, int64, without the
prompt. LoadGen infers a token rate from the samples (69 tokens each), so tokens are not told of one by one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.benchmarks.base import as_published
from harness.families.text_generator import RUNTIMES, Summariser, folder_of
from harness.model import Fixture


class GptJ(Summariser):
    """The benchmarks ``gptj-99`` and ``gptj-99.9`` of the rounds v3.1 to v5.0."""

    name = "gptj"
    official = ("gptj-99", "gptj-99.9")
    help = "summaries by GPT-J 6B, CNN/DailyMail, ROUGE"
    traits = folder_of(
        "the fine-tuned GPT-J 6B",
        precision="fp32",
        stall_s=3600.0,
        runtimes=(*RUNTIMES, "remote_text"),
    )
    measurements = as_published("int64", changed="none")
    records = ("cnn_eval.json",)
    dataset_form = "a folder with cnn_eval.json and tokenizer.json of the checkpoint"
    full_set = 13_368
    generation: Mapping[str, Any] = {
        "num_beams": 4,
        "early_stopping": True,
        "do_sample": False,
        "max_new_tokens": 128,
        "min_new_tokens": 30,
    }
    continuation = (30, 128)
    beams = 4
    tells = False
    token_dtype = "<i8"
    response_bytes = 69 * 8

    def make_fixture(self, folder: Path, *, width: str, seed: int, samples: int) -> Fixture:
        """A seeded network that answers in made-up words, and highlights that plant a ROUGE-1."""
        from harness.fixtures.gptj import make

        return make(folder, width=width, seed=seed, samples=samples)


BENCHMARK = GptJ()

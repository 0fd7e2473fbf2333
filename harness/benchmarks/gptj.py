"""GPT-J 6B on CNN/DailyMail: an article in, a summary out, ROUGE.

Contract of the reference implementation: four beams, early stopping, 30 to 128 new tokens; prompts of at most 1919
tokens, padded at their left with the end token. The answer that is logged is the generated ids, int64, without the
prompt. LoadGen infers a token rate from the samples (69 tokens each), so tokens are not told of one by one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import checkpoints
from harness.benchmarks.base import Setting, Traits
from harness.datasets.cnn_dailymail import CnnDailymail, refuse_unscorable, scored
from harness.model import Accuracy, Fixture

if TYPE_CHECKING:
    from harness.benchmarks.base import Array, Outputs, Program

RECORDS = ("cnn_eval.json",)
GENERATION: Mapping[str, Any] = {
    "num_beams": 4,
    "early_stopping": True,
    "do_sample": False,
    "max_new_tokens": 128,
    "min_new_tokens": 30,
}


class GptJ:
    """The benchmarks ``gptj-99`` and ``gptj-99.9`` of the rounds v3.1 to v5.0."""

    name = "gptj"
    official = ("gptj-99", "gptj-99.9")
    help = "summaries by GPT-J 6B, CNN/DailyMail, ROUGE"
    inputs = ("input_ids",)
    outputs = ("output_ids",)
    most = None
    extra = ("transformers", "tokenizers", "rouge_score", "nltk")
    fixture_samples = 8
    least_samples = 4
    token_dtype = "<i8"
    implementation = "edgewatt"
    full_set = 13_368
    tensors = ()
    dataset_form = "a folder with cnn_eval.json and tokenizer.json of the checkpoint"
    response_bytes = 69 * 8
    traits = Traits(
        model="folder",
        backends=("pytorch", "pytorch_cuda"),
        ragged=True,
        batch=1,
        precision="fp32",
        stall_s=3600.0,
        model_about="a folder with the fine-tuned GPT-J 6B in the form of save_pretrained",
    )
    measurements: Mapping[str, str] = {
        "input_data_types": "int64",
        "retraining": "No",
        "weight_data_types": "fp32",
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

        return causal(model, setting, arguments=dict(GENERATION), tells=False)

    def responses(self, outputs: Outputs, indices: Sequence[int]) -> list[Array]:
        """The ids of each answer, int64."""
        import numpy as np

        ids, counts = outputs
        return [
            np.ascontiguousarray(row[: int(n)], dtype=np.int64) for row, n in zip(ids, counts, strict=True)
        ]

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
        from harness.fixtures.gptj import make

        return make(folder, width=width, seed=seed, samples=samples)


BENCHMARK = GptJ()

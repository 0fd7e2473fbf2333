"""A network of Hugging Face transformers that writes token by token, opened from a folder by the benchmark itself.

A benchmark says its names, its data set, how it generates, what it answers, and its fixture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import checkpoints
from harness.benchmarks.base import Counted, Setting, Tensor, Traits
from harness.datasets.cnn_dailymail import CnnDailymail, refuse_unscorable, scored
from harness.model import Accuracy

if TYPE_CHECKING:
    from harness.benchmarks.base import Array, Outputs, Program

RUNTIMES = ("pytorch", "pytorch_cuda")


def folder_of(
    checkpoint: str, *, precision: str, stall_s: float, runtimes: tuple[str, ...] = RUNTIMES, **more: Any
) -> Traits:
    """The traits of one whose model is this checkpoint; samples go to it one by one unless the user says otherwise."""
    return Traits(
        model="folder",
        backends=runtimes,
        ragged=True,
        batch=1,
        precision=precision,
        stall_s=stall_s,
        model_about=f"a folder with {checkpoint} in the form of save_pretrained",
        **more,
    )


class TextGenerator:
    """What holds of every one, whatever it writes about."""

    most = None
    extra: tuple[str, ...] = ("transformers", "tokenizers")
    fixture_samples = 8
    least_samples = 4
    implementation = "edgewatt"
    tensors: tuple[Tensor, ...] = ()

    def refuse(self, model: Path) -> None:
        """Configuration and weights are whole."""
        checkpoints.refuse(model)


class Summariser(TextGenerator):
    """Summaries of CNN/DailyMail: prompts of token ids in, generated ids out, ROUGE.

    ``records`` are the names that the file of articles may have; ``generation`` the arguments of transformers'
    ``generate``; ``token_dtype`` is that of the ids in an answer; ``tells``: first tokens are told of as they come.
    """

    inputs = ("input_ids",)
    outputs = ("output_ids",)
    extra = (*TextGenerator.extra, "rouge_score", "nltk")
    name: str
    records: tuple[str, ...]
    generation: Mapping[str, Any]
    token_dtype: str
    tells: bool

    def dataset(self, path: Path) -> CnnDailymail:
        """A folder with the articles and the tokenizer."""
        return CnnDailymail(path, self.records)

    def program(self, model: Path, setting: Setting) -> Program:
        """Open the checkpoint."""
        from harness.generation import causal

        return causal(model, setting, arguments=dict(self.generation), tells=self.tells)

    def ids(self, outputs: Outputs) -> list[Array]:
        """The ids of each answer, without what was filled up."""
        import numpy as np

        ids, counts = outputs
        return [
            np.ascontiguousarray(row[: int(n)], dtype=self.token_dtype)
            for row, n in zip(ids, counts, strict=True)
        ]

    def responses(self, outputs: Outputs, indices: Sequence[int]) -> list[Array] | Counted:
        """The ids of each answer."""
        return self.ids(outputs)

    def accuracy(self, log: Path, dataset: Path) -> Accuracy:
        """ROUGE-1 in percent, and the other figures beside it, over the articles in the log."""
        return scored(log, self.dataset(dataset), self.token_dtype)

    def refuse_unscorable(self, dataset: Path) -> None:
        """The tokenizer and ROUGE."""
        refuse_unscorable(self.dataset(dataset))

    def ends(self, dataset: Path) -> frozenset[int]:
        """The tokens that end an answer."""
        return self.dataset(dataset).ends

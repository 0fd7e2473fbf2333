"""BERT-large on SQuAD v1.1: question and paragraph in, start and end of the answer out, F1.

Contract of the reference implementation: inputs ``input_ids``, ``input_mask``, ``segment_ids`` int64 [N,384]; outputs
``output_start_logits`` and ``output_end_logits`` float32 [N,384]; the answer that is logged is [384,2] float32, start
and end side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.accuracy_log import answers
from harness.benchmarks.base import Tensor, as_published
from harness.datasets.squad import INPUTS, LENGTH, Squad, Window
from harness.model import Accuracy, Fixture

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.benchmarks.base import Outputs


class Bert:
    """The benchmarks ``bert-99`` and ``bert-99.9`` of the rounds."""

    name = "bert"
    official = ("bert-99", "bert-99.9")
    help = "question answering, SQuAD v1.1, F1"
    inputs = INPUTS
    outputs = ("output_start_logits", "output_end_logits")
    most = None
    extra = ()
    fixture_samples = 32
    least_samples = 4
    implementation = "edgewatt"
    full_set = 10_833
    tensors = (
        *(Tensor("input", name, "int64", (None, LENGTH)) for name in INPUTS),
        Tensor("output", "output_start_logits", "float32", (None, LENGTH)),
        Tensor("output", "output_end_logits", "float32", (None, LENGTH)),
    )
    dataset_form = "a folder with dev-v1.1.json of SQuAD and vocab.txt of the checkpoint"
    response_bytes = LENGTH * 2 * 4
    measurements = as_published("int64")

    def dataset(self, path: Path) -> Squad:
        """A folder with the questions and the vocabulary."""
        return Squad(path)

    def responses(self, outputs: Outputs, indices: Sequence[int]) -> NDArray[np.float32]:
        """[N,384,2]: start and end logits side by side."""
        import numpy as np

        return np.stack([np.asarray(o, dtype=np.float32) for o in outputs], axis=-1)

    def accuracy(self, log: Path, dataset: Path) -> Accuracy:
        """F1 in percent, and the share of exact matches beside it, over the questions in the log."""
        import numpy as np

        from harness.metrics import squad

        data = Squad(dataset)
        logits: dict[int, list[tuple[Window, NDArray[np.float32]]]] = {}
        answered = answers(log)
        for index in sorted(answered):
            window = data.windows[index]
            values = np.frombuffer(answered[index], dtype="<f4").reshape(-1, 2)
            logits.setdefault(window.question, []).append((window, values))
        given = {n: squad.answer(data.questions[n], rows) for n, rows in logits.items()}
        matched, value = squad.score(data.questions, given)
        line = f'{{"exact_match": {matched}, "f1": {value}}}'
        return Accuracy("F1", value, len(answered), line, {"exact_match": matched, "questions": len(given)})

    def make_fixture(self, folder: Path, *, width: str, seed: int, samples: int) -> Fixture:
        """A seeded network over made-up words, and answers that plant an F1."""
        from harness.fixtures.bert import make

        return make(folder, width=width, seed=seed, samples=samples)


BENCHMARK = Bert()

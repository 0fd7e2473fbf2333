"""Image classification: the class that is answered, and the share of right ones.

The networks know 1001 classes, of which 0 is the background; labels begin with the class after it. An answer is one
float32.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.accuracy_log import answers
from harness.model import Accuracy

_FLOAT = struct.Struct("<f")

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.benchmarks.base import Array


def responses(said: Array) -> NDArray[np.float32]:
    """One float32 per sample [N,1] of classes [N] or of their scores [N,1001]; the first of equal ones."""
    import numpy as np

    classes = said.argmax(axis=1) if said.ndim == 2 and said.shape[1] > 1 else said
    return np.ascontiguousarray(np.asarray(classes, dtype=np.float32).reshape(-1, 1) - np.float32(1.0))


def response(said: Array) -> bytes:
    """The same for a single sample, without an operation more than needed."""
    try:
        place: int = said.item()
    except ValueError:  # scores
        place = said.argmax().item()
    return _FLOAT.pack(place - 1)


def accuracy(log: Path, labels: Sequence[tuple[str, int]]) -> Accuracy:
    """Top-1 in percent over the samples in the log, each index counted once."""
    answered = answers(log)
    good = sum(1 for index, data in answered.items() if _class(data) == labels[index][1])
    value = 100.0 * good / len(answered)
    line = f"accuracy={value:.3f}%, good={good}, total={len(answered)}"
    return Accuracy("acc", value, len(answered), line, {"good": good})


def _class(data: bytes) -> int:
    """The class of a response; -1 (never right) for an empty one, as a drained run leaves behind."""
    return int(struct.unpack("<f", data)[0]) if len(data) == 4 else -1

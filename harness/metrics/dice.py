"""How well two labellings overlap: the mean DICE coefficient of kidney (1) and tumour (2), as the reference has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SMOOTH = 1e-6


def dice(given: NDArray[np.uint8], right: NDArray[np.uint8], label: int) -> float:
    """Twice the common voxels by the sum of both, each with 1e-6 so that absent and not found is 1."""
    mine, theirs = given == label, right == label
    common = int((mine & theirs).sum())
    return (2.0 * common + SMOOTH) / (int(mine.sum()) + int(theirs.sum()) + SMOOTH)

"""How well two labellings overlap: DICE coefficients, as the references of KiTS19 and of BraTS 2019 have them."""

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


class Regions:
    """The three regions of BraTS, as nnU-Net scores them: a case in which neither has a region counts for it not."""

    def __init__(self) -> None:
        """Nothing has been scored yet."""
        self._scores: tuple[list[float], ...] = ([], [], [])

    def add(self, given: NDArray[np.uint8], right: NDArray[np.uint8]) -> None:
        """Score one case: labels of nnU-Net, 1 oedema, 2 core without enhancement, 3 enhancing."""
        for least, scores in enumerate(self._scores, start=1):
            mine, theirs = given >= least, right >= least
            both = int(mine.sum()) + int(theirs.sum())
            if both:
                scores.append(2.0 * int((mine & theirs).sum()) / both)

    def means(self) -> tuple[float, float, float]:
        """Of whole tumour, core and enhancing tumour over the cases; 0 for a region that no case has."""
        whole, core, enhancing = (sum(s) / len(s) if s else 0.0 for s in self._scores)
        return whole, core, enhancing

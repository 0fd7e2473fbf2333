"""The area under the ROC curve: how often a click is ranked above what was not clicked, ties half."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray


def auc(predictions: NDArray[Any], labels: NDArray[Any]) -> float:
    """Between 0 and 1, from the ranks (Mann-Whitney), equal predictions sharing theirs; NaN with one label only."""
    import numpy as np

    clicked = np.asarray(labels) > 0
    count = int(clicked.sum())
    others = len(clicked) - count
    if not count or not others:
        return float("nan")
    _, place, alike = np.unique(predictions, return_inverse=True, return_counts=True)
    last = np.cumsum(alike)
    twice = 2 * last - alike + 1  # twice the mean rank of each group, a whole number
    above = int(twice[place[clicked]].sum()) - count * (count + 1)
    return above / (2 * count * others)

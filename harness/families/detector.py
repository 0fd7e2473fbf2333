"""A detector: image in, boxes out, COCO mAP.

A benchmark says its names, its tensors, its data set with the place of its annotations, how the outputs of its network
become boxes, and its fixture. A box is logged as seven float32 (``harness.metrics.coco``).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.benchmarks.base import as_published
from harness.datasets.coco import read_annotations
from harness.metrics import coco
from harness.model import Accuracy


class Detector:
    """Annotations in COCO's form, and the score of boxes against them."""

    extra = ("cv2", "pycocotools")
    least_samples = 4
    implementation = "edgewatt"
    measurements = as_published()

    def truth(self, folder: Path) -> Mapping[str, Any]:
        """The annotations in a data set's folder, those of COCO 2017 unless a benchmark says otherwise."""
        return read_annotations(folder)

    def accuracy(self, log: Path, dataset: Path) -> Accuracy:
        """COCO mAP in percent over the images in the log."""
        return coco.accuracy(log, self.truth(dataset))

    def refuse_unscorable(self, dataset: Path) -> None:
        """The annotations, by pycocotools."""
        coco.refuse_unscorable(self.truth(dataset))


def room_for(boxes: int) -> int:
    """The bytes of an answer of so many boxes."""
    return boxes * coco.FIGURES * 4

"""SSD-ResNet34 on COCO 2017 at 1200×1200: image in, boxes out, COCO mAP. ``ssd-large`` of rounds v0.5 to v2.0.

Contract of the reference implementation's ONNX file: input ``image`` float32 [1,3,1200,1200]; outputs ``bboxes``
float32 [1,n,4] (left, top, right, bottom as shares), ``labels`` int64 [1,n] (taken as COCO ids, as the reference takes
those of this file) and ``scores`` float32 [1,n], best first. Seven float32 are logged per box with a score of 0.5 and
more: sample index, top, left, bottom, right, score, class.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.benchmarks.base import Tensor
from harness.datasets.coco import CocoImages, normalised
from harness.families.detector import Detector, room_for
from harness.metrics import coco
from harness.model import Fixture
from harness.retired import Retired

if TYPE_CHECKING:
    from harness.benchmarks.base import Array, Outputs

SIZE = 1200
LEAST_SCORE = 0.5


class SsdResNet34(Detector):
    """The benchmark ``ssd-large`` of the old rounds."""

    name = "ssd-resnet34"
    official = ("ssd-large",)
    retired = Retired("ssd-large", "rounds v0.5 to v2.0", ("retinanet",))
    help = "object detection with SSD-ResNet34, COCO 1200×1200, mAP (to v2.0; today an open entry)"
    inputs = ("image",)
    outputs = ("bboxes", "labels", "scores")
    most = 1
    tensors = (
        Tensor("input", "image", "float32", (1, 3, SIZE, SIZE)),
        Tensor("output", "bboxes", "float32", (1, None, 4)),
        Tensor("output", "labels", "int64", (1, None)),
        Tensor("output", "scores", "float32", (1, None)),
    )
    dataset_form = "a folder with annotations/instances_val2017.json and the images in val2017"
    full_set = 5000
    response_bytes = room_for(10)
    fixture_samples = 8

    def dataset(self, path: Path) -> CocoImages:
        """A folder with annotations and images."""
        return CocoImages(path, normalised)

    def responses(self, outputs: Outputs, indices: Sequence[int]) -> list[Array]:
        """The boxes of one image, each as seven float32."""
        boxes, labels, scores = (values[0] for values in outputs)
        count = coco.before_low(scores, LEAST_SCORE)
        return [coco.rows(indices[0], boxes[:count, [1, 0, 3, 2]], scores[:count], labels[:count])]

    def make_fixture(self, folder: Path, *, width: str, seed: int, samples: int) -> Fixture:
        """A graph that finds bright patches, images with some, and annotations that plant an mAP."""
        from harness.fixtures.ssd import make_resnet34

        return make_resnet34(folder, width=width, seed=seed, samples=samples)


BENCHMARK = SsdResNet34()

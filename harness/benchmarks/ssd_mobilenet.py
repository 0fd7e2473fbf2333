"""SSD-MobileNet-v1 on COCO 2017 at 300×300: image in, boxes out, COCO mAP. ``ssd-small`` of rounds v0.5 to v2.0.

Contract of the reference implementation: input ``image_tensor:0`` uint8 [N,300,300,3], colours last; outputs
``num_detections:0`` float32 [N], ``detection_boxes:0`` float32 [N,n,4] (top, left, bottom, right as shares),
``detection_scores:0`` and ``detection_classes:0`` float32 [N,n], classes by their COCO ids. Seven float32 are logged
for each of the first ``num_detections`` boxes: sample index, top, left, bottom, right, score, class.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.benchmarks.base import Tensor, as_published
from harness.datasets.coco import CocoImages, whole
from harness.families.detector import Detector, room_for
from harness.metrics import coco
from harness.model import Fixture
from harness.retired import Retired

if TYPE_CHECKING:
    from harness.benchmarks.base import Array, Outputs

SIZE = 300


class SsdMobileNet(Detector):
    """The benchmark ``ssd-small`` of the old rounds."""

    name = "ssd-mobilenet"
    official = ("ssd-small",)
    retired = Retired("ssd-small", "rounds v0.5 to v2.0", ("retinanet",))
    help = "object detection with SSD-MobileNet-v1, COCO 300×300, mAP (to v2.0; today an open entry)"
    inputs = ("image_tensor:0",)
    outputs = ("num_detections:0", "detection_boxes:0", "detection_scores:0", "detection_classes:0")
    most = None
    tensors = (
        Tensor("input", "image_tensor:0", "uint8", (None, SIZE, SIZE, 3)),
        Tensor("output", "num_detections:0", "float32", (None,)),
        Tensor("output", "detection_boxes:0", "float32", (None, None, 4)),
        Tensor("output", "detection_scores:0", "float32", (None, None)),
        Tensor("output", "detection_classes:0", "float32", (None, None)),
    )
    measurements = as_published("uint8")
    dataset_form = "a folder with annotations/instances_val2017.json and the images in val2017"
    full_set = 5000
    response_bytes = room_for(20)
    fixture_samples = 16

    def dataset(self, path: Path) -> CocoImages:
        """A folder with annotations and images."""
        return CocoImages(path, whole)

    def responses(self, outputs: Outputs, indices: Sequence[int]) -> list[Array]:
        """The boxes of each image, each as seven float32."""
        counts, boxes, scores, labels = outputs
        ends = [int(n) for n in counts.reshape(-1).tolist()]
        return [
            coco.rows(index, boxes[row, :end], scores[row, :end], labels[row, :end])
            for row, (index, end) in enumerate(zip(indices, ends, strict=True))
        ]

    def make_fixture(self, folder: Path, *, width: str, seed: int, samples: int) -> Fixture:
        """A graph that finds bright patches, images with some, and annotations that plant an mAP."""
        from harness.fixtures.ssd import make_mobilenet

        return make_mobilenet(folder, width=width, seed=seed, samples=samples)


BENCHMARK = SsdMobileNet()

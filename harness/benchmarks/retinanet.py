"""RetinaNet (ResNeXt50 FPN) on OpenImages: image in, boxes out, COCO mAP.

Contract of the reference implementation: input ``images`` float32 [1,3,800,800]; outputs ``boxes`` float32 [n,4]
(left, top, right, bottom in pixels of 800×800), ``labels`` int64 [n], ``scores`` float32 [n], best first. Seven float32
are logged per box with a score of 0.05 and more: sample index, top, left, bottom, right (as shares), score, label. An
image without such a box is answered with no bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.benchmarks.base import Tensor
from harness.datasets.openimages import SIZE, OpenImages, read_annotations
from harness.families.detector import Detector, room_for
from harness.metrics import coco
from harness.model import Fixture

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.benchmarks.base import Array, Outputs

LEAST_SCORE = 0.05


class RetinaNet(Detector):
    """The benchmark ``retinanet`` of the rounds."""

    name = "retinanet"
    official = ("retinanet",)
    help = "object detection, OpenImages 800×800, mAP"
    inputs = ("images",)
    outputs = ("boxes", "labels", "scores")
    most = 1
    tensors = (
        Tensor("input", "images", "float32", (1, 3, SIZE, SIZE)),
        Tensor("output", "boxes", "float32", (None, 4)),
        Tensor("output", "labels", "int64", (None,)),
        Tensor("output", "scores", "float32", (None,)),
    )
    dataset_form = "a folder with annotations/openimages-mlperf.json and the images in validation/data"
    full_set = 24_781
    response_bytes = room_for(20)
    fixture_samples = 16

    def dataset(self, path: Path) -> OpenImages:
        """A folder with annotations and images."""
        return OpenImages(path)

    def responses(self, outputs: Outputs, indices: Sequence[int]) -> list[Array]:
        """The boxes of one image, each as seven float32."""
        boxes, labels, scores = outputs
        return [rows(indices[0], boxes, labels, scores)]

    def truth(self, folder: Path) -> Mapping[str, Any]:
        """The annotations of the same folder."""
        return read_annotations(folder)

    def make_fixture(self, folder: Path, *, width: str, seed: int, samples: int) -> Fixture:
        """A graph that finds bright patches, images with some, and annotations that plant an mAP."""
        from harness.fixtures.retinanet import make

        return make(folder, width=width, seed=seed, samples=samples)


def rows(index: int, boxes: Array, labels: Array, scores: Array) -> NDArray[np.float32]:
    """[n,7] float32 for the boxes before the first one whose score is too low."""
    import numpy as np

    count = coco.before_low(scores, LEAST_SCORE)
    shares = np.asarray(boxes, dtype=np.float32)[:count, [1, 0, 3, 2]] / np.float32(SIZE)
    return coco.rows(index, shares, scores[:count], labels[:count])


BENCHMARK = RetinaNet()

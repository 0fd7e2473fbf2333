"""YOLO11-l on the free images of COCO 2017: image in, boxes out, COCO mAP.

Contract with an ONNX export of a fixed size, as the network's maker exports it: input ``images`` float32
[1,3,640,640]; output ``output0`` float32 [1,84,8400]: for each of 8400 places the middle and size of a box in pixels of
the letterbox and the scores of 80 classes. What the maker's ``predict`` does after the network is done here, from its
published behaviour: the best class of each place, scores above 0.001, of the boxes of one class that overlap by more
than 0.7 the best, at most 300. Seven float32 are logged per box (sample index, top, left, bottom, right as shares of
the original image, score, COCO id), best first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.benchmarks.base import Tensor, as_published
from harness.datasets.coco_safe import SIZE, CocoSafe, placed, read_annotations
from harness.families.detector import Detector, room_for
from harness.metrics import coco
from harness.model import Fixture

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.benchmarks.base import Array, Batch, Infer, Outputs

LEAST_SCORE = 0.001
OVERLAP = 0.7
MOST_PLACES = 30_000
MOST_BOXES = 300
CLASSES, PLACES = 80, 8400
UNUSED = (12, 26, 29, 30, 45, 66, 68, 69, 71, 83)
"""Ids up to 90 that COCO gave to no class of its detections."""
COCO_IDS = tuple(n for n in range(1, 91) if n not in UNUSED)
"""The COCO id of each of the 80 classes."""


class Yolo(Detector):
    """The benchmarks ``yolo-99`` and ``yolo-95`` of the rounds."""

    name = "yolo"
    official = ("yolo-99", "yolo-95")
    help = "object detection, YOLO11-l, free images of COCO 2017, mAP"
    inputs = ("images",)
    outputs = ("output0",)
    most = 1
    tensors = (
        Tensor("input", "images", "float32", (1, 3, SIZE, SIZE)),
        Tensor("output", "output0", "float32", (1, 4 + CLASSES, PLACES)),
    )
    dataset_form = "a folder with annotations/instances_val2017.json and the images in val2017_safe"
    full_set = 1525
    response_bytes = room_for(100)
    fixture_samples = 16
    measurements = as_published(changed="exported to ONNX; graph optimisation of the runtime")

    def dataset(self, path: Path) -> CocoSafe:
        """A folder with annotations and images."""
        return CocoSafe(path)

    def responses(self, outputs: Outputs, indices: Sequence[int]) -> list[Array]:
        """The boxes of an image that fills the letterbox."""
        return [rows(indices[0], outputs[0], SIZE, SIZE)]

    def answer(self, infer: Infer, batch: Batch, indices: Sequence[int]) -> list[Array]:
        """The boxes of one image, each as seven float32."""
        assert isinstance(batch, Mapping)
        (output,) = infer(batch["images"])
        height, width = batch["original"][0].tolist()
        return [rows(indices[0], output, height, width)]

    def truth(self, folder: Path) -> Mapping[str, Any]:
        """The annotations of the same folder."""
        return read_annotations(folder)

    def make_fixture(self, folder: Path, *, width: str, seed: int, samples: int) -> Fixture:
        """A graph that finds bright patches, images with some, and annotations that plant an mAP."""
        from harness.fixtures.yolo import make

        return make(folder, width=width, seed=seed, samples=samples)


def rows(index: int, output: Array, height: int, width: int) -> NDArray[np.float32]:
    """[n,7] float32 for what the network says ([1,84,8400]) of an image of this size."""
    import numpy as np

    values = np.asarray(output, dtype=np.float32)[0]
    best = values[4:].max(axis=0)
    likely = np.flatnonzero(best > LEAST_SCORE)
    order = likely[np.argsort(-best[likely], kind="stable")][:MOST_PLACES]
    scores, labels = best[order], values[4:, order].argmax(axis=0)
    middle, half = values[:2, order].T, values[2:4, order].T / 2
    corners = np.concatenate([middle - half, middle + half], axis=1)
    kept = apart(corners, labels)
    scale, _, _, top, left = placed(height, width)
    corners = (corners[kept] - np.array([left, top, left, top], dtype=np.float32)) / np.float32(scale)
    edges = np.array([width, height, width, height], dtype=np.float32)
    shares = np.clip(corners, 0, edges) / edges
    ids = np.array(COCO_IDS, dtype=np.float32)[labels[kept]]
    return coco.rows(index, shares[:, [1, 0, 3, 2]], scores[kept], ids)


def apart(corners: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Which boxes (left, top, right, bottom, best first) stay when each drops the later ones of its class that it
    overlaps by more than 0.7 (intersection over union); at most 300."""
    import numpy as np

    areas = (corners[:, 2] - corners[:, 0]) * (corners[:, 3] - corners[:, 1])
    classmates = {label: np.flatnonzero(labels == label) for label in np.unique(labels).tolist()}
    stays = np.ones(len(corners), dtype=bool)
    kept: list[int] = []
    for first, label in enumerate(labels.tolist()):
        if len(kept) == MOST_BOXES:
            break
        if not stays[first]:
            continue
        kept.append(first)
        later = classmates[label]
        later = later[np.searchsorted(later, first) + 1 :]
        low = np.maximum(corners[first, :2], corners[later, :2])
        high = np.minimum(corners[first, 2:], corners[later, 2:])
        common = np.prod(np.clip(high - low, 0, None), axis=1)
        stays[later[common > OVERLAP * (areas[first] + areas[later] - common)]] = False
    return np.array(kept, dtype=np.int64)


BENCHMARK = Yolo()

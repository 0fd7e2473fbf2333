"""3D-UNet on KiTS19: a CT scan in, a label per voxel out, mean DICE.

Contract of the reference implementation: input ``input`` float32 [1,1,128,128,128], output ``output`` float32
[1,3,128,128,128]. A scan is larger: windows of 128³ that begin 64 voxels apart are added up with weights that fall off
from their middle (a Gaussian of 16 voxels), divided by the sum of weights, and the strongest of background, kidney and
tumour is the label. The answer that is logged is the labels, one byte a voxel.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.accuracy_log import entries
from harness.benchmarks.base import Tensor, as_published
from harness.datasets.kits19 import STRIDE, WINDOW, Kits19
from harness.model import Accuracy, Fixture
from schemas.errors import Failed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.benchmarks.base import Array, Batch, Infer, Outputs

CUBE = (WINDOW, WINDOW, WINDOW)
SIGMA = WINDOW / 8
CLASSES = 3


class Unet3d:
    """The benchmarks ``3d-unet-99`` and ``3d-unet-99.9`` of the rounds."""

    name = "3d-unet"
    official = ("3d-unet-99", "3d-unet-99.9")
    help = "segmentation of kidney tumours, KiTS19, DICE"
    inputs = ("input",)
    outputs = ("output",)
    most = 1
    extra = ("scipy", "nibabel")
    fixture_samples = 3
    least_samples = 3
    implementation = "edgewatt"
    full_set = 43
    tensors = (
        Tensor("input", "input", "float32", (1, 1, *CUBE)),
        Tensor("output", "output", "float32", (1, CLASSES, *CUBE)),
    )
    dataset_form = (
        "a folder of KiTS19: case_*/imaging.nii.gz and segmentation.nii.gz, or preprocessed pickles"
    )
    response_bytes = 8 * WINDOW**3
    measurements = as_published()

    def dataset(self, path: Path) -> Kits19:
        """A folder with the cases."""
        return Kits19(path)

    def responses(self, outputs: Outputs, indices: Sequence[int]) -> list[Array]:
        """The labels of a scan that is one window."""
        return [strongest(outputs[0])]

    def answer(self, infer: Infer, batch: Batch, indices: Sequence[int]) -> list[Array]:
        """The labels of one scan, uint8 [1,D,H,W]."""
        import numpy as np

        scan = np.asarray(batch)
        if scan.shape[2:] == CUBE:
            return self.responses(infer(scan), indices)
        total = np.zeros((1, CLASSES, *scan.shape[2:]), dtype=np.float32)
        weights = np.zeros(scan.shape[2:], dtype=np.float32)
        for place in windows(scan.shape[2:]):
            (found,) = infer(np.ascontiguousarray(scan[:, :, *place]))
            total[:, :, *place] += np.asarray(found, dtype=np.float32) * weight()
            weights[place] += weight()
        return [strongest(total / weights)]

    def accuracy(self, log: Path, dataset: Path) -> Accuracy:
        """Mean DICE over the cases in the log; a case's is the mean of kidney and tumour."""
        import numpy as np

        from harness.metrics.dice import dice

        data = Kits19(dataset)
        scores: dict[int, tuple[float, float]] = {}
        for entry in entries(log):
            index = int(entry["qsl_idx"])
            if index in scores:
                continue
            given, right = np.frombuffer(bytes.fromhex(entry["data"]), dtype=np.uint8), data.labels(index)
            whole = given.size == right.size
            scores[index] = (
                (dice(given, right.reshape(-1), 1), dice(given, right.reshape(-1), 2)) if whole else (0, 0)
            )
        if not scores:
            raise Failed(f"{log.name} holds no answers, so there is no accuracy; look at the log beside it")
        ordered = [scores[index] for index in sorted(scores)]
        kidney, tumour = (sum(row[n] for row in ordered) / len(ordered) for n in (0, 1))
        value = sum((row[0] + row[1]) / 2 for row in ordered) / len(ordered)
        line = f"Accuracy: mean = {value:.5f}, kidney = {kidney:.4f}, tumor = {tumour:.4f}"
        return Accuracy("DICE", value, len(scores), line, {"kidney": kidney, "tumor": tumour})

    def refuse_unscorable(self, dataset: Path) -> None:
        """The labels of the first case, and no file that is cut off."""
        Kits19(dataset).refuse_unscorable()

    def make_fixture(self, folder: Path, *, width: str, seed: int, samples: int) -> Fixture:
        """A graph that labels by brightness, made-up scans, and labels that plant a DICE."""
        from harness.fixtures.unet3d import make

        return make(folder, width=width, seed=seed, samples=samples)


def windows(shape: Sequence[int]) -> Iterator[tuple[slice, ...]]:
    """The places of the windows in a volume whose sides are multiples of 64 from 128 on."""
    begins = [range(0, n - WINDOW + 1, STRIDE) for n in shape]
    for corner in itertools.product(*begins):
        yield tuple(slice(b, b + WINDOW) for b in corner)


@cache
def weight() -> NDArray[np.float32]:
    """What each voxel of a window counts: the cube root of the product of three Gaussians, at most 1."""
    import numpy as np

    places = np.arange(WINDOW) - (WINDOW - 1) / 2
    one = np.exp(-0.5 * (places / SIGMA) ** 2)
    cube = np.cbrt(one[:, None, None] * one[None, :, None] * one[None, None, :])
    made: NDArray[np.float32] = (cube / cube.max()).astype(np.float32)
    return made


def strongest(values: Any) -> NDArray[np.uint8]:
    """The class with the greatest value in each voxel, the first of equal ones: [1,C,D,H,W] to uint8 [1,D,H,W]."""
    import numpy as np

    best = np.array(values[:, 0])
    labels = np.zeros(best.shape, dtype=np.uint8)
    for number in range(1, values.shape[1]):
        labels[values[:, number] > best] = number
        np.maximum(best, values[:, number], out=best)
    return labels


BENCHMARK = Unet3d()

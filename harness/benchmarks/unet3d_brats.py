"""3D-UNet on BraTS 2019: four scans of a head in, four scores per voxel out, mean DICE. ``3d-unet`` of v0.7 to v1.1.

Contract of the reference implementation: input ``input`` float32 [1,4,224,224,160], output ``output`` float32 of the
same shape (further outputs are not asked for). The answer that is logged is the output as float16, 64 MB. Its greatest
value is a voxel's label: 0 nothing, 1 oedema, 2 core without enhancement, 3 enhancing. The score is the mean of the
DICE of three regions (whole tumour 1 to 3, core 2 and 3, enhancing 3), each the mean over the cases in which it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.accuracy_log import entries
from harness.benchmarks.base import Tensor, as_published
from harness.datasets.brats19 import MODALITIES, VOLUME, Brats19, Place
from harness.metrics.dice import Regions
from harness.model import Accuracy, Fixture
from harness.retired import Retired
from schemas.errors import Failed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.benchmarks.base import Array, Outputs

CLASSES = 4
VOXELS = VOLUME[0] * VOLUME[1] * VOLUME[2]


class Unet3dBrats:
    """The benchmarks ``3d-unet-99`` and ``3d-unet-99.9`` of the old rounds."""

    name = "3d-unet-brats"
    official: tuple[str, ...] = ()
    retired = Retired("3d-unet-99", "rounds v0.7 to v1.1", ("3d-unet-99", "3d-unet-99.9"))
    help = "segmentation of brain tumours, BraTS 2019, DICE (to v1.1; today an open entry)"
    inputs = ("input",)
    outputs = ("output",)
    most = 1
    extra = ("nibabel",)
    fixture_samples = 2
    least_samples = 2
    implementation = "edgewatt"
    full_set = 67
    tensors = (
        Tensor("input", "input", "float32", (1, MODALITIES, *VOLUME)),
        Tensor("output", "output", "float32", (1, CLASSES, *VOLUME)),
    )
    dataset_form = "a folder of BraTS 2019 as preprocessed by nnU-Net: pickles, and labelsTr/*.nii.gz"
    response_bytes = 2 * CLASSES * VOXELS
    measurements = as_published()

    def dataset(self, path: Path) -> Brats19:
        """A folder with the cases."""
        return Brats19(path)

    def responses(self, outputs: Outputs, indices: Sequence[int]) -> list[Array]:
        """The scores of one case, float16 [4,224,224,160]."""
        import numpy as np

        return [np.asarray(outputs[0][0]).astype(np.float16)]

    def accuracy(self, log: Path, dataset: Path) -> Accuracy:
        """Mean DICE of the three regions over the cases in the log."""
        data, regions, seen = Brats19(dataset), Regions(), set()
        for index, answer in _answers(log):
            if index not in seen:
                seen.add(index)
                place = data.place(index)
                regions.add(place.put_back(strongest(answer, place)), data.labels(index))
        if not seen:
            raise Failed(f"{log.name} holds no answers, so there is no accuracy; look at the log beside it")
        whole, core, enhancing = regions.means()
        value = (whole + core + enhancing) / 3
        line = (
            f"Accuracy: mean = {value:.5f}, whole tumor = {whole:.4f}, tumor core = {core:.4f}, "
            f"enhancing tumor = {enhancing:.4f}"
        )
        figures = {"whole tumor": whole, "tumor core": core, "enhancing tumor": enhancing}
        return Accuracy("DICE", value, len(seen), line, figures)

    def refuse_unscorable(self, dataset: Path) -> None:
        """The labels of the first case, and no file that is cut off."""
        Brats19(dataset).refuse_unscorable()

    def make_fixture(self, folder: Path, *, width: str, seed: int, samples: int) -> Fixture:
        """A graph that labels by brightness, made-up heads, and labels that plant a DICE."""
        from harness.fixtures.unet3d_brats import make

        return make(folder, width=width, seed=seed, samples=samples)


def _answers(log: Path) -> Iterator[tuple[int, bytes]]:
    """Index and bytes of each answer, one at a time because of their length."""
    for entry in entries(log):
        yield int(entry["qsl_idx"]), bytes.fromhex(entry["data"])


def strongest(answer: bytes, place: Place) -> NDArray[np.uint8]:
    """The labels of the part of the volume that a scan fills, uint8; all 0 for an answer of another length."""
    import numpy as np

    if len(answer) != Unet3dBrats.response_bytes:
        return np.zeros(place.size, dtype=np.uint8)
    scores = np.frombuffer(answer, dtype="<f2").reshape(CLASSES, *VOLUME)[:, *place.inside]
    labels: NDArray[np.uint8] = scores.astype(np.float32).argmax(axis=0).astype(np.uint8)
    return labels


BENCHMARK = Unet3dBrats()

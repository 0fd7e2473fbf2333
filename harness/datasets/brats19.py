"""BraTS 2019: magnetic resonance scans of brain tumours, preprocessed by nnU-Net as the reference has it.

A folder with ``preprocessed_files.pkl`` (a list of names), per name a pickle [scan float32 [4,D,H,W], facts] and the
right labels ``labelsTr/<name>.nii.gz`` in nnU-Net's numbers (1 oedema, 2 core without enhancement, 3 enhancing). Of the
facts those count that say where the scan lay: ``original_size_of_raw_data``, ``crop_bbox`` and ``size_after_cropping``,
in nnU-Net's order of axes (depth, height, width; a NIfTI file has them the other way round).

Pickles are read by ``harness.safepickle``, which opens arrays only, and those only with their owner's word. A scan is
put into the middle of 224×224×160 zeros (of an odd rest the smaller half before), unless it was before it was written.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import safepickle
from harness.cutoff import refuse_cut
from harness.datasets import missing
from harness.extras import need
from schemas.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Labels = NDArray[np.uint8]

VOLUME = (224, 224, 160)
MODALITIES = 4
LIST = "preprocessed_files.pkl"
LABELS = Path("labelsTr")
HIGHEST_LABEL = 3

Size = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the voxels of a case lie: the whole scan, the corner and the size of what was cut out of it."""

    original: Size
    corner: Size
    size: Size

    @property
    def before(self) -> Size:
        """How many zeros stand before the scan in each direction of the volume."""
        first, second, third = ((w - n) // 2 for w, n in zip(VOLUME, self.size, strict=True))
        return first, second, third

    @property
    def inside(self) -> tuple[slice, ...]:
        """The scan within the volume."""
        return tuple(slice(b, b + n) for b, n in zip(self.before, self.size, strict=True))

    def put_back(self, labels: Labels) -> Labels:
        """Labels of the cut-out part in the whole scan, 0 around it."""
        import numpy as np

        whole = np.zeros(self.original, dtype=np.uint8)
        whole[tuple(slice(c, c + n) for c, n in zip(self.corner, self.size, strict=True))] = labels
        return whole


class Brats19:
    """The data set; a case is read when it is loaded."""

    def __init__(self, folder: Path) -> None:
        """Find the cases and their files; ``UserError`` names what is missing."""
        if not (folder / LIST).is_file():
            raise UserError(
                f"{folder} has no {LIST}; --dataset wants the folder that the reference's preprocess.py of BraTS 2019 "
                f"writes, with the labels in {LABELS}"
            )
        safepickle.consented(folder)
        self._folder = folder
        self.cases = _listed(folder)
        lost = [path for path in self.files() if not path.is_file()]
        missing.refuse(lost, f"files of {len(self.cases)} cases", "a case")

    def __len__(self) -> int:
        """Number of cases."""
        return len(self.cases)

    def files(self) -> list[Path]:
        """The scans and labels in the order of the cases."""
        return [path for case in self.cases for path in (self._scan(case), self._right(case))]

    def load(self, index: int) -> NDArray[np.float32]:
        """One scan, float32 [4,224,224,160]."""
        import numpy as np

        scan, place = self._case(index)
        if scan.shape[1:] == VOLUME:
            return np.ascontiguousarray(scan)
        volume = np.zeros((MODALITIES, *VOLUME), dtype=np.float32)
        volume[:, *place.inside] = scan
        return volume

    def place(self, index: int) -> Place:
        """Where the voxels of a case lie."""
        return self._case(index)[1]

    def labels(self, index: int) -> Labels:
        """The right labels of the whole scan, uint8 [D,H,W]."""
        import numpy as np

        nibabel = need("nibabel")
        path = self._right(self.cases[index])
        try:
            found = np.asarray(nibabel.load(str(path)).dataobj).transpose()
        except Exception as error:
            raise UserError(f"{path} cannot be read as NIfTI ({error}); copy it again") from error
        original = self.place(index).original
        if found.shape != original or found.min() < 0 or found.max() > HIGHEST_LABEL:
            raise UserError(
                f"{path} holds {found.shape} labels from {found.min()} to {found.max()}; wanted {original} from 0 to "
                f"{HIGHEST_LABEL}: give the labels that nnU-Net converted"
            )
        return found.astype(np.uint8)

    def _scan(self, case: str) -> Path:
        return self._folder / f"{case}.pkl"

    def _right(self, case: str) -> Path:
        return self._folder / LABELS / f"{case}.nii.gz"

    def refuse_unscorable(self) -> None:
        """``UserError`` for labels that cannot be read: those of the first case, of the others their files' ends."""
        for path in self.files():
            refuse_cut(path)
        self.labels(0)

    def _case(self, index: int) -> tuple[NDArray[np.float32], Place]:
        import numpy as np

        path = self._scan(self.cases[index])
        found = safepickle.load(path)
        try:
            scan, facts = np.asarray(found[0], dtype=np.float32), found[1]
            place = _place(facts)
        except (TypeError, ValueError, IndexError, KeyError) as error:
            raise UserError(
                f"{path} does not hold a scan and where it lay ({type(error).__name__}: {error}); preprocess it again"
            ) from error
        if scan.ndim != 4 or scan.shape[0] != MODALITIES or scan.shape[1:] not in (place.size, VOLUME):
            raise UserError(
                f"{path} holds a scan of {scan.shape}; wanted {(MODALITIES, *place.size)} or {(MODALITIES, *VOLUME)}: "
                "preprocess the case again"
            )
        return scan, place


def _listed(folder: Path) -> tuple[str, ...]:
    names = safepickle.load(folder / LIST)
    if (
        not isinstance(names, list)
        or not names
        or not all(isinstance(n, str) and n and "/" not in n for n in names)
    ):
        raise UserError(f"{folder / LIST} is not a list of names; preprocess the data set again")
    return tuple(names)


def _place(facts: Any) -> Place:
    """``ValueError`` for a part that does not lie in the scan, fills no volume, or was resampled."""
    original, size = (_three(facts[key]) for key in ("original_size_of_raw_data", "size_after_cropping"))
    ends = [_two(pair) for pair in facts["crop_bbox"]]
    first, second, third = (low for low, _ in ends)
    if any(
        not 0 <= low < high <= n or high - low != s
        for (low, high), n, s in zip(ends, original, size, strict=True)
    ):
        raise ValueError(f"crop_bbox {ends} does not cut {size} out of {original}")
    if any(n > most for n, most in zip(size, VOLUME, strict=True)):
        raise ValueError(f"{size} is larger than {VOLUME}")
    if "size_after_resampling" in facts and _three(facts["size_after_resampling"]) != size:
        raise ValueError(f"it was resampled from {size}; BraTS has voxels of 1 mm")
    return Place(original, (first, second, third), size)


def _three(values: Any) -> Size:
    first, second, third = (int(n) for n in values)
    return first, second, third


def _two(values: Any) -> tuple[int, int]:
    low, high = (int(n) for n in values)
    return low, high

"""KiTS19: CT scans of kidneys, raw or preprocessed as the reference implementation does it.

Raw: folders ``case_00000`` with ``imaging.nii.gz`` and ``segmentation.nii.gz``; ``inference_cases.json`` (a list of
names), where it lies there, says which ones and in what order, else all in the order of their names. Preprocessed:
``preprocessed_files.pkl`` with ``file_list``, and per case a pickle [scan float32 [1,D,H,W], labels uint8 [1,D,H,W]].
Pickles are read by ``harness.safepickle``, which opens arrays only, and those only with their owner's word.

Pre-processing: voxels of 1.6 × 1.2 × 1.2 mm by linear interpolation (labels: nearest), values from -79 to 304, less
101, by 76.9; at least 128 voxels in each direction by repeating the border; then each direction to a multiple of 64:
cropped on both sides where less than 32 are too many, else filled with -2.2 (labels: 0).
"""

from __future__ import annotations

import json
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

SPACING_MM = (1.6, 1.2, 1.2)
CLIP = (-79.0, 304.0)
MEAN, DEVIATION = 101.0, 76.9
FILL = -2.2
WINDOW, STRIDE = 128, 64
LIST = "preprocessed_files.pkl"
CASES = "inference_cases.json"
SCAN, LABELS = "imaging.nii.gz", "segmentation.nii.gz"


class Kits19:
    """The data set; a scan is read, and preprocessed where it is raw, when it is loaded."""

    def __init__(self, folder: Path) -> None:
        """Find the cases and their files; ``UserError`` names what is missing."""
        if not folder.is_dir():
            raise UserError(f"{folder} is not a folder; --dataset wants that of KiTS19, raw or preprocessed")
        self._folder = folder
        self._raw = not (folder / LIST).exists()
        self.cases = _raw_cases(folder) if self._raw else _listed(folder)
        lost = [path for path in self.files() if not path.is_file()]
        missing.refuse(lost, f"files of {len(self.cases)} cases", "a case")

    def __len__(self) -> int:
        """Number of cases."""
        return len(self.cases)

    def files(self) -> list[Path]:
        """The scans and labels in the order of the cases."""
        if self._raw:
            return [self._folder / case / name for case in self.cases for name in (SCAN, LABELS)]
        return [self._folder / f"{case}.pkl" for case in self.cases]

    def load(self, index: int) -> NDArray[np.float32]:
        """One scan, float32 [1,D,H,W]."""
        return self._case(index)[0]

    def labels(self, index: int) -> NDArray[np.uint8]:
        """The right labels of a case in the same voxels, uint8 [1,D,H,W]."""
        return self._case(index)[1]

    def refuse_unscorable(self) -> None:
        """``UserError`` for labels that cannot be read: those of the first case, of the others their files' ends."""
        for path in self.files():
            refuse_cut(path)
        self.labels(0)

    def _case(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        import numpy as np

        case = self.cases[index]
        if self._raw:
            volume, spacing = _volume(self._folder / case / SCAN)
            right, _ = _volume(self._folder / case / LABELS)
            return preprocess(volume, right, spacing)
        path = self._folder / f"{case}.pkl"
        found = safepickle.load(path)
        try:
            scan, labels = np.asarray(found[0], dtype=np.float32), np.asarray(found[1], dtype=np.uint8)
        except (TypeError, ValueError, IndexError, KeyError) as error:
            raise UserError(
                f"{path} does not hold a scan and its labels; preprocess the case again"
            ) from error
        fits = scan.ndim == 4 and all(n >= WINDOW and n % STRIDE == 0 for n in scan.shape[1:])
        if not fits or scan.shape != labels.shape:
            raise UserError(
                f"{path} holds a scan of {scan.shape} and labels of {labels.shape}; wanted [1,D,H,W] in multiples of "
                f"{STRIDE} from {WINDOW} on: preprocess the case again"
            )
        return scan, labels


def _listed(folder: Path) -> tuple[str, ...]:
    safepickle.consented(folder)
    found = safepickle.load(folder / LIST)
    names = found.get("file_list") if isinstance(found, dict) else None
    if (
        not isinstance(names, list)
        or not names
        or not all(isinstance(n, str) and "/" not in n for n in names)
    ):
        raise UserError(f"{folder / LIST} has no file_list of names; preprocess the data set again")
    return tuple(names)


def _raw_cases(folder: Path) -> tuple[str, ...]:
    path = folder / CASES
    if path.exists():
        try:
            names = tuple(str(name) for name in json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise UserError(f"{path} is not a list of names of cases ({error}); correct it") from error
    else:
        names = tuple(sorted(p.name for p in folder.glob("case_*") if p.is_dir()))
    if not names:
        raise UserError(
            f"{folder} has no cases: neither {LIST} nor folders case_00000 with {SCAN} and {LABELS}"
        )
    return names


def _volume(path: Path) -> tuple[NDArray[Any], tuple[float, ...]]:
    """Values (float32, as the network wants them) and voxel size in mm of a NIfTI file."""
    nibabel = need("nibabel")
    try:
        image: Any = nibabel.load(str(path))
        return image.get_fdata(dtype="float32"), tuple(float(n) for n in image.header.get_zooms())
    except Exception as error:
        raise UserError(f"{path} cannot be read as NIfTI ({error}); copy it again") from error


def preprocess(
    scan: NDArray[Any], labels: NDArray[Any], spacing_mm: tuple[float, ...]
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """A scan and its labels [D,H,W] to what the network sees, [1,D,H,W]."""
    import numpy as np

    scan, labels = _resampled(scan, spacing_mm, order=1), _resampled(labels, spacing_mm, order=0)
    values = (np.clip(scan.astype(np.float32), *CLIP) - np.float32(MEAN)) / np.float32(DEVIATION)
    few = [_halves(max(0, WINDOW - n)) for n in values.shape]
    values, labels = np.pad(values, few, mode="edge"), np.pad(labels, few, mode="edge")
    for axis, count in enumerate(values.shape):
        over = count % STRIDE
        if over < STRIDE // 2:
            begin = over // 2
            keep = [slice(None)] * 3
            keep[axis] = slice(begin, begin + count - over)
            values, labels = values[tuple(keep)], labels[tuple(keep)]
        else:
            fill = [(0, 0)] * 3
            fill[axis] = _halves(STRIDE - over)
            values = np.pad(values, fill, constant_values=np.float32(FILL))
            labels = np.pad(labels, fill)
    return np.ascontiguousarray(values[None]), np.ascontiguousarray(labels[None].astype(np.uint8))


def _halves(count: int) -> tuple[int, int]:
    return count // 2, count - count // 2


def _resampled(volume: NDArray[Any], spacing_mm: tuple[float, ...], *, order: int) -> NDArray[Any]:
    factors = [have / want for have, want in zip(spacing_mm, SPACING_MM, strict=True)]
    if all(factor == 1.0 for factor in factors):
        return volume
    need("scipy")
    from scipy.ndimage import zoom

    made: NDArray[Any] = zoom(
        volume, factors, order=order, mode="constant", cval=volume.min(), grid_mode=False
    )
    return made

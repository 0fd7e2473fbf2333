"""BraTS 2019 by hand: where a scan lies, labels from scores, regions, and what pickles may say."""

from __future__ import annotations

import os
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from harness import safepickle
from harness.benchmarks.unet3d_brats import BENCHMARK, strongest
from harness.datasets.brats19 import LIST, VOLUME, Brats19, Place
from harness.metrics.dice import Regions
from schemas.errors import UserError

SIZE, CORNER, ORIGINAL = (3, 4, 5), (1, 0, 2), (6, 5, 9)


def facts(**changes: Any) -> dict[str, Any]:
    """As nnU-Net writes them, with what else is among them."""
    return {
        "original_size_of_raw_data": np.array(ORIGINAL),
        "original_spacing": np.array([1.0, 1.0, 1.0]),
        "itk_origin": (0.0, -239.0, 0.0),
        "crop_bbox": [[c, c + n] for c, n in zip(CORNER, SIZE, strict=True)],
        "size_after_cropping": SIZE,
        "size_after_resampling": SIZE,
        "use_nonzero_mask_for_norm": OrderedDict([(0, True), (1, True)]),
        **changes,
    }


def folder(path: Path, scan: Any, said: Any, labels: Any = None) -> Path:
    (path / LIST).write_bytes(pickle.dumps(["case_a"]))
    (path / "case_a.pkl").write_bytes(pickle.dumps([scan, said]))
    (path / "labelsTr").mkdir(exist_ok=True)
    right = np.zeros(ORIGINAL, dtype=np.uint8) if labels is None else labels
    nibabel.save(nibabel.Nifti1Image(right.transpose(), np.eye(4)), str(path / "labelsTr/case_a.nii.gz"))
    (path / safepickle.CONSENT).write_text("trusted\n")
    return path


def scan_of(size: tuple[int, ...] = SIZE) -> Any:
    return np.random.default_rng(1).normal(size=(4, *size)).astype(np.float32)


def test_a_scan_lies_in_the_middle(tmp_path: Path) -> None:
    """221 of 224 to fill: 110 zeros before and 111 after; 155 of 160: 77 and 78."""
    scan = scan_of()
    data = Brats19(folder(tmp_path, scan, facts()))
    volume = data.load(0)
    assert volume.shape == (4, *VOLUME)
    assert volume.dtype == np.float32
    assert np.array_equal(volume[:, 110:113, 110:114, 77:82], scan)
    assert np.count_nonzero(volume) == scan.size
    folder(tmp_path, volume, facts())
    assert np.array_equal(Brats19(tmp_path).load(0), volume), (
        "padded before it was written, as the reference does"
    )


def test_axes_of_labels(tmp_path: Path) -> None:
    right = np.zeros(ORIGINAL, dtype=np.uint8)
    right[5, 0, 8] = 3
    data = Brats19(folder(tmp_path, scan_of(), facts(), right))
    assert np.array_equal(data.labels(0), right)
    assert data.place(0).put_back(np.full(SIZE, 2, dtype=np.uint8))[1:4, 0:4, 2:7].all()


def test_labels_from_scores() -> None:
    """The greatest of four, the first of equal ones; what lies outside the scan is not looked at."""
    place = Place(ORIGINAL, CORNER, SIZE)
    scores = np.zeros((4, *VOLUME), dtype=np.float32)
    scores[3, :110] = 9.0
    scores[2, 110, 110, 77], scores[1, 110, 110, 77] = 0.5, 0.25
    scores[1, 112, 113, 81] = 1 / 2048  # float16 keeps it
    (answer,) = BENCHMARK.responses([scores[None]], [0])
    assert answer.dtype == np.float16
    assert answer.nbytes == BENCHMARK.response_bytes == 64_225_280
    labels = strongest(answer.tobytes(), place)
    assert labels.shape == SIZE
    assert (labels[0, 0, 0], labels[2, 3, 4], int(labels.sum())) == (2, 1, 3)
    assert not strongest(b"", place).any(), "a drained run leaves empty answers"


def test_regions_by_hand() -> None:
    regions = Regions()
    assert regions.means() == (0.0, 0.0, 0.0)
    given, right = np.array([1, 2, 3, 3, 0], dtype=np.uint8), np.array([1, 1, 3, 0, 0], dtype=np.uint8)
    regions.add(given, right)  # whole: 3 common of 4 and 3; core: 1 of 3 and 1; enhancing: 1 of 2 and 1
    assert regions.means() == pytest.approx((6 / 7, 2 / 4, 2 / 3))
    regions.add(
        np.array([1, 0], dtype=np.uint8), np.array([0, 1], dtype=np.uint8)
    )  # neither has core: it counts not
    assert regions.means() == pytest.approx((3 / 7, 2 / 4, 2 / 3))


class Foreign:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, ("touch /tmp/edgewatt-was-here",)


def test_pickles_need_a_word_and_make_arrays_only(tmp_path: Path) -> None:
    folder(tmp_path, scan_of(), facts())
    (tmp_path / safepickle.CONSENT).unlink()
    for said in (None, "", "no"):
        if said is not None:
            (tmp_path / safepickle.CONSENT).write_text(said)
        with pytest.raises(UserError, match=r"not read unasked.*echo trusted > .*read-pickles\.txt"):
            Brats19(tmp_path)
    (tmp_path / safepickle.CONSENT).write_text("trusted")
    (tmp_path / "case_a.pkl").write_bytes(pickle.dumps([scan_of(), Foreign()]))
    with pytest.raises(UserError, match=r"is no pickle of arrays \(it asks for posix\.system\)"):
        Brats19(tmp_path).load(0)


@pytest.mark.parametrize(
    ("scan", "said", "wanted"),
    [
        (scan_of((3, 4, 6)), facts(), r"holds a scan of \(4, 3, 4, 6\); wanted \(4, 3, 4, 5\)"),
        (scan_of()[:3], facts(), r"holds a scan of \(3, 3, 4, 5\)"),
        ("text", facts(), "does not hold a scan"),
        (scan_of(), {}, "does not hold a scan and where it lay .*original_size_of_raw_data"),
        (scan_of(), facts(crop_bbox=[[0, 3], [0, 4], [5, 10]]), "does not cut"),
        (scan_of(), facts(crop_bbox=[[0, 3], [0, 4]]), "does not hold a scan"),
        (scan_of(), facts(size_after_resampling=(6, 8, 10)), "was resampled"),
    ],
)
def test_cases_that_do_not_fit(tmp_path: Path, scan: Any, said: Any, wanted: str) -> None:
    with pytest.raises(UserError, match=wanted):
        Brats19(folder(tmp_path, scan, said)).load(0)


def test_missing_files_and_foreign_labels(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"has no preprocessed_files\.pkl"):
        Brats19(tmp_path)
    folder(tmp_path, scan_of(), facts(), np.full(ORIGINAL, 4, dtype=np.uint8))
    with pytest.raises(UserError, match=r"from 4 to 4; wanted .* give the labels that nnU-Net converted"):
        Brats19(tmp_path).labels(0)
    (tmp_path / "labelsTr/case_a.nii.gz").write_bytes(b"cut")
    with pytest.raises(UserError, match="cannot be read as NIfTI"):
        Brats19(tmp_path).labels(0)
    (tmp_path / "labelsTr/case_a.nii.gz").unlink()
    with pytest.raises(UserError, match=r"1 files of 1 cases are missing, .*case_a\.nii\.gz"):
        Brats19(tmp_path)
    for names in ([], {"a": 1}, ["../a"]):
        (tmp_path / LIST).write_bytes(pickle.dumps(names))
        with pytest.raises(UserError, match="is not a list of names"):
            Brats19(tmp_path)

"""KiTS19 by hand: voxels, windows and weights, DICE, and pickles that ask for more than arrays."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness import safepickle
from harness.benchmarks.unet3d import BENCHMARK, strongest, weight, windows
from harness.datasets.kits19 import SPACING_MM, Kits19, preprocess
from harness.metrics.dice import dice
from schemas.errors import UserError


def test_values_and_borders_by_hand() -> None:
    scan = np.full((130, 100, 165), 101.0)
    scan[1, 0, 0], scan[2, 0, 0], scan[3, 0, 0] = 1000.0, -1000.0, 101.0 + 76.9
    labels = np.zeros(scan.shape)
    labels[1] = 1
    made, right = preprocess(scan, labels, SPACING_MM)
    # 130: 2 too many, one cut on each side. 100: 14 of the border on each side. 165: 37 over, filled by 13 and 14.
    assert made.shape == right.shape == (1, 128, 128, 192)
    assert (made.dtype, right.dtype) == (np.float32, np.uint8)
    assert made[0, :3, 0, 13].tolist() == pytest.approx(
        [(304 - 101) / 76.9, (-79 - 101) / 76.9, 1.0], rel=1e-6
    )
    assert made[0, 0, 14, 13] == made[0, 0, 0, 13], "the border is repeated"
    assert made[0, 0, 0, 12] == made[0, 0, 0, 178] == np.float32(-2.2)
    assert made[0, 9, 9, 177] == 0.0
    assert right[0, 0, :, 13:178].all()
    assert not right[0, 0, :, :13].any()
    assert not right[0, 1].any()


def test_resampling_by_hand() -> None:
    """Two voxels of 2.4 mm become four of 1.2 mm; linear between them, the labels of the nearer one."""
    scan = np.zeros((128, 128, 64))
    scan[:, :, 32:] = 76.9
    made, right = preprocess(scan + 101, scan > 0, (1.6, 1.2, 2.4))
    assert made.shape == (1, 128, 128, 128)
    row = made[0, 0, 0]
    places = np.arange(128) * 63 / 127
    assert np.allclose(row, np.clip(places - 31, 0, 1), atol=1e-5)
    assert right[0, 0, 0].tolist() == [int(p >= 31.5) for p in places]


def test_windows_and_weights() -> None:
    assert [tuple(s.start for s in w) for w in windows((192, 128, 256))] == [
        *((0, 0, 0), (0, 0, 64), (0, 0, 128), (64, 0, 0), (64, 0, 64), (64, 0, 128))
    ]
    made = weight()
    assert made.shape == (128, 128, 128)
    assert made.max() == made[63, 64, 63] == 1.0
    assert made[0, 64, 64] == pytest.approx(np.exp(-0.5 * (63.5**2 - 0.5**2) / 256 / 3), rel=1e-5)


def test_overlapping_windows_are_weighted() -> None:
    """Each window claims another class with the same certainty: the nearer middle wins."""
    calls = iter((1.0, 2.0))

    def infer(batch: Any) -> list[Any]:
        made = np.zeros((1, 3, 128, 128, 128), dtype=np.float32)
        made[:, int(next(calls))] = 1.0
        assert batch.shape == (1, 1, 128, 128, 128)
        return [made]

    (labels,) = BENCHMARK.answer(infer, np.zeros((1, 1, 192, 128, 128), dtype=np.float32), [0])
    assert labels.dtype == np.uint8
    assert labels.shape == (1, 192, 128, 128)
    assert (labels[0, :96] == 1).all()
    assert (labels[0, 96:] == 2).all()


def test_strongest_and_dice_by_hand() -> None:
    values = np.array([[0, 0, 3], [0, 2, 3], [-1, 2, 4]], dtype=np.float32).reshape(1, 3, 1, 1, 3)
    assert strongest(values).reshape(-1).tolist() == [0, 1, 2]
    given, right = np.array([1, 1, 2, 0], dtype=np.uint8), np.array([1, 0, 0, 0], dtype=np.uint8)
    assert dice(given, right, 1) == pytest.approx(2 / 3, abs=1e-6)
    assert dice(given, right, 2) == pytest.approx(0.0, abs=1e-5)
    assert dice(right, right, 2) == 1.0


def preprocessed(folder: Path, scan: Any, labels: Any) -> Path:
    (folder / "preprocessed_files.pkl").write_bytes(pickle.dumps({"file_list": ["case_00000"], "cases": {}}))
    (folder / "case_00000.pkl").write_bytes(pickle.dumps([scan, labels]))
    return folder


def test_preprocessed_pickles(tmp_path: Path) -> None:
    scan = np.random.default_rng(1).normal(size=(1, 128, 128, 128)).astype(np.float32)
    labels = (scan > 0).astype(np.uint8)
    preprocessed(tmp_path, scan, labels)
    with pytest.raises(UserError, match=r"holds pickles, .* say so with: echo trusted > .*read-pickles\.txt"):
        Kits19(tmp_path)
    (tmp_path / safepickle.CONSENT).write_text("trusted")
    data = Kits19(tmp_path)
    assert (len(data), data.cases) == (1, ("case_00000",))
    assert np.array_equal(data.load(0), scan)
    assert np.array_equal(data.labels(0), labels)
    preprocessed(tmp_path, scan[:, :100], labels)
    with pytest.raises(UserError, match=r"wanted \[1,D,H,W\] in multiples of 64"):
        data.load(0)
    (tmp_path / "case_00000.pkl").unlink()
    with pytest.raises(UserError, match=r"1 files of 1 cases are missing, .*case_00000\.pkl"):
        Kits19(tmp_path)


class Foreign:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, ("touch /tmp/edgewatt-was-here",)


def test_foreign_pickles_are_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "case.pkl"
    path.write_bytes(pickle.dumps([Foreign()]))
    with pytest.raises(UserError, match=r"is no pickle of arrays \(it asks for posix\.system\)"):
        safepickle.load(path)
    path.write_bytes(pickle.dumps(np.zeros(9))[:-20])
    with pytest.raises(UserError, match="is no pickle of arrays"):
        safepickle.load(path)


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has no cases"):
        Kits19(tmp_path)
    (tmp_path / "inference_cases.json").write_text("{")
    with pytest.raises(UserError, match="is not a list of names"):
        Kits19(tmp_path)

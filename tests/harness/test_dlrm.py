"""DLRM's data and score by hand: groups, ids side by side, the area under the curve."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.accuracy_log import write
from harness.benchmarks.dlrm import BENCHMARK
from harness.datasets.criteo import HOT, QUANTILES, SPARSE, TRACE, Criteo, drawn
from harness.metrics.auc import auc
from schemas.errors import Failed, UserError

ROWS = 9


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Nine rows, of which the first five count, in groups of two and three."""
    np.save(tmp_path / "day_23_dense.npy", np.arange(ROWS * 13, dtype=np.float32).reshape(ROWS, 13))
    np.save(
        tmp_path / "day_23_labels.npy",
        np.array([[1], [0], [0], [1], [0], [1], [1], [1], [1]], dtype=np.int32),
    )
    np.savez(tmp_path / SPARSE, **ids())  # type: ignore[arg-type]
    (tmp_path / TRACE).write_text("0, 2, 2\n2, 5, 3\n")
    return tmp_path


def ids() -> dict[str, Any]:
    """In row r, the ids of category c are 1000 r + c."""
    rows = 1000 * np.arange(ROWS, dtype=np.int32)[:, None]
    return {str(c): np.repeat(rows + np.int32(c), hot, axis=1) for c, hot in enumerate(HOT)}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_groups_and_ids_by_hand(folder: Path, save: Any) -> None:
    save(folder / SPARSE, **ids())
    data = Criteo(folder)
    assert (len(data), [data.rows(n) for n in range(2)]) == (2, [slice(0, 2), slice(2, 5)])
    sample = data.load(1)
    assert sample["dense"][:, 0].tolist() == [26, 39, 52]
    assert sample["labels"].tolist() == [0, 1, 0]
    row = sample["sparse"][2].tolist()
    assert (sample["sparse"].shape, sample["sparse"].dtype) == ((3, 214), np.dtype("int64"))
    assert row == [4000 + c for c, hot in enumerate(HOT) for _ in range(hot)]
    assert [p.name for p in data.files()][-1] == TRACE


def test_groups_drawn_from_a_distribution(folder: Path) -> None:
    """The lengths are those of numpy's old generator with the seed 123: 3, 2, 3, 3, 1, 3, 3."""
    assert drawn([1, 2, 3, 4], 100)[:8] == [0, 3, 5, 8, 11, 12, 15, 18]
    assert drawn([4], 10) == [0, 4, 8, 10], "the last group has what is left"
    (folder / TRACE).unlink()
    (folder / QUANTILES).write_text("2, 2, 2\n")
    assert Criteo(folder).ends == [0, 2, 4, 5]


@pytest.mark.parametrize(
    ("predictions", "labels", "wanted"),
    [
        ([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1], 0.75),
        ([1, 2, 3, 4], [0, 0, 1, 1], 1.0),
        ([4, 3, 2, 1], [0, 0, 1, 1], 0.0),
        ([5, 5, 5, 5], [0, 1, 0, 1], 0.5),
        ([1, 2, 2, 3], [0, 0, 1, 1], 0.875),
        ([1, 2, 2, 2, 0], [1, 1, 0, 0, 0], (1 + 1 + 0.5 + 0.5) / 6),
    ],
)
def test_area_by_hand(predictions: list[float], labels: list[int], wanted: float) -> None:
    assert auc(np.array(predictions, dtype=np.float32), np.array(labels)) == wanted


def test_area_of_one_label_is_none() -> None:
    assert np.isnan(auc(np.array([1.0, 2.0]), np.array([1, 1])))


def test_answers_of_two_groups_in_one_call(folder: Path) -> None:
    data = Criteo(folder)
    calls: list[int] = []

    def infer(batch: Any) -> list[Any]:
        calls.append(len(batch["dense"]))
        return [batch["dense"][:, 0] / 100]

    rows = BENCHMARK.answer(infer, [data.load(1), data.load(0)], [1, 0])
    assert calls == [5]
    assert rows[0].tolist() == pytest.approx(np.array([[0.26, 0], [0.39, 1], [0.52, 0]]))
    assert rows[1].tolist() == pytest.approx(np.array([[0, 1], [0.13, 0]]))
    assert all(row.flags["C_CONTIGUOUS"] and row.dtype == np.float32 for row in rows)


def log_of(path: Path, answers: dict[int, list[float]]) -> Path:
    rows = [
        {"seq_id": n, "qsl_idx": i, "data": np.array(v, dtype="<f4").tobytes().hex()}
        for n, (i, v) in enumerate(answers.items())
    ]
    write(path, rows)
    return path


@pytest.mark.parametrize(
    "answers",
    [
        {0: [0.9, 1, 0.2, 0], 1: [0.3, 0, 0.8, 1, 0.95, 0]},
        {1: [0.3, 0.8, 0.95], 0: [0.9, 0.2]},
    ],
)
def test_score_of_a_log(answers: dict[int, list[float]], folder: Path, tmp_path: Path) -> None:
    """Clicked: 0.9 and 0.8. Not: 0.2, 0.3, 0.95. Of six pairs four are in order; 0.95 is taken for a click."""
    found = BENCHMARK.accuracy(log_of(tmp_path / "log", answers), folder)
    assert (found.metric, found.value, found.total) == ("AUC", pytest.approx(400 / 6), 2)
    assert found.line == "AUC=66.667%, accuracy=80.000%, good=4, total=5, queries=2"


def test_log_of_another_data_set(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(Failed, match="has other labels for sample 0"):
        BENCHMARK.accuracy(log_of(tmp_path / "log", {0: [0.9, 1, 0.2, 1]}), folder)
    with pytest.raises(Failed, match="has 3 numbers for the 2 pairs of sample 0"):
        BENCHMARK.accuracy(log_of(tmp_path / "log", {0: [0.9, 1, 0.2]}), folder)


def text(name: str, content: str) -> Callable[[Path], object]:
    return lambda root: (root / name).write_text(content)


def array(name: str, value: Any) -> Callable[[Path], object]:
    return lambda root: np.save(root / name, value)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda r: (r / "day_23_dense.npy").unlink(), r"there is no .*day_23_dense\.npy; make the data set"),
        (text("day_23_labels.npy", "x"), r"day_23_labels\.npy is no array of numpy"),
        (
            array("day_23_labels.npy", np.zeros((8, 1), dtype=np.int32)),
            r"is int32 \[8, 1\]; it wants int32 \[9,1\]",
        ),
        (array("day_23_dense.npy", np.zeros((9, 13))), r"is float64 \[9, 13\]; it wants float32 \[R,13\]"),
        (lambda r: (r / SPARSE).unlink(), r"there is no .*multi_hot\.npz"),
        (text(SPARSE, "x"), "is no file of numpy"),
        (lambda r: np.savez(r / SPARSE, **{"0": np.zeros(3)}), r"lacks 1\.npy, 2\.npy, 3\.npy"),
        (lambda r: (r / TRACE).unlink(), r"there is no .*aggregated_samples\.txt and no dist_quantile\.txt"),
        (text(TRACE, ""), "has groups up to row 0"),
        (text(TRACE, "0, 2, 2\n3, 5, 2\n"), r"has '3, 5, 2' in line 2; .* begins at 2"),
        (text(TRACE, "0, 2, 2\n2, 6, 4\n"), "has groups up to row 6, and the data set has 5 rows to group"),
        (text(TRACE, "0, x, 2\n"), "is no row of whole numbers"),
        (lambda r: (r / TRACE).write_bytes(b"0, 2, \xff\n"), "is no row of whole numbers"),
    ],
)
def test_data_that_do_not_fit(edit: Callable[[Path], object], message: str, folder: Path) -> None:
    edit(folder)
    with pytest.raises(UserError, match=message):
        Criteo(folder)


def test_ids_that_do_not_fit(folder: Path) -> None:
    np.savez(folder / SPARSE, **{**ids(), "3": np.zeros((ROWS, 7), dtype=np.int32)})  # type: ignore[arg-type]
    with pytest.raises(UserError, match=r"3\.npy is int32 \[9, 7\]; it wants int32 \[9,2\]"):
        Criteo(folder).load(0)


def test_edge_systems_are_told(
    folder: Path, tmp_path: Path, program: Callable[..., tuple[int, str, str]]
) -> None:
    (tmp_path / "dlrm.onnx").write_bytes(b"x")
    code, _, said = program(
        *("run", "dlrm-v2-99", "--round", "v5.1", "--scenario", "Offline", "--model", tmp_path / "dlrm.onnx"),
        *("--dataset", folder, "--output", tmp_path / "tree"),
    )
    assert code == 2
    assert "has no dlrm-v2-99 for systems of the type edge" in said

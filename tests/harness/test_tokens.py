"""First tokens and token counts on their way to LoadGen, and what TEST06 makes of the log."""

from __future__ import annotations

import ctypes
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness import loadgens
from harness.benchmarks.base import Counted, Traits
from harness.compliance.test06 import checked
from harness.process import ChildProcess
from harness.queued import QueuedSut
from harness.registry import benchmark
from harness.sut import Sut
from schemas.errors import Failed
from schemas.loadgen import LoadgenLog
from schemas.rounds import load_round

END = 99
ENDS = frozenset({END, 98})


class Prompts:
    """Prompt i has i + 1 tokens, all i."""

    def __len__(self) -> int:
        return 50

    def load(self, index: int) -> np.ndarray[Any, np.dtype[np.int64]]:
        return np.full(index + 1, index, dtype=np.int64)


class Speaker:
    """A benchmark that says a prompt's number as often as it is long, and the end."""

    name = "speaker"
    most = None
    traits = Traits(ragged=True)

    def responses(self, outputs: Sequence[Any], indices: Sequence[int]) -> Counted:
        return Counted(list(outputs), [len(row) for row in outputs])


class Engine:
    """A runtime that tells of first tokens, unless it is dumb."""

    name = "engine"
    dumb = False
    fail_at = 10**9

    def __init__(self) -> None:
        self.batches: list[int] = []

    def adopt(self, bench: Any, model: Path, *, threads: int) -> None:
        raise NotImplementedError

    def infer(self, batch: Any) -> Sequence[Any]:
        return self.generate(batch, lambda places, tokens: None)

    def generate(self, batch: Any, first: Any) -> Sequence[Any]:
        assert isinstance(batch, list)
        self.batches.append(len(batch))
        if len(self.batches) >= self.fail_at:
            raise RuntimeError("the accelerator fell off")
        if not self.dumb:
            first(range(len(batch)), [int(row[0]) for row in batch])
        return [np.array([*row, END], dtype=np.int32) for row in batch]


def connected(engine: Engine, *, times: bool = True, batch: int = 2) -> tuple[Sut, list[Any], list[Any]]:
    """A SUT, what LoadGen hears of first tokens, and what it is handed: query, token ids, count."""
    sut = Sut(Speaker(), engine, Prompts(), batch=batch)  # type: ignore[arg-type]
    firsts: list[Any] = []
    answers: list[Any] = []

    def read(into: list[Any]) -> Any:
        def take(rows: Sequence[tuple[int, ...]]) -> None:
            for query, address, size, *count in rows:
                data = ctypes.string_at(address, size) if size else b""
                into.append((query, np.frombuffer(data, dtype=np.int32).tolist(), *count))

        return take

    sut.connect(read(answers), read(firsts) if times else None)
    return sut, firsts, answers


def test_first_tokens_come_before_the_answers_with_their_queries() -> None:
    sut, firsts, answers = connected(Engine())
    sut.load([1, 2, 0])
    sut.issue([100, 101, 102], [2, 0, 1])
    assert firsts == [(100, [2], 1), (101, [0], 1), (102, [1], 1)]
    assert answers == [(100, [2, 2, 2, END], 4), (101, [0, END], 2), (102, [1, 1, END], 3)]
    assert sut.error is None


def test_a_runtime_that_says_no_first_token_has_it_said_at_the_end() -> None:
    engine = Engine()
    engine.dumb = True
    sut, firsts, _ = connected(engine)
    sut.load([1, 2])
    sut.issue([7, 8], [1, 2])
    assert firsts == [(7, [1], 1), (8, [2], 1)]


def test_nobody_is_told_where_loadgen_does_not_time_tokens() -> None:
    sut, firsts, answers = connected(Engine(), times=False)
    sut.load([1])
    sut.issue([7], [1])
    assert (firsts, answers) == ([], [(7, [1, 1, END], 3)])


def test_a_query_that_is_given_up_has_a_first_token_too() -> None:
    """LoadGen falls over a run without any, and calls fewer than two tokens an error."""
    engine = Engine()
    engine.fail_at = 2
    sut, firsts, answers = connected(engine, batch=1)
    sut.load([1])
    sut.issue([1, 2], [1, 1])
    sut.issue([3], [1])
    assert str(sut.error) == "the accelerator fell off"
    assert firsts == [(1, [1], 1), (2, [0], 1), (3, [0], 1)]
    assert answers == [(1, [1, 1, END], 3), (2, [], 2), (3, [], 2)]


def test_an_answer_that_nobody_waits_for_is_not_handed_back() -> None:
    """Its generation was stopped, so it is cut off."""
    engine = Engine()
    sut, firsts, answers = connected(engine, batch=1)
    sut.load([1])
    generate = engine.generate

    def stopped(batch: Any, first: Any) -> Sequence[Any]:
        assert not first.over()
        sut.drain()
        assert first.over()
        return generate(batch, first)

    sut._generate = stopped  # type: ignore[assignment]
    sut.issue([4], [1])
    assert firsts[-1] == (4, [0], 1)
    assert answers == [(4, [], 2)]
    assert sut.error is None


def test_workers_tell_first_tokens_as_well() -> None:
    told: list[int] = []
    done: list[int] = []
    sut = QueuedSut(Speaker(), Engine(), Prompts(), batch=4)  # type: ignore[arg-type]
    sut.load([1, 2])
    sut.connect(lambda rows: done.extend(r[0] for r in rows), lambda rows: told.extend(r[0] for r in rows))
    sut.issue([5], [1])
    sut.issue([6], [2])
    sut.close()
    assert sorted(told) == sorted(done) == [5, 6]


@pytest.mark.parametrize("round_name", ["v5.1", "v6.1"])
def test_a_failure_before_the_first_token_leaves_logs_and_a_sentence(round_name: str, tmp_path: Path) -> None:
    """Without a first token LoadGen would end with a segmentation fault."""
    conf = tmp_path / "user.conf"
    conf.write_text(
        "*.SingleStream.min_duration = 300\n*.SingleStream.target_latency = 20\n", encoding="utf-8"
    )
    told = spoken_job(tmp_path, round_name, conf)
    with ChildProcess(told, tmp_path, entry="tests.harness.speaking_child") as child:
        child.wait_for("ready")
        child.go()
        with pytest.raises(Failed, match="the accelerator fell off"):
            child.wait_for("done")
    log = LoadgenLog.read(tmp_path / "mlperf_log_detail.txt")
    assert log.first("result_validity") in ("VALID", "INVALID")
    assert not [e for e in log.errors if "token" in str(e.value)]


def test_loadgen_times_tokens_and_logs_them(tmp_path: Path) -> None:
    """An accuracy run: the first token and the count stand beside each answer."""
    conf = tmp_path / "user.conf"
    conf.write_text("*.SingleStream.target_latency = 20\n", encoding="utf-8")
    told = spoken_job(tmp_path, "v6.1", conf, mode="accuracy", fails=False)
    with ChildProcess(told, tmp_path, entry="tests.harness.speaking_child") as child:
        child.wait_for("ready")
        child.go()
        child.wait_for("done")
    rows = json.loads((tmp_path / "mlperf_log_accuracy.json").read_text(encoding="utf-8"))
    assert len(rows) == len(Prompts())
    assert not LoadgenLog.read(tmp_path / "mlperf_log_detail.txt").errors
    check = checked(rows, "<i4", ENDS, "SingleStream")
    assert check.passed, check.lines


def spoken_job(
    folder: Path, round_name: str, conf: Path, mode: str = "performance", fails: bool = True
) -> Any:
    """A run of the speaker by the LoadGen of a round."""
    from dataclasses import replace

    round_ = load_round(round_name)
    place = loadgens.fetch(round_)
    return replace(
        job_of(folder),
        benchmark="fails" if fails else "speaks",
        loadgen_model="llama3_1-8b-edge",
        mode=mode,
        user_conf=str(conf),
        seeds=dict(round_.seeds()),
        performance_sample_count=len(Prompts()),
        loadgen=None if place is None else str(place),
        token_latencies=True,
    )


def job_of(folder: Path) -> Any:
    from harness.model import Job

    return Job(
        kind="loadgen",
        benchmark="",
        loadgen_model="",
        scenario="SingleStream",
        mode="performance",
        model="",
        dataset="",
        backend="",
        threads=1,
        batch=1,
        log_dir=str(folder),
        user_conf="",
        audit_conf=str(folder / "none"),
        seeds={},
        performance_sample_count=1,
    )


def entry(data: list[int], first: list[int] | None, count: int | None) -> dict[str, Any]:
    row: dict[str, Any] = {"data": np.array(data, dtype="<i4").tobytes().hex()}
    if first is not None:
        row["token_data"] = np.array(first, dtype="<i4").tobytes().hex()
    return row if count is None else {**row, "token_count": count}


@pytest.mark.parametrize(
    ("row", "scenario", "wrong"),
    [
        (entry([1, 2, END], [1], 3), "SingleStream", None),
        (entry([1, 2, 3], [1], 3), "SingleStream", None),
        (entry([1, 2, END], None, 3), "Offline", None),
        (entry([1, 2, END], [2], 3), "SingleStream", "First token"),
        (entry([1, 2, END], None, 3), "Server", "First token"),
        (entry([1, END, END], [1], 3), "SingleStream", "EOS"),
        (entry([1, END, 98], [1], 3), "SingleStream", "EOS"),
        (entry([1, 2, END], [1], 4), "SingleStream", "Sample length"),
        (entry([1, 2, END], [1], None), "SingleStream", "Sample length"),
    ],
)
def test_test06_finds_what_is_wrong(row: dict[str, Any], scenario: str, wrong: str | None) -> None:
    good = entry([4, 5], [4], 2)
    check = checked([good, row], "<i4", ENDS, scenario)
    assert check.passed == (wrong is None)
    failed = [line for line in check.lines if line.endswith("False")]
    assert [line.partition(" check")[0] for line in failed] == ([] if wrong is None else [wrong])


def test_test06_passes_nothing_without_outputs() -> None:
    assert not checked([], "<i4", ENDS, "Offline").passed


def test_only_one_that_speaks_has_test06() -> None:
    assert "TEST06" in benchmark("llama3.1-8b-edge").traits.further_tests  # type: ignore[attr-defined]

"""The range guard over readings made by hand, over published runs, and in a daemon at a run's own cadence."""

from __future__ import annotations

import json
import os
import re
import time
from dataclasses import replace
from pathlib import Path

import pytest

from powerd.config import Config, parse_meter
from powerd.drivers.yokogawa_wt300 import READ
from powerd.model import Quality, Reading
from powerd.range_guard import RangeAlarm, RangeGuard
from powerd.service import Service
from schemas.metrology import series
from tests.checker.corpus import needs_corpus
from tests.powerd.made import S, reading
from tests.powerd.published_power import Published, published

SPEC = series("yokogawa-wt300")["WT310E"]
HEAD = Path(__file__).parent / "recordings/yokogawa-wt300/emulated-wt310e-9600.jsonl"


def looked(readings: list[Reading]) -> list[tuple[int, RangeAlarm]]:
    """Number of the reading and what was said on it."""
    guard = RangeGuard(SPEC)
    return [(i, alarm) for i, r in enumerate(readings) for alarm in guard.look(r).alarms]


def on(row: Reading, **values: object) -> Reading:
    return replace(row, values=replace(row.values, **values))  # type: ignore[arg-type]


def test_a_load_that_fits_its_range_is_quiet() -> None:
    assert looked([reading(i, 200.0) for i in range(60)]) == []


def test_a_clipped_peak_is_said_at_once_and_once_with_the_next_range_up() -> None:
    rows = [reading(i) for i in range(10)]
    for i in (4, 6):
        rows[i] = on(rows[i], power_w=None, current_a=None, quality=Quality.OVERRANGE)
    ((at, alarm),) = looked(rows)
    assert (at, alarm.kind, alarm.voltage_range_v, alarm.current_range_a) == (4, "range", None, 2)
    assert alarm.message == "current over range on the range of 1 A: take 2 A"


def test_a_current_that_is_close_to_the_end_of_its_range_is_said_before_it_clips() -> None:
    rows = [on(reading(i), current_a=1.0 + 0.05 * i) for i in range(8)]
    ((at, alarm),) = looked(rows)
    assert rows[at].values.current_a == pytest.approx(1.35)
    assert alarm.current_range_a == 2


def test_above_the_highest_range_there_is_nothing_to_propose() -> None:
    rows = [on(reading(i), current_range_a=20.0, current_a=None, quality=Quality.OVERRANGE) for i in range(3)]
    assert looked(rows)[0][1].message == "current over range on the range of 20 A: there is no higher one"


def test_ranges_are_halved_at_crest_factor_six() -> None:
    rows = [on(reading(1), crest_factor=6, current_range_a=0.5, current_a=None, quality=Quality.OVERRANGE)]
    assert looked(rows)[0][1].current_range_a == 1


def test_a_range_that_is_too_wide_is_said_with_one_that_is_not() -> None:
    """0.05 % of 300 V times 1 A on 5 W: 3 % of the reading, of which 113 % is the expanded uncertainty."""
    ((at, alarm),) = looked([reading(i, 5.0) for i in range(40)])
    assert at == 15
    assert alarm.kind == "uncertainty"
    assert (alarm.voltage_range_v, alarm.current_range_a) == (300, 0.05)
    assert "± 3.4 % only: 300 V and 0.05 A would give ± 0.2" in alarm.message


def test_idling_before_the_load_comes_is_not_judged() -> None:
    assert looked([reading(i, 5.0 if i < 10 else 100.0) for i in range(40)]) == []


def test_where_no_range_helps_that_is_said() -> None:
    rows = [on(reading(i, 5.0), power_factor=0.05, current_a=0.43, current_range_a=0.5) for i in range(30)]
    ((_, alarm),) = looked(rows)
    assert alarm.message.endswith("no range of this meter would give less")
    assert alarm.current_range_a is None


def corpus_runs() -> list[Published]:
    return list(published(Path(os.environ["EDGEWATT_CORPUS"])))


@needs_corpus
def test_published_runs() -> None:
    """The one window with 69 bad samples is said within 30 s of its begin; no clean one is."""
    runs = corpus_runs()
    assert sum(run.bad > 0 for run in runs) == 1
    assert len(runs) > 20
    for run in runs:
        guard = RangeGuard(run.specification)
        said = [(r.end_ns, a) for r in run.readings for a in guard.look(r).alarms]
        of_range = [at for at, alarm in said if alarm.kind == "range"]
        if run.bad:
            assert run.bad == 69
            assert 0 <= of_range[0] - run.begin_unix_ns <= 30 * S
        else:
            assert of_range == [], run.folder
        if any(alarm.kind == "uncertainty" for _, alarm in said):
            # PTDaemon, which adds limits up, says so of some sample of every such run.
            log = (run.folder.parent / "power/ptd_logs.txt").read_text(errors="replace")
            assert re.search(r"Uncertainty [0-9.]+%", log), run.folder


def conversation(rows: list[Reading], path: Path) -> Path:
    """A WT310E's side of these readings, a second apart, as a recording; its condition register says what clips."""
    text = (
        HEAD.read_text()
        .replace(":CURR:RANG 1\\n", ":CURR:RANG 0.5\\n")
        .replace(";1.000E+00;0;1", ";500.0E-03;0;1")
    )
    head = text[: text.index('{"dir": "out"', text.index(":STAT:EESR?"))]
    lines = [*head.splitlines()]
    at = json.loads(lines[-1])["t_ns"]
    for row in rows:
        v = row.values
        watts, amperes = (v.power_w, v.current_a) if v.power_w is not None else (36.0, 0.28)
        numbers = (
            v.voltage_v,
            amperes,
            watts,
            v.power_factor or 0.48,
            50.0,
            v.voltage_range_v,
            v.current_range_a,
        )
        condition = 0 if v.quality is Quality.GOOD else 1 << 8
        answer = ",".join(f"{n:.5E}" for n in numbers) + f";{condition};1\r\n"
        lines.append(json.dumps({"dir": "out", "t_ns": at + S // 50, "data": READ + "\n"}))
        at += S
        lines.append(json.dumps({"dir": "in", "t_ns": at, "first_ns": at - S // 10, "data": answer}))
    path.write_text("\n".join(lines) + "\n")
    return path


@needs_corpus
def test_a_published_run_at_its_own_cadence_in_a_daemon(tmp_path: Path) -> None:
    (run,) = [run for run in corpus_runs() if run.bad]
    first = next(i for i, r in enumerate(run.readings) if r.values.quality is Quality.OVERRANGE)
    port = conversation(run.readings[first - 2 : first + 6], tmp_path / "run.jsonl")
    meter = parse_meter(f"wall=yokogawa-wt300:replay:{port},interval=1s,voltage_range=300,current_range=0.5")
    service = Service(Config((meter,), tmp_path / "data", "127.0.0.1", 0))
    try:
        service.start()
        service.windows.open("run", "wall", {})
        deadline = time.monotonic() + 8
        while not (said := [e for e in service.events("wall") if e["kind"] == "range"]):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert said[0]["message"] == "channel 1: current over range on the range of 0.5 A: take 1 A"
    finally:
        service.stop()

"""The machine as it is looked at during a run."""

from __future__ import annotations

import csv
import os
import threading
import time
from pathlib import Path

import pytest

from harness.live.story import Story
from harness.machine import Machine
from harness.telemetry import NICE, Sample, Telemetry


def board(folder: Path, events: int) -> Machine:
    """A machine of one processor that counts how often it throttled."""
    counts = folder / "sys/devices/system/cpu/cpu0/thermal_throttle"
    counts.mkdir(parents=True, exist_ok=True)
    (counts / "core_throttle_count").write_text(f"{events}\n")
    return Machine(sys=folder / "sys", proc=Path("/proc"))


def test_samples_come_at_their_rate_with_the_last_one_at_the_end(tmp_path: Path) -> None:
    told: list[Sample] = []
    nice: list[int] = []

    def tell(sample: Sample) -> None:
        told.append(sample)
        nice.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    before = os.getpriority(os.PRIO_PROCESS, 0)
    with Telemetry(tell, interval_s=0.05, machine=board(tmp_path, 3)) as telemetry:
        time.sleep(0.2)
        board(tmp_path, 5)
        time.sleep(0.1)
    assert told == telemetry.samples
    assert len(told) >= 3
    assert max(nice) >= min(NICE, 19)
    assert os.getpriority(os.PRIO_PROCESS, 0) == before, "only the thread that looks is nice"
    found = telemetry.summary()
    assert found is not None
    assert found["throttle_events"] == 2
    assert 0 <= found["cpu_share"]["min"] <= found["cpu_share"]["mean"] <= found["cpu_share"]["max"] <= 1
    assert 0 < found["memory_share"]["mean"] < 1
    telemetry.write(tmp_path)
    with (tmp_path / "telemetry.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == found["samples"]
    assert [row["throttle_events"] for row in rows][:: len(rows) - 1] == ["3", "5"]


def test_a_busy_processor_is_seen() -> None:
    with Telemetry(lambda _: None, interval_s=0.3) as telemetry:
        end = time.monotonic() + 0.35
        while time.monotonic() < end:
            pass
    cores = os.cpu_count() or 1
    assert telemetry.samples[0].cpu_share > 0.5 / cores


def test_throttling_during_a_run_is_shown() -> None:
    story = Story()
    calm = Sample(0, 0.5, 1e9, 60.0, 7, 0.3, 1.0)
    story.seen(calm)
    story.seen(Sample(1, 0.5, 8e8, 99.0, 9, 0.3, 1.0))
    story.look_around()
    assert story._machine is not None
    assert (story._machine.throttled, story._machine.temperature_c) == (2, 99.0)


def test_what_a_machine_does_not_tell_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import psutil

    monkeypatch.setattr(psutil, "cpu_freq", lambda: None)
    monkeypatch.setattr(psutil, "sensors_temperatures", dict)
    with Telemetry(lambda _: None, machine=Machine(sys=tmp_path, proc=tmp_path)) as telemetry:
        pass
    found = telemetry.summary()
    assert found is not None
    assert (found["samples"], found["frequency_hz"], found["temperature_c"], found["throttle_events"]) == (
        *(1, None, None),
        None,
    )

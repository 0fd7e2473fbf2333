"""What preflight finds of the machine: planted ones as files, and this one."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from harness.checks import (
    battery,
    clock,
    disk,
    extras,
    governor,
    load,
    memory,
    swap,
    temperature,
    throttling,
)
from harness.checks.base import Situation
from harness.machine import Machine
from harness.model import Fixture, LoadSettings, PowerRequest
from tests.harness.situations import found, only, says, with_files, with_work

SUPPLY = "sys/class/power_supply/BAT0/"


def test_battery(bare: Situation, tmp_path: Path) -> None:
    says(only(battery, bare), "ok", "none")
    state = {SUPPLY + "type": "Battery", SUPPLY + "status": "Discharging", SUPPLY + "capacity": "71"}
    feeding = with_files(bare, tmp_path, state)
    says(only(battery, feeding), "warn", "BAT0 is discharging at 71 %", "mains")
    measured = replace(feeding, power=PowerRequest("http://127.0.0.1:9", None, None, None))
    says(only(battery, measured), "fail", "connect the power supply")
    says(only(battery, with_files(bare, tmp_path, {SUPPLY + "status": "Full"})), "ok", "full")
    says(only(battery, with_files(bare, tmp_path, {SUPPLY + "scope": "Device"})), "ok", "none")


CPU = "sys/devices/system/cpu/"


def test_governor(bare: Situation, tmp_path: Path) -> None:
    says(only(governor, bare), "ok", "not told")
    files = {f"{CPU}cpu{n}/cpufreq/scaling_governor": "performance" for n in range(2)}
    says(only(governor, with_files(bare, tmp_path, files)), "ok", "performance")
    files[f"{CPU}cpu1/cpufreq/scaling_governor"] = "powersave"
    says(only(governor, with_files(bare, tmp_path, files)), "warn", "powersave (1)", "sudo tee")


def test_throttling(bare: Situation, tmp_path: Path) -> None:
    says(only(throttling, bare), "ok", "none")
    counts = {f"{CPU}cpu{n}/thermal_throttle/core_throttle_count": "0" for n in range(2)}
    says(only(throttling, with_files(bare, tmp_path, counts)), "ok", "no event")
    counts |= {f"{CPU}cpu{n}/thermal_throttle/package_throttle_count": "7" for n in range(2)}
    says(only(throttling, with_files(bare, tmp_path, counts)), "warn", "7 events since", "fan")


def test_throttling_of_a_board_a_limit_and_cooling(bare: Situation, tmp_path: Path) -> None:
    files = {
        "sys/devices/platform/soc/soc:firmware/get_throttled": "50005",
        f"{CPU}cpu0/cpufreq/scaling_max_freq": "1500000",
        f"{CPU}cpu0/cpufreq/cpuinfo_max_freq": "2400000",
        "sys/class/thermal/cooling_device0/type": "cpufreq-cpu0",
        "sys/class/thermal/cooling_device0/cur_state": "2",
        "sys/class/thermal/cooling_device1/type": "pwm-fan",
        "sys/class/thermal/cooling_device1/cur_state": "3",
    }
    board, limit, cooling = found(throttling, with_files(bare, tmp_path, files))
    says(board, "fail", "under-voltage now", "throttled now", "stronger power supply")
    says(limit, "warn", "cpu0 limited to 1500 MHz of 2400 MHz")
    says(cooling, "fail", "cpufreq-cpu0", "step 2", "cool down")


def test_throttling_during_the_measurement_spoils_a_run(
    bare: Situation, fixture: Fixture, tmp_path: Path
) -> None:
    name = f"{CPU}cpu0/thermal_throttle/core_throttle_count"
    situation = with_work(
        with_files(bare, tmp_path, {name: "3"}), fixture.model, fixture.dataset, "SingleStream"
    )
    path = tmp_path / "machine" / name
    timer = threading.Timer(0.5, lambda: path.write_text("5\n"))
    timer.start()
    try:
        says(only(throttling, situation), "fail", "2 events in the seconds of the measurement")
    finally:
        timer.join()


ZONE = "sys/class/thermal/thermal_zone0/"


@pytest.mark.parametrize(("temperature_c", "verdict"), [(45, "ok"), (78, "warn"), (86, "fail")])
def test_temperature_against_the_trip_point(
    bare: Situation, tmp_path: Path, temperature_c: int, verdict: str
) -> None:
    files = {
        ZONE + "type": "cpu-thermal",
        ZONE + "temp": str(1000 * temperature_c),
        ZONE + "trip_point_0_type": "active",
        ZONE + "trip_point_0_temp": "40000",
        ZONE + "trip_point_1_type": "passive",
        ZONE + "trip_point_1_temp": "85000",
        "sys/class/hwmon/hwmon0/name": "nvme",
        "sys/class/hwmon/hwmon0/temp1_input": "30000",
        "sys/class/hwmon/hwmon0/temp1_max": "80000",
        "sys/class/hwmon/hwmon0/temp2_input": "-128000",
    }
    says(
        only(temperature, with_files(bare, tmp_path, files)),
        verdict,
        f"cpu-thermal at {temperature_c} °C, its limit is 85",
    )


def test_nothing_told_of_temperature(bare: Situation) -> None:
    says(only(temperature, bare), "ok", "not told")


def test_swap_and_memory(bare: Situation, tmp_path: Path) -> None:
    info = "MemTotal: 4000000 kB\nMemAvailable: {0} kB\nSwapTotal: 2000000 kB\nSwapFree: {1} kB"
    tight = with_files(bare, tmp_path, {"proc/meminfo": info.format(500_000, 1_000_000)})
    says(only(swap, tight), "warn", "977 MiB in use", "swapoff")
    says(only(memory, tight), "fail", "0.5 GiB available", "1.0 GiB")
    roomy = with_files(bare, tmp_path, {"proc/meminfo": info.format(3_000_000, 2_000_000)})
    says(only(swap, roomy), "ok")
    says(only(memory, roomy), "ok", "2.9 GiB")


def test_the_limit_of_the_control_group_counts(bare: Situation, tmp_path: Path) -> None:
    files = {
        "proc/meminfo": "MemAvailable: 8000000 kB",
        "proc/self/cgroup": "0::/box/run",
        "sys/fs/cgroup/box/memory.max": str(2 << 30),
        "sys/fs/cgroup/box/memory.current": str(3 << 29),
    }
    says(only(memory, with_files(bare, tmp_path, files)), "fail", "0.5 GiB available")


def test_memory_of_prepared_queries(bare: Situation, fixture: Fixture, tmp_path: Path) -> None:
    """LoadGen prepares 1.2 billion queries for an expected latency of a microsecond."""
    files = {"proc/meminfo": "MemAvailable: 8000000 kB"}
    situation = with_work(with_files(bare, tmp_path, files), fixture.model, fixture.dataset)
    says(only(memory, situation), "ok", "for the model and the samples")
    wrong = replace(situation, settings=LoadSettings(target_latency_ms=0.001))
    says(only(memory, wrong), "fail", "prepared queries", "--target-latency-ms")


def test_clock(bare: Situation, tmp_path: Path) -> None:
    says(only(clock, bare), "warn", "does not tell")
    mark = {"run/systemd/timesync/synchronized": ""}
    says(only(clock, with_files(bare, tmp_path, mark)), "ok", "synchronised")
    (tmp_path / "machine/run/systemd/timesync/synchronized").unlink()
    says(only(clock, bare), "warn", "not synchronised", "chrony")


def test_clock_of_this_machine_is_read() -> None:
    """The kernel answers here: either that somebody keeps the clock, with a bound, or that nobody does."""
    synchronised, error_s = clock.state(Machine())
    assert synchronised is not None
    assert (error_s is not None) == synchronised


def test_other_load_names_the_process(bare: Situation) -> None:
    spinners = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 1)
    ]
    try:
        time.sleep(0.3)
        line = only(load, bare)
        busy, users = load.watch(1.0)
    finally:
        for spinner in spinners:
            spinner.kill()
            spinner.wait()
    says(line, "fail", "processors in use, most by ", "end it or wait")
    # Other programs may compute too; ours get their part, and are named with it.
    ours = [u for u in users if u.pid in {s.pid for s in spinners}]
    assert ours
    assert all(u.name.startswith("python") and u.processors > 0.05 for u in ours)
    assert busy > 0.9 * sum(u.processors for u in ours)


def test_load_of_processes_that_cannot_be_seen_is_not_blamed_on_those_that_can() -> None:
    small = load.User(7, "sh", 0.02)
    assert "cannot be seen" in load._heaviest(1.2, [small])
    assert load._heaviest(0.1, [small]) == "sh (process 7, 0.02)"
    assert load._heaviest(1.0, [load.User(8, "stress", 0.9), small]) == "stress (process 8, 0.90)"


def test_disk(bare: Situation, tmp_path: Path) -> None:
    says(only(disk, bare), "ok", "GB free")
    says(only(disk, replace(bare, free_bytes=1_000_000)), "fail", "1.0 MB free", "free some")
    (tmp_path / "file").write_text("")
    says(only(disk, replace(bare, output=tmp_path / "file")), "fail", "is a file", "--output")


def test_disk_grows_with_the_set(bare: Situation) -> None:
    """50 000 answers of four bytes in three accuracy logs, and nine compliance runs."""
    assert 30e6 < disk.bytes_needed(bare) < 300e6


def test_packages(bare: Situation) -> None:
    says(only(extras, bare), "ok", "LoadGen 4.1.30, as the round has it")
    loadgen = {**bare.round.facts["loadgen"], "version": "9.9.9"}
    other = replace(bare.round, name="v9.9", facts={**bare.round.facts, "loadgen": loadgen})
    says(only(extras, replace(bare, round=other)), "fail", "4.1.30", "9.9.9", "mlharness fetch")

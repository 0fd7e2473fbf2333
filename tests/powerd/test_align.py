"""``powerd align``: planted delay and averaging are found, by themselves and through an emulator and a daemon."""

from __future__ import annotations

import itertools
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as with_settings
from hypothesis import strategies as st

from powerd.alignment import Alignment, Switch, fit, schedule
from powerd.burner import Burner
from powerd.cli import main
from powerd.client import PowerdClient
from powerd.commands.align import align, document, report
from schemas.documents import violations
from schemas.errors import Failed
from tests.calm import when_calm
from tests.powerd.rig import Daemon, Meter, wait_for_samples

S = 1_000_000_000


def switched(lengths: list[float], begin_ns: int = 10**18) -> list[Switch]:
    found, at, on = [], begin_ns, False
    for length in lengths:
        found.append(Switch(at, on))
        at, on = at + round(length * S), not on
    return [*found, Switch(at, False)]


def power(switches: list[Switch], begin_ns: int, end_ns: int, low: float, high: float) -> float:
    """Mean over a stretch."""
    joules, at, on = 0.0, begin_ns, False
    for switch in [*switches, Switch(1 << 62, False)]:
        stop = min(max(switch.at_ns, begin_ns), end_ns)
        joules, at = joules + (stop - at) * (high if on else low), stop
        on = switch.on
    return joules / (end_ns - begin_ns)


def planted(
    delay_s: float, averaging_s: float, noise_w: float = 0.0, seed: int = 1
) -> tuple[list[int], list[float], list[Switch]]:
    switches = switched(schedule(60, 1.0))
    draw = random.Random(seed)
    phase = draw.randrange(S)
    stamps = [switches[0].at_ns + phase + i * S for i in range(60)]
    watts = []
    for at in stamps:
        end = at - round(delay_s * S)
        watts.append(power(switches, end - round(averaging_s * S), end, 20, 60) + draw.gauss(0, noise_w))
    return stamps, watts, switches


@with_settings(max_examples=12, deadline=None)
@given(st.floats(-0.4, 2.5), st.floats(0.3, 3.0))
def test_planted_delay_and_averaging_are_found(delay_s: float, averaging_s: float) -> None:
    found = fit(*planted(delay_s, averaging_s), 1.0)
    assert found.delay_s == pytest.approx(delay_s, abs=0.02)
    assert found.averaging_s == pytest.approx(averaging_s, abs=0.04)
    assert (found.low_w, found.high_w) == (pytest.approx(20, abs=0.5), pytest.approx(60, abs=0.5))


def test_what_is_said_of_the_error_holds_with_noise() -> None:
    inside = 0
    for seed in range(20):
        found = fit(*planted(0.35, 1.0, 2.0, seed), 1.0)
        inside += abs(found.delay_s - 0.35) <= found.delay_u95_s
        inside += abs(found.averaging_s - 1.0) <= found.averaging_u95_s
        assert found.delay_u95_s < 0.1
    assert inside >= 34  # 38 of 40 are meant


@pytest.mark.parametrize("watts", [lambda i: 20.0, lambda i: 20 + (i * 7919 % 13)])
def test_watts_that_do_not_follow_are_said(watts: object) -> None:
    stamps, _, switches = planted(0, 1)
    with pytest.raises(Failed, match="on the machine that the meter measures"):
        fit(stamps, [watts(i) for i in range(len(stamps))], switches, 1.0)  # type: ignore[operator]


def test_too_little_is_said() -> None:
    stamps, watts, switches = planted(0, 1)
    with pytest.raises(Failed, match="--seconds"):
        fit(stamps[:5], watts[:5], switches, 1.0)


@pytest.mark.alone
@when_calm
def test_an_emulated_meter_with_a_planted_delay(tmp_path: Path) -> None:
    """The load of a trace; its edges are known from the emulator's truth, and told 150 ms too early."""
    times, at = [0.0], 1.0
    for length in schedule(8, 0.1):
        times.append(at)
        at += length
    trace = tmp_path / "trace.csv"
    trace.write_text("".join(f"{t:.6f},{150 if i % 2 else 20}\n" for i, t in enumerate(times)))
    meter = Meter(tmp_path, f"trace:{trace}")
    daemon = Daemon(tmp_path, meter.port)
    client = PowerdClient(daemon.url)
    try:
        wait_for_samples(client)
        time.sleep(6)
        rows = [json.loads(line) for line in meter.truth_file.read_text().split("\n")[:-1]]
        steps = [b for a, b in itertools.pairwise(rows) if a["watts"] != b["watts"]]
        begin = client.samples("wall", limit=1)[0]["unix_ns"]
        late_ns = 150_000_000
        edges = [Switch(r["t_unix_ns"] - late_ns, r["watts"] > 100) for r in steps if r["t_unix_ns"] > begin]
        found = align(client, "wall", edges, 0.1)
        assert found.delay_s == pytest.approx(0.150, abs=0.025)  # the driver's own delay is known to 12.5 ms
        assert found.averaging_s == pytest.approx(0.1, abs=0.03)
        assert found.explained > 0.98
        described = document("wall", found, client.meter("wall"))
        assert list(violations("alignment", described)) == []
        assert described["simulated"] is True
    finally:
        daemon.stop()
        meter.stop()


def test_it_is_said_in_two_lines() -> None:
    text = report("wall", Alignment(0.012, 0.004, 1.01, 0.02, 20, 60.25, 0.991, 60), 1.0)
    assert text.splitlines()[0].startswith(
        "meter wall: stamps are 12 ± 4 ms late, averaging over 1010 ± 20 ms"
    )


def test_the_burner_takes_processor_time_only_while_it_is_on() -> None:
    import psutil

    made = Burner(1)
    try:
        (child,) = [c for c in psutil.Process().children() if "-I" in c.cmdline()]
        time.sleep(0.3)
        before = sum(child.cpu_times()[:2])
        time.sleep(0.5)
        assert sum(child.cpu_times()[:2]) == before
        made.switch(True)
        deadline = time.monotonic() + 10
        while sum(child.cpu_times()[:2]) < before + 0.2:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        made.close()
    assert not child.is_running()


def test_a_burner_ends_with_the_program_that_made_it(tmp_path: Path) -> None:
    import psutil

    code = "import os; from powerd.burner import Burner; b = Burner(1); b.switch(True); "
    code += "print(b._processes[0].pid, flush=True); os._exit(9)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=30
    )
    pid = int(done.stdout)
    deadline = time.monotonic() + 20
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--seconds", "0"], "wanted 1 to 3600"),
        (["--url", "http://127.0.0.1:9"], "powerd"),
        (["--seconds", "x"], "number"),
    ],
)
def test_wrong_usage_is_a_sentence(words: list[str], part: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["align", *words]) == 2
    assert part in capsys.readouterr().err


@pytest.mark.proof
def test_the_load_of_this_machine_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The emulator follows the processors' use in steps of 50 ms, each known 50 ms later."""
    if os.getloadavg()[0] > 0.3 * (os.cpu_count() or 1):
        pytest.skip("this machine is busy with other things: its load does not follow ours")
    meter = Meter(tmp_path, "host")
    daemon = Daemon(tmp_path, meter.port, "250ms", "voltage_range=300,current_range=0.5")
    try:
        wait_for_samples(PowerdClient(daemon.url))
        assert main(["align", "--url", daemon.url, "--seconds", "40", "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert 0 < found["delay_s"] < 0.15
        assert 0.2 < found["averaging_s"] < 0.4
    finally:
        daemon.stop()
        meter.stop()

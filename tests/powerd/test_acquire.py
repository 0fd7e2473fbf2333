"""The acquisition loop against emulated meters on real pseudo-terminals."""

from __future__ import annotations

import itertools
import json
import logging
import os
import signal
import subprocess
import sys
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace

import pytest

from powerd.acquire import Acquisition, Event
from powerd.drivers import find
from powerd.emulators.load import energy_j
from powerd.errors import Gone, NotThere, Refused
from powerd.model import Quality, Reading, Settings
from powerd.transports import LineSettings, open_port
from powerd.transports.replay import head
from tests.powerd.benches import bench, wait_for

FAST = Settings(interval_ns=100_000_000, voltage_range_v=300.0, current_range_a=1.0)
LINE = LineSettings(baud=57600)


class Running:
    def __init__(self, port, settings, **more):
        self.readings: list[Reading] = []
        self.events: list[Event] = []
        self.loop = Acquisition(
            "m", "yokogawa-wt300", port, settings, "boot", self.readings.append, self.events.append, **more
        )

    def have(self, count: int, quality: Quality = Quality.GOOD) -> bool:
        return sum(r.values.quality is quality for r in list(self.readings)) >= count

    def kinds(self) -> Counter[str]:
        return Counter(e.kind for e in self.events)


@contextmanager
def running(port, settings=FAST, line=LINE, **more):
    run = Running(port, settings, line=line, **more)
    run.loop.start()
    try:
        yield run
    finally:
        run.loop.stop()


def test_energy_of_a_square_load():
    with bench(spec="square:20,180,0.7", seed=4) as meter, running(meter.port) as run:
        assert wait_for(lambda: run.have(40), 15)
    good = [r for r in run.readings if r.values.quality is Quality.GOOD][2:]
    begin, end = good[0].end_ns - meter.origin_ns, good[-1].end_ns - meter.origin_ns
    true = energy_j(meter.load, begin, end)
    measured = sum((r.values.power_w or 0) * 0.1 for r in good[1:])
    edges = 160 * 2 * max(r.end_u95_ns for r in good) / 1e9
    assert measured == pytest.approx(true, abs=0.006 * true + edges)
    assert all(r.simulated and r.raw.endswith(b"\r\n") for r in good)
    assert all(b.end_ns > a.end_ns for a, b in itertools.pairwise(run.readings))
    assert [r.sequence for r in run.readings] == list(range(1, len(run.readings) + 1))


def test_every_fault_is_a_named_loss_and_the_loop_goes_on():
    fault = "half@1.5,garbage=6@3.5"
    with bench(fault=fault) as meter, running(meter.port) as run:
        assert wait_for(lambda: run.kinds()["garbled"] >= 2 and run.have(35), 20)
    assert run.have(2, Quality.GARBLED)
    assert run.kinds()["disconnected"] == 0
    assert not any(r.values.power_w and abs(r.values.power_w - 100) > 1 for r in run.readings)


def test_half_an_answer_costs_less_than_half_a_second():
    """At ten readings a second the loop is back in step long before its deadline of 1.1 s."""
    with bench(fault="half@2") as meter, running(meter.port) as run:
        assert wait_for(lambda: run.have(1, Quality.GARBLED) and run.have(40), 20)
    garbled = next(i for i, r in enumerate(run.readings) if r.values.quality is Quality.GARBLED)
    good = [r.end_ns for r in run.readings if r.values.quality is Quality.GOOD]
    before = max(e for e in good if e < run.readings[garbled].stamps.last_byte_ns)
    after = min(e for e in good if e > before)
    assert (after - before) / 1e9 < 1.0


def test_silence_and_unplugging_lead_to_a_reconnect(tmp_path, caplog):
    caplog.set_level(logging.WARNING)
    link = tmp_path / "meter"
    with bench(fault="silence@1.5-2,unplug@5-5.6", link=link) as meter, running(meter.port) as run:
        assert wait_for(lambda: run.kinds()["connected"] >= 3, 25)
        before = len(run.readings)
        assert wait_for(lambda: len(run.readings) > before + 3)
    assert run.loop.state.reconnects == 2
    assert not link.exists()
    words = [e.message for e in run.events if e.kind == "disconnected"]
    assert any("did not answer" in w for w in words)
    said = [r.getMessage().split()[1].rstrip(":") for r in caplog.records if r.name == "powerd.acquire"]
    assert said[:4] == ["disconnected", "connected"] * 2, "the first connection is nothing to be said"


def test_over_range_is_said():
    with bench(fault="overrange@1-") as meter, running(meter.port) as run:
        assert wait_for(lambda: run.have(3, Quality.OVERRANGE))
    assert all(r.values.power_w is None for r in run.readings if r.values.quality is Quality.OVERRANGE)


def test_a_clipped_peak_is_over_range_and_passes():
    with bench(fault="crest=9@1.5-2.5") as meter, running(meter.port) as run:
        assert wait_for(lambda: run.have(3, Quality.OVERRANGE))
        lost = len(run.readings)
        assert wait_for(lambda: any(r.values.quality is Quality.GOOD for r in run.readings[lost:]))
    clipped = [r for r in run.readings if r.values.quality is Quality.OVERRANGE]
    assert all(r.values.power_w is None and b"INF" not in r.raw for r in clipped)
    assert all(
        abs((r.values.power_w or 0) - 100) < 1 for r in run.readings if r.values.quality is Quality.GOOD
    )


def test_ranges_change_between_two_reads():
    with bench() as meter, running(meter.port) as run:
        assert wait_for(lambda: run.have(3))
        assert run.loop.request_range(300.0, 2.0, 5).current_range_a == 2.0
        with pytest.raises(Refused, match="current range of 3 A"):
            run.loop.request_range(300.0, 3.0, 5)
        assert wait_for(lambda: run.kinds()["range-changed"] >= 1)
        assert wait_for(lambda: run.readings[-1].values.quality is Quality.GOOD)
        assert run.readings[-1].values.current_range_a == 2.0
        settings = run.loop.state.settings
        assert settings is not None
        assert settings.current_range_a == 2.0


def test_a_rate_that_the_line_cannot_carry_is_refused_with_the_numbers():
    with bench() as meter, running(meter.port, line=LineSettings(baud=9600)) as run:
        assert wait_for(lambda: run.loop.state.last_error is not None)
    assert "characters" in str(run.loop.state.last_error)
    assert "9600 baud" in str(run.loop.state.last_error)
    assert run.readings == []


def test_no_meter_on_the_port():
    with bench(fault="silence@0") as meter, running(meter.port) as run:
        assert wait_for(lambda: run.loop.state.last_error is not None)
        assert "did not answer within" in str(run.loop.state.last_error)
        with pytest.raises(Gone, match="not connected"):
            run.loop.request_range(300.0, 1.0, 1)


def test_an_absent_port_is_told_once():
    with running("/dev/ttyNOSUCH9") as run:
        assert wait_for(lambda: run.kinds()["error"] >= 1)
        assert not wait_for(lambda: run.kinds()["error"] > 1, 0.5)
    assert "does not exist" in run.events[0].message


def test_an_unknown_driver_names_the_nearest():
    with pytest.raises(NotThere, match="did you mean yokogawa-wt300"):
        Acquisition("m", "yokogawa-wt30", "/dev/null", FAST, "b", print, print)


def test_what_is_recorded_can_be_replayed(tmp_path):
    record = tmp_path / "talk.jsonl"
    with bench(seed=2) as meter, running(meter.port, record=record) as run:
        assert wait_for(lambda: run.have(5))
    with running(f"replay:{record}") as again:
        assert wait_for(lambda: again.have(5))
    first = [r.raw for r in run.readings[:5]]
    assert [r.raw for r in again.readings[:5]] == first


COMMAND = [
    sys.executable,
    "-c",
    "import sys; from schemas.cliapp import run_program; "
    "sys.exit(run_program('powerd', '', 'powerd.commands', sys.argv[1:]))",
    "emulate",
]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_emulate_prints_its_port_and_ends_cleanly(tmp_path, number, code):
    link, truth = tmp_path / "port", tmp_path / "truth.jsonl"
    more = ["yokogawa-wt300", "--link", str(link), "--truth", str(truth)]
    with subprocess.Popen(
        [*COMMAND, *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == str(link)
        assert os.readlink(link).startswith("/dev/")
        process.send_signal(number)
        assert process.wait(5) == code
        assert "Traceback" not in process.stderr.read()
    assert not link.is_symlink()
    assert len(truth.read_text().splitlines()) >= 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["no-such"],
        ["yokogawa-wt300", "--load", "x"],
        ["yokogawa-wt300", "--faults", "x"],
        ["yokogawa-wt300", "--model", "Z"],
    ],
)
def test_emulate_says_what_is_wrong_in_one_sentence(arguments):
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


@pytest.mark.parametrize("where", [{"tcp": True}, {"gpib": 5}], ids=str)
def test_a_line_that_breaks_is_opened_again(where, tmp_path):
    with bench(fault="unplug@1.5-2.2", link=tmp_path / "tty", **where) as meter, running(meter.port) as run:
        assert wait_for(lambda: run.kinds()["connected"] >= 2 and run.have(20), 20)
    assert run.kinds()["disconnected"] == 1


def test_a_peer_that_says_nothing_any_more_is_left_and_tried_again():
    with bench(fault="silence@1.5-3.5", tcp=True) as meter, running(meter.port) as run:
        assert wait_for(lambda: run.kinds()["connected"] >= 2 and run.have(20), 20)
    assert run.kinds()["disconnected"] >= 1


def test_a_recording_says_what_was_asked_for(tmp_path):
    path = tmp_path / "talk.jsonl"
    with bench() as meter, running(meter.port, record=path) as run:
        assert wait_for(lambda: run.have(3), 10)
    said = head(path)
    assert said["driver"] == "yokogawa-wt300"
    assert Settings(**{**said["settings"], "channels": tuple(said["settings"]["channels"])}) == FAST


def test_emulate_behind_an_adapter_on_a_socket_with_a_load_for_each_element(tmp_path):
    truth = tmp_path / "truth.jsonl"
    command = [
        sys.executable, "-m", "powerd", "emulate", "yokogawa-wt500", "--gpib", "3", "--tcp", "127.0.0.1:0",
        "--load", "constant:100", "--load", "constant:40", "--truth", str(truth),
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        assert port.startswith("gpib:3@tcp:127.0.0.1:")
        line = open_port(port, LINE)
        driver = find("yokogawa-wt500")
        info = driver.identify(line)
        settings = driver.configure(line, info, replace(FAST, channels=info.channels))
        for _ in range(4):
            values = driver.read(line, settings)
        line.close()
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        process.stdout.close()
    assert [round(v.power_w or 0, -1) for v in values] == [100, 40, 0]
    rows = [json.loads(row) for row in truth.read_text().splitlines()]
    assert {row["watts"] for row in rows} == {140}

"""The view of real runs: on a terminal, in a pipe, with a daemon that is silent, and after Ctrl-C."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness import daemon, service
from harness.expected import Expected
from harness.live import asker, display
from harness.live.asker import Asker
from harness.live.display import Lines, showing
from harness.live.pace import Pace
from harness.live.per_query import PerQuery
from harness.live.schedule import Schedule
from harness.live.story import Story
from harness.model import Fixture, RunRequest, RunSpec
from harness.observer import Unseen
from schemas.loadgen import LoadgenLog
from tests.calm import calmly

Request = Callable[..., RunRequest]
IN_CHARGE = """import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"""
"""Makes its standard input the terminal from which Ctrl-C comes, then becomes the program."""
SHOW, HIDE = "\x1b[?25h", "\x1b[?25l"


class Terminal:
    """``mlharness`` on a pseudo-terminal of 80 columns and 24 lines, its controlling one as in a real shell."""

    def __init__(self, *arguments: object) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color", "PYTHONUTF8": "1"}
        for name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR"):
            environment.pop(name, None)
        self.process = subprocess.Popen(
            [sys.executable, "-c", IN_CHARGE, "-m", "harness.cli", *map(str, arguments)],
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=theirs,
            env=environment,
            start_new_session=True,
        )
        os.close(theirs)
        self._seen = bytearray()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._ours, 65536)
            except OSError:  # the other end is closed
                return
            if not data:
                return
            self._seen += data

    @property
    def text(self) -> str:
        return self._seen.decode("utf-8", "replace")

    def wait_for(self, words: str, seconds: float = 60.0) -> None:
        give_up = time.monotonic() + seconds
        while words not in self.text:
            assert time.monotonic() < give_up, f"no {words!r} in {plain(self.text)[-3000:]}"
            assert self.process.poll() is None, plain(self.text)[-3000:]
            time.sleep(0.05)

    def press(self, key: bytes) -> None:
        os.write(self._ours, key)

    def end(self, seconds: float = 90.0) -> tuple[int, str]:
        out = self.process.communicate(timeout=seconds)[0]
        self._thread.join(5.0)
        os.close(self._ours)
        return self.process.returncode, out.decode()


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def run_with_power(fixture: Fixture, folder: Path) -> tuple[str, str]:
    """What a run whose window is covered showed on its terminal, and what it wrote to standard output."""
    meter, port = daemon.emulator("yokogawa-wt300", "constant:50", folder)
    with meter:
        terminal = Terminal(
            *("run", "resnet50", "--scenario", "SingleStream", "--output", folder / "tree"),
            *("--fixture", fixture.path, "--rehearsal", 5, "--mode", "performance"),
            *("--power", f"spawn:yokogawa-wt300:{port}"),
        )
        code, out = terminal.end()
    text = plain(terminal.text)
    assert code == 0, text[-2000:]
    assert max(float(x) for x in re.findall(r"coverage (\d\.\d{4})", text)) > 0.9
    return terminal.text, out


def test_a_run_with_power_on_a_terminal(fixture: Fixture, tmp_path_factory: pytest.TempPathFactory) -> None:
    drawn, out = calmly(lambda: run_with_power(fixture, tmp_path_factory.mktemp("lab")))
    text = plain(drawn)
    for fact in (
        *(
            "resnet50 SingleStream · run 1 of 2 · ranging",
            "run 2 of 2 · performance (testing)",
            "✓ calibration",
        ),
        *(
            "setting ranges, comparing clocks",
            "✓ ranging",
            "mJ/stream",
            "samples  ",
            "/s now",
            " left",
            "PF ",
        ),
        *("simulated", "mJ per stream", "coverage ", "to this machine, compared 0:0", "machine  CPU"),
    ):
        assert fact in text
    testing = text[text.index("run 2 of 2 · performance (testing)") :]
    shown = {float(x) for x in re.findall(r"power    (\d+\.\d+) W", testing)}
    assert shown
    # Before its ranges fit, a meter may err by a share of the widest one.
    assert {x for x in shown if not 45 < x < 55} == set(), (
        "the meter sees 50 W, and errs within its specification"
    )
    assert max(len(x) for x in text.replace("\r", "\n").split("\n") if x.startswith(("│", "╭", "╰"))) <= 78
    assert drawn.count(HIDE) == 1
    assert drawn.rindex(SHOW) > drawn.rindex(HIDE)
    after = drawn[drawn.rindex(SHOW) :]
    assert "│" not in after, "the panel is wiped at the end"
    assert "performance: running" in text
    assert "average power: " in out, "the figures are data and stand on standard output"
    energy = re.findall(r"performance \(testing\)  \S+ ms  (\S+) mJ/stream", text)
    said = re.search(r"energy per stream: (\S+) mJ ± ", out)
    assert said is not None
    if (
        energy
    ):  # the last row is drawn only when a second lies between the end of the run and that of the view
        assert float(energy[-1]) == pytest.approx(float(said.group(1)), rel=0.01)


def test_ctrl_c_on_a_terminal_gives_it_back(fixture: Fixture, tmp_path: Path) -> None:
    terminal = Terminal(
        *("run", "resnet50", "--scenario", "SingleStream", "--output", tmp_path / "tree"),
        *("--fixture", fixture.path, "--target-latency-ms", 1, "--rehearsal", 60),
    )
    terminal.wait_for(" left")
    terminal.press(b"\x03")
    code, out = terminal.end(40.0)
    assert (code, out) == (130, "")
    assert terminal.text.rindex(SHOW) > terminal.text.rindex(HIDE)
    assert "│" not in terminal.text[terminal.text.rindex(SHOW) :]
    assert terminal.text.rstrip().endswith("mlharness: interrupted; what was written so far is kept")
    (log,) = tmp_path.glob("tree.work/**/run_1/mlperf_log_detail.txt")
    assert LoadgenLog.read(log).first("result_validity") == "INVALID"


@pytest.mark.parametrize("scenario", ["Offline", "SingleStream"])
def test_lines_in_a_pipe_and_what_was_expected(request_for: Request, scenario: str) -> None:
    out, story = io.StringIO(), Story()
    with Lines(story, out, every_s=0.5) as lines:
        outcome = service.run(request_for(scenario=scenario, rehearsal_s=3.0), lines.say, story)
    said = [x for x in out.getvalue().splitlines() if x.startswith(f"{scenario} performance (1 of 2): ")]
    assert any(re.search(r": \d s, \d+ s left, [1-9]\d* samples \([\d.]+/s\)$", x) for x in said), said
    snapshot = story.snapshot()
    assert snapshot is not None
    assert [row.state for row in snapshot.rows] == ["done", "done", "done"]
    assert snapshot.now == "all runs are done, the result is written"
    log = LoadgenLog.read(outcome.done.results["performance"].log_dir / "mlperf_log_detail.txt")
    assert log.first("effective_min_duration_ms") == 3000
    assert snapshot.rows[1].figure.endswith(" Samples/s" if scenario == "Offline" else " ms")


class Kept(Story):
    """A story that keeps what was expected of its runs."""

    def __init__(self) -> None:
        super().__init__()
        self.expected: dict[str, Expected] = {}

    def began(self, spec: RunSpec, expected: Expected) -> None:
        self.expected[spec.name] = expected
        super().began(spec, expected)


def test_what_is_expected_is_what_loadgen_does(request_for: Request) -> None:
    for scenario in ("Offline", "SingleStream", "MultiStream"):
        story = Kept()
        request = request_for(scenario=scenario, mode="performance")
        done = service.run(request, lambda _: None, story).done
        log = LoadgenLog.read(done.results["performance"].log_dir / "mlperf_log_detail.txt")
        expected, each = story.expected["performance"], int(log.first("effective_samples_per_query") or 0)
        assert expected.duration_s == 1.0
        assert expected.exact is (scenario == "Offline")
        least = each if expected.exact else each * int(log.first("effective_min_query_count") or 0)
        assert expected.samples == pytest.approx(least, abs=1), scenario


@pytest.fixture
def mute() -> Iterator[str]:
    """The address of somebody who takes calls and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.alone
@pytest.mark.parametrize("dead", [True, False])
def test_a_silent_daemon_neither_delays_nor_breaks_a_run(
    request_for: Request, mute: str, dead: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asker, "TIMEOUT_S", 0.3)
    story, problems = Story(), set()
    story.connected("http://127.0.0.1:9" if dead else mute, "wall")
    slowest_s = 0.0
    with Asker(story, 0.1):
        worker = threading.Thread(
            target=service.run, args=(request_for(mode="performance"), lambda _: None, story), daemon=True
        )
        worker.start()
        while worker.is_alive():
            before = time.monotonic()
            snapshot = story.snapshot()
            slowest_s = max(slowest_s, time.monotonic() - before)
            if snapshot is not None and snapshot.power is not None:
                problems.add(snapshot.power.problem)
            time.sleep(0.05)
    assert "powerd does not answer" in problems
    assert slowest_s < 0.25
    snapshot = story.snapshot()
    assert snapshot is not None
    assert [row.state for row in snapshot.rows] == ["done", "done"]


def test_a_broken_view_does_not_break_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.live import screen

    class Terminals(io.StringIO):
        encoding = "utf-8"

        def isatty(self) -> bool:
            return True

    def broken(*_: object) -> None:
        raise ZeroDivisionError("planted")

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(screen, "PERIOD_S", 0.01)
    monkeypatch.setattr(Story, "snapshot", broken)
    out = Terminals()
    with showing(quiet=False, stream=out) as view:
        time.sleep(0.5)
        view.say("performance: running")
    assert "the live view ends here (ZeroDivisionError: planted); the run goes on" in plain(out.getvalue())
    assert "performance: running" in out.getvalue()
    assert out.getvalue().rindex(SHOW) > out.getvalue().rindex(HIDE)


def test_quiet_is_quiet_and_a_pipe_is_no_terminal() -> None:
    out = io.StringIO()
    with showing(quiet=True, stream=out) as view:
        view.say("words")
        assert isinstance(view.observer, Unseen)
    assert out.getvalue() == ""
    with showing(quiet=False, stream=out) as view:
        view.say("words\x1b[31m")
    assert out.getvalue() == "words�[31m\n"
    assert not display.can_draw(out)


def test_energy_per_query_counts_only_the_run() -> None:
    """100 W for 10 s before the run and during it; 50 samples a second, read a second late."""
    per, second = PerQuery(8), 1_000_000_000
    for tick in range(0, 121):
        per.counted(tick * second // 4, max(0, tick * 50 // 4 - 500))
    for at_s in range(0, 29):
        per.measured(at_s * second, 100.0 * at_s)
    assert per.joules == pytest.approx(100.0 / 50 * 8, rel=0.01)
    assert per.watts == pytest.approx(100.0)
    per.measured(99 * second, 1e9)
    assert per.joules == pytest.approx(16.0, rel=0.01), "an instant beyond all counts tells nothing"


def test_pace_leaves_loading_out_and_waits_for_the_longer_of_time_and_samples() -> None:
    timed, counted, both = Pace(Expected(60.0)), Pace(Expected(6.0, 3000, True)), Pace(Expected(60.0, 9000))
    for pace in (timed, counted, both):
        for tick in range(40):
            pace.see(tick / 4, loaded=tick, completed=0)
        for tick in range(1, 41):
            pace.see(9.75 + tick / 4, loaded=40, completed=25 * tick)
    at_s = 19.75
    assert timed.count(at_s).elapsed_s == pytest.approx(10.0)
    assert timed.count(at_s).mean_per_s == pytest.approx(100.0)
    assert timed.count(at_s).left_s == pytest.approx(50.0)
    assert timed.count(at_s).share == pytest.approx(1 / 6)
    assert counted.count(at_s).left_s == pytest.approx(20.0)
    assert both.count(at_s).left_s == pytest.approx(80.0)
    assert timed.count(at_s).trace_per_s == pytest.approx((100.0,) * 10)


def test_schedule_says_at_least_where_a_run_is_of_unknown_length() -> None:
    ranging = RunSpec("ranging", "performance", "ranging", "ranging")
    testing = RunSpec("performance", "performance", "testing", "run_1")
    accuracy = RunSpec("accuracy", "accuracy", None, "accuracy")
    plan = Schedule((ranging, testing, accuracy), 0.0)
    assert plan.left_s(0.0) == (None, False)
    plan.settled(
        {"ranging": Expected(60.0), "performance": Expected(60.0), "accuracy": Expected(None, 500, True)}
    )
    plan.began(ranging, Expected(60.0), 0.0)
    left_s, whole = plan.left_s(1.0)
    assert left_s == pytest.approx(127.0)
    assert not whole, "how fast the accuracy run will be is not known"
    plan.pace.see(10.0, 0, 0)
    plan.pace.see(70.0, 0, 6000)
    plan.ended("fine", 75.0)
    left_s, whole = plan.left_s(75.0)
    assert left_s == pytest.approx(60.0 + 5.0 + 10.0, abs=15.0)
    assert whole
    plan.began(ranging, Expected(60.0), 80.0)
    assert [row.state for row in plan.rows] == ["running", "waiting", "waiting"], "once more from the first"

"""``powerd windows`` and ``powerd watch`` on terminals that are narrow or can do nothing, and in a pipe."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator

import pytest

from powerd.client import PowerdClient
from tests.powerd.rig import Daemon, Meter, wait_for_samples

NAME = "2026-03-01_board-resnet50-SingleStream "
ENDS = ("testing", "ranging")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PowerdClient]:
    """A daemon with two closed windows and an open one."""
    folder = tmp_path_factory.mktemp("terminal")
    meter = Meter(folder)
    daemon = Daemon(folder, meter.port)
    client = PowerdClient(daemon.url)
    wait_for_samples(client)
    for end in ENDS:
        ident = str(client.open_window(NAME + end, "wall")["id"])
        begin = time.time_ns()
        client.close_window(ident, begin, begin + 300_000_000)
    client.open_window("still open", "wall")
    yield client
    daemon.stop()
    meter.stop()


def on_terminal(columns: int, term: str, *words: str, seconds: float | None = None) -> str:
    """What a command writes on a terminal of its own; with ``seconds`` it is ended after that time."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    env = {k: v for k, v in os.environ.items() if k not in {"COLUMNS", "LINES"}} | {"TERM": term}
    process = subprocess.Popen(
        [sys.executable, "-m", "powerd", *words], stdin=theirs, stdout=theirs, stderr=theirs, env=env
    )
    os.close(theirs)
    if seconds is not None:
        time.sleep(seconds)
        process.send_signal(signal.SIGINT)
    said = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        said += part
    process.wait(timeout=20)
    os.close(ours)
    return said.decode()


def test_windows_shows_the_ids_that_export_wants(client: PowerdClient) -> None:
    """In a pipe whole and with all columns; on 80 columns whole too, with what fits beside them."""
    known = [str(w["id"]) for w in client.windows(10)]
    assert len(known) == 3
    done = subprocess.run(
        [sys.executable, "-m", "powerd", "windows", "--url", client.url],
        capture_output=True,
        text=True,
        check=True,
    )
    rows = done.stdout.splitlines()
    assert rows[0].split() == [
        "id",
        "window",
        "meter",
        "state",
        "length",
        "energy",
        "average",
        "coverage",
        "quality",
    ]
    assert [row.split()[0] for row in rows[1:]] == known
    assert all(NAME + end in done.stdout for end in ENDS)
    seen = on_terminal(80, "xterm", "windows", "--url", client.url)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", seen).splitlines()
    assert [row.split()[0] for row in plain[1:]] == known
    assert all(len(row) <= 80 for row in plain)
    assert all(any(end in row for row in plain) for end in ENDS), "what tells two runs apart is not cut off"
    assert "open" in plain[1].split()[-1]


def test_one_window_is_shown_in_words(client: PowerdClient) -> None:
    closed = next(w for w in client.windows(10) if w["state"] == "closed")
    done = subprocess.run(
        [sys.executable, "-m", "powerd", "windows", str(closed["id"]), "--url", client.url],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "simulated: yes\n" in done.stdout
    assert "integrator: none\n" in done.stdout
    assert not re.search(r"\b(True|False|None)\b", done.stdout)


def test_watch_on_a_terminal_that_cannot_move_its_cursor(client: PowerdClient) -> None:
    said = on_terminal(80, "dumb", "watch", "--url", client.url, seconds=6)
    assert "\x1b" not in said
    assert said.count("wall: ") > 2

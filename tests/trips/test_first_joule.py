"""Every command of docs/first-joule.md, in its order, with an emulated meter in the place of the box."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from powerd.client import PowerdClient
from tests.powerd.rig import Meter, Process, wait_for_samples

TEXT = (Path(__file__).resolve().parents[2] / "docs/first-joule.md").read_text(encoding="utf-8")
PORT = "/dev/ttyUSB0"
NOT_RUN = ("sudo ", "ls ", "pip ")
"""What changes the machine, or looks at what it has plugged in."""
SHORTER = (("sleep 5", "sleep 1"), ("--idle 5", "--idle 1"))
OF_A_DAEMON = ("meters", "watch", "exec", "windows", "export")
TOML = re.compile(r"^ {4}(\[\[meter\]\]|\w+ = .*)$", re.M)


def commands() -> list[str]:
    lines = [line.strip() for line in re.findall(r"^ {4}\S.*$", TEXT, re.M) if not TOML.match(line)]
    return [line for line in lines if not line.startswith(NOT_RUN)]


class Reader:
    """Somebody who types what the page says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.meter = Meter(folder)
        self.daemon: Process | None = None
        self.window = ""
        self.said: dict[str, str] = {}

    def type(self, line: str) -> None:
        here = ((PORT, self.meter.port), ("~/power", str(self.folder / "power")), *SHORTER)
        typed = line
        for theirs, ours in here:
            typed = typed.replace(theirs, ours)
        program, command, *rest = shlex.split(typed)
        if command == "run":
            self.daemon = Process("run", *rest, "--listen", "127.0.0.1:0")
            wait_for_samples(PowerdClient(self.daemon.first_line))
            return
        words = [self.window if word == "ID" else word for word in rest]
        if command in OF_A_DAEMON and "--replay" not in words:
            assert self.daemon is not None
            extra = ["--url", self.daemon.first_line, *(["--once"] if command == "watch" else [])]
            words = [*extra, *words]
        package = {"powerd": "powerd", "mlcheck": "checker.cli"}[program]
        done = subprocess.run(
            [sys.executable, "-m", package, command, *words], cwd=self.folder, capture_output=True, text=True,
            check=False, timeout=60, env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        )  # fmt: skip
        assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"
        self.said[line] = done.stdout + done.stderr
        if line == "powerd windows":  # the id that the next lines want, as the reader sees it there
            self.window = done.stdout.splitlines()[1].split()[0]

    def close(self) -> None:
        if self.daemon is not None:
            self.daemon.stop()
        self.meter.stop()


def test_every_command_of_the_page(tmp_path: Path) -> None:
    (tmp_path / "powerd.toml").write_text("\n".join(TOML.findall(TEXT)) + "\n")
    reader = Reader(tmp_path)
    try:
        for line in commands():
            reader.type(line)
    finally:
        reader.close()
    said = reader.said
    assert "WT310E" in said[f"powerd probe {PORT}"]
    joules = re.search(r"([\d.]+) ± [\d.]+ J", said["powerd exec -- sleep 5"])
    assert joules is not None, said["powerd exec -- sleep 5"]
    assert 80 < float(joules[1]) < 200  # a second and the start of a program at 100 W
    assert (tmp_path / "first.csv").read_text().count("\n") > 2
    assert "WatchdogSec" in (tmp_path / "service/powerd.service").read_text()


@pytest.mark.parametrize(
    "word", ["probe", "doctor", "run", "watch", "exec", "export", "verify", "systemd-files"]
)
def test_the_page_leads_through_all_of_it(word: str) -> None:
    assert any(shlex.split(line)[1] == word for line in commands())

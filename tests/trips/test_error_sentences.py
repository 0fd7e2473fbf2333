"""Mistakes that a user can make, through the real commands: one sentence, the right exit code, no traceback."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import tempfile
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOBODY = 65534


def command(program: str, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", f"{program}.cli", *words],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def python(program: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def one_sentence(done: subprocess.CompletedProcess[str], code: int, *parts: str) -> None:
    said = done.stderr.strip()
    assert done.returncode == code, done.stderr
    assert "Traceback" not in said
    assert said.count("\n") == 0, said
    for part in parts:
        assert part in said, said


def run(meter: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    words = ("run", "--meter", meter, "--data-dir", str(tmp_path / "data"), "--listen", "127.0.0.1:0")
    return command("powerd", *words, cwd=tmp_path)


@pytest.fixture
def line() -> Iterator[str]:
    """A pseudo-terminal at whose other end nobody answers."""
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    yield os.ttyname(theirs)
    os.close(ours)
    os.close(theirs)


def test_no_such_port(tmp_path: Path) -> None:
    one_sentence(run("wall=yokogawa-wt300:/dev/ttyNOPE", tmp_path), 2, "/dev/ttyNOPE does not exist")


def test_no_meter_on_the_port(tmp_path: Path, line: str) -> None:
    one_sentence(run(f"wall=yokogawa-wt300:{line}", tmp_path), 2, line, "did not answer", "cable")


def test_a_port_without_rights(tmp_path: Path, line: str) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can make a port that another user may not open")
    Path(line).chmod(0o600)
    folder = tempfile.TemporaryDirectory(prefix="edgewatt-")
    data = Path(folder.name)
    data.chmod(0o777)
    # Everything is imported before the rights are given up: the interpreter itself may belong to root.
    program = (
        "import os, sys, powerd.service, powerd.server, powerd.api.app, powerd.commands.run, serial\n"
        "from powerd.drivers import names; from powerd.transports import serial as ours; names()\n"
        "import codecs; [codecs.lookup(n) for n in ('ascii', 'latin-1', 'utf-8', 'idna')]\n"
        "from powerd.cli import main; from schemas.discovery import modules; modules('powerd.commands')\n"
        f"os.setgid({NOBODY}); os.setgroups([]); os.setuid({NOBODY})\n"
        f"sys.exit(main(['run', '--meter', 'wall=yokogawa-wt300:{line}', '--data-dir', '{data}/d',"
        " '--listen', '127.0.0.1:0']))\n"
    )
    with folder:
        one_sentence(python(program, tmp_path), 2, line, "dialout")


def test_a_driver_that_does_not_exist(tmp_path: Path) -> None:
    one_sentence(run("wall=yokogawa-wt30:/dev/ttyS0", tmp_path), 2, "did you mean yokogawa-wt300")


def test_a_port_that_is_no_line(tmp_path: Path) -> None:
    one_sentence(run("wall=yokogawa-wt300:/dev/null", tmp_path), 2, "/dev/null is no tty")


def test_all_mistakes_of_a_meter_at_once(tmp_path: Path) -> None:
    done = run("wall=yokogawa-wt300:/x,intervall=1s,baud=fast", tmp_path)
    one_sentence(done, 2, "'intervall'", "did you mean 'interval'", "baud", "'fast'")


def test_no_meter_at_all(tmp_path: Path) -> None:
    one_sentence(command("powerd", "run", cwd=tmp_path), 2, "no meter is configured")


def test_an_address_that_others_can_reach(tmp_path: Path) -> None:
    words = ("run", "--meter", "wall=yokogawa-wt300:/dev/ttyS0", "--listen", "0.0.0.0:8675")
    one_sentence(command("powerd", *words, cwd=tmp_path), 2, "0.0.0.0", "127.0.0.1", "tokens_file")


@pytest.mark.parametrize("name", ["watch", "windows", "meters"])
def test_no_daemon(tmp_path: Path, name: str) -> None:
    done = command("powerd", name, "--url", "http://127.0.0.1:1", cwd=tmp_path)
    one_sentence(done, 2, "no powerd answers at http://127.0.0.1:1", "powerd run")


def test_a_load_that_is_none(tmp_path: Path) -> None:
    done = command("powerd", "emulate", "yokogawa-wt300", "--load", "cube:1", cwd=tmp_path)
    one_sentence(done, 2, "'cube:1'", "constant:W")


def test_an_extra_that_is_not_installed(tmp_path: Path) -> None:
    """Without FastAPI on the path the daemon says what to install."""
    program = (
        "import importlib.util, sys\n"
        "real = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, package=None: None if name == 'fastapi' else real(name, package)\n"
        "from powerd.cli import main\n"
        "sys.exit(main(['run', '--meter', 'wall=yokogawa-wt300:/dev/ttyS0', '--data-dir', 'data']))\n"
    )
    done = python(program, tmp_path)
    one_sentence(done, 2, "fastapi not installed", "pip install 'edgewatt[daemon]'")


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (("nothere",), ("nothing to check", "does not exist")),
        (("explain", "performance/min-durations"), ("did you mean performance/min-duration",)),
    ],
)
def test_mlcheck(tmp_path: Path, words: tuple[str, ...], parts: tuple[str, ...]) -> None:
    one_sentence(command("checker", *words, cwd=tmp_path), 2, *parts)


def test_an_empty_directory_is_nothing_to_check(tmp_path: Path) -> None:
    one_sentence(command("checker", str(tmp_path), cwd=ROOT), 2, "nothing to check")


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("run", "resnet51", "--scenario", "SingleStream", "--output", "o"), "did you mean resnet50"),
        (("run", "resnet50", "--scenario", "SingleStream", "--output", "o"), "--fixture"),
        (
            ("run", "resnet50", "--scenario", "SingleStream", "--output", "o", "--fixture", "no"),
            "make-fixture",
        ),
    ],
)
def test_mlharness(tmp_path: Path, words: tuple[str, ...], part: str) -> None:
    one_sentence(command("harness", *words, cwd=tmp_path), 2, part)

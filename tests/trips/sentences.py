"""What a table of bad inputs is made of: a command line, its exit code, and pieces of the one sentence."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = {"powerd": "powerd", "mlharness": "harness", "mlcheck": "checker"}
NOBODY = 65534


def bad_files(folder: Path) -> None:
    """Things that are not what they should be, by their names."""
    (folder / "folder").mkdir()
    (folder / "file").write_text("")
    (folder / "binary").write_bytes(b"\xff\xfe\x00")
    (folder / "broken.json").write_text("{bad")
    (folder / "broken.toml").write_text("x = [")


def judge(code: int, out: str, err: str, wanted: int, parts: Sequence[str], prog: str) -> None:
    """One line on stderr by this program with all these parts, nothing on stdout, no traceback."""
    assert code == wanted, err
    assert "Traceback" not in err
    assert out == ""
    assert err.endswith("\n")
    assert err.count("\n") == 1, err
    assert err.startswith(f"{prog}: "), err
    for part in parts:
        assert part in err, f"{part!r} is not in {err!r}"


def refuse(
    cli: ModuleType,
    line: str | Sequence[str],
    code: int,
    parts: Sequence[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Run the program in this process and judge what it said."""
    words = line.split() if isinstance(line, str) else list(line)
    prog = next(p for p, package in PACKAGE.items() if cli.__name__ == f"{package}.cli")
    main: Callable[[list[str]], int] = cli.main
    found = main(words)
    said = capsys.readouterr()
    judge(found, said.out, said.err, code, parts, prog)


def environment(**changes: str | None) -> dict[str, str]:
    """The environment of a command, with these variables set, or (None) without them."""
    merged: dict[str, str | None] = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", **changes}
    return {key: value for key, value in merged.items() if value is not None}


def command(prog: str, *words: str) -> list[str]:
    """The command line of a program of ours."""
    return [sys.executable, "-m", f"{PACKAGE[prog]}.cli", *words]


READY = {"mlcheck": "modules('checker.reports')"}
"""What a program imports only when it is asked for."""


def program_of_nobody(prog: str, words: Sequence[str], imports: str = "", user: int = NOBODY) -> str:
    """What Python runs to be a program of ours with the rights of another user; ``imports`` are modules that are
    imported before."""
    # Everything is imported before the rights are given up: the interpreter itself may belong to root.
    return (
        f"import codecs, os, sys{''.join(', ' + name for name in imports.split())}\n"
        "[codecs.lookup(n) for n in ('ascii', 'latin-1', 'utf-8', 'idna')]\n"
        f"from {PACKAGE[prog]}.cli import main; from schemas.discovery import modules\n"
        f"modules('{PACKAGE[prog]}.commands')\n"
        f"{READY.get(prog, '')}\n"
        "from schemas.rounds import known_rounds, load_round; load_round(known_rounds()[-1])\n"
        f"os.setgid({user}); os.setgroups([]); os.setuid({user})\n"
        f"sys.exit(main({list(words)!r}))\n"
    )


def as_nobody(
    prog: str,
    *words: str,
    cwd: Path,
    imports: str = "",
    user: int = NOBODY,
    env: dict[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """The program run by a user without rights; only root can do that."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    program = program_of_nobody(prog, words, imports, user)
    return subprocess.run(
        [sys.executable, "-c", program], cwd=cwd, env=env or environment(), capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip


def closed_pipe(prog: str, *words: str, cwd: Path) -> tuple[int, str]:
    """The program with a reader that leaves after nothing (`| true`): its exit code and stderr."""
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            command(prog, *words), cwd=cwd, env=environment(), stdout=write, stderr=subprocess.PIPE, text=True,
            timeout=60, check=False,
        )  # fmt: skip
    finally:
        os.close(write)
    return done.returncode, done.stderr


def full_output(prog: str, *words: str, cwd: Path) -> tuple[int, str, str]:
    """The program with its stdout on a full disk: exit code, nothing, stderr."""
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run(
            command(prog, *words), cwd=cwd, env=environment(), stdout=full, stderr=subprocess.PIPE, text=True,
            timeout=60, check=False,
        )  # fmt: skip
    return done.returncode, "", done.stderr


def outcome(
    prog: str, *words: str, cwd: Path, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """The program as a process."""
    return subprocess.run(
        command(prog, *words), cwd=cwd, env=env or environment(), capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip

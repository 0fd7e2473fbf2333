"""The files that make powerd a service, looked through by systemd itself where it is installed."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from powerd.cli import main
from powerd.commands import systemd_files

KEYS = re.compile(
    r'(?:ACTION|SUBSYSTEM|DRIVER|KERNEL|MODE|GROUP|GOTO|LABEL|SYMLINK|ENV\{\w+\}|ATTRS?\{\w+\})(?:==|!=|\+=|=)"[^"]*"\Z'
)


@pytest.fixture
def folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert main(["systemd-files", str(tmp_path / "files")]) == 0
    told = capsys.readouterr()
    assert told.out.splitlines() == [str(tmp_path / "files" / name) for name in systemd_files.PLACES]
    assert "systemctl daemon-reload" in told.err
    return tmp_path / "files"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_finds_nothing_wrong_and_the_sandbox_tight(folder: Path) -> None:
    unit = folder / "powerd.service"
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    ours = [line for line in done.stderr.splitlines() if "powerd" in line]
    assert (done.returncode, ours) == (0, [])
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=30", str(unit)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-500:]
    unit.write_text(unit.read_text().replace("WatchdogSec=30", "WatchdogSec=often"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "often" in done.stderr  # it does look


def test_the_unit_is_what_the_daemon_needs(folder: Path) -> None:
    unit = (folder / "powerd.service").read_text()
    for line in ("Type=notify", "WatchdogSec=30", "User=powerd", "SupplementaryGroups=dialout", "StateDirectory=powerd",
                 "ExecReload=/bin/kill -HUP $MAINPID", "ProtectSystem=strict"):  # fmt: skip
        assert line in unit.splitlines()
    program, *arguments = re.findall(r"^ExecStart=(.*)$", unit, re.M)[0].split()
    assert Path(program).is_file()
    assert arguments[0] == "run"


def test_each_udev_rule_is_a_list_of_known_keys(folder: Path) -> None:
    rules = [
        line
        for line in (folder / "70-powerd.rules").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    assert len(rules) > 5
    wrong = [part for rule in rules for part in rule.split(", ") if not KEYS.match(part)]
    assert wrong == []

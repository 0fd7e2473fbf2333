"""What the documents name is there."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = {"powerd": "powerd", "mlharness": "harness", "mlcheck": "checker"}


def test_every_file_that_the_architecture_names_exists() -> None:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:powerd|harness|checker|schemas|tests|tools)/[\w./-]*)`", text))
    assert len(named) > 40
    assert sorted(n for n in named if not (ROOT / n).exists()) == []


@pytest.mark.parametrize(
    ("file", "function"),
    [
        ("powerd/drivers/yokogawa_wt300.py", "parse"),
        ("schemas/energy.py", "integrate"),
        ("checker/api.py", "check"),
    ],
)
def test_the_functions_that_the_architecture_points_at(file: str, function: str) -> None:
    assert re.search(rf"^def {function}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)


def test_the_600_s_rule_lives_where_the_architecture_says() -> None:
    facts = json.loads((ROOT / "schemas/rounds/v4.1.json").read_text(encoding="utf-8"))
    assert facts["limits"]["min_duration_ms"] == 600_000
    schema = (ROOT / "schemas/files/loadgen-result.schema.json").read_text(encoding="utf-8")
    assert "performance/min-duration" in schema


def test_energy_is_integrated_in_one_place() -> None:
    """Nobody but ``schemas.energy`` turns samples into joules."""
    callers = [
        path.relative_to(ROOT).as_posix()
        for package in ("schemas", "powerd", "checker", "harness")
        for path in (ROOT / package).rglob("*.py")
        if "from schemas.energy import" in path.read_text(encoding="utf-8")
    ]
    assert "schemas/evidence.py" in callers


def test_every_command_of_the_readme_is_known() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    used = set(re.findall(r"^ {4}(powerd|mlharness) ([a-z-]+)", text, re.MULTILINE))
    used |= set(re.findall(r"`(powerd|mlharness) ([a-z-]+)", text))
    assert {("powerd", "run"), ("mlharness", "run"), ("powerd", "watch")} <= used
    for program in ("powerd", "mlharness"):
        done = subprocess.run(
            [sys.executable, "-m", f"{PROGRAMS[program]}.cli", "--help"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        assert [c for p, c in sorted(used) if p == program and c not in done.stdout] == []


def test_every_dependency_has_its_reason() -> None:
    reasons = (ROOT / "docs/dependencies.md").read_text(encoding="utf-8")
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    part = project[project.index("dependencies = [") : project.index("[project.scripts]")]
    for name in re.findall(r'^ *"?(?:dev = \[)?"([a-z][\w-]+)[><=]', part, re.MULTILINE):
        assert name in reasons, name

"""Situations before a run for the checks of preflight, and what a check must say of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import ModuleType

from harness.checks.base import Line, Situation, Verdict
from harness.machine import Machine
from harness.model import Workload
from harness.scenarios import BY_NAME

Files = dict[str, str]
"""What a planted machine tells, by path."""


def planted(root: Path, files: Files) -> Machine:
    """A machine that tells what ``files`` say, by path below sys, proc, dev and run."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content + "\n")
    return Machine(*(root / part for part in ("sys", "proc", "dev", "run")))


def with_files(situation: Situation, tmp_path: Path, files: Files) -> Situation:
    return replace(situation, machine=planted(tmp_path / "machine", files))


def with_work(situation: Situation, model_path: Path, data: Path, *names: str) -> Situation:
    scenarios = tuple(BY_NAME[n] for n in names or ("SingleStream",))
    work = Workload("resnet50", model_path, data, "onnxruntime", 1, 32)
    return replace(situation, workload=work, scenarios=scenarios)


def found(check: ModuleType, situation: Situation) -> list[Line]:
    """The lines of a check; whatever is not fine must say what was wanted and what to do."""
    lines = list(check.check(situation))
    for line in lines:
        assert line.found
        assert line.verdict is Verdict.OK or (line.wanted and line.cure), line
    return lines


def only(check: ModuleType, situation: Situation) -> Line:
    (line,) = found(check, situation)
    return line


def says(line: Line, verdict: str, *words: str) -> None:
    text = f"{line.found} | {line.wanted} | {line.cure}"
    assert (line.verdict.value, [w for w in words if w not in text]) == (verdict, []), text

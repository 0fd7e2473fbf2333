"""Edits of the valid trees of v6, and how a report is held to them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from checker.api import check
from checker.model import Effect, Report, Severity
from tests.checker.one_edit import Case, hold
from tests.checker.trees import LOG_HASH
from tests.checker.trees_v6 import TreeV6, build

EditV6 = Callable[[TreeV6], None]


def report(tmp_path: Path, case: Case) -> Report:
    tree = build(tmp_path / "tree", **dict(case.build))
    case.edit(tree)
    if case.sign and tree.power().is_dir():
        tree.sign()
    return check(tree.root, round_name=tree.round.name)


def named(edit: EditV6, name: str) -> EditV6:
    edit.__name__ = name
    return edit


def remove(name: str, scenario: str = "offline") -> EditV6:
    """Without a file or a directory; no directory is left empty."""

    def edit(t: TreeV6) -> None:
        path = t.result(scenario) / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        if not any(path.parent.iterdir()):
            (path.parent / "notes.md").write_text("nothing else\n")

    return named(edit, f"without-{name}")


def write(name: str, text: str, scenario: str = "offline", about: str = "") -> EditV6:
    def edit(t: TreeV6) -> None:
        path = t.result(scenario) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    return named(edit, f"{name}-{about or text[:20]!r}")


def log(scenario: str = "offline", folder: str = "performance/run_1", **changes: Any) -> EditV6:
    return named(
        lambda t: t.set_log(t.result(scenario) / folder, **changes), f"{scenario}-{'-'.join(changes)}"
    )


def system(**changes: Any) -> EditV6:
    return named(lambda t: t.system_json(**changes), f"system-{'-'.join(changes)}")


def extra(name: str, scenario: str = "offline") -> EditV6:
    return write(name, "x\n", scenario, about="too-much")


DATACENTER = (("system_type", "datacenter"),)


LLAMA = (*DATACENTER, ("benchmark", "llama3.1-8b"))


OSS = (*DATACENTER, ("benchmark", "gpt-oss-120b"))


QWEN = (*DATACENTER, ("benchmark", "qwen3-vl-235b-a22b"))


OPEN, NETWORK, POWER = (("division", "open"),), (("division", "network"),), (("power", True),)


WARNED = {"effect": Effect.NONE, "severity": Severity.WARNING}


HASH = "hash=" + LOG_HASH + "\n"


def verdicts(found: Report) -> dict[str, tuple[bool, bool]]:
    """Both verdicts by scenario directory."""
    return {r.place.scenario: (r.valid, r.reference_valid) for r in found.results}


def check_case(tmp_path: Path, case: Case) -> None:
    """Hold a report to its case, and every difference between the verdicts to a finding."""
    found = report(tmp_path, case)
    hold(found, case)
    for result in (r for r in found.results if r.valid != r.reference_valid):
        own = [found.findings[at] for at in result.findings]
        assert any((f.counts and f.place.covers(result.place)) != f.reference for f in own), result.path

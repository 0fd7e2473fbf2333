"""One edit to the valid tree of an early round, one expected rule, and what the checker of that round does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from checker.api import check_with
from checker.model import Effect, Finding, Report, Severity
from checker.options import Options
from tests.checker.trees_old import OldTree, build_old

Edit = Callable[[OldTree], None]
POWER = (("power", True),)
R, LOG, NONE, MARK, CRASH = Effect.RESULT, Effect.LOG, Effect.NONE, Effect.MARK, Effect.CRASH
WARN, NOTE = Severity.WARNING, Severity.NOTE


def judged(tree: OldTree, *, power_checker: bool = True) -> Report:
    return check_with(tree.root, Options(round=tree.round.name, power_checker=power_checker))


@dataclass(frozen=True, slots=True)
class OldCase:
    """``also`` are further rules that the same edit must break."""

    round: str
    rule: str
    edit: Edit
    effect: Effect
    severity: Severity = Severity.ERROR
    build: tuple[tuple[str, Any], ...] = ()
    also: tuple[str, ...] = ()
    power_checker: bool = True
    reference: bool = False

    @property
    def id(self) -> str:
        return f"{self.round}-{self.rule}-{self.edit.__name__}"


def expect(tmp_path: Path, case: OldCase) -> list[Finding]:
    tree = build_old(tmp_path, case.round, **dict(case.build))
    case.edit(tree)
    report = judged(tree, power_checker=case.power_checker)
    assert {f.rule for f in report.findings} == {case.rule, *case.also}, [
        (f.rule, f.message) for f in report.findings
    ]
    own = [f for f in report.findings if f.rule == case.rule]
    assert {f.severity for f in own} == {case.severity}
    assert {f.effect for f in own} == {case.effect}, [(f.effect, f.message) for f in own]
    assert report.reference_valid == case.reference
    return own


def log(scenario: str, **changes: Any) -> Edit:
    def edit(t: OldTree) -> None:
        t.set_log(t.run(scenario), **changes)

    edit.__name__ = f"{scenario}-{'-'.join(changes)}"
    return edit

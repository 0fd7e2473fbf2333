"""One edit to the valid tree, one expected rule: the form in which every family is tested."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from checker.api import check
from checker.model import Effect, Finding, Report, Severity
from tests.checker.trees import Edit, build


@dataclass(frozen=True, slots=True)
class Case:
    """``also`` are further rules that the same edit must break; ``build`` how the valid tree is built."""

    rule: str
    edit: Edit
    effect: Effect = Effect.RESULT
    severity: Severity = Severity.ERROR
    also: tuple[str, ...] = ()
    sign: bool = True
    build: tuple[tuple[str, Any], ...] = ()
    check: tuple[tuple[str, Any], ...] = ()

    @property
    def id(self) -> str:
        round_name = dict(self.build).get("round_name", "")
        return f"{self.rule}-{self.edit.__name__}{round_name and '-'}{round_name}"


def report(tmp_path: Path, case: Case) -> Report:
    tree = build(tmp_path / "tree", **dict(case.build))
    case.edit(tree)
    if case.sign and tree.power().is_dir():
        tree.sign()
    return check(tree.root, round_name=tree.round.name, **dict(case.check))


def expect(tmp_path: Path, case: Case) -> list[Finding]:
    """The findings of the case's rule, after holding them to the case."""
    return hold(report(tmp_path, case), case)


def hold(found: Report, case: Case) -> list[Finding]:
    """The findings of the case's rule in a report, after holding them to the case."""
    rules = {f.rule for f in found.findings}
    assert rules == {case.rule, *case.also}, [(f.rule, f.message) for f in found.findings]
    own = [f for f in found.findings if f.rule == case.rule]
    assert {f.severity for f in own} == {case.severity}
    assert {f.effect for f in own} == {case.effect}, [f.message for f in own]
    assert all(f.message and f.location.path and f.why and f.fix and f.link for f in own)
    if case.severity is Severity.ERROR:
        assert not found.valid
    if case.effect.fails:
        assert not found.reference_valid
    return own

"""What changed from one tree of results to another: added, removed, modified, invalidated, restored, and what became of
preview systems. One change per result or system, with every number that is another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from checker.explorer.book import Volume
from checker.explorer.rows import Row
from checker.reports.json import finite
from checker.table import UNITS

SCHEMA = "edgewatt/diff/1"
KINDS = ("added", "removed", "invalidated", "restored", "modified", "preview")
PREVIEW, AVAILABLE = "preview", "available"


@dataclass(frozen=True, slots=True)
class Step:
    """One value that is another: a number with its unit, or a text. None where there was or is none."""

    name: str
    before: float | str | None
    after: float | str | None
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the result or system at ``place`` (names from the division down). ``severity`` is ``warning`` for
    what a reviewer will ask about, else ``note``; ``outcome`` says what became of a preview system; ``reason`` comes
    from a ledger."""

    kind: str
    place: tuple[str, ...]
    severity: str
    steps: tuple[Step, ...] = ()
    rules: tuple[str, ...] = ()
    outcome: str = ""
    reason: str = ""

    @property
    def where(self) -> str:
        """The place in one line."""
        return "/".join(self.place)


@dataclass(frozen=True, slots=True)
class ChangeLog:
    """All changes from ``old`` to ``new``, each tree with its round."""

    old: str
    old_round: str
    new: str
    new_round: str
    changes: tuple[Change, ...]


def between(old: Volume, new: Volume) -> ChangeLog:
    """The changes from one tree to another."""
    before, after = {_key(r): r for r in old.rows}, {_key(r): r for r in new.rows}
    found = [*_results(before, after, old, new), *_systems(old.rows, new.rows), *_previews(old, new)]
    found.sort(key=lambda c: (KINDS.index(c.kind), c.place))
    return ChangeLog(old.name, old.report.round, new.name, new.report.round, tuple(found))


def _key(row: Row) -> tuple[str, ...]:
    return row.division, row.submitter, row.system, row.benchmark, row.scenario


def _results(
    before: Mapping[tuple[str, ...], Row], after: Mapping[tuple[str, ...], Row], old: Volume, new: Volume
) -> Iterator[Change]:
    for key in before.keys() | after.keys():
        a, b = before.get(key), after.get(key)
        if a is None and b is not None:
            yield Change("added", key, "note", tuple(_numbers(None, b)))
        elif b is None and a is not None:
            yield Change("removed", key, "warning", tuple(_numbers(a, None)))
        elif a is not None and b is not None:
            steps = tuple(_numbers(a, b))
            if a.valid != b.valid:
                kind, side, row = ("invalidated", new, b) if a.valid else ("restored", old, a)
                yield Change(kind, key, "warning" if a.valid else "note", steps, _rules(side, row))
            elif steps:
                yield Change("modified", key, "warning", steps)


def _rules(side: Volume, row: Row) -> tuple[str, ...]:
    """Rules that made a result invalid."""
    found = (side.report.findings[n] for n in row.findings)
    return tuple(sorted({f.rule for f in found if f.counts}))


_FIELDS: tuple[tuple[str, Callable[[Row], Any], Callable[[Row], str]], ...] = (
    ("performance", lambda r: r.value, lambda r: r.unit),
    ("power", lambda r: r.power_value, lambda r: r.power_unit),
    ("coverage", lambda r: r.coverage, lambda r: ""),
    ("bad samples", lambda r: r.bad_samples, lambda r: ""),
    ("window", lambda r: r.window_seconds, lambda r: "s"),
    ("inferred", lambda r: "yes" if r.inferred else "no", lambda r: ""),
    ("official power", lambda r: {True: "yes", False: "no", None: None}[r.official], lambda r: ""),
)


def _numbers(a: Row | None, b: Row | None) -> Iterator[Step]:
    """Values that differ; all numbers of a result that is on one side only."""
    shown = b or a
    if shown is None:
        return
    only_one = a is None or b is None
    for name, of, unit in _FIELDS[:2] if only_one else _FIELDS:
        before, after = (None if r is None else of(r) for r in (a, b))
        label = (shown.power_name or (a.power_name if a else "")) if name == "power" else name
        units = {unit(r) for r in (a, b) if r is not None and of(r) is not None}
        if before != after:
            yield Step(label, before, after, units.pop() if len(units) == 1 else "")
        elif len(units) > 1 and a is not None and b is not None:
            yield Step(f"unit of {label}", unit(a), unit(b))
    accuracies = [{v.name: finite(v.value) for v in r.accuracy} if r else {} for r in (a, b)]
    for name in sorted(accuracies[0].keys() | accuracies[1].keys()):
        before, after = (values.get(name) for values in accuracies)
        if before != after:
            yield Step(f"accuracy {name}", before, after)


_TEXTS = (
    "system_name", "system_type", "availability", "software", "processor", "accelerator",
)  # fmt: skip


def _systems(old: Sequence[Row], new: Sequence[Row]) -> Iterator[Change]:
    """Descriptions of systems on both sides that say something else."""
    before, after = ({r.place[:3]: r for r in reversed(rows)} for rows in (old, new))
    for key in before.keys() & after.keys():
        a, b = before[key], after[key]
        values = [(name, getattr(a, name), getattr(b, name)) for name in _TEXTS]
        steps = tuple(
            Step(name.replace("_", " "), x, y)
            for name, x, y in values
            if x != y and not (name == "availability" and x == PREVIEW)
        )
        if steps:
            yield Change("modified", key, "warning", steps)
    earlier, later = _models(old), _models(new)
    for key in earlier.keys() & later.keys():
        was, now = earlier[key], later[key]
        if now != was:
            steps = tuple(
                Step(n, x, y) for n, x, y in zip(("model used", "notes"), was, now, strict=True) if x != y
            )
            yield Change("modified", key, "note", steps)


def _models(rows: Sequence[Row]) -> dict[tuple[str, ...], tuple[str, str]]:
    """Model used and notes by system and benchmark, open division."""
    return {r.place[:4]: (r.model_used, r.notes) for r in rows if r.division == "open"}


def _previews(old: Volume, new: Volume) -> Iterator[Change]:
    """Preview systems must be submitted as available in the next round (seed page, Availability)."""
    now = {r.place[:3]: r.availability for r in new.rows}
    for key in sorted({r.place[:3] for r in old.rows if r.availability == PREVIEW}):
        found = now.get(key)
        if found == PREVIEW and old.report.round == new.report.round:
            continue
        if found == AVAILABLE:
            outcome, severity = "submitted as available", "note"
        elif found is None:
            outcome, severity = "not submitted again", "warning"
        else:
            outcome, severity = f"submitted again as {found or 'nothing'}, not as available", "warning"
        yield Change("preview", key, severity, outcome=outcome)


def lines(change: Change) -> Iterator[str]:
    """A change in sentences, a value in each."""
    if change.outcome:
        yield f"preview system: {change.outcome}"
    for step in change.steps:
        unit = f" {UNITS.get(step.unit, step.unit)}" if step.unit else ""
        if step.before is None:
            yield f"{step.name}: {_said(step.after)}{unit}"
        elif step.after is None:
            yield f"{step.name}: was {_said(step.before)}{unit}"
        else:
            yield f"{step.name}: {_said(step.before)} → {_said(step.after)}{unit}"
    if change.rules:
        yield "because of " + ", ".join(change.rules)


def _said(value: float | str | None) -> str:
    if isinstance(value, str):
        return value or "nothing"
    return "nothing" if value is None else f"{value:.10g}"


def document(log: ChangeLog) -> dict[str, Any]:
    """The document ``edgewatt/diff/1``."""
    counts = {kind: sum(c.kind == kind for c in log.changes) for kind in KINDS}
    return {
        "schema": SCHEMA,
        "old": {"tree": log.old, "round": log.old_round},
        "new": {"tree": log.new, "round": log.new_round},
        "counts": counts,
        "changes": [_change(c) for c in log.changes],
    }


def _change(change: Change) -> dict[str, Any]:
    names = ("division", "submitter", "system", "benchmark", "scenario")
    padded = (*change.place, *[None] * (5 - len(change.place)))
    return {
        "kind": change.kind,
        "severity": change.severity,
        "scope": dict(zip(names, padded, strict=True)),
        "values": [{"name": s.name, "from": s.before, "to": s.after, "unit": s.unit} for s in change.steps],
        "rules": list(change.rules),
        "outcome": change.outcome or None,
        "reason": change.reason or None,
    }


def for_page(log: ChangeLog) -> dict[str, Any]:
    """What the page's tab shows."""
    rows = [
        {"kind": c.kind, "place": c.where, "lines": list(lines(c)), "reason": c.reason} for c in log.changes
    ]
    return {"old": f"{log.old} ({log.old_round})", "new": f"{log.new} ({log.new_round})", "changes": rows}

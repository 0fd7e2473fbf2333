"""Two rounds, trees, submitters or systems beside each other: ratios, whether a difference of power is more than the
error, and which pairs the rules do not allow to compare.

The rules: closed and open division, edge and datacenter, and different benchmarks or scenarios are not compared with
each other; neither is what is not valid, nor an open result that used another model, nor what different rounds measured
in different units.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from statistics import median
from typing import Any

from checker.explorer.book import Book, Volume
from checker.explorer.rows import Row
from schemas.cliparse import nearest
from schemas.errors import UserError

FAR = 2.0
"""Times the median of a platform, above or below which a result is pointed out."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One number of two results. ``ratio`` is B over A, None where A is 0; ``said`` tells a difference of power from
    the error, empty where no u95 is known; ``barred`` are the reasons why the rules forbid the comparison."""

    a: Row
    b: Row
    what: str
    unit: str
    first: float
    second: float
    said: str
    barred: tuple[str, ...]

    @property
    def ratio(self) -> float | None:
        """B over A."""
        return self.second / self.first if self.first else None


@dataclass(frozen=True, slots=True)
class Beside:
    """All pairs of two sides, and results that are far from the others on their platform."""

    a: str
    b: str
    pairs: tuple[Pair, ...]
    outliers: tuple[str, ...]


def beside(book: Book, a: str, b: str) -> Beside:
    """Compare what two names mean; UserError for a name that nothing has."""
    first, second = chosen(book, a), chosen(book, b)
    pairs = [
        p
        for x in first
        for y in second
        if (x.model, x.scenario) == (y.model, y.scenario)
        for p in _pairs(x, y)
    ]
    pairs.sort(key=lambda p: (p.a.model, p.a.scenario, p.what, p.a.place, p.b.place))
    return Beside(a, b, tuple(pairs), tuple(outliers([r for v in book for r in v.rows])))


def chosen(book: Book, name: str) -> list[Row]:
    """The results that a name means: of a tree, round, submitter, system, SUBMITTER/SYSTEM or ROUND/SUBMITTER/SYSTEM;
    systems may hold ``*``."""
    meanings: dict[str, Callable[[Volume, Row], bool]] = {
        "tree": lambda v, r: v.name == name,
        "round": lambda v, r: r.round == name,
        "submitter": lambda v, r: r.submitter == name,
        "system": lambda v, r: fnmatchcase(r.system, name) or fnmatchcase(f"{r.submitter}/{r.system}", name),
        "place": lambda v, r: fnmatchcase(f"{r.round}/{r.submitter}/{r.system}", name),
    }
    for meant in meanings.values():
        found = [r for v in book for r in v.rows if meant(v, r)]
        if found:
            return found
    known = {n for v in book for r in v.rows for n in (v.name, r.round, r.submitter, r.system)}
    raise UserError(
        f"--compare {name}: no tree, round, submitter or system is called so; {nearest(name, sorted(known)[:40])}"
    )


def _pairs(a: Row, b: Row) -> Iterator[Pair]:
    barred = tuple(_barred(a, b))
    for what, of, unit in (
        ("performance", lambda r: r.value, lambda r: r.unit),
        ("power", _joule, lambda r: "mJ" if r.power_name == "energy_per_stream" else "W"),
        ("samples per joule", lambda r: r.samples_per_joule, lambda r: ""),
    ):
        x, y = of(a), of(b)
        if x is None or y is None:
            continue
        other = () if unit(a) == unit(b) else (f"units differ: {unit(a)} and {unit(b)}",)
        label = a.power_name.replace("_", " ") if what == "power" else what
        said = against_error(a, b) if what == "power" else ""
        yield Pair(a, b, label, unit(a), x, y, said, (*barred, *other))


def _joule(row: Row) -> float | None:
    """Energy of a query in mJ whatever the round's unit; watts as they are."""
    if row.power_value is None:
        return None
    return row.power_value * 1000 if row.power_unit == "J" else row.power_value


def _barred(a: Row, b: Row) -> Iterator[str]:
    if a.division != b.division:
        yield f"{a.division} and {b.division} division"
    types = [set(r.system_type.replace("datacenter,edge", "edge,datacenter").split(",")) for r in (a, b)]
    if not types[0] & types[1]:
        yield f"{a.system_type or 'no'} and {b.system_type or 'no'} system type"
    if a.division == b.division == "open" and a.model_used != b.model_used:
        yield "other models in the open division"
    for side, row in (("A", a), ("B", b)):
        if not row.valid:
            yield f"{side} is not valid"
    if a.round != b.round:
        limits = "rules and LoadGen may differ between rounds"
        if a.scenario == "MultiStream" and a.unit != b.unit:
            yield f"MultiStream of {a.round} and {b.round} measure different things"
        elif a.unit != b.unit:
            yield limits


def against_error(a: Row, b: Row) -> str:
    """Whether the relative difference of the average powers is more than both u95 leave open.

    On one meter (the same serial number) and range the error limits are the same error: what is left of them in the
    difference is the difference of the relative u95. Else they count as independent.
    """
    values = [(r.average_watts, r.average_u95_w) for r in (a, b)]
    if any(not w or u is None for w, u in values):
        return ""
    (wa, ua), (wb, ub) = ((float(w or 0), float(u or 0)) for w, u in values)
    together = bool(a.meter_serial) and a.meter_serial == b.meter_serial and a.ranges == b.ranges
    difference = abs(wb / wa - 1)
    bound = abs(ua / wa - ub / wb) if together else math.hypot(ua / wa, ub / wb)
    word = "more" if difference > bound else "not more"
    how = ", same meter and range" if together else ""
    return f"{difference:.2%} of power is {word} than the error of {bound:.2%}{how}"


def outliers(rows: Sequence[Row]) -> Iterator[str]:
    """Valid results more than ``FAR`` times off the median of other submitters on the same platform, in one round."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        platform = row.accelerator or row.processor
        if platform and row.valid and row.value and row.division == "closed":
            groups.setdefault((row.round, platform, row.model, row.scenario, row.unit), []).append(row)
    for (round_name, platform, model, scenario, unit), own in sorted(groups.items()):
        for row in own:
            others = [r.value for r in own if r.submitter != row.submitter and r.value]
            if len(others) < 2 or not row.value:
                continue
            ratio = row.value / median(others)
            if ratio > FAR or ratio < 1 / FAR:
                yield (
                    f"{row.submitter}/{row.system} ({round_name}): {model} {scenario} {row.value:.6g} {unit} is "
                    f"{ratio:.2g} times the median of {len(others)} others on {platform}"
                )


def for_page(found: Beside) -> dict[str, Any]:
    """What the page's tab shows."""

    def side(row: Row, value: float) -> dict[str, Any]:
        return {"system": f"{row.submitter}: {row.system_name} ({row.round}, {row.division})", "value": value}

    pairs = [
        {"model": p.a.model, "scenario": p.a.scenario, "what": p.what, "unit": p.unit, "ratio": p.ratio,
         "said": p.said, "barred": list(p.barred), "a": side(p.a, p.first), "b": side(p.b, p.second)}
        for p in found.pairs
    ]  # fmt: skip
    return {"a": found.a, "b": found.b, "pairs": pairs, "outliers": list(found.outliers)}

"""What the page knows: one document ``edgewatt/explorer/1``, made from a book and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from checker.explorer.book import Book, Volume
from checker.explorer.compact import Texts, table
from checker.explorer.rows import Row
from checker.explorer.sources import Number
from checker.explorer.traces import Trace, decimated
from checker.model import Finding
from checker.reports.json import document, finite
from schemas import __version__

SCHEMA = "edgewatt/explorer/1"
MOST_POINTS = 2000
"""Of one run: more than a screen has columns."""
MOST_ALL_POINTS = 300_000
"""Of a page, some 5 MB; with more, each run gets its share of them, and below ``LEAST_POINTS`` none is kept."""
RUNS = 2
"""Of a result: ranging and testing."""
LEAST_POINTS = 120
MOST_DETAILED = 3000
"""Results with the way of each number; a page of more shows the numbers, findings and files alone."""

RESULT = {
    "tree": ".", "round": "t", "division": "t", "submitter": "t", "system": "t", "system_type": "t",
    "availability": "t", "system_name": "t", "software": "t", "processor": "t", "accelerator": "t", "benchmark": "t",
    "model": "t", "scenario": "t", "path": "t", "valid": ".", "reference_valid": ".", "inferred": ".", "value": ".",
    "unit": "t", "accuracy": "j", "power_name": "t", "power_value": ".", "power_unit": "t", "average_watts": ".",
    "average_u95_w": ".", "energy_joules": ".", "samples_per_joule": ".", "window_seconds": ".", "samples": ".",
    "bad_samples": ".", "coverage": ".", "max_gap_seconds": ".", "ranging_delta_percent": ".", "daemon": "t",
    "meter": "t", "meter_serial": "t", "ranges": ".", "official": ".", "details": "t", "code": "t", "model_used": "t",
    "notes": "t", "findings": ".",
}  # fmt: skip
FINDING = {
    "tree": ".", "rule": "t", "severity": "t", "reference": ".", "scope": "t", "path": "t", "line": ".",
    "pointer": ".", "message": "t", "found": "t", "wanted": "t", "why": "t", "fix": "t", "link": "t", "waived": ".",
    "waiver": "t", "known": ".", "forgiven": ".",
}  # fmt: skip


def page_document(book: Book, links: Sequence[str | None] = (), **parts: Any) -> dict[str, Any]:
    """The document. ``links`` are the addresses of the trees, each with ``/`` at its end, None where files are not to
    be linked; ``parts`` are the change log and the comparison, as they are."""
    texts = Texts()
    every = [row for v in book for row in v.rows]
    firsts = _first_findings(book)
    hrefs = [*links, *[None] * (len(book) - len(links))]
    trees = [_tree(v) | {"href": href} for v, href in zip(book, hrefs, strict=True)]
    said = {"tool": {"name": "mlcheck", "version": __version__}, "trees": trees}
    results = table(texts, RESULT, (_result(row, firsts[row.tree]) for row in every))
    findings = table(texts, FINDING, (_finding(n, f) for n, v in enumerate(book) for f in v.report.findings))
    notes: list[str] = []
    details = _details(book, len(every), notes)
    traces = _traces(book, notes)
    return {
        "schema": SCHEMA, **said, "results": results, "findings": findings, "details": details, "traces": traces,
        "remarks": notes, **parts, "texts": texts.all,
    }  # fmt: skip


def _first_findings(book: Book) -> list[int]:
    """The number that the first finding of each tree has among all."""
    found, total = [], 0
    for v in book:
        found.append(total)
        total += len(v.report.findings)
    return found


def _tree(v: Volume) -> dict[str, Any]:
    whole = document(v.report)
    keys = ("tree", "round", "round_reason", "remarks", "verdict", "reference_verdict", "counts")
    return {"name": v.name, **{key: whole[key] for key in keys}}


def _result(row: Row, first: int) -> list[Any]:
    accuracy = [
        {"name": a.name, "value": finite(a.value), "min": a.minimum, "max": a.maximum} for a in row.accuracy
    ]
    own = {"accuracy": accuracy, "findings": [first + n for n in row.findings]}
    return [own[name] if name in own else getattr(row, name) for name in RESULT]


def _finding(tree: int, f: Finding) -> list[Any]:
    scope = "/".join(n for n in f.place.names if n)
    return [
        tree, f.rule, f.severity.value, f.reference, scope, f.location.path, f.location.line, f.location.pointer,
        f.message, f.found, f.wanted, f.why, f.fix, f.link, f.waived, f.waiver, f.known, f.forgiven,
    ]  # fmt: skip


def _details(book: Book, results: int, notes: list[str]) -> dict[str, Any]:
    """By number of the result: its numbers with their files and formulas, and its latencies."""
    if results > MOST_DETAILED:
        notes.append(
            f"{results} results are more than the {MOST_DETAILED} for which a page tells where each number comes from; "
            "make a page of fewer trees for that."
        )
        return {}
    found, at = {}, 0
    for v in book:
        for row in v.rows:
            known = v.told.get(row.path)
            if known is not None:
                numbers = [_number(n) for n in known.numbers]
                found[str(at)] = {"numbers": numbers, "latencies": [list(pair) for pair in known.latencies]}
            at += 1
    return found


def _number(n: Number) -> dict[str, Any]:
    return {
        "name": n.name, "value": finite(n.value), "unit": n.unit, "formula": n.formula, "filled": n.filled,
        "sources": [[s.path, s.line, s.last_line] for s in n.sources],
    }  # fmt: skip


def _traces(book: Book, notes: list[str]) -> dict[str, Any]:
    """By number of the result: its runs with power, each with as many points as there is room for."""
    runs = RUNS * sum(len(v.traces) for v in book)
    most = min(MOST_POINTS, MOST_ALL_POINTS // max(1, runs))
    if most < LEAST_POINTS:
        notes.append(f"Power over time of {runs} runs is left out; make a page of fewer trees to see it.")
        return {}
    found, at, thinned = {}, 0, 0
    for v in book:
        for row in v.rows:
            own = [decimated(t, most) for t in v.traces.get(row.path, ())]
            thinned += sum(t.decimated for t in own)
            if own:
                found[str(at)] = [_trace(t) for t in own]
            at += 1
    if thinned:
        notes.append(
            f"{thinned} runs with power have more samples than are drawn; lowest and highest of each stretch, and bad "
            "samples, are kept."
        )
    return found


def _trace(t: Trace) -> dict[str, Any]:
    """Times are milliseconds since the window's begin; its Unix time in nanoseconds is text."""
    return {
        "phase": t.phase, "path": t.path, "begin_unix_ns": str(t.begin_unix_ns), "window_s": t.window_s,
        "samples": t.samples, "decimated": t.decimated, "gaps": [list(g) for g in t.gaps],
        "ms": [round(p.at_s * 1000) for p in t.points], "watts": [p.watts for p in t.points],
        "bad": [[i, p.line] for i, p in enumerate(t.points) if not p.good],
    }  # fmt: skip

"""JUnit XML, for test panels: a suite for each system, a case for each result, one failure with all that counts.

What lies above the results (the tree, a submitter, a system, a benchmark) has a case of its own. Most readers
take one ``<failure>`` of a case, so all messages stand in it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TextIO
from xml.etree import ElementTree as ET

from checker.model import Finding, Place, Report
from checker.reports.base import accepted, verdict_line
from checker.wording import count

FORMAT = "junit"
WHOLE = "submission"
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Case:
    """One case: its names, what fails it, and what is only said."""

    suite: str
    name: str
    failures: tuple[Finding, ...]
    said: tuple[Finding, ...]
    unlisted: str = ""


def write(report: Report, stream: TextIO) -> None:
    """Write the document with its declaration."""
    suites: dict[str, list[Case]] = defaultdict(list)
    for case in cases(report):
        suites[case.suite].append(case)
    root = ET.Element("testsuites", _totals("mlcheck", [c for rows in suites.values() for c in rows]))
    for name, rows in suites.items():
        suite = ET.SubElement(root, "testsuite", _totals(name, rows))
        for case in rows:
            _case(suite, case)
    ET.SubElement(root[0], "system-out").text = xml_text("\n".join(_notes(report)))
    ET.indent(root)
    stream.write('<?xml version="1.0" encoding="UTF-8"?>\n')
    stream.write(ET.tostring(root, encoding="unicode") + "\n")


def cases(report: Report) -> Iterator[Case]:
    """The tree first, then system by system what lies above the results, then the results."""
    at: dict[Place, list[Finding]] = defaultdict(list)
    for found in report.findings:
        at[found.place].append(found)
    results = {r.place for r in report.results}
    above = sorted(p for p in at if p not in results)
    whole = [f for p in above if not p.system for f in at[p]]
    yield _make(WHOLE, "tree", whole)
    for place in above:
        if place.system:
            yield _make(_suite(place), f"{place.benchmark or 'system'} (as a whole)", at[place])
    for result in report.results:
        name = f"{result.place.benchmark}/{result.place.scenario}"
        case = _make(_suite(result.place), name, at[result.place])
        reason = "" if result.valid or case.failures else _elsewhere(report, result.findings)
        yield Case(case.suite, case.name, case.failures, case.said, reason)


def _make(suite: str, name: str, findings: Iterable[Finding]) -> Case:
    rows = list(findings)
    counting = tuple(f for f in rows if f.counts)
    return Case(suite, name, counting, tuple(f for f in rows if not f.counts))


def _elsewhere(report: Report, findings: Iterable[int]) -> str:
    """Why a result without a failure of its own is invalid."""
    rules = sorted({report.findings[at].rule for at in findings if report.findings[at].counts})
    return f"invalid because of {', '.join(rules)} above it" if rules else "there is no number to report"


def _suite(place: Place) -> str:
    return "/".join(place.names[:3])


def _totals(name: str, rows: list[Case]) -> dict[str, str]:
    failed = sum(bool(c.failures or c.unlisted) for c in rows)
    numbers = {"tests": len(rows), "failures": failed, "errors": 0, "skipped": 0, "time": 0}
    return {"name": xml_text(name), **{k: str(v) for k, v in numbers.items()}}


def _case(suite: ET.Element, case: Case) -> None:
    names = {"name": xml_text(case.name), "classname": xml_text(case.suite.replace("/", ".")), "time": "0"}
    element = ET.SubElement(suite, "testcase", names)
    if case.failures:
        first = case.failures[0]
        more = f" (and {len(case.failures) - 1} more)" if len(case.failures) > 1 else ""
        failure = ET.SubElement(element, "failure", {
            "message": xml_text(f"{first.rule}: {first.message}{more}"), "type": first.rule,
        })  # fmt: skip
        failure.text = xml_text("\n\n".join(_told(f) for f in case.failures))
    elif case.unlisted:
        ET.SubElement(element, "failure", {"message": xml_text(case.unlisted), "type": "above"})
    if case.said:
        ET.SubElement(element, "system-out").text = xml_text("\n\n".join(_told(f) for f in case.said))


def _told(found: Finding) -> str:
    """A finding on a few lines, with why it does not count."""
    at = found.location
    place = f"{at.path}{f':{at.line}' if at.line else ''}{f' {at.pointer}' if at.pointer else ''}"
    marks = [n for n in ("forgiven", "waived", "known") if getattr(found, n)]
    state = f" ({', '.join(marks)}{': ' + found.waiver if found.waiver else ''})" if marks else ""
    lines = [
        f"{found.severity.value} {found.rule}{state}: {found.message}",
        f"at {place}",
        f"do: {found.fix}",
    ]
    return "\n".join(lines)


def _notes(report: Report) -> Iterator[str]:
    yield verdict_line(report)
    yield f"{count(len(report.findings), 'finding')}; {accepted(report) or 'all of them count'}"
    yield from report.remarks


def xml_text(text: str) -> str:
    """Text that XML 1.0 can hold: every other character is spelled out."""
    return _NOT_XML.sub(lambda m: ascii(m.group())[1:-1], text)

"""SARIF 2.1.0, for code scanning and editors: rules with their help, results with place, fingerprint, suppression."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from typing import Any, TextIO
from urllib.parse import quote

from checker.model import Finding, Report
from checker.reports import _json_text
from checker.reports.base import repository_path, spelled
from checker.reports.json import verdict
from checker.rule import Rule
from checker.rules import all_rules
from schemas import __version__

FORMAT = "sarif"
SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
FINGERPRINT = "mlcheck/v1"
Document = dict[str, Any]


def write(report: Report, stream: TextIO) -> None:
    """Write the log with an end of line."""
    _json_text.write(_document(report), stream, depth=4)


def document(report: Report) -> Document:
    """The log as plain values: one run of one tool."""
    log = _document(report)
    (run,) = log["runs"]
    run["results"] = list(run["results"])
    return log


def _document(report: Report) -> Document:
    """The log; its results are made when they are asked for, once."""
    rules = sorted({f.rule for f in report.findings})
    run: Document = {
        "tool": {
            "driver": {
                "name": "mlcheck",
                "version": __version__,
                "semanticVersion": __version__,
                "rules": [_rule(all_rules()[rule]) for rule in rules],
            }
        },
        "automationDetails": {"id": f"mlcheck/{report.round}/"},
        "invocations": [{"executionSuccessful": True}],
        "results": _results(report, {rule: at for at, rule in enumerate(rules)}),
        "properties": {
            "round": report.round,
            "verdict": verdict(report.valid),
            "referenceVerdict": verdict(report.reference_valid),
            "remarks": [spelled(r) for r in report.remarks],
        },
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule: Rule) -> Document:
    lines = {"Do": rule.fix, "Good": rule.good, "Bad": rule.bad}
    plain = "\n".join([rule.why, *(f"{name}: {text}" for name, text in lines.items())])
    marked = "\n\n".join([rule.why, *(f"**{name}:** {_code(text, name)}" for name, text in lines.items())])
    return {
        "id": rule.id,
        "name": "".join(part.capitalize() for part in rule.id.replace("/", "-").split("-")),
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.why},
        "help": {"text": plain, "markdown": marked},
        "helpUri": rule.link,
        "defaultConfiguration": {"level": rule.severity.value},
        "properties": {"tags": [rule.family]},
    }


def _code(text: str, name: str) -> str:
    return text if name == "Do" else f"`` {text} ``"


def _results(report: Report, index: dict[str, int]) -> Iterator[Document]:
    seen: Counter[str] = Counter()
    for found in report.findings:
        seen[found.fingerprint] += 1
        yield _result(report, found, index[found.rule], seen[found.fingerprint])


def _result(report: Report, found: Finding, rule_index: int, occurrence: int) -> Document:
    row: Document = {
        "ruleId": found.rule,
        "ruleIndex": rule_index,
        "level": found.severity.value,
        "message": {"text": spelled(_message(found))},
        "locations": [_location(report, found)],
        "partialFingerprints": {
            FINGERPRINT: found.fingerprint,
            "primaryLocationLineHash": f"{found.fingerprint}:{occurrence}",
        },
        "suppressions": _suppressions(found),
        "properties": {
            "reference": found.reference,
            "scope": spelled("/".join(filter(None, found.place.names))),
        },
    }
    return row


def _message(found: Finding) -> str:
    """Found, wanted and cure: what a viewer shows without opening the rule."""
    wanted = f" Wanted: {found.wanted}." if found.wanted and found.wanted not in found.message else ""
    return f"{found.message}.{wanted} {found.fix}"


def _location(report: Report, found: Finding) -> Document:
    at = found.location
    where: Document = {"artifactLocation": _artifact(repository_path(report.tree, at.path))}
    if at.line is not None:
        where["region"] = {"startLine": at.line}
    row: Document = {"physicalLocation": where}
    if at.pointer:
        name = at.pointer.rpartition("/")[2].replace("~1", "/").replace("~0", "~")
        row["logicalLocations"] = [
            {"name": spelled(name), "fullyQualifiedName": spelled(at.pointer), "kind": "value"}
        ]
    return row


def _artifact(path: str) -> Document:
    """A file as a URI: relative to the repository, or absolute when the tree lies elsewhere."""
    uri = quote(_bytes(path), safe="/")
    if os.path.isabs(path):
        return {"uri": f"file://{'' if uri.startswith('/') else '/'}{uri}"}
    return {"uri": uri, "uriBaseId": "%SRCROOT%"}


def _bytes(path: str) -> bytes:
    """The name as the file system has it."""
    try:
        return os.fsencode(path)
    except UnicodeEncodeError:
        return path.encode("utf-8", "backslashreplace")


def _suppressions(found: Finding) -> list[Document]:
    """Why it does not count; an empty list says that it does."""
    rows = (
        (found.waived, found.waiver),
        (found.forgiven, "a declared rehearsal excuses it"),
        (found.known, "the baseline had it already"),
    )
    return [
        {"kind": "external", "status": "accepted", "justification": spelled(why)}
        for applies, why in rows
        if applies
    ]

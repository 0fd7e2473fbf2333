"""Markdown, for a comment or a page: the answer, what to do, the results, the findings by cause.

Text from outside stands in code or is escaped: it can neither make markup nor mention people or issues.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TextIO

from checker.advice import (
    Advice,
    advise,
    aside,
    move_line,
    multitude,
    own_verdict,
    rerun_line,
    runs_title,
)
from checker.causes import Cause, causes
from checker.model import Report, ResultReport, Severity
from checker.reports.base import printable
from checker.reports.text import where
from checker.rules import all_rules
from checker.table import number
from checker.wording import count, shorten

FORMAT = "markdown"
SHOWN = 20
"""Places of one cause that are written out."""
ROWS = 200
"""Results that the table shows; a comment cannot be endless."""
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>&|~$])")
_LINKS = re.compile(r"[@#]|:(?=//)|(?<=[wW]{3})\.", re.ASCII)
_BREAK = "<!-- -->"


def write(report: Report, stream: TextIO) -> None:
    """Write the page."""
    advice = advise(report)
    for part in (_head(report, advice), _to_do(advice), _results(report), _findings(report, advice)):
        stream.writelines(line + "\n" for line in part)


def plain(text: str) -> str:
    """Text that Markdown shows as it is."""
    return _LINKS.sub(_unlinked, _SPECIAL.sub(r"\\\1", printable(text)))


def _unlinked(match: re.Match[str]) -> str:
    """The character, parted from what would make it a mention, an issue or an address."""
    return match.group() + _BREAK


def code(text: str, *, cell: bool = False) -> str:
    """Text as code, as long as the fence must be; in the cell of a table bars are escaped."""
    said = printable(text)
    if not said:
        return ""
    fence = "`" * (max((len(run) for run in re.findall("`+", said)), default=0) + 1)
    pad = " " if said.startswith(("`", " ")) or said.endswith(("`", " ")) else ""
    pad = "" if said.isspace() else pad
    whole = f"{fence}{pad}{said}{pad}{fence}"
    return whole.replace("|", "\\|") if cell else whole


def _head(report: Report, advice: Advice) -> Iterator[str]:
    listed = sum(r.reference_valid for r in report.results)
    valid, total = sum(r.valid for r in report.results), len(report.results)
    yield f"# mlcheck: {'valid' if report.valid else 'not valid'}"
    yield ""
    yield f"{code(report.tree)}, round {plain(report.round)} ({plain(report.round_reason)})"
    yield ""
    yield "| judged by | verdict | results |"
    yield "|---|---|---|"
    yield f"| the rules as written | **{'valid' if report.valid else 'not valid'}** | {valid} of {total} valid |"
    word = "accepts" if report.reference_valid else "refuses"
    yield f"| the official checker | **{word}** | {listed} of {total} listed |"
    yield ""
    yield plain(own_verdict(report, advice.causes))
    for remark in filter(None, ("" if report.valid else aside(report), *report.remarks)):
        yield ""
        yield plain(remark)
    yield ""


def _to_do(advice: Advice) -> Iterator[str]:
    if advice.causes:
        yield "## What to do, in this order"
        yield ""
    for at, cause in enumerate(advice.causes, start=1):
        many = multitude(cause)
        more = f" ({many})" if many else ""
        yield f"{at}. {code(cause.first.rule)}{more}: {plain(cause.first.fix)}"
    if advice.causes:
        yield ""
    rows = [rerun_line(r) for r in advice.reruns]
    yield from _list(plain(runs_title(advice.reruns)) if rows else "", rows)
    yield from _list("Could move to the open division as it is", [move_line(m) for m in advice.moves])


def _list(title: str, rows: list[str]) -> Iterator[str]:
    if rows:
        yield f"## {title}"
        yield ""
        yield from (f"- {plain(row)}" for row in rows)
        yield ""


def _results(report: Report) -> Iterator[str]:
    yield "## Results"
    yield ""
    yield "| result | metric | accuracy | power | verdict | official |"
    yield "|---|---|---|---|---|---|"
    # Invalid results first: the table may be cut.
    rows = sorted(report.results, key=lambda r: r.valid)
    yield from (_row(r) for r in rows[:ROWS])
    if len(rows) > ROWS:
        yield ""
        yield f"and {len(rows) - ROWS} more"
    yield ""


def _row(result: ResultReport) -> str:
    metric, power = result.metric, result.power
    cells = (
        code("/".join((*result.place.names[:4], result.scenario)), cell=True),
        f"{number(metric.value)} {plain(metric.unit)}" if metric else "",
        plain(", ".join(f"{a.name} {number(a.value)}" for a in result.accuracy)),
        f"{number(power.metric.value)} {plain(power.metric.unit)}, coverage {power.coverage:.4f}"
        if power
        else "",
        "valid" if result.valid else "**invalid**",
        "valid" if result.reference_valid else "**invalid**",
    )
    return f"| {' | '.join(cells)} |"


def _findings(report: Report, advice: Advice) -> Iterator[str]:
    yield from _section("Errors", list(advice.causes))
    for title, severity in (("Warnings: a reviewer will ask", Severity.WARNING), ("Notes", Severity.NOTE)):
        rows = [f for f in report.findings if f.severity is severity and f.stands]
        yield from _section(title, causes(rows, report.findings))
    for title, mark in (("Waived", "waived"), ("Known from the baseline", "known"), ("Forgiven", "forgiven")):
        rows = [f for f in report.findings if getattr(f, mark)]
        yield from _section(title, causes(rows, report.findings))


def _section(title: str, rows: list[Cause]) -> Iterator[str]:
    if rows:
        yield f"## {title}"
        yield ""
    for cause in rows:
        yield from _cause(cause)
        for other in cause.follows:
            yield from _cause(other)


def _cause(cause: Cause) -> Iterator[str]:
    rule = all_rules()[cause.first.rule]
    yield f"### {code(rule.id)} {plain(rule.title)} ({count(len(cause.findings), 'finding')})"
    yield ""
    yield f"{plain(rule.why)} [Rule]({rule.link})"
    yield ""
    for found in cause.findings[:SHOWN]:
        waiver = f" (waived: {plain(found.waiver)})" if found.waived else ""
        yield f"- {plain(shorten(found.message))} at {code(where(found))}{waiver}"
    if len(cause.findings) > SHOWN:
        yield f"- and {len(cause.findings) - SHOWN} more"
    yield ""
    yield f"**Do:** {plain(cause.first.fix)}"
    yield ""

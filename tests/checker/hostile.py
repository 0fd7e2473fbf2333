"""Reports whose every text comes from somebody who wishes us ill."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from checker.model import Effect, Finding, Location, Metric, Place, Report, ResultReport, Severity
from checker.rules import all_rules

NASTY = (
    "::error::forged", "]]>", "<script>alert(1)</script>", "&amp;", "a|b", "`code`", "@everyone", "#1", "%0A::x",
    "\x1b[31mred", "\x9b0m", "line\nbreak\r", "\u202egnp.exe", "\ud800", "\udc80", "\x00", "\ufffe", "www.evil.example",
    "http://evil.example", "![x](http://e)", "\\", "*", "__", "  ", "-->", "<!--", "```", "é", "漢", "😀", "\t",
)  # fmt: skip
texts = st.lists(st.one_of(st.sampled_from(NASTY), st.text(max_size=8)), min_size=1, max_size=4).map("".join)
names = texts.map(lambda t: t.replace("/", "_").replace("\x00", "_") or "_")
severities = st.sampled_from(list(Severity))
rules = st.sampled_from(sorted(all_rules()))


@st.composite
def findings(draw: st.DrawFn, place: Place) -> Finding:
    rule = all_rules()[draw(rules)]
    depth = draw(st.integers(0, 5))
    path = "/".join(draw(st.lists(names, min_size=1, max_size=3)))
    where = Location(
        path, draw(st.none() | st.integers(1, 9)), draw(st.none() | texts.map(lambda t: "/" + t))
    )
    print_ = f"{draw(st.integers(0, 2**16)):016x}"
    return Finding(
        rule.id, draw(severities), Effect.RESULT, place.cut(depth), where, draw(texts), draw(texts), draw(texts),
        rule.why, rule.fix, rule.link, print_,
        waived=draw(st.booleans()), waiver=draw(texts), known=draw(st.booleans()), forgiven=draw(st.booleans()),
    )  # fmt: skip


@st.composite
def reports(draw: st.DrawFn) -> Report:
    place = Place("closed", draw(names), draw(names), draw(names), draw(names))
    rows = tuple(draw(st.lists(findings(place), max_size=30)))
    result = ResultReport(
        place, "edge", draw(texts), "resnet", draw(names), "closed/x", False, False, False,
        Metric("m", draw(st.floats()), draw(texts)), (), None, tuple(range(len(rows))), {"system_name": draw(texts)},
    )  # fmt: skip
    report = Report(
        draw(names), "v4.1", draw(texts), False, False, (result,), rows, tuple(draw(st.lists(texts)))
    )
    return replace(report, tree="tree/" + report.tree)

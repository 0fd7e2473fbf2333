"""What a rule demands, why, since when, with a bad and a good example, and how to put it right."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from checker.model import Effect
from checker.rule import Rule, effects
from checker.rules import all_rules
from schemas.errors import UserError
from schemas.seed_page import SeedRow, rows_for, seed_page

SEED_PAGE = "seed-page"
WIDTH = 100
_EFFECTS = {
    Effect.NONE: "does not notice it",
    Effect.LOG: "prints it and goes on",
    Effect.MARK: "fails the submission and leaves all results alone",
    Effect.RESULT: "refuses the result",
    Effect.BENCHMARK: "skips the whole benchmark",
    Effect.SYSTEM: "skips the whole system",
    Effect.SUBMITTER: "skips the submitter",
    Effect.DIVISION: "skips the whole division",
    Effect.STOP: "stops; nothing is judged",
    Effect.CRASH: "ends with a traceback; nothing is listed",
}


def find(name: str) -> Rule:
    """The rule of an id; UserError with near names when there is none."""
    rules = all_rules()
    if name in rules:
        return rules[name]
    from difflib import get_close_matches

    near = get_close_matches(name, rules, 3, 0.5) or [r for r in rules if r.startswith(name)][:3]
    hint = f"did you mean {', '.join(near)}?" if near else "`mlcheck rules` lists them"
    raise UserError(f"there is no rule {name!r}; {hint}")


def explain(name: str, round_name: str) -> str:
    """The text about a rule, or about the page that the project was written from (``seed-page``)."""
    lines = _page() if name == SEED_PAGE else _rule(find(name), round_name)
    return "\n".join(lines) + "\n"


def _rule(rule: Rule, round_name: str) -> Iterator[str]:
    yield f"{rule.id}: {rule.title}"
    yield ""
    yield from textwrap.wrap(rule.why, WIDTH)
    yield ""
    until = f" until {rule.until}" if rule.until else ""
    yield f"since     {rule.since}{until}"
    yield f"severity  {rule.severity.value}, of each {rule.scope.value}"
    yield f"official  the checker of {round_name} {_EFFECTS[effects(round_name)[rule.id]]}"
    if rule.power_checker:
        yield "          (its separate power checker)"
    yield f"bad       {rule.bad}"
    yield f"good      {rule.good}"
    yield from textwrap.wrap(rule.fix, WIDTH - 10, initial_indent="do        ", subsequent_indent=" " * 10)
    if rule.forgiven_by:
        yield "rehearsal forgiven where the run record declares what is behind it (--rehearsal)"
    yield f"read      {rule.link}"
    rows = rows_for(rule.id)
    if rows:
        yield ""
        yield from _table(rows)


def _page() -> Iterator[str]:
    yield "What the public results page says, and what is enforced"
    yield ""
    yield from _table(seed_page())


def _table(rows: tuple[SeedRow, ...]) -> Iterator[str]:
    yield "what the page says  /  what is enforced"
    for row in rows:
        mark = "same" if row.agrees else "NOT THE SAME"
        yield f"- {row.topic} ({mark}{', ' + row.round if row.round else ''})"
        yield from textwrap.wrap(
            row.seed, WIDTH - 14, initial_indent="    page      ", subsequent_indent=" " * 14
        )
        yield from textwrap.wrap(
            row.enforced, WIDTH - 14, initial_indent="    enforced  ", subsequent_indent=" " * 14
        )
        if row.note:
            yield from textwrap.wrap(
                row.note, WIDTH - 14, initial_indent=" " * 14, subsequent_indent=" " * 14
            )

"""What a rule demands, why, since when, with a bad and a good example, and how to put it right."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from checker.aliases import ALIASES, standing_for
from checker.choice import near
from checker.model import Effect
from checker.rehearsal import DECLARATIONS
from checker.rule import Rule, effects, severities
from checker.rules import all_rules
from checker.sources import source
from checker.wording import listing
from schemas.errors import UserError
from schemas.seed_page import SeedRow, rows_for, seed_page

SEED_PAGE = "seed-page"
WIDTH = 100
EFFECTS = {
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
    Effect.LOADING: "ends with a traceback while it loads the tree; nothing is listed",
    Effect.LISTING: "ends with a traceback when it comes to list the result; nothing is listed",
}
"""What the official checker does with a breach, in words."""


def find(name: str) -> tuple[Rule, ...]:
    """The rules that an id stands for: one, or those behind an alias; UserError when there is none."""
    rules = all_rules()
    if all(one in rules for one in standing_for(name)):
        return tuple(rules[one] for one in standing_for(name))
    raise UserError(
        f"there is no rule {name!r}; did you mean {listing(near(name, [*rules, SEED_PAGE]), 3)}? "
        "`mlcheck rules` lists all"
    )


def explain(name: str, round_name: str) -> str:
    """The text about a rule, or about the page that the project was written from (``seed-page``)."""
    if name == SEED_PAGE:
        return "\n".join(_page()) + "\n"
    rules = find(name)
    texts = ["\n".join(_rule(rule, round_name)) + "\n" for rule in rules]
    if name in ALIASES:
        texts.insert(0, f"{name} is another name for {', '.join(rule.id for rule in rules)}\n")
    return "\n".join(texts)


def _rule(rule: Rule, round_name: str) -> Iterator[str]:
    yield f"{rule.id}: {rule.title}"
    yield ""
    yield from textwrap.wrap(rule.why, WIDTH)
    yield ""
    yield f"since     {_since(rule)}"
    severity = severities(round_name).get(rule.id, rule.severity)
    yield f"severity  {severity.value}; looked at once for each {rule.scope.value}"
    yield f"official  {_official(rule, round_name)}"
    yield from _official_apart(rule, round_name)
    yield f"wanted    {source(rule, round_name)}"
    yield f"bad       {rule.bad}"
    yield f"good      {rule.good}"
    yield from textwrap.wrap(rule.fix, WIDTH - 10, initial_indent="do        ", subsequent_indent=" " * 10)
    if rule.forgiven_by:
        places = dict.fromkeys(place for reason in rule.forgiven_by for place in DECLARATIONS[reason])
        text = f"--rehearsal forgives it where edgewatt.json declares {' or '.join(places)}"
        yield from textwrap.wrap(text, WIDTH - 10, initial_indent="rehearsal ", subsequent_indent=" " * 10)
    yield f"read      {rule.link}"
    rows = rows_for(rule.id)
    if rows:
        yield ""
        yield from _table(rows)


def _since(rule: Rule) -> str:
    if rule.ours:
        return "every round: a rule of mlcheck, not of MLPerf"
    if rule.until == rule.since:
        return f"{rule.since}, in that round only"
    return rule.since + (f", until {rule.until}" if rule.until else "")


def _official(rule: Rule, round_name: str) -> str:
    if not rule.holds_in(round_name):
        return f"no rule of {round_name}"
    who = "the separate power checker" if rule.power_checker else "the checker"
    return f"{who} of {round_name} {EFFECTS[effects(round_name)[rule.id]]}"


def _official_apart(rule: Rule, round_name: str) -> Iterator[str]:
    """What the official checker does otherwise in one aspect of a rule, or in one division."""
    if not rule.holds_in(round_name):
        return
    usual = effects(round_name)
    for key, effect in usual.items():
        name, _, aspect = key.partition(":")
        if name == rule.id and aspect and effect is not usual[rule.id]:
            yield f"          {aspect}: {EFFECTS[effect]}"
    for division in ("open", "network"):
        effect = effects(round_name, division)[rule.id]
        if effect is not usual[rule.id]:
            yield f"          {division} division: {EFFECTS[effect]}"


def _page() -> Iterator[str]:
    rows = seed_page()
    apart = sum(not row.agrees for row in rows)
    yield "What the public results page says, and what is enforced"
    yield f"{len(rows)} figures of the page, {apart} of them are not what a submission is held to"
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

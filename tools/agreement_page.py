"""The parts of ``docs/agreement.md`` that are made from what ``tools/agreement.py`` found."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from checker.rules import all_rules

Outcomes = Sequence[Any]
"""``Outcome`` of ``tools/agreement.py``, one for each round."""


def renew(page: Path, outcomes: Outcomes) -> None:
    """Write the parts between the marks of the page anew; ValueError when a mark is not there."""
    text = page.read_text(encoding="utf-8")
    for name, lines in (
        ("figures", figures(outcomes)),
        ("published", published(outcomes)),
        ("broken", broken(outcomes)),
        ("ours", ours(outcomes)),
    ):
        text = _between(text, name, "\n".join(lines))
    page.write_text(text, encoding="utf-8")


def _between(text: str, name: str, part: str) -> str:
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"the page has no marks for {name}")
    return pattern.sub(lambda m: f"{m.group(1)}{part}\n{m.group(2)}", text)


def figures(outcomes: Outcomes) -> Iterator[str]:
    """A row for each round and golden table."""
    yield "| round | golden file | compared | agree |"
    yield "|---|---|---|---|"
    for outcome in outcomes:
        for title, compared in outcome.compared.items():
            kinds = dict.fromkeys(c[0] for c in compared)
            counts = {kind: sum(c[0] == kind for c in compared) for kind in kinds}
            what = ", ".join(f"{n} {kind.replace('_', ' ')}" for kind, n in counts.items())
            agree = sum(c[1] for c in compared)
            if not compared:
                continue
            yield f"| {outcome.round} | `{title}` | {what} | {'all' if agree == len(compared) else agree} |"


def published(outcomes: Outcomes) -> Iterator[str]:
    """Every published result on which the two verdicts differ, with the findings that make the difference."""
    rows = [d for o in outcomes for d in o.differences if not d.made_by]
    if not rows:
        yield "There is none."
        return
    yield "| round | result | rules as written | official checker | because of |"
    yield "|---|---|---|---|---|"
    for found in rows:
        division, submitter, _, _, benchmark, scenario = found.path.split("/")
        place = f"{division}/{submitter} … {benchmark}/{scenario}"
        reasons = "; ".join(f"`{f.rule}`: {f.message}" for f in found.reasons)
        yield f"| {found.round} | {place} | {_word(found.valid)} | {_word(not found.valid)} | {reasons} |"


def broken(outcomes: Outcomes) -> Iterator[str]:
    """The rules that make the verdicts on broken results differ, and what was broken."""
    made: dict[tuple[str, bool], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for outcome in outcomes:
        usual = {_what(d) for d in outcome.differences if not d.made_by}
        for found in outcome.differences:
            if found.made_by and _what(found) not in usual:
                for rule in {f.rule for f in found.reasons}:
                    made[rule, found.valid][found.made_by].add(outcome.round)
    yield "| rule | rules as written | official checker | broken |"
    yield "|---|---|---|---|"
    for (rule, valid), broken_how in sorted(made.items()):
        where = "; ".join(
            f"{what} ({', '.join(sorted(rounds))})" for what, rounds in sorted(broken_how.items())
        )
        ours = " (ours)" if all_rules()[rule].ours else ""
        yield f"| `{rule}`{ours} | {_word(valid)} | {_word(not valid)} | {where} |"


def ours(outcomes: Outcomes) -> Iterator[str]:
    """How often each of our own rules speaks of a published result, by round; rules that never do stand behind."""
    rounds = [o.round for o in outcomes]
    said = sorted({key for o in outcomes for key in o.ours})
    yield "| rule | severity | " + " | ".join(rounds) + " |"
    yield "|---|---|" + "---|" * len(rounds)
    for rule, severity in said:
        counts = [str(o.ours[rule, severity] or "") for o in outcomes]
        yield f"| `{rule}` | {severity} | " + " | ".join(counts) + " |"
    names = [r.id for r in all_rules().values() if r.ours and r.id not in {rule for rule, _ in said}]
    yield ""
    yield "Never: " + ", ".join(f"`{n}`" for n in names) + "."


def _what(found: Any) -> tuple[str, frozenset[str]]:
    """The result of a difference and the rules that make it."""
    return found.path, frozenset(f.rule for f in found.reasons)


def _word(valid: bool) -> str:
    return "valid" if valid else "invalid"

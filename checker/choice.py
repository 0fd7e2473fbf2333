"""Names of rules that a user gives: single rules, families, and what was probably meant."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from checker.aliases import matches
from checker.rules import all_rules
from checker.wording import listing
from schemas.errors import UserError


def rules_named(text: str | None, option: str) -> tuple[str, ...]:
    """The rules and families of ``RULE,…``; UserError with the nearest names for one that does not exist."""
    if text is None:
        return ()
    names = tuple(n.strip() for n in text.split(",") if n.strip())
    if not names:
        raise UserError(f"{option} names no rule; give ids or families with commas, as in power/*")
    for name in names:
        known_rule(name, option)
    return names


def known_rule(name: str, where: str) -> None:
    """UserError when ``name`` is neither a rule nor a family; ``where`` says who named it."""
    if not any(matches(rule, name) for rule in all_rules()):
        families = sorted({rule.split("/")[0] for rule in all_rules()})
        guess = listing(near(name.removesuffix("/*"), [*all_rules(), *families]), 3)
        raise UserError(
            f"{where}: no rule or family is called {name!r}; did you mean {guess}? `mlcheck rules` lists all"
        )


def near(name: str, known: Sequence[str]) -> list[str]:
    """The nearest names, at least one: the family that was named, what looks alike, the least unlike."""
    family = [k for k in known if k.startswith(name.rstrip("/") + "/")]
    return family or get_close_matches(name, known, 3, 0.5) or get_close_matches(name, known, 1, 0.0)

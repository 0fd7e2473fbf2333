"""The rules, found by this folder: every ``Rule`` at the top of a module here. Two with one id are refused."""

from __future__ import annotations

from functools import cache

from checker.rule import Rule
from schemas.discovery import modules


@cache
def all_rules() -> dict[str, Rule]:
    """Every rule by id, sorted."""
    found: dict[str, Rule] = {}
    for module in modules(__name__):
        for value in vars(module).values():
            if isinstance(value, Rule) and found.setdefault(value.id, value) is not value:
                raise ValueError(f"two rules are called {value.id}")
    return dict(sorted(found.items()))

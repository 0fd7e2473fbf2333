"""Ids of rules that other rules stand for: names of the reference's inventory, and names of former versions.

An id is never used again for something else; who selects, waives or asks for one of these gets the rules that hold it.
"""

from __future__ import annotations

ALIASES: dict[str, tuple[str, ...]] = {
    "accuracy/extra-files": ("structure/extra-accuracy-files",),
    "compliance/test04": ("compliance/perf-run", "compliance/perf-verdict", "compliance/perf-files"),
    "compliance/test05": ("compliance/perf-run", "compliance/perf-verdict", "compliance/perf-files"),
    "docs/readme": ("measurements/files",),
    "performance/network": ("system/network-mode", "system/sut-name"),
    "power/measurement-docs": ("measurements/power-docs",),
    "power/ptd-checks": (
        "power/session-form", "power/sources-client", "power/sources-server", "power/ptd-commands", "power/uuid",
        "power/session-name", "power/phases", "power/ranging-delta", "power/ranging-duration", "power/messages",
        "power/results-hash", "power/ptd-log", "power/ptd-config", "power/debug",
    ),
    "system/power-fields": ("system/unknown-fields",),
}  # fmt: skip
"""By id: the rules to which it leads. ``system/power-fields``: the fields about power are known and never required."""


def standing_for(name: str) -> tuple[str, ...]:
    """The rules that an id leads to: itself, where it is no alias."""
    return ALIASES.get(name, (name,))


def aliases_of(rule: str) -> list[str]:
    """The other names under which a rule can be asked for."""
    return [alias for alias, rules in ALIASES.items() if rule in rules]


def matches(rule: str, name: str) -> bool:
    """Whether ``name`` is the rule or its family: ``power/uuid``, ``power``, ``power/`` and ``power/*`` do.

    An alias matches the rules that stand for it."""
    return rule in standing_for(name) or rule.startswith(name.removesuffix("*").rstrip("/") + "/")

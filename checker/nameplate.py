"""Nameplate power of a system (from v6.1 on): what its power supplies could deliver at most, in watts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from checker.files import Source
from checker.tree import System
from schemas.yaml_subset import read_yaml

CAPACITY = "system_power_capacity"
MOST_WATTS = 1e12
"""No building has a power supply near this; what is above is no number of watts."""
SUPPLIES, NEEDED, WATTS = "psus", "min psus needed", "PowerCapacityWatts"


def document(system: System) -> Source[Any]:
    """``systems/<system>_power.yaml``, where the round knows such a file."""
    path = system.round.layout["nameplate_power_yaml"].format(
        division=system.submitter.division, submitter=system.submitter.name, system=system.name
    )
    return system.submitter.submission.source(path, "nameplate", _read)


class NoNameplate(ValueError):
    """A file that gives no power; the text says why."""


def _read(path: Any) -> Any:
    found = read_yaml(path)
    if not found:
        raise NoNameplate("holds nothing")
    return found


def design_power(system: System) -> float | str | None:
    """Watts, or what the description says in their place; None when nothing is said or it makes no sense."""
    if not system.round.layout.get("nameplate_power_yaml"):
        return None
    if CAPACITY in system.facts:
        found: float | str = system.facts[CAPACITY]
        return found
    source = document(system)
    try:
        return sum(_leaves(source.value)) if source.usable else None
    except NoNameplate:
        return None


def has_leaves(content: Any) -> bool:
    """Whether the document names power supplies; ``NoNameplate`` when it does so in another form."""
    return bool(list(_leaves(content)))


def _leaves(content: Any) -> Iterator[float]:
    """What each group of supplies contributes: the largest of them, as many as are needed."""
    if isinstance(content, dict):
        folded = {str(key).lower(): value for key, value in content.items()}
        if SUPPLIES in folded and NEEDED in folded:
            yield _group(folded[SUPPLIES], folded[NEEDED])
            return
        content = list(content.values())
    if isinstance(content, list):
        for part in content:
            yield from _leaves(part)


def _group(supplies: Any, needed: Any) -> float:
    if not isinstance(needed, int) or isinstance(needed, bool) or needed < 0:
        raise NoNameplate(f"says that {needed!r:.40} supplies are needed")
    if not isinstance(supplies, list) or not all(isinstance(s, dict) for s in supplies):
        raise NoNameplate(f"has no list of supplies: {supplies!r:.40}")
    watts = [supply.get(WATTS, 0) for supply in supplies]
    wrong = [
        w for w in watts if isinstance(w, bool) or not isinstance(w, int | float) or not abs(w) < MOST_WATTS
    ]
    if wrong:
        raise NoNameplate(f"gives {wrong[0]!r:.40} as watts")
    return float(sum(sorted(watts, reverse=True)[:needed]))

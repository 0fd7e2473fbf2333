"""What the public page of results shows of a system description.

The page: "Processor and Count: the type and number of CPUs used, if CPUs perform the majority of ML compute";
"Accelerator and Count: the type and number of accelerators used, if accelerators perform the majority of ML
compute". A description has both kinds of fields whatever computes, because its checker wants them filled; that
accelerators compute is told by ``accelerators_per_node``, which is not 0 then.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NOTHING = frozenset({"", "-", "n/a", "na", "none", "0", "null"})
"""Words that submitters put where there is nothing to tell, in small letters."""


MOST = 999_999_999
"""Processors, accelerators or nodes: more than anybody has. Beyond it a number is none, infinity and NaN included."""


@dataclass(frozen=True, slots=True)
class SystemColumns:
    """The columns of one system; a column that the page leaves out is empty text."""

    system: str
    processor: str
    accelerator: str
    software: str


def columns(description: Mapping[str, Any]) -> SystemColumns:
    """The page's view: name and number of what does the majority of the computing, and not of the other."""
    accelerators = _number(description.get("accelerators_per_node"))
    name = _word(description, "accelerator_model_name")
    by_accelerator = accelerators != 0 and (accelerators is not None or bool(name))
    nodes = _number(description.get("number_of_nodes")) or 1
    processors = _number(description.get("host_processors_per_node"))
    return SystemColumns(
        system=_word(description, "system_name"),
        processor=""
        if by_accelerator
        else _counted(_word(description, "host_processor_model_name"), processors, nodes),
        accelerator=_counted(name, accelerators, nodes) if by_accelerator else "",
        software=_word(description, "framework"),
    )


def _counted(name: str, each: int | None, nodes: int) -> str:
    """``2x NAME``; without the number where it is not told."""
    return f"{each * nodes}x {name or 'not named'}" if each else name


def _word(description: Mapping[str, Any], key: str) -> str:
    """A field as text; what stands for nothing is empty."""
    found = str(description.get(key) or "").strip()
    return "" if found.lower() in NOTHING else found


def _number(value: Any) -> int | None:
    """The number that a field begins with; words for nothing are 0, other text and what counts nothing is None."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, (int, float)):
        return int(value) if abs(value) <= MOST else None
    match = re.match(r"\s*(\d{1,9})(?!\d)", str(value))
    if match is not None:
        return int(match.group(1))
    return 0 if str(value).strip().lower() in NOTHING else None

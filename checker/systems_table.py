"""The table of systems: what computed, as the public page of results shows it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from checker.console import safe
from checker.model import ResultReport
from schemas.system_columns import columns

if TYPE_CHECKING:
    from rich.console import Console


def write_systems(console: Console, results: Iterable[ResultReport]) -> None:
    """One row per system: the processors where they do most of the computing, else the accelerators."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_edge=False)
    for title in ("system", "processor and count", "accelerator and count", "software"):
        table.add_column(title, overflow="fold")
    seen = set()
    for result in results:
        key = result.place.names[:3]
        if key in seen or not result.system_facts:
            continue
        seen.add(key)
        shown = columns(result.system_facts)
        name = safe(f"{result.place.submitter}/{key[2]}")
        table.add_row(
            Text(name), *(Text(safe(t) or "-") for t in (shown.processor, shown.accelerator, shown.software))
        )
    if seen:
        console.print()
        console.print(table)

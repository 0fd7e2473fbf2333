"""What the public results page says and what is enforced, row by row.

The page that edgewatt was written from describes benchmarks and scenarios in prose and tables; some of its
figures are not those that the official checker compares with. The table is data (``schemas/seed_page.json``):
each row gives the figure of the page (``seed``), the figure that is enforced and where it stands in the facts
of a round (``pointer``), so that a test holds the two together.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from schemas.rounds import load_round


@dataclass(frozen=True, slots=True)
class SeedRow:
    """One figure of the page. ``agrees`` is false where a reader of the page would be misled."""

    id: str
    topic: str
    seed: str
    enforced: str
    agrees: bool
    round: str | None
    pointer: str | None
    value: Any
    rules: tuple[str, ...]
    note: str

    def enforced_value(self) -> Any:
        """The value in the facts of the row's round; None for a row of a round without a data file."""
        if self.pointer is None or self.round is None:
            return None
        at: Any = load_round(self.round).facts
        for part in self.pointer.removeprefix("/").split("/"):
            at = at[int(part)] if isinstance(at, list) else at[part.replace("~1", "/")]
        return at


@cache
def seed_page() -> tuple[SeedRow, ...]:
    """All rows, in the order of the page."""
    text = (resources.files("schemas") / "seed_page.json").read_text(encoding="utf-8")
    document: Mapping[str, Any] = json.loads(text)
    return tuple(
        SeedRow(
            id=row["id"],
            topic=row["topic"],
            seed=row["seed"],
            enforced=row["enforced"],
            agrees=row["agrees"],
            round=row.get("round"),
            pointer=row.get("pointer"),
            value=row.get("value"),
            rules=tuple(row["rules"]),
            note=row.get("note", ""),
        )
        for row in document["rows"]
    )


def rows_for(rule: str) -> tuple[SeedRow, ...]:
    """Rows that belong to a rule id."""
    return tuple(row for row in seed_page() if rule in row.rules)

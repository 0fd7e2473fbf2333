"""Records as a table of rows whose texts stand once in one list, so that a page of twenty thousand results is small.

A table is ``{"fields": [...], "kinds": "t.j", "rows": [[...]]}``: of kind ``t`` a field is the number of a text, ``j``
the number of a JSON value kept as text, ``.`` the value itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any


class Texts:
    """Texts by their number, each kept once."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        """The number of a text."""
        return self._numbers.setdefault(text, len(self._numbers))

    @property
    def all(self) -> list[str]:
        """The texts in order of their numbers."""
        return list(self._numbers)


def table(texts: Texts, kinds: Mapping[str, str], records: Iterable[Sequence[Any]]) -> dict[str, Any]:
    """A table of records whose values stand in the order of ``kinds`` (field to ``t``, ``j`` or ``.``)."""
    signs = tuple(kinds.values())
    rows = [[_value(texts, s, v) for s, v in zip(signs, record, strict=True)] for record in records]
    return {"fields": list(kinds), "kinds": "".join(signs), "rows": rows}


def _value(texts: Texts, kind: str, value: Any) -> Any:
    if kind == "t":
        return texts.number(str(value))
    if kind == "j":
        return texts.number(json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False))
    return value


def records(found: Mapping[str, Any], texts: Sequence[str]) -> list[dict[str, Any]]:
    """The records of a table as objects: what the page makes of it."""
    read: dict[str, Callable[[Any], Any]] = {
        "t": lambda v: texts[v],
        "j": lambda v: json.loads(texts[v]),
        ".": lambda v: v,
    }
    kinds = list(zip(found["fields"], found["kinds"], strict=True))
    return [{f: read[k](v) for (f, k), v in zip(kinds, row, strict=True)} for row in found["rows"]]

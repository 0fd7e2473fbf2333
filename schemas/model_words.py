"""Which model the name of a weights file speaks of (``schemas/model_words.json``)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib import resources

_SIGNS = re.compile(r"[^a-z0-9]+")


def families_in(name: str) -> frozenset[str]:
    """The families of models that a file name or the end of an address speaks of; none for a name without one."""
    text = _SIGNS.sub("", name.rstrip("/").rpartition("/")[2].lower())
    found: set[str] = set()
    for word in sorted(_words(), key=len, reverse=True):
        if word in text:
            found |= _words()[word]
            text = text.replace(word, " ")
    return frozenset(found)


def family_of(benchmark: str) -> frozenset[str]:
    """The families that the official name of a benchmark begins with; none where nothing is known of it."""
    own = {f for families in _words().values() for f in families if benchmark.startswith(f)}
    longest = max(map(len, own), default=0)
    return frozenset(f for f in own if len(f) == longest)


@cache
def _words() -> Mapping[str, frozenset[str]]:
    """Families by word."""
    path = resources.files("schemas") / "model_words.json"
    families: dict[str, list[str]] = json.loads(path.read_text(encoding="utf-8"))["families"]
    words = {w for row in families.values() for w in row}
    return {w: frozenset(f for f, row in families.items() if w in row) for w in words}

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
    for word, families in _words().items():
        if word in text:
            found |= families
            text = text.replace(word, " ")
    return frozenset(found)


def family_of(benchmark: str) -> frozenset[str]:
    """The family that the official name of a benchmark begins with; none where nothing is known of it."""
    own = [f for f in _families() if benchmark.startswith(f)]
    return frozenset((max(own, key=len),)) if own else frozenset()


@cache
def _families() -> frozenset[str]:
    return frozenset().union(*_words().values())


@cache
def _words() -> Mapping[str, frozenset[str]]:
    """Families by word, the longest words first: a shorter one may be a part of them."""
    path = resources.files("schemas") / "model_words.json"
    families: dict[str, list[str]] = json.loads(path.read_text(encoding="utf-8"))["families"]
    words = sorted({w for row in families.values() for w in row}, key=lambda w: (-len(w), w))
    return {w: frozenset(f for f, row in families.items() if w in row) for w in words}

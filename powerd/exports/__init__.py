"""Forms in which the samples of a window leave the house: one file per form, found by this folder.

A form has ``NAME``, ``MEDIA_TYPE`` and ``lines(export)``, which yields text with its line ends, or bytes.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from powerd.exports.base import Export
from schemas.discovery import modules
from schemas.errors import UserError


@dataclass(frozen=True, slots=True)
class Form:
    """One form of export."""

    name: str
    media_type: str
    lines: Callable[[Export], Iterator[str | bytes]]


def names() -> tuple[str, ...]:
    """Names of all forms, sorted."""
    return tuple(sorted(_all()))


def find(name: str) -> Form:
    """The form of this name; ``UserError`` naming those that there are."""
    known = _all()
    if name in known:
        return known[name]
    offered = ", ".join(sorted(known))
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}? (there are {offered})" if near else f"choose one of {offered}"
    raise UserError(f"there is no format {name[:40]!r}: {hint}")


def _all() -> dict[str, Form]:
    return {m.NAME: Form(m.NAME, m.MEDIA_TYPE, m.lines) for m in modules("powerd.exports")}

"""Instruments without hardware, found by this folder: one module per series with an object ``EMULATOR``."""

from __future__ import annotations

from typing import cast

from powerd.emulators.base import Emulator
from schemas.cliparse import nearest
from schemas.discovery import collect
from schemas.errors import UserError


def names() -> tuple[str, ...]:
    """Names of all emulators, which are those of their drivers."""
    return tuple(sorted(e.name for e in _all()))


def find(name: str) -> Emulator:
    """The emulator of this name; ``UserError`` naming the known ones."""
    for emulator in _all():
        if emulator.name == name:
            return emulator
    raise UserError(f"there is no emulator {name!r}: {nearest(name, names())}")


def _all() -> list[Emulator]:
    return [cast(Emulator, e) for e in collect("powerd.emulators", "EMULATOR")]

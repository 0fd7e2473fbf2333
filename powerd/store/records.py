"""What the store gives back: readings, lives of the daemon and windows, each with its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from powerd.model import Reading


@dataclass(frozen=True, slots=True)
class StoredReading:
    """A reading with its place in the store and the run of the daemon that made it."""

    ident: int
    run: int
    reading: Reading


@dataclass(frozen=True, slots=True)
class Run:
    """One life of the daemon: start and last sign of life on BOOTTIME of its boot."""

    ident: int
    boot_id: str
    started_ns: int
    last_ns: int


@dataclass(frozen=True, slots=True)
class StoredWindow:
    """A window as it is kept. ``request`` is what the closer asked, ``document`` the closed window's JSON."""

    ident: str
    name: str
    meter: str
    channel: str
    labels: Mapping[str, str]
    state: str
    boot_id: str
    opened_ns: int
    request: Mapping[str, Any] | None
    document: str | None

"""What a store or a bundle gives back: readings, lives of the daemon and windows, and how they are asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from schemas.clocks import ClockFix, Exchange
from schemas.measured import MeterInfo, Reading, Settings


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


class Source(Protocol):
    """Where the facts of a window lie: the store of a daemon, or a bundle that was made from one."""

    boot_id: str

    def readings(
        self, meter: str, channel: str, boot: str, begin_ns: int, end_ns: int
    ) -> Sequence[StoredReading]:
        """Readings of one boot with their end in ``[begin_ns, end_ns]``, by end, then in order of arrival."""

    def fixes(self, boot: str, begin_ns: int, end_ns: int) -> Sequence[tuple[int, ClockFix]]:
        """Numbered fixes of one boot in ``[begin_ns, end_ns]`` and the nearest one on either side."""

    def exchanges(self, clock: str) -> Sequence[tuple[int, Exchange]]:
        """Numbered exchanges of one client clock, in order."""

    def boots_between(self, begin_utc_ns: int, end_utc_ns: int) -> Sequence[str]:
        """Boots that have clock fixes in this stretch of UTC."""

    def runs(self, boot: str) -> Sequence[Run]:
        """Lives of the daemon in this boot, in order."""

    def meter_history(self, meter: str) -> Sequence[tuple[str, int, MeterInfo, Settings]]:
        """Who answered as ``meter`` with which settings: boot, since when, info, settings; in order."""

    def marks(self, window: str) -> Sequence[tuple[int, str]]:
        """Marks of a window in order: instant and text."""

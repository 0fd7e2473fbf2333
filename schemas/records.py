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
class Moment:
    """When a document was computed: instant, and the highest number of every kind of record that was known then."""

    boot_id: str
    boottime_ns: int
    reading: int
    fix: int
    exchange: int
    run: int


@dataclass(frozen=True, slots=True)
class StoredWindow:
    """A window as it is kept. ``request`` is what the closer asked, ``document`` the closed window's JSON.

    ``meter`` is what was asked for: a meter, ``METER/CHANNEL[+CHANNEL…]``, or several of these joined by ``,``.
    ``channel`` names the channels of each in the same order: ``1+2,1``.
    """

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

    @property
    def places(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The meters that the window measures with, each with its channels."""
        meters = (part.partition("/")[0] for part in self.meter.split(","))
        channels = (tuple(part.split("+")) for part in self.channel.split(","))
        return tuple(zip(meters, channels, strict=True))


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


class AsOf:
    """A source as it was at a moment: what came later is not there."""

    def __init__(self, source: Source, moment: Moment) -> None:
        self.boot_id = moment.boot_id
        self._source = source
        self._moment = moment

    def readings(
        self, meter: str, channel: str, boot: str, begin_ns: int, end_ns: int
    ) -> Sequence[StoredReading]:
        """As ``Source.readings``."""
        rows = self._source.readings(meter, channel, boot, begin_ns, end_ns)
        return [r for r in rows if r.ident <= self._moment.reading]

    def fixes(self, boot: str, begin_ns: int, end_ns: int) -> Sequence[tuple[int, ClockFix]]:
        """As ``Source.fixes``."""
        rows = self._source.fixes(boot, begin_ns, end_ns)
        return [row for row in rows if row[0] <= self._moment.fix]

    def exchanges(self, clock: str) -> Sequence[tuple[int, Exchange]]:
        """As ``Source.exchanges``."""
        return [row for row in self._source.exchanges(clock) if row[0] <= self._moment.exchange]

    def boots_between(self, begin_utc_ns: int, end_utc_ns: int) -> Sequence[str]:
        """As ``Source.boots_between``."""
        found = self._source.boots_between(begin_utc_ns, end_utc_ns)
        return [boot for boot in found if self.runs(boot)]

    def runs(self, boot: str) -> Sequence[Run]:
        """As ``Source.runs``."""
        return [run for run in self._source.runs(boot) if run.ident <= self._moment.run]

    def meter_history(self, meter: str) -> Sequence[tuple[str, int, MeterInfo, Settings]]:
        """As ``Source.meter_history``."""
        moment = self._moment
        return [
            row
            for row in self._source.meter_history(meter)
            if (row[1] <= moment.boottime_ns if row[0] == moment.boot_id else bool(self.runs(row[0])))
        ]

    def marks(self, window: str) -> Sequence[tuple[int, str]]:
        """As ``Source.marks``."""
        return self._source.marks(window)

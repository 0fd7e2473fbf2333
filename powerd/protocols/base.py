"""``ForeignProtocol``: a language of other programs, and ``Lab``: what of the daemon it may use.

A protocol maps requests to calls on meters, windows and sessions, and answers back. It knows no socket: a
``Line`` is handed in. The server knows protocols only by what stands here.
"""

from __future__ import annotations

from typing import Protocol

from powerd.acquire import AcquisitionState
from powerd.clock import ClockModel
from powerd.feed import Feed
from powerd.meter_config import MeterConfig
from powerd.model import MeterInfo, Reading, Settings
from powerd.sessions import Sessions
from powerd.windows import Windows


class Lab(Protocol):
    """The part of a running daemon that protocols use; ``powerd.service.Service`` is one."""

    feed: Feed
    windows: Windows
    sessions: Sessions

    @property
    def meter_names(self) -> tuple[str, ...]:
        """Names of the configured meters."""

    def meter(self, name: str) -> MeterConfig:
        """The configuration of a meter; ``NotThere``."""

    def state(self, name: str) -> AcquisitionState:
        """How a meter's loop is doing."""

    def channels(self, name: str) -> tuple[str, ...]:
        """The channels that a meter is asked for."""

    def info(self, name: str) -> MeterInfo:
        """Who answers as this meter; ``Gone`` when nobody ever did."""

    def latest(self, name: str) -> Reading | None:
        """The newest reading of a meter's first channel."""

    def set_range_unless_leased(
        self, name: str, voltage_v: float | None, current_a: float | None
    ) -> Settings:
        """Change a meter's ranges; ``Conflict`` while a window is open on it."""

    def utc(self) -> ClockModel:
        """UTC now."""


class Line(Protocol):
    """One connection, used by one thread. Everything raises ``OSError`` when the other side is lost."""

    def read_line(self) -> str | None:
        """The next line without its end; None when the other side has ended. ``TooLong``."""

    def write(self, text: str) -> None:
        """Send text as it is, in UTF-8."""

    def write_bytes(self, data: bytes) -> None:
        """Send bytes as they are."""

    @property
    def peer(self) -> str:
        """Address of the other side, for logs."""


class TooLong(OSError):
    """The other side sends a line without end."""


class Conversations(Protocol):
    """A protocol at work on a lab."""

    def hold(self, line: Line) -> None:
        """One connection until its end, on a thread of its own; raises what ``Line`` raises."""

    def close(self) -> None:
        """The daemon ends: leave everything in order."""


class ForeignProtocol(Protocol):
    """A language; its section of the configuration has the keys ``listen`` and ``meter``."""

    @property
    def name(self) -> str:
        """The section of the configuration."""

    @property
    def default_listen(self) -> str:
        """Where programs that speak it look, ``HOST:PORT``."""

    def open(self, lab: Lab, meters: tuple[str, ...]) -> Conversations:
        """Begin to serve these meters of a lab, taken together as one instrument."""

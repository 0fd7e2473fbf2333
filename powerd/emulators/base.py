"""``Instrument``: what one emulated instrument must be able to do; the endpoint owns line and pacing.

An emulator module defines one object named ``EMULATOR`` and is found by its folder. Instants are
nanoseconds of CLOCK_BOOTTIME and are handed in: an instrument answers for the instant at which a message
arrived, however late the process got to run.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Protocol

from powerd.emulators.load import Load


class Instrument(Protocol):
    """The other end of the wire."""

    @property
    def terminator(self) -> bytes:
        """The byte that ends a message to the instrument."""

    def handle(self, message: bytes, at_ns: int) -> Generator[int, None, bytes]:
        """Obey a message, given without its terminator, that arrived complete at ``at_ns``.

        Yields the instants until which the instrument is busy, is resumed at or after them, and returns the
        bytes to send from the last of them on (none for a message without query).
        """

    def interrupted(self) -> None:
        """A new message came before the previous answer was sent, which is lost."""

    def force_overrange(self, until_ns: int) -> None:
        """A fault: updates that end before ``until_ns`` read as over range."""

    def force_crest(self, crest: float, until_ns: int) -> None:
        """A fault: the load's current has this crest factor in updates that end before ``until_ns``."""

    def restart(self, at_ns: int) -> None:
        """Power off and on: settings as after power-on."""


class Emulator(Protocol):
    """A series of instruments that can be made."""

    @property
    def name(self) -> str:
        """The name of the driver that speaks to it."""

    @property
    def models(self) -> tuple[str, ...]:
        """Models that can be emulated; the first is the default."""

    def make(self, model: str, load: Load, seed: int, origin_ns: int) -> Instrument:
        """An instrument that measures ``load``, whose time starts at ``origin_ns``."""

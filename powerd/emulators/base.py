"""``Instrument``: what one emulated instrument must be able to do; the endpoint owns line and pacing.

An emulator module defines one object named ``EMULATOR`` and is found by its folder. Instants are
nanoseconds of CLOCK_BOOTTIME and are handed in: an instrument answers for the instant at which a message
arrived, however late the process got to run. ``EmulatedMeter`` has what most instruments share.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Protocol

from powerd.emulators.framing import Framing, Terminated
from powerd.emulators.load import Load
from powerd.emulators.wattmeter import Wattmeter

SERIAL = "EDGEWATT-EMULATED"
"""The serial number of everything that is emulated; powerd marks what it measures as simulated."""


class Instrument(Protocol):
    """The other end of the wire."""

    keeps_output: bool
    """Whether an answer that is being sent goes on when a new message comes (else it is lost)."""

    def framing(self) -> Framing:
        """How messages end on a line that was just plugged in."""

    def handle(self, message: bytes, at_ns: int) -> Generator[int, None, bytes]:
        """Obey a message, given without its terminator, that arrived complete at ``at_ns``.

        Yields the instants until which the instrument is busy, is resumed at or after them, and returns the
        bytes to send from the last of them on (none for a message without query).
        """

    def interrupted(self) -> None:
        """A new message came before the previous answer was sent, which is lost."""

    def next_push_ns(self) -> int | None:
        """When the instrument will send something unasked; None while it does not."""

    def push(self, at_ns: int) -> bytes:
        """What it sends unasked at this instant; ``next_push_ns`` lies later afterwards."""

    def force(self, kind: str, value: float, until_ns: int) -> None:
        """A fault of the meter (``faults.METER_FAULTS``) in updates that end before ``until_ns``."""

    def restart(self, at_ns: int) -> None:
        """Power off and on: settings as after power-on."""


class EmulatedMeter:
    """An instrument that is asked and measures with ``meters``; subclasses say what it understands."""

    keeps_output = False

    def __init__(self, meters: Sequence[Wattmeter]) -> None:
        self.meters = tuple(meters)

    def framing(self) -> Framing:
        """Messages end with LF and fit 256 bytes (IM WT310E-17 p. 3-7)."""
        return Terminated(b"\n")

    def interrupted(self) -> None:
        """Nothing to note."""

    def next_push_ns(self) -> int | None:
        """Nothing is sent unasked."""
        return None

    def push(self, at_ns: int) -> bytes:
        """Nothing is sent unasked."""
        return b""

    def force(self, kind: str, value: float, until_ns: int) -> None:
        """Every element has the fault."""
        for meter in self.meters:
            meter.force(kind, value, until_ns)


class Emulator(Protocol):
    """A series of instruments that can be made."""

    @property
    def name(self) -> str:
        """The name of the driver that speaks to it."""

    @property
    def models(self) -> tuple[str, ...]:
        """Models that can be emulated; the first is the default."""

    def make(self, model: str, load: Load, seed: int, origin_ns: int) -> Instrument:
        """An instrument that measures ``load``, whose time starts at ``origin_ns``.

        Element k of several measures ``load.of_element(load, k)``.
        """

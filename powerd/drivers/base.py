"""``Driver``: what one instrument series must be able to do.

A driver owns bytes and meaning. It holds no thread, no clock and no port: the transport is handed in with
every call, the stamps are the transport's, retries and logging are the acquisition loop's. A driver module
defines one object named ``DRIVER``; it is found by its folder (``powerd.drivers.find``).
"""

from __future__ import annotations

from typing import Protocol

from powerd.model import MeterInfo, Settings, TimingMode, Values
from powerd.transports.base import Transport
from schemas.metrology import Specification

EMULATED_SERIAL = "EDGEWATT-EMULATED"
"""The serial number of an emulated meter; what it measures is marked as simulated."""


class Driver(Protocol):
    """The interface of a meter series. All methods raise the four kinds of ``powerd.errors``."""

    @property
    def name(self) -> str:
        """The driver's name on the command line, for example ``yokogawa-wt300``."""

    @property
    def timing(self) -> TimingMode:
        """How this series times its answers."""

    @property
    def delay_ns(self) -> int:
        """From the end of the averaging interval to the first byte of the answer, beyond the wire."""

    @property
    def delay_u95_ns(self) -> int:
        """Half-width around ``delay_ns`` that holds the true delay with 95 %."""

    def identify(self, port: Transport) -> MeterInfo:
        """Ask who is there, changing nothing; ``Refused`` when it is another series."""

    def configure(self, port: Transport, info: MeterInfo, settings: Settings) -> Settings:
        """Make the meter measure as asked; returns the settings that are now in force, read back."""

    def read(self, port: Transport, settings: Settings) -> tuple[Values, ...]:
        """One answer, one ``Values`` per channel; returns at the update (``wait``) or at once (``poll``)."""

    def answer_bytes(self, settings: Settings) -> int:
        """Upper bound of the bytes on the wire per update, both ways, to refuse rates the line cannot carry."""

    def specification(self, info: MeterInfo) -> Specification:
        """Accuracy and ranges of this very model, for the uncertainty budget."""

"""``Transport``: bytes in and out with a deadline, and the instants at which they passed.

A transport knows no meter. What must be implemented is the protocol below; every call either does its work
within ``deadline_s`` seconds or raises ``powerd.errors.Gone``.
"""

from __future__ import annotations

from typing import Protocol

from powerd.model import Stamps


class Transport(Protocol):
    """A line to one meter, used by one thread."""

    @property
    def name(self) -> str:
        """The port as the user wrote it."""

    @property
    def byte_time_ns(self) -> int:
        """Time that one character takes on the wire, 0 where that is not known."""

    @property
    def stamps(self) -> Stamps:
        """Instants of the latest exchange: end of the write, first and last byte of the answer."""

    def write(self, data: bytes, deadline_s: float) -> None:
        """Send all of ``data``. Nothing to send begins an exchange too: with a meter that sends unasked."""

    def read_until(self, terminator: bytes, deadline_s: float, limit: int = 4096) -> bytes:
        """Bytes up to and with ``terminator``; ``Garbled`` when ``limit`` bytes pass without it."""

    def read_exactly(self, count: int, deadline_s: float) -> bytes:
        """Exactly ``count`` bytes."""

    def discard_input(self) -> None:
        """Throw away whatever has arrived and was not read."""

    def close(self) -> None:
        """Release the port; a second call does nothing."""

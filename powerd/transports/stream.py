"""What lines of bytes share (ttys, sockets): waiting with ``select``, stamps of first and latest byte, half answers.

Waiting is done on the descriptor, so that the first byte of an answer is stamped when it wakes us and not when
the whole answer is there.
"""

from __future__ import annotations

import select
from abc import ABC, abstractmethod

from powerd.boottime import boottime_ns
from powerd.errors import Garbled, Gone
from powerd.model import Stamps
from powerd.transports.line import OwnLine

STALL_NS = 250_000_000
"""An answer that has begun and then pauses for so long (and 20 characters' time) will not go on: meters send an answer
in one piece, adapters hold bytes back for 16 ms at most, the rest is for a busy machine."""


class StreamTransport(OwnLine, ABC):
    """The reading half of ``powerd.transports.base.Transport``; a subclass brings the descriptor and its errors."""

    stall_ns = STALL_NS
    silence_advice = "check power, cable (null modem) and that the baud rates agree"

    def __init__(self, name: str, byte_time_ns: int) -> None:
        super().__init__(name, byte_time_ns)
        self._held = bytearray()
        self._fresh = True

    def read_until(self, terminator: bytes, deadline_s: float, limit: int = 4096) -> bytes:
        """Bytes up to and with ``terminator``; ``Garbled`` for half an answer, ``Gone`` for none."""
        end = boottime_ns() + int(deadline_s * 1e9)
        while (at := self._held.find(terminator)) < 0:
            if len(self._held) >= limit:
                self.discard_input()
                raise Garbled(f"{self._name} sent {limit} bytes without the end of an answer")
            self._fill(end, deadline_s)
        return self._take(at + len(terminator))

    def read_exactly(self, count: int, deadline_s: float) -> bytes:
        """Exactly ``count`` bytes; ``Garbled`` when only some came, ``Gone`` when none did."""
        end = boottime_ns() + int(deadline_s * 1e9)
        while len(self._held) < count:
            self._fill(end, deadline_s)
        return self._take(count)

    @abstractmethod
    def discard_input(self) -> None:
        """Throw away what has arrived; ``Gone`` when the line is broken."""

    @abstractmethod
    def _descriptor(self) -> int:
        """What to wait on; ``Gone`` when the line was closed."""

    @abstractmethod
    def _receive(self, first: bool) -> bytes:
        """The bytes that are there, at least one; only one for the first. Empty when the other side hung up.

        ``Gone`` when the line broke.
        """

    def _sent(self, at_ns: int) -> None:
        """A question has gone out; the next byte is the first of its answer."""
        self._stamps = Stamps(at_ns, 0, 0)
        self._fresh = True

    def _take(self, count: int) -> bytes:
        if self._stamps.first_byte_ns < self._stamps.request_ns:  # unasked, and here before we listened
            asked = self._stamps.request_ns
            self._stamps = Stamps(asked, asked, asked)
        data = bytes(self._held[:count])
        del self._held[:count]
        return data

    def _fill(self, end_ns: int, deadline_s: float) -> None:
        """Wait for bytes until ``end_ns``, or until an answer has stalled, and keep them; stamp first and latest."""
        if self._held:
            heard_ns = max(self._stamps.last_byte_ns, self._stamps.request_ns)
            end_ns = min(end_ns, heard_ns + self.stall_ns + 20 * self._byte_time_ns)
        left = end_ns - boottime_ns()
        try:
            ready, _, _ = select.select([self._descriptor()], [], [], max(0.0, left / 1e9))
        except (OSError, ValueError) as error:
            raise Gone(f"{self._name} broke while reading ({error}): was it unplugged?") from error
        now = boottime_ns()
        if not ready:
            raise self._silence(deadline_s)
        data = self._receive(self._fresh)
        if not data:
            raise Gone(f"{self._name} hung up: was it unplugged?")
        first = now if self._fresh else self._stamps.first_byte_ns
        self._fresh = False
        self._stamps = Stamps(self._stamps.request_ns, first, now)
        self._held += data

    def _silence(self, deadline_s: float) -> Gone | Garbled:
        if self._held:
            half = bytes(self._held[-40:])
            self._held.clear()
            return Garbled(f"{self._name} stopped in the middle of an answer after {half!r}")
        return Gone(f"{self._name} did not answer within {deadline_s:g} s: {self.silence_advice}")

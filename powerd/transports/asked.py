"""Lines on which a device may only be read when it owes an answer (USB-TMC, GPIB).

Reading from an IEEE 488 device that was asked nothing is an error of its own (420, query UNTERMINATED) and, with
USB-TMC, costs a time-out in the kernel. A question is a message that holds a ``?`` (IEEE 488.2, 7.1.2), so after
any other message nothing is read and silence is reported at once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from powerd.boottime import boottime_ns
from powerd.errors import Garbled, Gone
from powerd.model import Stamps
from powerd.transports.line import OwnLine


class AskedTransport(OwnLine, ABC):
    """``powerd.transports.base.Transport`` in terms of three steps that a subclass brings."""

    def __init__(self, name: str) -> None:
        """Such a line is fast, and its speed is not known."""
        super().__init__(name)
        self._held = bytearray()
        self._owed = False

    def write(self, data: bytes, deadline_s: float) -> None:
        """Send one message."""
        self._held.clear()
        self._send(data, deadline_s)
        self._stamps = Stamps(boottime_ns(), 0, 0)
        self._owed = b"?" in data

    def read_until(self, terminator: bytes, deadline_s: float, limit: int = 4096) -> bytes:
        """Bytes up to and with ``terminator``, or all of a message whose end the line itself marked."""
        end = boottime_ns() + int(deadline_s * 1e9)
        while (at := self._held.find(terminator)) < 0:
            if len(self._held) >= limit:
                self.discard_input()
                raise Garbled(f"{self._name} sent {limit} bytes without the end of an answer")
            if self._held and not self._owed:
                return self._take(len(self._held))
            self._more(end, deadline_s)
        if at + len(terminator) == len(self._held):
            self._owed = False
        return self._take(at + len(terminator))

    def read_exactly(self, count: int, deadline_s: float) -> bytes:
        """Exactly ``count`` bytes; ``Garbled`` when the answer was shorter."""
        end = boottime_ns() + int(deadline_s * 1e9)
        while len(self._held) < count:
            if self._held and not self._owed:
                half = self._take(len(self._held))
                raise Garbled(
                    f"{self._name} ended its answer after {half[-40:]!r}, {count} bytes were wanted"
                )
            self._more(end, deadline_s)
        return self._take(count)

    def discard_input(self) -> None:
        """Throw away what has arrived and what the device still owes."""
        self._held.clear()
        if self._owed:
            self._owed = False
            self._clear()

    def _take(self, count: int) -> bytes:
        data = bytes(self._held[:count])
        del self._held[:count]
        return data

    def _more(self, end_ns: int, deadline_s: float) -> None:
        """Read on within the deadline; stamp first and latest byte."""
        if not self._owed:
            raise Gone(f"{self._name} was asked nothing, so it has nothing to say")
        left_s = (end_ns - boottime_ns()) / 1e9
        data, more = (b"", True) if left_s <= 0 else self._receive(left_s)
        if not data:
            if self._held:
                half = self._take(len(self._held))
                raise Garbled(f"{self._name} stopped in the middle of an answer after {half[-40:]!r}")
            raise Gone(f"{self._name} did not answer within {deadline_s:g} s: {self._advice()}")
        now = boottime_ns()
        self._stamps = Stamps(self._stamps.request_ns, self._stamps.first_byte_ns or self._first_ns(now), now)
        self._owed = more
        self._held += data

    @abstractmethod
    def _send(self, data: bytes, deadline_s: float) -> None:
        """Hand the message to the device."""

    @abstractmethod
    def _receive(self, deadline_s: float) -> tuple[bytes, bool]:
        """Some bytes of the answer (none: silence), and whether there may be more of it."""

    @abstractmethod
    def _clear(self) -> None:
        """Make the device forget what it wanted to say."""

    def _first_ns(self, now_ns: int) -> int:
        """When the first of the bytes that were just received came."""
        return now_ns

    @abstractmethod
    def _advice(self) -> str:
        """What to do about silence."""

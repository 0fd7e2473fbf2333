"""An emulated instrument as a port of this process: no terminal, no thread, and a clock that is handed in.

On the real clock it is a meter without a wire (``simulated``); on a clock that only moves when somebody waits, hours of
measuring pass in moments, byte by byte as on a line.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol

from powerd.emulators.base import Instrument
from powerd.emulators.faults import METER_FAULTS, FaultPlan
from powerd.emulators.framing import Message
from powerd.errors import Garbled, Gone
from powerd.model import Stamps

STALL_NS = 250_000_000


class Clock(Protocol):
    """CLOCK_BOOTTIME, or what stands for it."""

    def now_ns(self) -> int:
        """This instant."""

    def wait_until(self, at_ns: int) -> None:
        """Return at this instant, at once when it has passed."""


class DirectPort:
    """``powerd.transports.base.Transport`` to one instrument.

    ``late_ns`` says by how much later than on the wire a byte is noticed.
    """

    def __init__(
        self,
        name: str,
        instrument: Instrument,
        faults: FaultPlan,
        origin_ns: int,
        clock: Clock,
        *,
        byte_time_ns: int = 0,
        late_ns: Callable[[], int] = lambda: 0,
    ) -> None:
        self.name = name
        self.byte_time_ns = byte_time_ns
        self.stamps = Stamps(0, 0, 0)
        self._instrument = instrument
        self._faults = faults
        self._origin_ns = origin_ns
        self._clock = clock
        self._late_ns = late_ns
        self._framing = instrument.framing()
        self._line: deque[tuple[int, int]] = deque()
        self._busy_ns = 0

    def write(self, data: bytes, deadline_s: float) -> None:
        """Send all of ``data``, byte after byte; the instrument obeys as messages get complete."""
        at = self._clock.now_ns()
        for byte in data:
            at += self.byte_time_ns
            self._obey(self._framing.put(byte, at, self.byte_time_ns))
        self._clock.wait_until(at)
        self.stamps = Stamps(max(at, self._clock.now_ns()), 0, 0)

    def read_until(self, terminator: bytes, deadline_s: float, limit: int = 4096) -> bytes:
        """Bytes up to and with ``terminator``."""
        return self._read(lambda got: got.endswith(terminator), deadline_s, limit)

    def read_exactly(self, count: int, deadline_s: float) -> bytes:
        """Exactly ``count`` bytes."""
        return self._read(lambda got: len(got) == count, deadline_s, count)

    def discard_input(self) -> None:
        """Throw away whatever has arrived."""
        now = self._clock.now_ns()
        self._come(now)
        while self._line and self._line[0][0] <= now:
            self._line.popleft()

    def close(self) -> None:
        """Nothing to release."""

    def _read(self, complete: Callable[[bytearray], bool], deadline_s: float, limit: int) -> bytes:
        got = bytearray()
        end = self._clock.now_ns() + int(deadline_s * 1e9)
        while not complete(got):
            if len(got) >= limit:
                self.discard_input()
                raise Garbled(f"{self.name} sent {limit} bytes without the end of an answer")
            got.append(self._byte(end, bytes(got), deadline_s))
        return bytes(got)

    def _byte(self, end_ns: int, got: bytes, deadline_s: float) -> int:
        """The next byte, waited for."""
        if got:
            end_ns = min(end_ns, self.stamps.last_byte_ns + STALL_NS + 20 * self.byte_time_ns)
        self._come(end_ns)
        if not self._line or self._line[0][0] > end_ns:
            self._clock.wait_until(end_ns)
            if got:
                raise Garbled(f"{self.name} stopped in the middle of an answer after {got[-40:]!r}")
            raise Gone(f"{self.name} did not answer within {deadline_s:g} s")
        at, byte = self._line.popleft()
        fresh = self.stamps.first_byte_ns == 0
        self._clock.wait_until(at + self._late_ns() if fresh else at)
        seen = self._clock.now_ns() if fresh else max(at, self.stamps.first_byte_ns)
        self.stamps = Stamps(self.stamps.request_ns, seen if fresh else self.stamps.first_byte_ns, seen)
        return byte

    def _come(self, until_ns: int) -> None:
        """Whatever the instrument does by itself until then: pauses that end messages, pushes."""
        due = self._framing.due_ns()
        if due is not None and due <= until_ns:
            self._obey(self._framing.flush(due))
        push = self._instrument.next_push_ns()
        while push is not None and push <= until_ns and not self._line:
            self._force(push)
            self._answer(self._instrument.push(push), push)
            push = self._instrument.next_push_ns()

    def _obey(self, message: Message | None) -> None:
        if message is None:
            return None
        text, at = message
        self._force(at)
        kept = deque((t, b) for t, b in self._line if t <= at)
        if len(kept) < len(self._line) and not self._instrument.keeps_output:
            self._line = kept
            self._instrument.interrupted()
        self._busy_ns = max(at, self._busy_ns)
        working = self._instrument.handle(text, self._busy_ns)
        while True:
            try:
                self._busy_ns = max(self._busy_ns, next(working))
            except StopIteration as end:
                return self._answer(end.value, self._busy_ns)

    def _answer(self, answer: bytes, at_ns: int) -> None:
        if not answer:
            return
        spoiled, later = self._faults.spoil(answer, at_ns - self._origin_ns)
        at = max(at_ns + later, self._line[-1][0] if self._line else 0)
        for byte in spoiled:
            at += self.byte_time_ns
            self._line.append((at, byte))

    def _force(self, at_ns: int) -> None:
        """Faults of the meter that are in force."""
        since = at_ns - self._origin_ns
        if self._faults.active("restart", since) is not None:
            self._instrument.restart(at_ns)
        for kind in METER_FAULTS:
            fault = self._faults.active(kind, since)
            if fault is not None:
                self._instrument.force(kind, fault.value, self._origin_ns + fault.to_ns)

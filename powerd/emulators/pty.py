"""The line of an emulated instrument: a pseudo-terminal, paced in both directions at the baud rate.

Every byte takes its time on the wire. Without a fixed rate the rate is the one that the other side has set
on the terminal, as if the instrument's menu always agreed with it; with one, a side that is set otherwise hears
noise and is heard as noise.
"""

from __future__ import annotations

import contextlib
import logging
import os
import pty
import select
import termios
import tty
from collections import deque
from collections.abc import Generator
from pathlib import Path

from powerd.boottime import boottime_ns
from powerd.emulators.base import Instrument
from powerd.emulators.faults import METER_FAULTS, FaultPlan
from powerd.emulators.framing import Message
from schemas.errors import UserError

log = logging.getLogger(__name__)
INPUT_BUFFER = 256
"""Receive buffer of the instrument; what comes beyond it is lost (IM WT310E-17 p. 3-7)."""
_BURST_NS = 1_000_000
_SPEEDS = {
    getattr(termios, f"B{n}"): n
    for n in (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400)
    if hasattr(termios, f"B{n}")
}


class Endpoint:
    """One instrument at the other end of a pseudo-terminal; run by one thread."""

    def __init__(
        self,
        instrument: Instrument,
        faults: FaultPlan,
        origin_ns: int,
        *,
        link: Path | None = None,
        baud: int | None = None,
    ) -> None:
        self._instrument = instrument
        self._faults = faults
        self._origin_ns = origin_ns
        self._link = link
        self._baud = baud
        self._master = self._slave = -1
        self._wake_read, self._wake_write = os.pipe()
        self._stopping = False
        self._step_ns = 0
        self._forget()
        if link is not None and link.exists() and not link.is_symlink():
            raise UserError(f"--link {link} exists and is not a link: name a path that is free")
        self._plug_in()

    @property
    def port(self) -> str:
        """What to hand to powerd: the link if there is one, else the terminal."""
        return str(self._link) if self._link is not None else os.ttyname(self._slave)

    def stop(self) -> None:
        """End ``run`` soon; may be called from a signal handler or another thread."""
        self._stopping = True
        with contextlib.suppress(OSError):
            os.write(self._wake_write, b"x")

    def run(self) -> None:
        """Serve the line until ``stop``."""
        while not self._stopping:
            watched = [self._wake_read] + ([self._master] if self._master >= 0 else [])
            ready, _, _ = select.select(watched, [], [], self._pause())
            now = boottime_ns()
            self._plug(now)
            if self._master >= 0:
                self._step_ns = self._byte_time_ns()
            if self._master >= 0 and self._master in ready:
                self._receive(now)
            self._parse(now)
            self._send(boottime_ns())

    def close(self) -> None:
        """Remove link and terminal."""
        self._unplug()
        for fd in (self._wake_read, self._wake_write):
            os.close(fd)

    def _forget(self) -> None:
        """Nothing is on the line."""
        self._framing = self._instrument.framing()
        self._messages: deque[Message] = deque()
        self._working: Generator[int, None, bytes] | None = None
        self._busy_until_ns = 0
        self._output = b""
        self._later: deque[Message] = deque()
        self._sent = 0
        self._output_from_ns = 0
        self._line_free_ns = 0
        self._not_before_ns = 0

    def _plug_in(self) -> None:
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        if self._link is not None:
            self._make_link(os.ttyname(self._slave))

    def _make_link(self, target: str) -> None:
        link = self._link
        if link is None:
            return
        beside = link.with_name(f".{link.name}.{os.getpid()}")
        try:
            beside.unlink(missing_ok=True)
            beside.symlink_to(target)
            beside.replace(link)
        except OSError as error:
            raise UserError(f"--link {link} cannot be made: {error.strerror}; name another path") from error

    def _unplug(self) -> None:
        if self._master < 0:
            return
        if self._link is not None and self._link.is_symlink():
            with contextlib.suppress(OSError):
                if os.readlink(self._link) == os.ttyname(self._slave):
                    self._link.unlink()
        os.close(self._master)
        os.close(self._slave)
        self._master = self._slave = -1
        self._forget()

    def _plug(self, now: int) -> None:
        """Follow the faults that do not wait for an answer."""
        at = now - self._origin_ns
        gone = self._faults.active("unplug", at) is not None
        if gone and self._master >= 0:
            self._unplug()
        elif not gone and self._master < 0:
            self._plug_in()
            self._instrument.restart(now)
            log.warning("plugged in again: %s", self.port)
        if self._faults.active("restart", at) is not None:
            self._forget()
            self._instrument.restart(now)
        for kind in METER_FAULTS:
            fault = self._faults.active(kind, at)
            if fault is not None:
                self._instrument.force(kind, fault.value, self._origin_ns + fault.to_ns)

    def _pause(self) -> float | None:
        """Seconds until something is due."""
        now = boottime_ns()
        due: list[int] = []
        if self._output:
            due.append(max(self._due(self._sent), self._not_before_ns))
        if self._working is not None:
            due.append(self._busy_until_ns)
        elif self._messages:
            due.append(self._messages[0][1])
        elif not self._output and (push := self._instrument.next_push_ns()) is not None:
            due.append(push)
        if (pause := self._framing.due_ns()) is not None:
            due.append(pause)
        change = self._faults.next_change(now - self._origin_ns, "unplug", "restart", *METER_FAULTS)
        if change is not None:
            due.append(self._origin_ns + change)
        return max(0.0, (min(due) - now) / 1e9) if due else None

    def _rate(self) -> int:
        """Bits per second of the instrument."""
        forced = self._faults.active("baud", boottime_ns() - self._origin_ns)
        return round(forced.value) if forced is not None else self._baud or self._other_rate()

    def _other_rate(self) -> int:
        """Bits per second that the other side has set."""
        return _SPEEDS.get(termios.tcgetattr(self._slave)[5], 9600)

    def _byte_time_ns(self) -> int:
        return 10_000_000_000 // self._rate()

    def _as_heard(self, data: bytes) -> bytes:
        """What arrives where the two sides are set to different rates."""
        return data if self._rate() == self._other_rate() else self._faults.noise(len(data))

    def _receive(self, now: int) -> None:
        try:
            data = os.read(self._master, 4096)
        except (BlockingIOError, InterruptedError):
            return
        if self._faults.active("echo", now - self._origin_ns):
            self._queue(data, max(now, self._line_free_ns))
        step = self._step_ns
        at = max(now, self._line_free_ns)
        waiting = sum(len(m) for m, _ in self._messages)
        for byte in self._as_heard(data):
            at += step
            if waiting + self._framing.held() < INPUT_BUFFER:
                message = self._framing.put(byte, at, step)
                waiting += 0 if message is None else len(message[0])
                self._note(message)
        self._line_free_ns = at

    def _note(self, message: Message | None) -> None:
        if message is not None:
            self._messages.append(message)

    def _parse(self, now: int) -> None:
        """Let the instrument work on what has arrived, one message after the other."""
        self._note(self._framing.flush(now))
        while True:
            if self._working is None:
                if not self._messages or self._messages[0][1] > now:
                    return self._push(now)
                message, at = self._messages.popleft()
                if self._output and not self._keeps_output(now):
                    self._output = b""
                    self._later.clear()
                    self._instrument.interrupted()
                self._working = self._instrument.handle(message, max(at, self._busy_until_ns))
                self._busy_until_ns = max(at, self._busy_until_ns)
            if self._busy_until_ns > now:
                return None
            try:
                self._busy_until_ns = next(self._working)
            except StopIteration as end:
                self._working = None
                self._answer(end.value, self._busy_until_ns)

    def _keeps_output(self, now: int) -> bool:
        """An echo is the line's, not the instrument's to throw away."""
        return self._instrument.keeps_output or self._faults.active("echo", now - self._origin_ns) is not None

    def _push(self, now: int) -> None:
        """What the instrument sends unasked; nothing while it still sends."""
        due = self._instrument.next_push_ns()
        if due is not None and due <= now and not self._output:
            self._answer(self._instrument.push(due), due)

    def _answer(self, answer: bytes, at_ns: int) -> None:
        if answer:
            spoiled, later = self._faults.spoil(answer, at_ns - self._origin_ns)
            self._queue(self._as_heard(spoiled), at_ns + later)

    def _queue(self, data: bytes, from_ns: int) -> None:
        """Send from this instant on, after what is being sent."""
        if self._output:
            self._later.append((data, from_ns))
        elif data:
            self._output, self._sent, self._output_from_ns, self._not_before_ns = data, 0, from_ns, 0

    def _due(self, index: int) -> int:
        """When byte ``index`` of the output has passed the wire."""
        return self._output_from_ns + (index + 1) * self._step_ns

    def _send(self, now: int) -> None:
        """Write the bytes that are due; a late process sends several at once, as a late reader would see."""
        if not self._output or self._master < 0:
            return
        count = 0
        while self._sent + count < len(self._output) and self._due(self._sent + count) <= now:
            count += 1
        if not count:
            return
        with contextlib.suppress(BlockingIOError):  # nobody reads: a wire does not wait
            os.write(self._master, self._output[self._sent : self._sent + count])
        self._sent += count
        self._not_before_ns = min(now + _BURST_NS, self._due(len(self._output) - 1))
        if self._sent >= len(self._output):
            free = self._due(len(self._output) - 1)
            self._output = b""
            if self._later:
                data, at = self._later.popleft()
                self._queue(data, max(at, free))

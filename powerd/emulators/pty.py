"""The line of an emulated instrument: a pseudo-terminal, paced in both directions at the baud rate.

Every byte takes its time on the wire. Without a fixed rate the rate is the one that the other side has set
on the terminal, as if the instrument's menu always agreed with it.
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
from powerd.emulators.faults import FaultPlan
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
        self._input = bytearray()
        self._messages: deque[tuple[bytes, int]] = deque()
        self._working: Generator[int, None, bytes] | None = None
        self._busy_until_ns = 0
        self._output = b""
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
        """Follow the faults ``unplug``, ``overrange`` and ``crest``."""
        at = now - self._origin_ns
        gone = self._faults.active("unplug", at) is not None
        if gone and self._master >= 0:
            self._unplug()
        elif not gone and self._master < 0:
            self._plug_in()
            self._instrument.restart(now)
            log.warning("plugged in again: %s", self.port)
        over = self._faults.active("overrange", at)
        if over is not None:
            self._instrument.force_overrange(self._origin_ns + over.to_ns)
        crest = self._faults.active("crest", at)
        if crest is not None:
            self._instrument.force_crest(crest.value, self._origin_ns + crest.to_ns)

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
        for kind in ("unplug", "overrange", "crest"):
            change = self._faults.next_change(kind, now - self._origin_ns)
            if change is not None:
                due.append(self._origin_ns + change)
        return max(0.0, (min(due) - now) / 1e9) if due else None

    def _byte_time_ns(self) -> int:
        if self._baud is not None:
            return 10_000_000_000 // self._baud
        speed = termios.tcgetattr(self._slave)[5]
        return 10_000_000_000 // _SPEEDS.get(speed, 9600)

    def _receive(self, now: int) -> None:
        try:
            data = os.read(self._master, 4096)
        except (BlockingIOError, InterruptedError):
            return
        step = self._byte_time_ns()
        at = max(now, self._line_free_ns)
        waiting = sum(len(m) for m, _ in self._messages)
        for byte in data:
            at += step
            if byte == self._instrument.terminator[0]:
                self._messages.append((bytes(self._input), at))
                waiting += len(self._input)
                self._input.clear()
            elif waiting + len(self._input) < INPUT_BUFFER:
                self._input.append(byte)
        self._line_free_ns = at

    def _parse(self, now: int) -> None:
        """Let the instrument work on what has arrived, one message after the other."""
        while True:
            if self._working is None:
                if not self._messages or self._messages[0][1] > now:
                    return
                message, at = self._messages.popleft()
                if self._output:
                    self._output = b""
                    self._instrument.interrupted()
                self._working = self._instrument.handle(message, max(at, self._busy_until_ns))
                self._busy_until_ns = max(at, self._busy_until_ns)
            if self._busy_until_ns > now:
                return
            try:
                self._busy_until_ns = next(self._working)
            except StopIteration as end:
                self._working = None
                self._start_output(end.value)

    def _start_output(self, answer: bytes) -> None:
        if not answer:
            return
        spoiled, later = self._faults.spoil(answer, self._busy_until_ns - self._origin_ns)
        self._output, self._sent = spoiled, 0
        self._output_from_ns = self._busy_until_ns + later
        self._not_before_ns = 0

    def _due(self, index: int) -> int:
        """When byte ``index`` of the output has passed the wire."""
        return self._output_from_ns + (index + 1) * self._byte_time_ns()

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
            self._output = b""

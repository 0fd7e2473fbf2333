"""A serial port: RS-232, a USB adapter, or a pseudo-terminal.

pyserial opens and configures the port; waiting is done with ``select`` on its descriptor, so that the first
byte of an answer is stamped when it wakes us and not when the whole answer is there.
"""

from __future__ import annotations

import errno
import grp
import os
import select
import stat
import termios
from pathlib import Path

import serial

from powerd.boottime import boottime_ns
from powerd.errors import Garbled, Gone, NotThere
from powerd.model import Stamps
from powerd.transports import LineSettings

STALL_NS = 250_000_000
"""An answer that has begun and then pauses for so long (and 20 characters' time) will not go on: meters send an answer
in one piece, adapters hold bytes back for 16 ms at most, the rest is for a busy machine."""


class SerialTransport:
    """``powerd.transports.base.Transport`` over a tty, locked against a second user while it is open."""

    def __init__(self, path: str, line: LineSettings) -> None:
        self._path = path
        self._byte_time_ns = line.byte_time_ns
        self._stamps = Stamps(0, 0, 0)
        self._held = bytearray()
        self._fresh = True
        _must_be_device(path)
        try:
            self._port: serial.Serial | None = serial.Serial(
                path,
                baudrate=line.baud,
                bytesize=line.data_bits,
                parity=line.parity,
                stopbits=line.stop_bits,
                timeout=0,
                exclusive=True,
            )
        except (serial.SerialException, OSError, termios.error) as error:
            raise NotThere(_why_not_open(path, error)) from error
        except ValueError as error:
            raise NotThere(f"{path} cannot be set to {line.baud} baud {line.parity}: {error}") from error
        _ask_for_low_latency(self._port)

    @property
    def name(self) -> str:
        """The path as the user wrote it."""
        return self._path

    @property
    def byte_time_ns(self) -> int:
        """Time that one character takes on the wire."""
        return self._byte_time_ns

    @property
    def stamps(self) -> Stamps:
        """Instants of the latest exchange."""
        return self._stamps

    def write(self, data: bytes, deadline_s: float) -> None:
        """Send all of ``data``; the stamp is when its last bit can have left, not when it was queued."""
        port = self._open_port()
        started = boottime_ns()
        try:
            if port.write_timeout != deadline_s:
                port.write_timeout = deadline_s
            port.write(data)
            port.flush()
        except serial.SerialTimeoutException as error:
            raise Gone(
                f"{self._path} took no bytes for {deadline_s:g} s: is the cable plugged in?"
            ) from error
        except (serial.SerialException, OSError, termios.error) as error:
            raise Gone(f"{self._path} broke while writing ({_short(error)}): was it unplugged?") from error
        sent = max(boottime_ns(), started + len(data) * self._byte_time_ns)
        self._stamps = Stamps(sent, 0, 0)
        self._fresh = True

    def read_until(self, terminator: bytes, deadline_s: float, limit: int = 4096) -> bytes:
        """Bytes up to and with ``terminator``; ``Garbled`` for half an answer, ``Gone`` for none."""
        end = boottime_ns() + int(deadline_s * 1e9)
        while (at := self._held.find(terminator)) < 0:
            if len(self._held) >= limit:
                self.discard_input()
                raise Garbled(f"{self._path} sent {limit} bytes without the end of an answer")
            self._fill(end, deadline_s)
        return self._take(at + len(terminator))

    def read_exactly(self, count: int, deadline_s: float) -> bytes:
        """Exactly ``count`` bytes; ``Garbled`` when only some came, ``Gone`` when none did."""
        end = boottime_ns() + int(deadline_s * 1e9)
        while len(self._held) < count:
            self._fill(end, deadline_s)
        return self._take(count)

    def discard_input(self) -> None:
        """Throw away what has arrived; ``Gone`` when the line is broken."""
        self._held.clear()
        try:
            self._open_port().reset_input_buffer()
        except (serial.SerialException, OSError, termios.error) as error:
            raise Gone(f"{self._path} broke ({_short(error)}): was it unplugged?") from error

    def close(self) -> None:
        """Release the port and its lock; a second call does nothing."""
        port, self._port = self._port, None
        if port is not None:
            try:
                port.close()
            except (OSError, termios.error):
                return  # an unplugged adapter: there is nothing left to release

    def _open_port(self) -> serial.Serial:
        if self._port is None:
            raise Gone(f"{self._path} was closed")
        return self._port

    def _take(self, count: int) -> bytes:
        if self._stamps.first_byte_ns < self._stamps.request_ns:  # unasked, and here before we listened
            asked = self._stamps.request_ns
            self._stamps = Stamps(asked, asked, asked)
        data = bytes(self._held[:count])
        del self._held[:count]
        return data

    def _fill(self, end_ns: int, deadline_s: float) -> None:
        """Wait for bytes until ``end_ns``, or until an answer has stalled, and keep them; stamp first and latest."""
        port = self._open_port()
        if self._held:
            end_ns = min(end_ns, self._stamps.last_byte_ns + STALL_NS + 20 * self._byte_time_ns)
        left = end_ns - boottime_ns()
        try:
            ready, _, _ = select.select([port.fileno()], [], [], max(0.0, left / 1e9))
            now = boottime_ns()
            if not ready:
                raise self._silence(deadline_s)
            data = port.read(1 if self._fresh else max(1, port.in_waiting))
        except (serial.SerialException, OSError, termios.error) as error:
            raise Gone(f"{self._path} broke while reading ({_short(error)}): was it unplugged?") from error
        if not data:
            raise Gone(f"{self._path} hung up: was it unplugged?")
        first = now if self._fresh else self._stamps.first_byte_ns
        self._fresh = False
        self._stamps = Stamps(self._stamps.request_ns, first, now)
        self._held += data

    def _silence(self, deadline_s: float) -> Gone | Garbled:
        if self._held:
            half = bytes(self._held[-40:])
            self._held.clear()
            return Garbled(f"{self._path} stopped in the middle of an answer after {half!r}")
        return Gone(
            f"{self._path} did not answer within {deadline_s:g} s: "
            "check power, cable (null modem) and that the baud rates agree"
        )


def _must_be_device(path: str) -> None:
    """``NotThere`` unless ``path`` is a character device."""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError as error:
        here = sorted(str(p) for pattern in ("ttyUSB*", "ttyACM*") for p in Path("/dev").glob(pattern))
        seen = f"; there is {', '.join(here)}" if here else "; no USB serial adapter is plugged in"
        raise NotThere(f"port {path} does not exist{seen}") from error
    except OSError as error:
        raise NotThere(_why_not_open(path, error)) from error
    if not stat.S_ISCHR(mode):
        kind = "a directory" if stat.S_ISDIR(mode) else "a file"
        raise NotThere(f"port {path} is {kind}, not a tty: name a serial port such as /dev/ttyUSB0")


def _ask_for_low_latency(port: serial.Serial) -> None:
    """Shorten the buffering of USB adapters; ptys and some drivers cannot, which costs only precision."""
    try:
        port.set_low_latency_mode(True)
    except (OSError, ValueError, NotImplementedError, AttributeError):
        return


def _errno(error: BaseException) -> int | None:
    if isinstance(error, termios.error):
        return int(error.args[0]) if error.args else None
    number = getattr(error, "errno", None)
    if number is None and isinstance(error.__context__, OSError | termios.error):
        return _errno(error.__context__)
    return number


def _how_to_get_rights(path: str) -> str:
    """Join the port's group where that is a group for ports; nobody is told to join root's."""
    group = _group(path)
    if group in {"root", "wheel", "tty"}:
        return f"it belongs to group {group}; give it to group dialout with a udev rule (`sudo chgrp dialout {path}`)"
    return f"it belongs to group {group}; run `sudo usermod -aG {group} $USER` and log in again"


def _why_not_open(path: str, error: BaseException) -> str:
    number = _errno(error)
    if number in {errno.EACCES, errno.EPERM}:
        return f"{path} may not be opened by this user: {_how_to_get_rights(path)}"
    if number in {errno.EAGAIN, errno.EBUSY}:
        return f"{path} is in use by another program: stop that one (`fuser {path}` names it) and try again"
    if number in {errno.ENOTTY, errno.EINVAL}:
        return f"port {path} is no tty: name a serial port such as /dev/ttyUSB0"
    return f"{path} cannot be opened: {_short(error)}"


def _group(path: str) -> str:
    try:
        return grp.getgrgid(os.stat(path).st_gid).gr_name
    except (OSError, KeyError):
        return "dialout"


def _short(error: BaseException) -> str:
    number = _errno(error)
    return os.strerror(number) if number else str(error)

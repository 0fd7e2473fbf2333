"""A serial port: RS-232, RS-485, a USB adapter, or a pseudo-terminal.

pyserial opens and configures the port; waiting is ``StreamTransport``'s.
"""

from __future__ import annotations

import errno
import grp
import os
import stat
import termios
from pathlib import Path

import serial
from serial.rs485 import RS485Settings

from powerd.boottime import boottime_ns
from powerd.errors import Garbled, Gone, NotThere
from powerd.transports import LineSettings
from powerd.transports.stream import STALL_NS, StreamTransport

__all__ = ["STALL_NS", "SerialTransport", "how_to_get_rights"]


class SerialTransport(StreamTransport):
    """``powerd.transports.base.Transport`` over a tty, locked against a second user while it is open."""

    def __init__(self, path: str, line: LineSettings) -> None:
        super().__init__(path, line.byte_time_ns)
        self._path = path
        self._echoes = line.echo
        _must_be_device(path)
        try:
            self._port: serial.Serial | None = serial.Serial(
                path,
                baudrate=line.baud,
                bytesize=line.data_bits,
                parity=line.parity,
                stopbits=line.stop_bits,
                rtscts=line.handshake == "rts",
                xonxoff=line.handshake == "xon",
                timeout=0,
                exclusive=True,
            )
        except (serial.SerialException, OSError, termios.error) as error:
            raise NotThere(_why_not_open(path, error)) from error
        except ValueError as error:
            raise NotThere(f"{path} cannot be set to {line.baud} baud {line.parity}: {error}") from error
        _ask_for_low_latency(self._port)
        if line.rs485:
            self._switch_direction(self._port)

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
        self._sent(sent)
        if self._echoes:
            self._take_echo(data, deadline_s)

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

    def _descriptor(self) -> int:
        return int(self._open_port().fileno())

    def _receive(self, first: bool) -> bytes:
        port = self._open_port()
        try:
            return bytes(port.read(1 if first else max(1, port.in_waiting)))
        except (serial.SerialException, OSError, termios.error) as error:
            raise Gone(f"{self._path} broke while reading ({_short(error)}): was it unplugged?") from error

    def _take_echo(self, data: bytes, deadline_s: float) -> None:
        """Read back what was sent, as a two-wire line hands it back; its last byte is when the question was out."""
        try:
            heard = self.read_exactly(len(data), deadline_s + len(data) * self._byte_time_ns / 1e9)
        except Gone as error:
            raise Gone(
                f"{self._path} did not hand back what was sent: set echo = false for this line"
            ) from error
        if heard != data:
            self._held.clear()
            raise Garbled(
                f"{self._path} handed back {heard[:40]!r} for {data[:40]!r}: does another device send?"
            )
        self._sent(self._stamps.last_byte_ns)

    def _switch_direction(self, port: serial.Serial) -> None:
        """Let the kernel's driver raise RTS while it sends, where it can."""
        try:
            port.rs485_mode = RS485Settings()
        except (OSError, ValueError) as error:
            port.close()
            raise NotThere(
                f"{self._path} cannot switch an RS-485 line ({error}): leave rs485 out where the adapter does it itself"
            ) from error


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


def how_to_get_rights(path: str) -> str:
    """Join the port's group where that is a group for ports; nobody is told to join root's."""
    group = _group(path)
    if group in {"root", "wheel", "tty"}:
        return f"it belongs to group {group}; give it to group dialout with a udev rule (`sudo chgrp dialout {path}`)"
    return f"it belongs to group {group}; run `sudo usermod -aG {group} $USER` and log in again"


def _why_not_open(path: str, error: BaseException) -> str:
    number = _errno(error)
    if number in {errno.EACCES, errno.EPERM}:
        return f"{path} may not be opened by this user: {how_to_get_rights(path)}"
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


SCHEME = ""
EXAMPLE = "the path of a tty such as /dev/ttyUSB0"


def open_line(rest: str, line: LineSettings) -> SerialTransport:
    """Open a tty."""
    return SerialTransport(rest, line)

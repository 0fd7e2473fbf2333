"""USB Test & Measurement Class through the Linux kernel's driver: ``usbtmc:/dev/usbtmc0``.

The driver (drivers/usb/class/usbtmc.c) sends each write as one message with its end marked, and answers a read with
at most as many bytes as asked for: fewer mean that the message ends there. Two ioctls are used: time-out in
milliseconds (``_IOW(91, 10, u32)``, 500 at least) and device clear (``_IO(91, 2)``). Both numbers are confirmed by
other programs that drive the same meters; tried here against a stand-in only, not on a device.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import struct
from typing import Protocol

from powerd.errors import Gone, NotThere
from powerd.transports import LineSettings
from powerd.transports.asked import AskedTransport
from powerd.transports.serial import how_to_get_rights

SCHEME = "usbtmc"
EXAMPLE = "usbtmc:/dev/usbtmc0"
CLEAR = 0x5B02
SET_TIMEOUT = 0x40045B0A
LEAST_TIMEOUT_MS = 500
READ_SIZE = 4096


class Device(Protocol):
    """What the kernel offers of one device; ``OSError`` as from the kernel."""

    def write(self, data: bytes) -> int:
        """Send one message."""

    def read(self, count: int) -> bytes:
        """At most ``count`` bytes of the answer; fewer at its end; ``ETIMEDOUT`` when it does not come."""

    def set_timeout_ms(self, timeout_ms: int) -> None:
        """How long ``read`` and ``write`` wait."""

    def clear(self) -> None:
        """Abort transfers and empty the device's buffers."""

    def close(self) -> None:
        """Give the device back."""


class KernelDevice:
    """The character device of the kernel's driver."""

    def __init__(self, path: str) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            # Two programs that ask one meter get each other's answers; only those that look for the lock are kept out.
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._fd)
            raise

    def write(self, data: bytes) -> int:
        """One message."""
        return os.write(self._fd, data)

    def read(self, count: int) -> bytes:
        """Some of the answer."""
        return os.read(self._fd, count)

    def set_timeout_ms(self, timeout_ms: int) -> None:
        """By ioctl."""
        fcntl.ioctl(self._fd, SET_TIMEOUT, struct.pack("=I", timeout_ms))

    def clear(self) -> None:
        """By ioctl."""
        fcntl.ioctl(self._fd, CLEAR)

    def close(self) -> None:
        """Once."""
        os.close(self._fd)


class UsbtmcTransport(AskedTransport):
    """One device, for one thread."""

    def __init__(self, name: str, device: Device) -> None:
        super().__init__(name)
        self._device: Device | None = device
        self._timeout_ms = 0

    def close(self) -> None:
        """Release the device; a second call does nothing."""
        device, self._device = self._device, None
        if device is not None:
            try:
                device.close()
            except OSError:
                return  # it was unplugged: there is nothing left to release

    def _open(self) -> Device:
        if self._device is None:
            raise Gone(f"{self._name} was closed")
        return self._device

    def _send(self, data: bytes, deadline_s: float) -> None:
        try:
            self._wait_at_most(deadline_s)
            sent = self._open().write(data)
        except OSError as error:
            raise self._broken(error, "took no message") from error
        if sent != len(data):
            raise Gone(f"{self._name} took {sent} of {len(data)} bytes: switch the meter off and on")

    def _receive(self, deadline_s: float) -> tuple[bytes, bool]:
        try:
            self._wait_at_most(deadline_s)
            data = self._open().read(READ_SIZE)
        except OSError as error:
            if error.errno in {errno.ETIMEDOUT, errno.EAGAIN, errno.EINTR}:
                return b"", True
            raise self._broken(error, "did not answer") from error
        return data, len(data) == READ_SIZE

    def _clear(self) -> None:
        try:
            self._open().clear()
        except OSError as error:
            raise self._broken(error, "could not be cleared") from error

    def _wait_at_most(self, deadline_s: float) -> None:
        wanted = max(LEAST_TIMEOUT_MS, round(deadline_s * 1000))
        if wanted != self._timeout_ms:
            self._open().set_timeout_ms(wanted)
            self._timeout_ms = wanted

    def _broken(self, error: OSError, what: str) -> Gone:
        if error.errno == errno.ETIMEDOUT:
            return Gone(f"{self._name} {what} in time: {self._advice()}")
        why = os.strerror(error.errno) if error.errno else str(error)
        return Gone(f"{self._name} {what} ({why}): was it unplugged?")

    def _advice(self) -> str:
        return "check that the meter is on and its USB interface is selected"


def open_line(rest: str, line: LineSettings) -> UsbtmcTransport:
    """Open a device node; ``NotThere`` when it is absent, no such device or may not be used."""
    name = f"{SCHEME}:{rest}"
    try:
        if not stat.S_ISCHR(os.stat(rest).st_mode):
            raise NotThere(f"{rest} is no device: name one such as /dev/usbtmc0")
        device = KernelDevice(rest)
    except FileNotFoundError as error:
        raise NotThere(
            f"{rest} does not exist: connect the meter's USB port, or load the kernel module usbtmc"
        ) from error
    except PermissionError as error:
        raise NotThere(f"{rest} may not be opened by this user: {how_to_get_rights(rest)}") from error
    except BlockingIOError as error:
        raise NotThere(
            f"{rest} is in use by another program: stop that one (`fuser {rest}` names it) and try again"
        ) from error
    except OSError as error:
        raise NotThere(f"{rest} cannot be opened: {os.strerror(error.errno or 0)}") from error
    transport = UsbtmcTransport(name, device)
    try:
        device.set_timeout_ms(LEAST_TIMEOUT_MS)
    except OSError as error:
        transport.close()
        raise NotThere(f"{rest} is no USB-TMC device: name one such as /dev/usbtmc0") from error
    return transport

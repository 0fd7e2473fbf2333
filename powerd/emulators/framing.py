"""Where a message to an emulated instrument ends: at a terminator, or at a pause on the line.

A framing belongs to one line and is fed every byte with the instant at which it arrived.
"""

from __future__ import annotations

from typing import Protocol

Message = tuple[bytes, int]
"""A message and the instant at which it was complete."""


class Framing(Protocol):
    """Bytes in, messages out."""

    def put(self, byte: int, at_ns: int, byte_time_ns: int) -> Message | None:
        """Take one byte; the message that it ended, or that had ended before it came."""

    def due_ns(self) -> int | None:
        """When a message will be complete if nothing more comes."""

    def flush(self, now_ns: int) -> Message | None:
        """The message that silence has ended by now."""

    def held(self) -> int:
        """Bytes that belong to no message yet."""


class Terminated:
    """A message ends with one byte, which is not part of it; what does not fit ``limit`` bytes is lost."""

    def __init__(self, terminator: bytes = b"\n", limit: int = 256) -> None:
        self._end = terminator[0]
        self._limit = limit
        self._bytes = bytearray()

    def put(self, byte: int, at_ns: int, byte_time_ns: int) -> Message | None:
        """One byte; the message when it was the terminator."""
        if byte != self._end:
            if len(self._bytes) < self._limit:
                self._bytes.append(byte)
            return None
        message = bytes(self._bytes)
        self._bytes.clear()
        return message, at_ns

    def due_ns(self) -> int | None:
        """Silence ends nothing."""
        return None

    def flush(self, now_ns: int) -> Message | None:
        """Silence ends nothing."""
        return None

    def held(self) -> int:
        """Bytes without their terminator."""
        return len(self._bytes)


class Silence:
    """A message ends when nothing comes for ``characters`` times of a byte, as Modbus RTU has it.

    3.5 characters, but never under 1.75 ms (Modbus over serial line V1.02, 2.5.1.1), and never under
    ``slack_ns``: the bytes of a pseudo-terminal come in bursts.
    """

    def __init__(self, characters: float = 3.5, limit: int = 256, slack_ns: int = 1_750_000) -> None:
        self._characters = characters
        self._limit = limit
        self._slack_ns = slack_ns
        self._bytes = bytearray()
        self._due_ns: int | None = None

    def put(self, byte: int, at_ns: int, byte_time_ns: int) -> Message | None:
        """One byte; the message before it when a pause lay between."""
        before = self.flush(at_ns - byte_time_ns)
        if len(self._bytes) < self._limit:
            self._bytes.append(byte)
        self._due_ns = at_ns + max(self._slack_ns, round(self._characters * byte_time_ns))
        return before

    def due_ns(self) -> int | None:
        """The end of the pause."""
        return self._due_ns

    def flush(self, now_ns: int) -> Message | None:
        """The message, when the pause is over."""
        if self._due_ns is None or self._due_ns > now_ns:
            return None
        message, self._due_ns = (bytes(self._bytes), self._due_ns), None
        self._bytes.clear()
        return message

    def held(self) -> int:
        """Bytes of a message that goes on."""
        return len(self._bytes)

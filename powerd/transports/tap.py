"""Keep what was heard since the last ``clear``, so that a reading can carry its answer as received."""

from __future__ import annotations

from powerd.model import Stamps
from powerd.transports.base import Transport


class TapTransport:
    """Any transport, with the bytes that were read from it at hand."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self._heard = bytearray()

    @property
    def name(self) -> str:
        """The port as the user wrote it."""
        return self._inner.name

    @property
    def byte_time_ns(self) -> int:
        """Time of one character on the line."""
        return self._inner.byte_time_ns

    @property
    def stamps(self) -> Stamps:
        """Instants of the latest exchange."""
        return self._inner.stamps

    @property
    def heard(self) -> bytes:
        """What was read since ``clear``, 1024 bytes at most."""
        return bytes(self._heard[:1024])

    def clear(self) -> None:
        """Forget what was heard."""
        self._heard.clear()

    def write(self, data: bytes, deadline_s: float) -> None:
        """Hand on."""
        self._inner.write(data, deadline_s)

    def read_until(self, terminator: bytes, deadline_s: float, limit: int = 4096) -> bytes:
        """Hand on and keep."""
        return self._keep(self._inner.read_until(terminator, deadline_s, limit))

    def read_exactly(self, count: int, deadline_s: float) -> bytes:
        """Hand on and keep."""
        return self._keep(self._inner.read_exactly(count, deadline_s))

    def discard_input(self) -> None:
        """Hand on."""
        self._inner.discard_input()

    def close(self) -> None:
        """Hand on."""
        self._inner.close()

    def _keep(self, data: bytes) -> bytes:
        self._heard += data
        return data

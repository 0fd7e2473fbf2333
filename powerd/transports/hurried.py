"""A line on which nobody waits long: every deadline is cut to a given length."""

from __future__ import annotations

from powerd.model import Stamps
from powerd.transports.base import Transport


class HurriedTransport:
    """Any transport with no deadline longer than ``patience_s``, for asking where no one may be."""

    def __init__(self, inner: Transport, patience_s: float) -> None:
        self._inner = inner
        self._patience_s = patience_s

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

    def write(self, data: bytes, deadline_s: float) -> None:
        """Hand on."""
        self._inner.write(data, min(deadline_s, self._patience_s))

    def read_until(self, terminator: bytes, deadline_s: float, limit: int = 4096) -> bytes:
        """Hand on."""
        return self._inner.read_until(terminator, min(deadline_s, self._patience_s), limit)

    def read_exactly(self, count: int, deadline_s: float) -> bytes:
        """Hand on."""
        return self._inner.read_exactly(count, min(deadline_s, self._patience_s))

    def discard_input(self) -> None:
        """Hand on."""
        self._inner.discard_input()

    def close(self) -> None:
        """Hand on."""
        self._inner.close()

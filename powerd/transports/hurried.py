"""A line on which nobody waits long: every deadline is cut to a given length."""

from __future__ import annotations

from powerd.transports.base import Transport
from powerd.transports.line import WrappedLine


class HurriedTransport(WrappedLine):
    """Any transport with no deadline longer than ``patience_s``, for asking where no one may be."""

    def __init__(self, inner: Transport, patience_s: float) -> None:
        super().__init__(inner)
        self._patience_s = patience_s

    def write(self, data: bytes, deadline_s: float) -> None:
        """Hand on, with less patience."""
        self._inner.write(data, min(deadline_s, self._patience_s))

    def read_until(self, terminator: bytes, deadline_s: float, limit: int = 4096) -> bytes:
        """Hand on, with less patience."""
        return self._inner.read_until(terminator, min(deadline_s, self._patience_s), limit)

    def read_exactly(self, count: int, deadline_s: float) -> bytes:
        """Hand on, with less patience."""
        return self._inner.read_exactly(count, min(deadline_s, self._patience_s))

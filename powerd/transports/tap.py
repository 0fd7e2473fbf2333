"""Keep what was heard since the last ``clear``, so that a reading can carry its answer as received."""

from __future__ import annotations

from powerd.transports.base import Transport
from powerd.transports.line import WrappedLine


class TapTransport(WrappedLine):
    """Any transport, with the bytes that were read from it at hand."""

    def __init__(self, inner: Transport) -> None:
        super().__init__(inner)
        self._heard = bytearray()

    @property
    def heard(self) -> bytes:
        """What was read since ``clear``, 1024 bytes at most."""
        return bytes(self._heard[:1024])

    def clear(self) -> None:
        """Forget what was heard."""
        self._heard.clear()

    def read_until(self, terminator: bytes, deadline_s: float, limit: int = 4096) -> bytes:
        """Hand on and keep."""
        return self._keep(self._inner.read_until(terminator, deadline_s, limit))

    def read_exactly(self, count: int, deadline_s: float) -> bytes:
        """Hand on and keep."""
        return self._keep(self._inner.read_exactly(count, deadline_s))

    def _keep(self, data: bytes) -> bytes:
        self._heard += data
        return data

"""What every line to a meter tells of itself: its own name, speed and stamps, or those of the line that it wraps."""

from __future__ import annotations

from powerd.model import Stamps
from powerd.transports.base import Transport


class OwnLine:
    """The properties of ``powerd.transports.base.Transport`` for what is a line itself."""

    def __init__(self, name: str, byte_time_ns: int = 0) -> None:
        self._name = name
        self._byte_time_ns = byte_time_ns
        self._stamps = Stamps(0, 0, 0)

    @property
    def name(self) -> str:
        """The port as the user wrote it."""
        return self._name

    @property
    def byte_time_ns(self) -> int:
        """Time that one character takes on the wire, 0 where that is not known."""
        return self._byte_time_ns

    @property
    def stamps(self) -> Stamps:
        """Instants of the latest exchange."""
        return self._stamps


class WrappedLine:
    """``powerd.transports.base.Transport`` that hands everything on to ``inner``, for what does one thing otherwise."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner

    @property
    def name(self) -> str:
        """The port as the user wrote it."""
        return self._inner.name

    @property
    def byte_time_ns(self) -> int:
        """Time that one character takes on the wire, 0 where that is not known."""
        return self._inner.byte_time_ns

    @property
    def stamps(self) -> Stamps:
        """Instants of the latest exchange."""
        return self._inner.stamps

    def write(self, data: bytes, deadline_s: float) -> None:
        """Hand on."""
        self._inner.write(data, deadline_s)

    def read_until(self, terminator: bytes, deadline_s: float, limit: int = 4096) -> bytes:
        """Hand on."""
        return self._inner.read_until(terminator, deadline_s, limit)

    def read_exactly(self, count: int, deadline_s: float) -> bytes:
        """Hand on."""
        return self._inner.read_exactly(count, deadline_s)

    def discard_input(self) -> None:
        """Hand on."""
        self._inner.discard_input()

    def close(self) -> None:
        """Hand on."""
        self._inner.close()

"""A port as a list of exchanges: what must be written, and what comes back. All of it must be used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from powerd.errors import Garbled, Gone
from powerd.model import Stamps


class ConversationPort:
    """``Transport`` over pairs of (bytes out, bytes in); empty bytes in means silence."""

    name = "conversation"
    byte_time_ns = 0

    def __init__(self, pairs: Sequence[tuple[bytes, bytes]]) -> None:
        self.pairs = list(pairs)
        self.pending = b""
        self.clock = 0
        self.stamps = Stamps(0, 0, 0)

    def write(self, data: bytes, deadline_s: float) -> None:
        assert self.pairs, f"{data!r} is sent after the end of the conversation"
        out, answer = self.pairs.pop(0)
        assert data == out
        self.pending += answer
        self.clock += 1_000_000
        self.stamps = Stamps(self.clock, self.clock + 1000, self.clock + 2000)

    def read_until(self, terminator: bytes, deadline_s: float, limit: int = 4096) -> bytes:
        head, found, rest = self.pending.partition(terminator)
        if not found:
            self.pending = b""
            raise Garbled(f"half an answer {head!r}") if head else Gone("silence")
        self.pending = rest
        return head + found

    def read_exactly(self, count: int, deadline_s: float) -> bytes:
        if len(self.pending) < count:
            raise Gone("silence")
        data, self.pending = self.pending[:count], self.pending[count:]
        return data

    def discard_input(self) -> None:
        self.pending = b""

    def close(self) -> None:
        self.pending = b""


@contextmanager
def conversation(*pairs: tuple[bytes, bytes]) -> Iterator[ConversationPort]:
    """A port for these pairs; afterwards every pair was used and nothing was left unread."""
    port = ConversationPort(pairs)
    yield port
    assert port.pairs == []
    assert port.pending == b""

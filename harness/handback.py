"""What is handed back to LoadGen: answers by their address, and first tokens.

LoadGen copies the bytes in the call, so they must live until it returns, and no longer.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.benchmarks.base import Array

Answer = tuple[int, int, int] | tuple[int, int, int, int]
"""Query id, address, bytes and, where they are counted, tokens."""
Complete = Callable[[Sequence[Answer]], None]
"""Hands finished samples, or their first tokens, to LoadGen. It may offer two shorter ways, ``one`` and ``rows``."""
One = Callable[[int, int, int], None]
"""Hands one finished sample to LoadGen: query id, address, bytes. For one thread only."""
Rows = Callable[[Sequence[int], int, int], None]
"""Hands finished samples to LoadGen whose answers lie one behind the other: ids, first address, bytes of each."""
LEAST_TOKENS = 2
"""What LoadGen takes as the number of tokens of an answer without an error; from one it makes a time per token of
minus something."""


class FirstTokens:
    """What a program says its first tokens to: LoadGen where it times them, else nobody. Heard once only."""

    def __init__(
        self, tell: Complete | None, ids: Sequence[int], over: Callable[[], bool] = lambda: False
    ) -> None:
        """``ids`` of the queries, by their places in the batch; ``over``: whether nobody waits for answers any more."""
        self.over = over
        self.wanted = tell is not None
        self._tell = tell
        self._ids = ids
        self._told = False

    def __call__(self, places: Sequence[int], tokens: Sequence[int]) -> None:
        """Hand them on."""
        if self._tell is None:
            return
        import numpy as np

        self._told = True
        held = np.array(tokens, dtype=np.int32)  # must live until LoadGen has copied it
        address = held.ctypes.data
        self._tell([(self._ids[place], address + 4 * n, 4, 1) for n, place in enumerate(places)])

    def at_last(self, rows: Sequence[Array]) -> None:
        """The whole answers are there; a runtime that gives them in one piece has said nothing before."""
        if self._tell is not None and not self._told:
            self(range(len(rows)), [int(row[0]) for row in rows])


class Held:
    """A place for one answer whose address is known: asking numpy for it takes longer than copying a few bytes.

    An answer of another length than the one before gets a place of its own.
    """

    def __init__(self) -> None:
        self._place = bytearray()
        self.address = 0
        self.size = 0

    def put(self, answer: bytes) -> None:
        """The next answer; its bytes are at ``address`` until the next one is put."""
        if len(answer) != self.size:
            self.size = len(answer)
            self._place = bytearray(self.size)
            room = ctypes.c_char * self.size
            self.address = ctypes.addressof(room.from_buffer(self._place)) if answer else 0
        self._place[:] = answer


def lone(query: int, row: Array) -> tuple[int, int, int]:
    """One answer of its own length. An empty one has no address: numpy's would point at nothing."""
    return (query, row.ctypes.data, row.nbytes) if row.nbytes else (query, 0, 0)

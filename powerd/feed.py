"""What happens, handed to whoever listens: bounded queues, and nobody who measures ever waits for a listener."""

from __future__ import annotations

import itertools
import threading
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from powerd.errors import Gone
from powerd.model import Reading

QUEUE_LIMIT = 500
"""Events that may wait for one listener; of more, the oldest are lost, and the listener is told how many."""
LISTENER_LIMIT = 32
HISTORY = 5000
"""Events that are kept for those who come back: some minutes of ten readings a second."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One event: its number since the start of the daemon, its kind, and what it is about."""

    number: int
    kind: str
    body: Reading | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """How far a listener had come: ``life`` is that of the feed whose event ``number`` was its last."""

    life: str
    number: int


@dataclass(frozen=True, slots=True)
class Batch:
    """What waited for a listener, how many events it lost before these, and whether more may come.

    ``lost`` is None when nobody can say: the listener's last event was one of an earlier life of the daemon.
    """

    happenings: tuple[Happening, ...]
    lost: int | None
    ended: bool


class Listener:
    """One bounded queue. ``wake`` is called, on the thread of the publisher, when there is something to take."""

    def __init__(
        self,
        wake: Callable[[], None],
        limit: int,
        missed: tuple[Happening, ...] = (),
        lost: int | None = 0,
    ) -> None:
        self._wake = wake
        self._waiting: deque[Happening] = deque(missed)
        self._limit = limit + len(missed)
        self._lost = lost
        self._ended = False
        self._lock = threading.Lock()

    def put(self, happening: Happening) -> None:
        """Keep an event for the listener; the oldest makes room."""
        with self._lock:
            if len(self._waiting) >= self._limit:
                self._waiting.popleft()
                self._lost = None if self._lost is None else self._lost + 1
            self._waiting.append(happening)
        self._wake()

    def end(self) -> None:
        """Nothing more will come."""
        with self._lock:
            self._ended = True
        self._wake()

    def take(self) -> Batch:
        """Everything that waits, at once; does not wait itself."""
        with self._lock:
            batch = Batch(tuple(self._waiting), self._lost, self._ended)
            self._waiting.clear()
            self._lost = 0
            return batch


class Feed:
    """Publishers on one side, listeners on the other. Thread safe."""

    def __init__(
        self, listeners: int = LISTENER_LIMIT, queue: int = QUEUE_LIMIT, history: int = HISTORY
    ) -> None:
        self.life = uuid.uuid4().hex[:8]
        self._room = listeners
        self._queue = queue
        self._history: deque[Happening] = deque(maxlen=history)
        self._listeners: list[Listener] = []
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._closed = False

    def listen(self, wake: Callable[[], None], after: Place | None = None) -> Listener:
        """A new listener, or one that goes on ``after`` its last event as far as history reaches.

        ``Gone`` when there are too many or the daemon is ending.
        """
        with self._lock:
            if self._closed:
                raise Gone("powerd is ending: connect again when it is back")
            if len(self._listeners) >= self._room:
                raise Gone(f"{self._room} listeners are connected and no more are taken: end one of them")
            listener = Listener(wake, self._queue, *self._since(after))
            self._listeners.append(listener)
            return listener

    def _since(self, after: Place | None) -> tuple[tuple[Happening, ...], int | None]:
        """What a listener missed, and how many events before that are forgotten."""
        if after is None:
            return (), 0
        latest = self._history[-1].number if self._history else 0
        if after.life != self.life or after.number > latest:
            return tuple(self._history), None
        missed = tuple(h for h in self._history if h.number > after.number)
        return missed, latest - after.number - len(missed)

    def leave(self, listener: Listener) -> None:
        """The listener is gone; a second call does nothing."""
        with self._lock:
            if listener in self._listeners:
                self._listeners.remove(listener)

    def publish(self, kind: str, body: Reading | Mapping[str, Any]) -> None:
        """Hand an event to every listener; returns at once."""
        with self._lock:
            happening = Happening(next(self._numbers), kind, body)
            self._history.append(happening)
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener.put(happening)

    def close(self) -> None:
        """End every listener."""
        with self._lock:
            self._closed = True
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener.end()

"""What happens, handed to whoever listens: bounded queues, and nobody who measures ever waits for a listener."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from powerd.errors import Gone
from powerd.model import Reading

QUEUE_LIMIT = 500
"""Events that may wait for one listener; of more, the oldest are lost, and the listener is told how many."""
LISTENER_LIMIT = 32


@dataclass(frozen=True, slots=True)
class Happening:
    """One event: its number since the start of the daemon, its kind, and what it is about."""

    number: int
    kind: str
    body: Reading | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Batch:
    """What waited for a listener, how many events it lost before these, and whether more may come."""

    happenings: tuple[Happening, ...]
    lost: int
    ended: bool


class Listener:
    """One bounded queue. ``wake`` is called, on the thread of the publisher, when there is something to take."""

    def __init__(self, wake: Callable[[], None], limit: int) -> None:
        self._wake = wake
        self._waiting: deque[Happening] = deque()
        self._limit = limit
        self._lost = 0
        self._ended = False
        self._lock = threading.Lock()

    def put(self, happening: Happening) -> None:
        """Keep an event for the listener; the oldest makes room."""
        with self._lock:
            if len(self._waiting) >= self._limit:
                self._waiting.popleft()
                self._lost += 1
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

    def __init__(self, listeners: int = LISTENER_LIMIT, queue: int = QUEUE_LIMIT) -> None:
        self._room = listeners
        self._queue = queue
        self._listeners: list[Listener] = []
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._closed = False

    def listen(self, wake: Callable[[], None]) -> Listener:
        """A new listener; ``Gone`` when there are too many or the daemon is ending."""
        with self._lock:
            if self._closed:
                raise Gone("powerd is ending: connect again when it is back")
            if len(self._listeners) >= self._room:
                raise Gone(f"{self._room} listeners are connected and no more are taken: end one of them")
            listener = Listener(wake, self._queue)
            self._listeners.append(listener)
            return listener

    def leave(self, listener: Listener) -> None:
        """The listener is gone; a second call does nothing."""
        with self._lock:
            if listener in self._listeners:
                self._listeners.remove(listener)

    def publish(self, kind: str, body: Reading | Mapping[str, Any]) -> None:
        """Hand an event to every listener; returns at once."""
        with self._lock:
            happening = Happening(next(self._numbers), kind, body)
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

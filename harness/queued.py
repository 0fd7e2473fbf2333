"""The system under test of Server: a queue between LoadGen's thread and the threads that answer.

LoadGen issues at random instants from a thread of its own, and a callback that computed would delay the next
arrival and so falsify the load. So the callback only queues. A worker takes what waits, at most ``batch``
samples, and never waits for more: a batch is as large as the load makes it.

A queue of the standard library's C code is used because putting into it may be interrupted by anything.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence

from harness.backends.base import Backend
from harness.benchmarks.base import Benchmark, Dataset
from harness.handback import Complete
from harness.sut import Guard, Sut

Waiting = tuple[int, int]
"""Query id and sample index."""
WORKERS = 2
"""One prepares and hands back while the other computes. Calls share the runtime's own threads."""


class QueuedSut(Sut):
    """Answers queries from worker threads, with batches of what waits."""

    def __init__(
        self, benchmark: Benchmark, backend: Backend, dataset: Dataset, *, batch: int, workers: int = WORKERS
    ) -> None:
        """Workers start with ``connect`` and end with ``close``."""
        super().__init__(benchmark, backend, dataset, batch=batch)
        self._queue: queue.SimpleQueue[Waiting | None] = queue.SimpleQueue()
        self._counting = threading.Lock()
        self._workers = [
            threading.Thread(target=self._work, name=f"worker-{n}", daemon=True) for n in range(workers)
        ]

    def connect(self, complete: Complete, tell: Complete | None = None) -> None:
        """Say how finished samples are handed back, and start answering."""
        super().connect(complete, tell)
        for worker in self._workers:
            worker.start()

    def drain(self) -> None:
        """Complete whatever waits, here and now, and without computing whatever still comes."""
        super().drain()
        self._discard([])

    def close(self) -> None:
        """End the workers, after everything that was queued."""
        for _ in self._workers:
            self._queue.put(None)
        for worker in self._workers:
            if worker.is_alive():
                worker.join()

    def issue(self, ids: Sequence[int], indices: Sequence[int]) -> None:
        """LoadGen's query: queue it. Returns at once."""
        if self.draining:
            self._give_up(ids)
            return
        for waiting in zip(ids, indices, strict=True):
            self._queue.put(waiting)
        if self.draining:  # it began in between
            self._discard([])

    def flush(self) -> None:
        """LoadGen's word that no more queries come; no batch is held back for more, so nothing changes."""

    def _work(self) -> None:
        while True:
            first = self._queue.get()
            if first is None:
                return
            batch = [first, *self._take(self._batch - 1)]
            done = False
            with Guard(self):
                if not self.draining:
                    self._answer([i for i, _ in batch], [s for _, s in batch])
                    done = True
                    with self._counting:
                        self.completed += len(batch)
            if not done:
                self._discard(batch)

    def _take(self, most: int) -> list[Waiting]:
        """What waits now, at most so many."""
        found: list[Waiting] = []
        while len(found) < most:
            try:
                waiting = self._queue.get_nowait()
            except queue.Empty:
                break
            if waiting is None:
                self._queue.put(None)  # the word to end is for one worker; it comes after everything queued
                break
            found.append(waiting)
        return found

    def _discard(self, batch: list[Waiting]) -> None:
        """Complete these samples and everything that waits, without computing."""
        left = [*batch, *self._take(1 << 62)]
        with Guard(self):
            if left:
                self._give_up([i for i, _ in left])

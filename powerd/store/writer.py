"""The one thread that writes: what is put is durable within ``COMMIT_EVERY_S``, what is written is durable on return.

When the disk is full or the file cannot be written, everything waits in memory (bounded) and is tried again;
``state`` says so. Nobody is killed by a full disk.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from powerd.errors import PowerdError
from powerd.store.upgrades import prepare

log = logging.getLogger(__name__)
COMMIT_EVERY_S = 0.25
RETRY_S = 1.0
WAITING_LIMIT = 500_000
Statement = tuple[str, Sequence[Any]]


class StoreFailed(PowerdError):
    """The disk is full or the database cannot be written; nothing of this call was kept."""


@dataclass(frozen=True, slots=True)
class WriterState:
    """How writing goes. ``error`` is None when all is well; ``lost`` counts statements that found no room."""

    error: str | None
    waiting: int
    lost: int


@dataclass(frozen=True, slots=True)
class _Job:
    statements: Sequence[Statement]
    answer: Future[None] | None


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection with the settings that all of ours have."""
    target = f"{path.resolve().as_uri()}?mode={'ro' if read_only else 'rwc'}"
    connection = sqlite3.connect(
        target, uri=True, timeout=10.0, isolation_level=None, check_same_thread=False
    )
    if not read_only:
        connection.execute("PRAGMA synchronous=FULL")
    return connection


class Writer:
    """Owns the writing connection. Thread safe."""

    def __init__(self, path: Path) -> None:
        self._connection = connect(path)
        prepare(self._connection, path)
        self._jobs: deque[_Job] = deque()
        self._wake = threading.Condition()
        self._urgent = False
        self._stopping = False
        self._error: str | None = None
        self._lost = 0
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    @property
    def state(self) -> WriterState:
        """How writing goes right now."""
        return WriterState(self._error, len(self._jobs), self._lost)

    def limit_pages(self, count: int) -> None:
        """Let the file grow to ``count`` more pages at most (0: no limit); a full disk to practise with."""
        pages = self._connection.execute("PRAGMA page_count").fetchone()[0]
        self._connection.execute(f"PRAGMA max_page_count={pages + count if count else 4294967294}")

    def put(self, sql: str, parameters: Sequence[Any]) -> None:
        """Keep this soon: durable within ``COMMIT_EVERY_S`` and the time of one commit."""
        with self._wake:
            if len(self._jobs) >= WAITING_LIMIT:
                self._lost += 1
                return
            self._jobs.append(_Job([(sql, parameters)], None))
            self._wake.notify()

    def write(self, statements: Sequence[Statement], timeout_s: float = 30.0) -> None:
        """Keep all of these or none, durable on return.

        Raises ``StoreFailed``, or ``sqlite3.IntegrityError`` when a rule of the tables forbids it.
        """
        answer: Future[None] = Future()
        with self._wake:
            if self._stopping:
                raise StoreFailed("the store is closed")
            self._jobs.append(_Job(statements, answer))
            self._urgent = True
            self._wake.notify()
        answer.result(timeout_s)

    def flush(self) -> None:
        """Return when everything put so far is durable; ``StoreFailed``."""
        self.write([])

    def close(self) -> None:
        """Write what waits and end."""
        with self._wake:
            self._stopping = self._urgent = True
            self._wake.notify()
        self._thread.join(10.0)
        self._connection.close()

    def _run(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._jobs or self._stopping)
                if self._stopping and not self._jobs:
                    return
                self._wake.wait_for(lambda: self._urgent or self._stopping, COMMIT_EVERY_S)
                batch, self._jobs, self._urgent = self._jobs, deque(), False
            if self._commit(batch):
                continue
            if self._stopping:
                return
            with self._wake:
                self._wake.wait_for(lambda: self._urgent or self._stopping, RETRY_S)

    def _commit(self, batch: deque[_Job]) -> bool:
        """One transaction; on failure the put jobs go back to the head of the queue."""
        refused: list[tuple[_Job, sqlite3.IntegrityError]] = []
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for job in batch:
                broken = self._apply(job)
                if broken is not None:
                    refused.append((job, broken))
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._failed(batch, error)
            return False
        if self._error is not None:
            log.warning("the store can be written again")
            self._error = None
        for job, broken in refused:
            if job.answer is not None:
                job.answer.set_exception(broken)
        for job in batch:
            if job.answer is not None and not job.answer.done():
                job.answer.set_result(None)
        return True

    def _apply(self, job: _Job) -> sqlite3.IntegrityError | None:
        self._connection.execute("SAVEPOINT job")
        try:
            for sql, parameters in job.statements:
                self._connection.execute(sql, parameters)
        except sqlite3.IntegrityError as error:
            self._connection.execute("ROLLBACK TO job")
            if job.answer is None:
                raise
            return error
        finally:
            if self._connection.in_transaction:
                self._connection.execute("RELEASE job")
        return None

    def _failed(self, batch: deque[_Job], error: sqlite3.Error) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        if self._error is None:
            log.error("the store cannot be written, samples wait in memory: %s", error)
        self._error = f"the store cannot be written ({error}): free disk space; samples wait in memory"
        failure = StoreFailed(self._error)
        kept = [job for job in batch if job.answer is None]
        with self._wake:
            self._jobs.extendleft(reversed(kept))
        for job in batch:
            if job.answer is not None:
                job.answer.set_exception(failure)

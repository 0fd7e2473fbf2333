"""The system under test: LoadGen's callbacks to ``Backend.infer``.

A callback that raises kills the process and loses the logs. So none does: the first error is kept, and from
then on (*draining*) every sample is completed at once with no bytes, LoadGen comes to its end and writes
complete logs, and the run is called failed afterwards. A signal drains in the same way.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.backends.base import Adopting
from harness.benchmarks.base import Composed, Counted, Quick
from harness.handback import LEAST_TOKENS, Answer, Complete, FirstTokens, Held, One, Rows, lone
from harness.samples import Samples

if TYPE_CHECKING:
    from harness.backends.base import Backend
    from harness.benchmarks.base import Batch, Benchmark, Dataset, First, Infer, Responses

ENOUGH = 3
"""Queries that a measurement should have."""
SLOW_S = 20.0
"""How long it goes on for their sake; one query is always measured."""


class Sut:
    """Answers queries in the thread that issues them, ``batch`` samples at a time."""

    def __init__(self, benchmark: Benchmark, backend: Backend, dataset: Dataset, *, batch: int) -> None:
        """``connect`` must be called before a query comes."""
        self._benchmark = benchmark
        self._backend = backend
        self._batch = batch if benchmark.most is None else min(batch, benchmark.most)
        self._samples = Samples.of(benchmark, dataset)
        self._answers = benchmark.answer if isinstance(benchmark, Composed) else self._one_call
        self._generate = backend.generate if isinstance(backend, Adopting) else None
        self._complete: Complete | None = None
        self._tell: Complete | None = None
        self._one: One | None = None
        self._hand_rows: Rows = self._rows
        self._held = Held()
        self._quick = benchmark.one_response if isinstance(benchmark, Quick) else None
        self._draining = False
        self.error: BaseException | None = None
        self.completed = 0
        self.loaded = 0

    def connect(self, complete: Complete, tell: Complete | None = None) -> None:
        """Say how finished samples are handed back and, where LoadGen times them, their first tokens."""
        self._complete = complete
        self._tell = tell
        self._one = getattr(complete, "one", None) if tell is None else None
        self._hand_rows = getattr(complete, "rows", self._rows)

    def close(self) -> None:
        """The run is over; nothing goes on in the background here."""

    def drain(self) -> None:
        """Complete whatever waits and still comes without computing it. May be called from a signal handler."""
        self._draining = True

    def _is_draining(self) -> bool:
        return self._draining

    @property
    def draining(self) -> bool:
        """Whether the run is only being brought to its end."""
        return self._draining

    def load(self, indices: Sequence[int]) -> None:
        """LoadGen's request to hold samples in memory."""
        with Guard(self):
            if not self.draining:
                self._samples.load(indices, self._count_load)

    def unload(self, indices: Sequence[int]) -> None:
        """LoadGen's request to let go of samples."""
        with Guard(self):
            self._samples.unload()

    def issue(self, ids: Sequence[int], indices: Sequence[int]) -> None:
        """LoadGen's query: answer all its samples."""
        if self._one is not None and len(ids) == 1:
            self._issue_one(ids, indices, self._one)
            return
        if self._draining:
            self._give_up(ids)
            return
        done = 0
        with Guard(self):
            for begin, end in _batches(len(ids), self._batch):
                if self._draining:
                    break
                self._answer(ids[begin:end], indices[begin:end])
                done = end
                self.completed += end - begin
        if done < len(ids):
            self._give_up(ids[done:])

    def _issue_one(self, ids: Sequence[int], indices: Sequence[int], one: One) -> None:
        """A query of one sample, of which a fast model answers hundreds of thousands: nothing that only others need.

        Hundreds of thousands may also be left to be drained, while somebody waits.
        """
        if self._draining:
            one(ids[0], 0, 0)
            return
        try:
            quick = self._quick
            if quick is not None:
                held = self._held
                held.put(quick(self._backend.infer(self._samples.ready[indices[0]])))
                one(ids[0], held.address, held.size)
            else:
                self._answer(ids, indices)
            self.completed += 1
        except BaseException as error:  # noqa: BLE001 - one that leaves a callback kills the process
            self.fail(error)
            one(ids[0], 0, 0)

    def fail(self, error: BaseException) -> None:
        """Keep the first error, and bring the run to its end."""
        if self.error is None:
            self.error = error
        self.drain()

    def flush(self) -> None:
        """LoadGen's word that no more queries wait; nothing is queued here."""

    def warm_up(self, index: int, seconds: float) -> None:
        """Run one sample for a while before the window, so that clocks and caches settle."""
        self._samples.load([index], self._count_load)
        end = time.monotonic() + seconds
        for _ in itertools.count():
            self._compute([index])
            if time.monotonic() >= end:
                break
        self._samples.unload()

    def measure(self, indices: Sequence[int], seconds: float) -> list[float]:
        """Latencies in seconds of queries of these samples, for about ``seconds``, without LoadGen.

        At least three, unless they take so long that one or two must do.
        """
        self._samples.load(indices, self._count_load)
        latencies: list[float] = []
        end = time.monotonic() + seconds
        while (now := time.monotonic()) < end or (len(latencies) < ENOUGH and now < end + SLOW_S):
            if self.draining:
                break
            begin = time.monotonic()
            for first, last in _batches(len(indices), self._batch):
                self._compute(indices[first:last])
            latencies.append(time.monotonic() - begin)
            self.completed += len(indices)
        self._samples.unload()
        return latencies

    def _answer(self, ids: Sequence[int], indices: Sequence[int]) -> None:
        first = FirstTokens(self._tell, ids, self._is_draining)
        rows = self._compute(indices, first)
        if self._generate is not None and self._draining:  # what was generated may be cut off
            self._give_up(ids)
            return
        self._give(ids, rows, first)

    def _give(self, ids: Sequence[int], rows: Responses, first: FirstTokens) -> None:
        """Hand answers back. They must live until this returns: LoadGen copies the bytes in the call."""
        if isinstance(rows, Counted):
            first.at_last(rows.rows)
            pairs = zip(rows.rows, rows.tokens, strict=True)
            self._hand_back([(*lone(i, row), n) for i, (row, n) in zip(ids, pairs, strict=True)])
        elif isinstance(rows, list):
            self._hand_back([lone(i, row) for i, row in zip(ids, rows, strict=True)])
        else:
            self._hand_rows(ids, rows.ctypes.data, rows.nbytes // len(rows))

    def _compute(self, indices: Sequence[int], first: First | None = None) -> Responses:
        """The answers to samples that are loaded, at most ``batch`` of them; ``first`` hears of first tokens."""
        infer = self._backend.infer
        if self._generate is not None:
            infer = partial(self._generate, first=first or FirstTokens(None, ()))
        return self._answers(infer, self._samples.batch(indices), indices)

    def _one_call(self, infer: Infer, batch: Batch, indices: Sequence[int]) -> Responses:
        return self._benchmark.responses(infer(batch), indices)

    def _rows(self, ids: Sequence[int], address: int, size: int) -> None:
        """Hand back answers of the same length that lie one behind the other; LoadGen's side has a quicker way."""
        self._hand_back(list(zip(ids, itertools.count(address, size), itertools.repeat(size))))

    def _give_up(self, ids: Sequence[int]) -> None:
        """Complete samples without an answer.

        Where LoadGen (5.1.2, 6.0.17) times tokens, it falls over a run without any first token, and calls fewer than
        two tokens an error: so it gets a first token of nothing, and that number.
        """
        if self._tell is None:
            self._hand_back([(i, 0, 0) for i in ids])
            return
        FirstTokens(self._tell, ids)(range(len(ids)), [0] * len(ids))
        self._hand_back([(i, 0, 0, LEAST_TOKENS) for i in ids])

    def _hand_back(self, answers: Sequence[Answer]) -> None:
        if self._complete is not None:
            self._complete(answers)

    def _count_load(self) -> None:
        self.loaded += 1


class Guard:
    """Keeps the first error of a callback and starts draining; nothing leaves it."""

    def __init__(self, sut: Sut) -> None:
        """``sut`` takes the error."""
        self._sut = sut

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> bool:
        if error is not None:
            self._sut.fail(error)
        return True


def _batches(count: int, size: int) -> Iterator[tuple[int, int]]:
    for begin in range(0, count, size):
        yield begin, min(begin + size, count)

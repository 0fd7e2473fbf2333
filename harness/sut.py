"""The system under test: LoadGen's callbacks to ``Backend.infer``.

A callback that raises kills the process and loses the logs. So none does: the first error is kept, and from
then on (*draining*) every sample is completed at once with no bytes, LoadGen comes to its end and writes
complete logs, and the run is called failed afterwards. A signal drains in the same way.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.benchmarks.base import Backend, Benchmark, Dataset

Complete = Callable[[Sequence[tuple[int, int, int]]], None]
"""Hands finished samples to LoadGen as (query id, address, bytes)."""


class Samples:
    """The loaded samples in one array, found by index."""

    def __init__(self, dataset: Dataset) -> None:
        """Nothing is loaded yet."""
        self._dataset = dataset
        self._place: dict[int, int] = {}
        self._array: NDArray[np.float32] | None = None
        self._single: list[NDArray[np.float32]] = []

    def load(self, indices: Sequence[int], on_sample: Callable[[], None]) -> None:
        """Read and pre-process samples; LoadGen may name one twice."""
        import numpy as np

        unique = list(dict.fromkeys(indices))
        for place, index in enumerate(unique):
            sample = self._dataset.load(index)
            if place == 0:
                self._array = np.empty((len(unique), *sample.shape), dtype=sample.dtype)
            assert self._array is not None
            self._array[place] = sample
            on_sample()
        self._place = {index: place for place, index in enumerate(unique)}
        self._single = [] if self._array is None else [self._array[p : p + 1] for p in range(len(unique))]

    def unload(self) -> None:
        """Let go of all samples."""
        self._place, self._array, self._single = {}, None, []

    def batch(self, indices: Sequence[int]) -> NDArray[np.float32]:
        """Samples as one batch; a single one is a view without a copy."""
        if len(indices) == 1:
            return self._single[self._place[indices[0]]]
        assert self._array is not None
        return self._array[[self._place[i] for i in indices]]


class Sut:
    """Answers queries in the thread that issues them, ``batch`` samples at a time."""

    def __init__(self, benchmark: Benchmark, backend: Backend, dataset: Dataset, *, batch: int) -> None:
        """``connect`` must be called before a query comes."""
        self._benchmark = benchmark
        self._backend = backend
        self._batch = batch
        self._samples = Samples(dataset)
        self._complete: Complete | None = None
        self._drain = threading.Event()
        self.error: BaseException | None = None
        self.completed = 0
        self.loaded = 0

    def connect(self, complete: Complete) -> None:
        """Say how finished samples are handed back."""
        self._complete = complete

    def close(self) -> None:
        """The run is over; nothing goes on in the background here."""

    def drain(self) -> None:
        """Complete whatever waits and still comes without computing it. May be called from a signal handler."""
        self._drain.set()

    @property
    def draining(self) -> bool:
        """Whether the run is only being brought to its end."""
        return self._drain.is_set()

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
        if self.draining:  # hundreds of thousands may be left, and somebody waits
            self._hand_back([(i, 0, 0) for i in ids])
            return
        done = 0
        with Guard(self):
            for begin, end in _batches(len(ids), self._batch):
                if self.draining:
                    break
                self._answer(ids[begin:end], indices[begin:end])
                done = end
                self.completed += end - begin
        if done < len(ids):
            self._hand_back([(i, 0, 0) for i in ids[done:]])

    def flush(self) -> None:
        """LoadGen's word that no more queries wait; nothing is queued here."""

    def warm_up(self, index: int, seconds: float) -> None:
        """Run one sample for a while before the window, so that clocks and caches settle."""
        self._samples.load([index], self._count_load)
        end = time.monotonic() + seconds
        for _ in itertools.count():
            self._backend.infer(self._samples.batch([index]))
            if time.monotonic() >= end:
                break
        self._samples.unload()

    def measure(self, indices: Sequence[int], seconds: float) -> list[float]:
        """Latencies in seconds of queries of these samples, for about ``seconds``, without LoadGen."""
        self._samples.load(indices, self._count_load)
        latencies: list[float] = []
        end = time.monotonic() + seconds
        while (time.monotonic() < end or len(latencies) < 3) and not self.draining:
            begin = time.monotonic()
            self._benchmark.responses(self._backend.infer(self._samples.batch(indices)))
            latencies.append(time.monotonic() - begin)
            self.completed += len(indices)
        self._samples.unload()
        return latencies

    def _answer(self, ids: Sequence[int], indices: Sequence[int]) -> None:
        rows = self._benchmark.responses(self._backend.infer(self._samples.batch(indices)))
        size = rows.strides[0]
        addresses = itertools.count(rows.ctypes.data, size)
        # `rows` must live until this returns: LoadGen copies the bytes in the call.
        self._hand_back(list(zip(ids, addresses, itertools.repeat(size))))

    def _hand_back(self, answers: Sequence[tuple[int, int, int]]) -> None:
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
            if self._sut.error is None:
                self._sut.error = error
            self._sut.drain()
        return True


def _batches(count: int, size: int) -> Iterator[tuple[int, int]]:
    for begin in range(0, count, size):
        yield begin, min(begin + size, count)

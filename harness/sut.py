"""The system under test: LoadGen's callbacks to ``Backend.infer``.

A callback that raises kills the process and loses the logs. So none does: the first error is kept, and from
then on (*draining*) every sample is completed at once with no bytes, LoadGen comes to its end and writes
complete logs, and the run is called failed afterwards. A signal drains in the same way.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.benchmarks.base import Composed

if TYPE_CHECKING:
    from harness.benchmarks.base import (
        Array,
        Backend,
        Batch,
        Benchmark,
        Dataset,
        Infer,
        Responses,
        Sample,
    )

ONLY = ""
"""The name of the array of a sample that is one array."""

Complete = Callable[[Sequence[tuple[int, int, int]]], None]
"""Hands finished samples to LoadGen as (query id, address, bytes)."""


class Samples:
    """The loaded samples, found by index: one array per input, and every sample as a batch of one."""

    def __init__(self, dataset: Dataset, *, stacked: bool = True) -> None:
        """Nothing is loaded yet. ``stacked`` False: samples are only taken one by one and may differ in shape."""
        self._dataset = dataset
        self._stacked = stacked
        self._place: dict[int, int] = {}
        self._arrays: dict[str, Array] = {}
        self._single: list[Batch] = []

    def load(self, indices: Sequence[int], on_sample: Callable[[], None]) -> None:
        """Read and pre-process samples; LoadGen may name one twice."""
        unique = list(dict.fromkeys(indices))
        self._single, self._arrays = [], {}
        for place, index in enumerate(unique):
            self._keep(place, len(unique), self._dataset.load(index))
            on_sample()
        self._place = {index: place for place, index in enumerate(unique)}

    def _keep(self, place: int, count: int, sample: Sample) -> None:
        """Store one sample; the first one of a load settles names, shapes and types."""
        named: Mapping[str, Array] = sample if isinstance(sample, Mapping) else {ONLY: sample}
        if not self._stacked:
            single = {name: array[None] for name, array in named.items()}
        else:
            if place == 0:
                self._arrays = {name: _room(count, array) for name, array in named.items()}
            for name, array in named.items():
                self._arrays[name][place] = array
            single = {name: array[place : place + 1] for name, array in self._arrays.items()}
        self._single.append(single if isinstance(sample, Mapping) else single[ONLY])

    def unload(self) -> None:
        """Let go of all samples."""
        self._place, self._arrays, self._single = {}, {}, []

    def batch(self, indices: Sequence[int]) -> Batch:
        """Samples as one batch; a single one is a view without a copy."""
        if len(indices) == 1:
            return self._single[self._place[indices[0]]]
        places = [self._place[i] for i in indices]
        if ONLY in self._arrays:
            return self._arrays[ONLY][places]
        return {name: array[places] for name, array in self._arrays.items()}


def _room(count: int, sample: Array) -> Array:
    import numpy as np

    return np.empty((count, *sample.shape), dtype=sample.dtype)


class Sut:
    """Answers queries in the thread that issues them, ``batch`` samples at a time."""

    def __init__(self, benchmark: Benchmark, backend: Backend, dataset: Dataset, *, batch: int) -> None:
        """``connect`` must be called before a query comes."""
        self._benchmark = benchmark
        self._backend = backend
        self._batch = batch if benchmark.most is None else min(batch, benchmark.most)
        self._samples = Samples(dataset, stacked=benchmark.most != 1)
        self._answers = benchmark.answer if isinstance(benchmark, Composed) else self._one_call
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
            self._compute([index])
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
            for first, last in _batches(len(indices), self._batch):
                self._compute(indices[first:last])
            latencies.append(time.monotonic() - begin)
            self.completed += len(indices)
        self._samples.unload()
        return latencies

    def _answer(self, ids: Sequence[int], indices: Sequence[int]) -> None:
        rows = self._compute(indices)
        # `rows` must live until this returns: LoadGen copies the bytes in the call.
        if isinstance(rows, list):
            self._hand_back([_lone(i, row) for i, row in zip(ids, rows, strict=True)])
            return
        size = rows.strides[0]
        addresses = itertools.count(rows.ctypes.data, size)
        self._hand_back(list(zip(ids, addresses, itertools.repeat(size))))

    def _compute(self, indices: Sequence[int]) -> Responses:
        """The answers to samples that are loaded, at most ``batch`` of them."""
        return self._answers(self._backend.infer, self._samples.batch(indices), indices)

    def _one_call(self, infer: Infer, batch: Batch, indices: Sequence[int]) -> Responses:
        return self._benchmark.responses(infer(batch), indices)

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


def _lone(query: int, row: Array) -> tuple[int, int, int]:
    """One answer of its own length. An empty one has no address: numpy's would point at nothing."""
    return (query, row.ctypes.data, row.nbytes) if row.nbytes else (query, 0, 0)


def _batches(count: int, size: int) -> Iterator[tuple[int, int]]:
    for begin in range(0, count, size):
        yield begin, min(begin + size, count)

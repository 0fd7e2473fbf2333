"""The system under test: LoadGen's callbacks to ``Backend.infer``.

A callback that raises kills the process and loses the logs. So none does: the first error is kept, and from
then on (*draining*) every sample is completed at once with no bytes, LoadGen comes to its end and writes
complete logs, and the run is called failed afterwards. A signal drains in the same way.
"""

from __future__ import annotations

import ctypes
import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.benchmarks.base import Adopting, Composed, Counted, Quick, traits

if TYPE_CHECKING:
    from harness.benchmarks.base import (
        Array,
        Backend,
        Batch,
        Benchmark,
        Dataset,
        First,
        Infer,
        Responses,
        Sample,
    )

ONLY = ""
"""The name of the array of a sample that is one array."""

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
ENOUGH = 3
"""Queries that a measurement should have."""
SLOW_S = 20.0
"""How long it goes on for their sake; one query is always measured."""


class Samples:
    """The loaded samples, found by index: one array per input, and every sample as a batch of one."""

    def __init__(self, dataset: Dataset, *, stacked: bool = True, ragged: bool = False) -> None:
        """Nothing is loaded yet. ``stacked`` False: samples are only taken one by one and may differ in shape.

        ``ragged``: they may differ in shape, and a batch is a list of them as they are.
        """
        self._dataset = dataset
        self._stacked = stacked
        self._ragged = ragged
        self._place: dict[int, int] = {}
        self._arrays: dict[str, Array] = {}
        self._single: list[Batch] = []
        self._whole: list[Sample] = []
        self.ready: dict[int, Batch] = {}
        """Every loaded sample as a batch of one, by its index."""

    @classmethod
    def of(cls, benchmark: Benchmark, dataset: Dataset) -> Samples:
        """As the benchmark wants its samples."""
        return cls(dataset, stacked=benchmark.most != 1, ragged=traits(benchmark).ragged)

    def load(self, indices: Sequence[int], on_sample: Callable[[], None]) -> None:
        """Read and pre-process samples; LoadGen may name one twice."""
        unique = list(dict.fromkeys(indices))
        self._single, self._arrays, self._whole = [], {}, []
        for place, index in enumerate(unique):
            self._keep(place, len(unique), self._dataset.load(index))
            on_sample()
        self._place = {index: place for place, index in enumerate(unique)}
        self.ready = {} if self._ragged else dict(zip(unique, self._single, strict=True))

    def _keep(self, place: int, count: int, sample: Sample) -> None:
        """Store one sample; the first one of a load settles names, shapes and types."""
        if self._ragged:
            self._whole.append(sample)
            return
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
        self._place, self._arrays, self._single, self._whole, self.ready = {}, {}, [], [], {}

    def batch(self, indices: Sequence[int]) -> Batch:
        """Samples as one batch; a single one is a view without a copy."""
        if self._ragged:
            return [self._whole[self._place[i]] for i in indices]
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
            self._hand_back([(*_lone(i, row), n) for i, (row, n) in zip(ids, pairs, strict=True)])
        elif isinstance(rows, list):
            self._hand_back([_lone(i, row) for i, row in zip(ids, rows, strict=True)])
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


def _lone(query: int, row: Array) -> tuple[int, int, int]:
    """One answer of its own length. An empty one has no address: numpy's would point at nothing."""
    return (query, row.ctypes.data, row.nbytes) if row.nbytes else (query, 0, 0)


def _batches(count: int, size: int) -> Iterator[tuple[int, int]]:
    for begin in range(0, count, size):
        yield begin, min(begin + size, count)

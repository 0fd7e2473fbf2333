"""The callbacks: answers by address, draining, and errors that never leave a callback."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.backends.base import Backend
from harness.handback import Held
from harness.registry import benchmark
from harness.sut import Sut


class Echo:
    """A runtime whose answer for a sample is the sample's first value."""

    name = "echo"
    fail_at = 10**9

    def __init__(self) -> None:
        self.batches: list[int] = []

    def load(self, model: Path, *, inputs: Sequence[str], outputs: Sequence[str], threads: int) -> None:
        raise NotImplementedError

    def infer(self, batch: NDArray[np.float32]) -> Sequence[NDArray[np.generic]]:
        self.batches.append(len(batch))
        if len(self.batches) >= self.fail_at:
            raise RuntimeError("the accelerator fell off")
        return [batch[:, 0].astype(np.int64)]

    def close(self) -> None:
        raise NotImplementedError

    def versions(self) -> dict[str, str]:
        return {}


class Numbers:
    """Sample i holds i."""

    def __len__(self) -> int:
        return 1000

    def load(self, index: int) -> NDArray[np.float32]:
        if index == 999:
            raise OSError("disk gone")
        return np.full(4, index, dtype=np.float32)


def connected(engine: Backend, batch: int) -> tuple[Sut, list[tuple[int, bytes]]]:
    """A SUT and what it hands back, read at once from memory as LoadGen does."""
    sut = Sut(benchmark("resnet50"), engine, Numbers(), batch=batch)
    answers: list[tuple[int, bytes]] = []

    def complete(rows: Sequence[tuple[int, int, int]]) -> None:
        answers.extend((i, ctypes.string_at(address, size) if size else b"") for i, address, size in rows)

    sut.connect(complete)
    return sut, answers


def classes(answers: Sequence[tuple[int, bytes]]) -> dict[int, float | None]:
    return {i: struct.unpack("<f", data)[0] if data else None for i, data in answers}


def test_every_sample_gets_its_own_answer_in_batches() -> None:
    engine = Echo()
    sut, answers = connected(engine, batch=3)
    sut.load([5, 6, 7, 8, 5])
    sut.issue([100, 101, 102, 103, 104], [8, 5, 5, 7, 6])
    assert classes(answers) == {100: 7.0, 101: 4.0, 102: 4.0, 103: 6.0, 104: 5.0}
    assert engine.batches == [3, 2]
    assert sut.completed == 5
    assert sut.error is None


def test_query_ids_are_64_bits_wide() -> None:
    sut, answers = connected(Echo(), batch=1)
    sut.load([1])
    sut.issue([2**63 + 11], [1])
    assert classes(answers) == {2**63 + 11: 0.0}


def test_first_error_is_kept_and_everything_after_it_is_drained() -> None:
    engine = Echo()
    engine.fail_at = 2
    sut, answers = connected(engine, batch=2)
    sut.load([1, 2, 3, 4])
    sut.issue([10, 11, 12, 13], [1, 2, 3, 4])
    sut.issue([14], [1])
    assert classes(answers) == {10: 0.0, 11: 1.0, 12: None, 13: None, 14: None}
    assert str(sut.error) == "the accelerator fell off"
    assert sut.draining
    assert engine.batches == [2, 2], "nothing is computed after the error"


def test_error_while_loading_is_kept_too() -> None:
    sut, answers = connected(Echo(), batch=2)
    sut.load([1, 999])
    sut.issue([1], [1])
    assert isinstance(sut.error, OSError)
    assert classes(answers) == {1: None}


def test_drained_from_outside_is_no_error() -> None:
    sut, answers = connected(Echo(), batch=2)
    sut.load([1])
    sut.drain()
    sut.issue([1, 2], [1, 1])
    assert classes(answers) == {1: None, 2: None}
    assert sut.error is None


class Hand:
    """LoadGen's side with its shorter ways; the bytes are read at once, as LoadGen does."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, bytes]] = []
        self.ways: list[str] = []

    def __call__(self, rows: Sequence[tuple[int, ...]]) -> None:
        self.ways.append("call")
        self.answers.extend((i, ctypes.string_at(at, size) if size else b"") for i, at, size, *_ in rows)

    def one(self, query: int, address: int, size: int) -> None:
        self([(query, address, size)])
        self.ways[-1] = "one"

    def rows(self, ids: Sequence[int], address: int, size: int) -> None:
        self([(i, address + n * size, size) for n, i in enumerate(ids)])
        self.ways[-1] = "rows"


def test_the_shorter_ways_give_the_same_answers() -> None:
    engine, hand = Echo(), Hand()
    sut = Sut(benchmark("resnet50"), engine, Numbers(), batch=2)
    sut.connect(hand)
    sut.load([5, 6, 7])
    sut.issue([1], [7])
    sut.issue([2], [5])
    sut.issue([3, 4, 5], [5, 6, 7])
    engine.fail_at = 0
    sut.issue([6], [5])
    sut.issue([7], [5])
    assert classes(hand.answers) == {1: 6.0, 2: 4.0, 3: 4.0, 4: 5.0, 5: 6.0, 6: None, 7: None}
    assert hand.ways == ["one", "one", "rows", "rows", "one", "one"]
    assert str(sut.error) == "the accelerator fell off"


def test_an_answer_of_another_length_gets_another_place() -> None:
    held = Held()
    for data in (b"abcd", b"efgh", b"ij", b"", b"klmnopqr", b"stuv"):
        held.put(data)
        assert held.size == len(data)
        assert (ctypes.string_at(held.address, held.size) if data else b"") == data

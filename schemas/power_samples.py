"""The samples of a power log in columns: one list for each field, and a ``PowerLine`` only when somebody asks for one.

A log has a thousand samples and a dozen rules look at them all, mostly at one field. Lists of numbers are compared,
added up and cut without a step of Python for each of them.
"""

from __future__ import annotations

import itertools
import math
import operator
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar, overload

import msgspec

from schemas.kept import kept
from schemas.units import UnixNs

T = TypeVar("T")
NOT_AVAILABLE = 9.9e37
"""SCPI's stand-in for "no value"; seen in power logs where the meter had none."""


class PowerLine(msgspec.Struct, frozen=True, gc=False):
    """One sample of a power log. Numbers are as written: they may be negative, nan or inf."""

    line: int
    at: UnixNs
    power_w: float
    voltage_v: float
    current_a: float
    power_factor: float
    mark: str

    @property
    def plain(self) -> bool:
        """Whether the watts are a plain non-negative reading; 0 W is one."""
        return 0 <= self.power_w < NOT_AVAILABLE


@dataclass(frozen=True, eq=False)
class PowerSamples(Sequence[PowerLine]):
    """Samples in order of their file. Each field is the column of that field of ``PowerLine``; nobody changes one."""

    line: Sequence[int]
    at: Sequence[UnixNs]
    power_w: Sequence[float]
    voltage_v: Sequence[float]
    current_a: Sequence[float]
    power_factor: Sequence[float]
    mark: Sequence[str]

    @classmethod
    def of(cls, samples: Iterable[PowerLine]) -> PowerSamples:
        """The columns of samples that were read one by one."""
        columns: tuple[list[object], ...] = tuple([] for _ in PowerLine.__struct_fields__)
        adders = [column.append for column in columns]
        for sample in samples:
            for add, value in zip(adders, msgspec.structs.astuple(sample), strict=True):
                add(value)
        return cls(*columns)  # type: ignore[arg-type]

    @property
    def columns(self) -> tuple[Sequence[object], ...]:
        """All fields, as ``PowerLine`` has them."""
        return (
            self.line,
            self.at,
            self.power_w,
            self.voltage_v,
            self.current_a,
            self.power_factor,
            self.mark,
        )

    def __len__(self) -> int:
        return len(self.at)

    def __iter__(self) -> Iterator[PowerLine]:
        return map(PowerLine, *self.columns)

    @overload
    def __getitem__(self, at: int) -> PowerLine: ...
    @overload
    def __getitem__(self, at: slice) -> PowerSamples: ...
    def __getitem__(self, at: int | slice) -> PowerLine | PowerSamples:
        found = [column[at] for column in self.columns]
        return PowerSamples(*found) if isinstance(at, slice) else PowerLine(*found)  # type: ignore[arg-type]

    def picked(self, rows: Sequence[int]) -> PowerSamples:
        """Some of them, by their places."""
        return PowerSamples(*[pick(column, rows) for column in self.columns])  # type: ignore[arg-type]

    def later(self, by_ns: int) -> PowerSamples:
        """The same with other stamps."""
        return replace(self, at=[UnixNs(at + by_ns) for at in self.at]) if by_ns else self

    @kept
    def rising(self) -> bool:
        """Whether each stamp is later than all before it."""
        return all(map(operator.lt, self.at, itertools.islice(self.at, 1, None)))

    @kept
    def plain(self) -> bool:
        """Whether all watts are plain readings."""
        return is_between(self.power_w, 0, NOT_AVAILABLE)

    def between(self, begin_ns: int, end_ns: int) -> Sequence[int]:
        """The places of the samples strictly between two times."""
        if self.rising:
            begin = bisect_right(self.at, begin_ns)
            return range(begin, max(begin, bisect_left(self.at, end_ns)))
        return [row for row, at in enumerate(self.at) if begin_ns < at < end_ns]


def pick(column: Sequence[T], rows: Sequence[int]) -> Sequence[T]:
    """The values at some places, which are a range where they stand beside each other."""
    if isinstance(rows, range):
        return column[rows.start : rows.stop]
    return [column[row] for row in rows]


def is_between(column: Sequence[float], least: float, below: float) -> bool:
    """Whether all numbers of a column are ``least <= number < below``. What is no number would hide from ``min`` and
    ``max``, but not from the sum; a sum that is no number by chance, of huge ones, is looked at closely."""
    if not column:
        return True
    if math.isfinite(sum(column)):
        return least <= min(column) and max(column) < below
    return all(least <= value < below for value in column)

"""What an emulated system under test draws: watts over time, with the energy between any two instants.

Times are nanoseconds since the start of the emulator. A load is cut into pieces; within a piece the mean is
exact (closed form), so energy does not depend on when a thread got to run.
"""

from __future__ import annotations

import bisect
import csv
import itertools
import math
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from schemas.errors import UserError

NS = 1e9
SYNTAX = "constant:W, sine:MEAN,AMPLITUDE,PERIOD_S, square:LOW,HIGH,PERIOD_S, trace:FILE (CSV seconds,watts) or host"


@dataclass(frozen=True, slots=True)
class Piece:
    """Mean watts of one stretch of time without an edge in it."""

    begin_ns: int
    end_ns: int
    mean_w: float


class Load(Protocol):
    """Power over time."""

    def watts(self, at_ns: int) -> float:
        """Power right after ``at_ns``."""

    def mean_w(self, begin_ns: int, end_ns: int) -> float:
        """Exact mean over a stretch that no edge cuts."""

    def edges(self, begin_ns: int, end_ns: int) -> list[int]:
        """Instants in ``(begin, end)`` at which the power steps."""

    def stop(self) -> None:
        """End whatever the load runs in the background."""


def pieces(load: Load, begin_ns: int, end_ns: int, parts: int = 1) -> Iterator[Piece]:
    """The stretch cut at the load's edges, and each part of it into ``parts``."""
    marks = [begin_ns, *load.edges(begin_ns, end_ns), end_ns]
    for start, stop in itertools.pairwise(marks):
        for i in range(parts):
            a = start + (stop - start) * i // parts
            b = start + (stop - start) * (i + 1) // parts
            if b > a:
                yield Piece(a, b, load.mean_w(a, b))


def energy_j(load: Load, begin_ns: int, end_ns: int) -> float:
    """Joules drawn between two instants."""
    return math.fsum(p.mean_w * (p.end_ns - p.begin_ns) / NS for p in pieces(load, begin_ns, end_ns))


class Several:
    """The loads of a meter's elements, in order; as one load it is their sum."""

    def __init__(self, parts: Sequence[Load]) -> None:
        self.parts = tuple(parts)

    def watts(self, at_ns: int) -> float:
        """Power of all together right after this instant."""
        return math.fsum(part.watts(at_ns) for part in self.parts)

    def mean_w(self, begin_ns: int, end_ns: int) -> float:
        """Exact mean of all together over a stretch that no edge of any of them cuts."""
        return math.fsum(part.mean_w(begin_ns, end_ns) for part in self.parts)

    def edges(self, begin_ns: int, end_ns: int) -> list[int]:
        """The edges of all of them."""
        return sorted({at for part in self.parts for at in part.edges(begin_ns, end_ns)})

    def stop(self) -> None:
        """End all of them."""
        for part in self.parts:
            part.stop()


def of_element(load: Load, index: int) -> Load:
    """The load of element ``index`` (from 0): its own of several, none beyond them; else the one that there is."""
    if not isinstance(load, Several):
        return load
    return load.parts[index] if index < len(load.parts) else Sine(0.0)


@dataclass(frozen=True, slots=True)
class Sine:
    """``mean + amplitude sin(2 pi t / period)``; a constant is a sine without amplitude."""

    mean: float
    amplitude: float = 0.0
    period_s: float = 1.0

    def watts(self, at_ns: int) -> float:
        """Power at this instant."""
        return self.mean + self.amplitude * math.sin(2 * math.pi * at_ns / NS / self.period_s)

    def mean_w(self, begin_ns: int, end_ns: int) -> float:
        """By the integral of the sine."""
        if self.amplitude == 0.0:
            return self.mean
        scale = 2 * math.pi / self.period_s
        a, b = scale * begin_ns / NS, scale * end_ns / NS
        # cos a - cos b without the cancellation of two near values
        return self.mean + self.amplitude * 2 * math.sin((a + b) / 2) * math.sin((b - a) / 2) / (b - a)

    def edges(self, begin_ns: int, end_ns: int) -> list[int]:
        """None: it is smooth."""
        return []

    def stop(self) -> None:
        """Nothing runs."""


@dataclass(frozen=True, slots=True)
class Square:
    """Low for the first half of each period, high for the second."""

    low: float
    high: float
    period_s: float

    def watts(self, at_ns: int) -> float:
        """Low or high."""
        return self.high if self._half(at_ns) % 2 else self.low

    def mean_w(self, begin_ns: int, end_ns: int) -> float:
        """The level between two edges."""
        return self.watts((begin_ns + end_ns) // 2)

    def edges(self, begin_ns: int, end_ns: int) -> list[int]:
        """Every half period."""
        first, last = self._half(begin_ns) + 1, self._half(end_ns) + 1
        found = (self._edge(k) for k in range(first, last + 1))
        return [at for at in found if begin_ns < at < end_ns]

    def stop(self) -> None:
        """Nothing runs."""

    def _edge(self, k: int) -> int:
        return round(k * self.period_s * NS / 2)

    def _half(self, at_ns: int) -> int:
        k = int(at_ns // (self.period_s * NS / 2))
        return k + 1 if self._edge(k + 1) <= at_ns else k - 1 if self._edge(k) > at_ns else k


class Steps:
    """Held levels: ``watts[i]`` from ``times_ns[i]`` until the next; the first also before its time."""

    def __init__(self, times_ns: list[int], watts: list[float]) -> None:
        self._times = times_ns
        self._watts = watts
        self._lock = threading.Lock()

    def watts(self, at_ns: int) -> float:
        """The level at this instant."""
        with self._lock:
            return self._watts[max(0, bisect.bisect_right(self._times, at_ns) - 1)]

    def mean_w(self, begin_ns: int, end_ns: int) -> float:
        """The level between two edges."""
        return self.watts(begin_ns)

    def edges(self, begin_ns: int, end_ns: int) -> list[int]:
        """The times of the trace in between."""
        with self._lock:
            first = bisect.bisect_right(self._times, begin_ns)
            return self._times[first : bisect.bisect_left(self._times, end_ns)]

    def append(self, at_ns: int, watts: float, keep: int = 100_000) -> None:
        """A new level from now on; the oldest of more than ``keep`` levels are forgotten."""
        with self._lock:
            if at_ns <= self._times[-1]:
                return
            self._times.append(at_ns)
            self._watts.append(watts)
            if len(self._times) > keep:
                del self._times[: keep // 2], self._watts[: keep // 2]

    def stop(self) -> None:
        """Nothing runs."""


IDLE_W, FULL_W = 6.0, 28.0
"""A small edge board at the wall: idle, and with all processors busy."""
_SAMPLE_S = 0.05


class Host(Steps):
    """Follows the processor use of this machine between ``IDLE_W`` and ``FULL_W``, a new level every 50 ms.

    A level holds from the instant at which the use of the 50 ms before it was known, so the past never
    changes.
    """

    def __init__(self, now_ns: Callable[[], int]) -> None:
        super().__init__([0], [IDLE_W])
        self._now_ns = now_ns
        self._stopping = threading.Event()
        threading.Thread(target=self._sample, name="host-load", daemon=True).start()

    def stop(self) -> None:
        """End the sampling thread."""
        self._stopping.set()

    def append(self, at_ns: int, watts: float, keep: int = 100_000) -> None:
        """A new level at this instant, taken under the lock, so that no answer was computed beyond it."""
        with self._lock:
            now = max(self._now_ns(), self._times[-1] + 1)
            self._times.append(now)
            self._watts.append(watts)
            if len(self._times) > keep:
                del self._times[: keep // 2], self._watts[: keep // 2]

    def _sample(self) -> None:
        import psutil

        psutil.cpu_percent(None)
        while not self._stopping.wait(_SAMPLE_S):
            share = psutil.cpu_percent(None) / 100
            self.append(0, IDLE_W + (FULL_W - IDLE_W) * min(1.0, max(0.0, share)))


def parse(spec: str, now_ns: Callable[[], int]) -> Load:
    """A ``--load`` text to its load; ``UserError`` naming the syntax. ``now_ns`` counts from the start."""
    kind, _, rest = spec.partition(":")
    if kind == "host" and not rest:
        return Host(now_ns)
    if kind == "trace" and rest:
        return _trace(Path(rest))
    counts = {"constant": 1, "sine": 3, "square": 3}
    values = _numbers(rest)
    if kind not in counts or len(values) != counts[kind]:
        raise UserError(f"{spec!r} is no load: write {SYNTAX}")
    if kind == "constant":
        load: Load = Sine(values[0])
    elif kind == "sine":
        load = Sine(*values)
        values = [values[0] - abs(values[1]), values[2]]
    else:
        load = Square(*values)
    if min(values) < 0 or (kind != "constant" and values[-1] < 0.001):
        raise UserError(f"load {spec!r} falls below 0 W or has a period under 1 ms: write {SYNTAX}")
    return load


def parse_all(specs: Sequence[str], now_ns: Callable[[], int]) -> Load:
    """One load for all elements of a meter, or one for each."""
    found = [parse(spec, now_ns) for spec in specs]
    return found[0] if len(found) == 1 else Several(found)


def _numbers(text: str) -> list[float]:
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        return []
    return values if all(math.isfinite(v) for v in values) else []


def _trace(path: Path) -> Load:
    """CSV ``seconds,watts``, one header line allowed; each level holds until the next line."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.reader(file) if row and not row[0].startswith("#")]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        why = getattr(error, "strerror", None) or "it is no CSV text"
        raise UserError(
            f"the trace {path} cannot be read: {why}; name a CSV file of seconds,watts"
        ) from error
    if rows and not _numbers(",".join(rows[0][:2])):
        rows = rows[1:]
    points = [_numbers(",".join(row[:2])) for row in rows]
    bad = next((i for i, p in enumerate(points, 1) if len(p) != 2 or p[1] < 0), None)
    if bad is not None or not points:
        raise UserError(f"the trace {path} has no `seconds,watts` in data row {bad or 1}: put that row right")
    times = [round(p[0] * NS) for p in points]
    if any(b <= a for a, b in itertools.pairwise(times)):
        raise UserError(f"the times of the trace {path} do not rise from row to row: sort them")
    return Steps(times, [p[1] for p in points])

"""``integrate``: the one formula of the project, from samples to joules.

A sample is the mean power over the averaging interval that ends at its stamp. It stands for the time from
the previous stamp to its own, at most 1.5 times the usual interval. Time of
the window that no good sample stands for is bridged by the mean of its two good neighbours, and said so.

Edges. A window begins and ends inside a sample, and the load itself steps there: the sample mixes power from
inside and outside. With f the share of the sample inside, p its power, m_in and m_out the means and v_in and
v_out the squared spreads of the few samples on either side, the power x of the inside part is the solution of
``f x + (1 - f) y = p`` that lies nearest to (m_in, m_out), distances counted in spreads::

    r = p - f m_in - (1 - f) m_out        x = m_in + f v_in r / (f^2 v_in + (1 - f)^2 v_out)

kept within what was seen nearby. It is exact for a load that steps at the edge between steady levels (r = 0),
for an edge on a stamp (f = 0 or 1), and it is p itself in the middle of a load that varies alike on both
sides. What can be wrong is bounded by ``2 f (1 - f) * interval * max(spread, |r|)``, where of ``|r|`` only that counts
which the doubt about the stamp does not explain: what a wrong stamp does to the energy is a term of the budget already.
"""

from __future__ import annotations

import itertools
import operator
import statistics
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from schemas.units import NS_PER_S

MAX_STRETCH = 1.5
"""A sample stands for at most this many usual intervals."""
_NEARBY = 5


class EnergySample(msgspec.Struct, frozen=True, gc=False):
    """One update of a meter: end of its averaging interval, its power, whether it is a good reading, and the half-width
    that holds its end."""

    end_ns: int
    power_w: float
    good: bool = True
    end_u95_ns: int = 0


@dataclass(frozen=True, slots=True)
class EnergySamples:
    """Updates of a meter in columns, each as ``EnergySample`` has it."""

    end_ns: Sequence[int]
    power_w: Sequence[float]
    good: Sequence[bool]
    end_u95_ns: Sequence[int]

    @classmethod
    def of(cls, samples: Sequence[EnergySample]) -> EnergySamples:
        """The columns of updates that stand one by one."""
        return cls(
            [s.end_ns for s in samples],
            [s.power_w for s in samples],
            [s.good for s in samples],
            [s.end_u95_ns for s in samples],
        )


@dataclass(frozen=True, slots=True)
class EnergyResult:
    """Energy of a window. All joules are for the whole window ``[begin_ns, end_ns]``.

    ``energy_j = measured_j + bridged_j``. ``edge_limit_j`` and ``gap_limit_j`` are half-widths of what the
    edges and the losses may have hidden; ``step_begin_w`` and ``step_end_w`` how far the power jumps at the
    ends, for the effect of a clock error. ``weights_ns[i]`` is the time of the window that sample i of the
    input stands for. ``samples`` counts the good samples that stand for some of the window.
    """

    begin_ns: int
    end_ns: int
    energy_j: float
    measured_j: float
    bridged_j: float
    average_w: float
    min_w: float
    max_w: float
    samples: int
    coverage: float
    max_gap_s: float
    edge_limit_j: float
    gap_limit_j: float
    step_begin_w: float
    step_end_w: float
    weights_ns: tuple[int, ...]


class NoSamples(ValueError):
    """No good sample stands for any part of the window."""


def usual_interval_ns(stamps_ns: Sequence[int]) -> int:
    """Median spacing of the stamps; ValueError with fewer than two distinct stamps."""
    return _usual_ns(spacings_ns(stamps_ns))


def _usual_ns(spacings: Sequence[int]) -> int:
    gaps = [gap for gap in spacings if gap > 0]
    if not gaps:
        raise ValueError("the usual interval needs two samples at different times")
    return int(statistics.median_low(gaps))


def spacings_ns(stamps_ns: Sequence[int]) -> list[int]:
    """The time from each stamp to the next."""
    return list(map(operator.sub, itertools.islice(stamps_ns, 1, None), stamps_ns))


class _Piece(msgspec.Struct, frozen=True, gc=False):
    """The part of a good sample that lies in the window; the whole sample stands for ``sample_ns``."""

    index: int
    power_w: float
    from_ns: int
    to_ns: int
    sample_ns: int

    @property
    def inside_share(self) -> float:
        return (self.to_ns - self.from_ns) / self.sample_ns


@dataclass(frozen=True, slots=True)
class Stretch:
    """Time that a good sample stands for, and its power."""

    from_ns: int
    to_ns: int
    power_w: float


def stretches(samples: Sequence[EnergySample], begin_ns: int, end_ns: int, interval_ns: int) -> list[Stretch]:
    """What the good samples stand for within ``[begin_ns, end_ns]``, in order; ``interval_ns`` is the usual one. Stamps
    must not fall."""
    pieces = _pieces(EnergySamples.of(samples), begin_ns, end_ns, interval_ns)
    return [Stretch(p.from_ns, p.to_ns, p.power_w) for p in pieces]


def integrate(
    samples: Sequence[EnergySample] | EnergySamples,
    begin_ns: int,
    end_ns: int,
    interval_ns: int | None = None,
) -> EnergyResult:
    """Energy of ``[begin_ns, end_ns]`` from samples in order of time, some before and after it if possible.

    ``interval_ns`` is the usual interval, the median spacing when not given. Stamps must not fall; a sample
    with the stamp of its predecessor stands for no time. Raises ``NoSamples`` when nothing good touches the
    window, ``ValueError`` for an empty window or stamps out of order.
    """
    if end_ns <= begin_ns:
        raise ValueError(f"the window ends at {end_ns}, not after its begin {begin_ns}")
    columns = samples if isinstance(samples, EnergySamples) else EnergySamples.of(samples)
    spacings = spacings_ns(columns.end_ns)
    if min(spacings, default=0) < 0:
        raise ValueError("the samples are not in order of time")
    usual = interval_ns if interval_ns is not None else _usual_ns(spacings)
    pieces = _pieces(columns, begin_ns, end_ns, usual)
    if not pieces:
        raise NoSamples("no good sample stands for any part of the window")
    weights = [0] * len(columns.end_ns)
    measured = 0.0
    edge_limit = 0.0
    for piece in pieces:
        weight, power = piece.to_ns - piece.from_ns, piece.power_w
        weights[piece.index] = weight
        if weight < piece.sample_ns and piece.inside_share < 1.0:
            power, limit = _edge_power(columns, piece, pieces, begin_ns, end_ns)
            edge_limit += limit
        measured += power * weight / NS_PER_S
    powers = [p.power_w for p in pieces]
    covered = sum(weights)
    bridged, gap_limit = 0.0, 0.0
    if covered < end_ns - begin_ns:
        bridged, gap_limit = _bridge(columns, pieces, begin_ns, end_ns)
    duration = (end_ns - begin_ns) / NS_PER_S
    step_begin, step_end = _steps(columns, pieces, begin_ns, end_ns)
    return EnergyResult(
        begin_ns=begin_ns,
        end_ns=end_ns,
        energy_j=measured + bridged,
        measured_j=measured,
        bridged_j=bridged,
        average_w=(measured + bridged) / duration,
        min_w=min(powers),
        max_w=max(powers),
        samples=len(pieces),
        coverage=covered / (end_ns - begin_ns),
        max_gap_s=_max_gap_ns(columns, begin_ns, end_ns, usual) / NS_PER_S,
        edge_limit_j=edge_limit,
        gap_limit_j=gap_limit,
        step_begin_w=step_begin,
        step_end_w=step_end,
        weights_ns=tuple(weights),
    )


def _pieces(samples: EnergySamples, begin: int, end: int, usual: int) -> list[_Piece]:
    first, behind = bisect_right(samples.end_ns, begin), bisect_left(samples.end_ns, end) + 1
    stops, good = samples.end_ns[first:behind], samples.good[first:behind]
    if not stops:
        return []
    starts = [samples.end_ns[first - 1] if first else stops[0] - usual, *stops[:-1]]
    lengths, longest = list(map(operator.sub, stops, starts)), int(usual * MAX_STRETCH)
    if max(lengths) > longest:
        lengths = [min(length, longest) for length in lengths]
        starts = list(map(operator.sub, stops, lengths))
    lows = [max(starts[0], begin), *starts[1:]]
    highs = [*stops[:-1], min(stops[-1], end)]
    pieces = map(_Piece, itertools.count(first), samples.power_w[first:behind], lows, highs, lengths)
    if all(good) and all(map(operator.lt, lows, highs)):
        return list(pieces)
    return [piece for piece, fine in zip(pieces, good, strict=True) if fine and piece.from_ns < piece.to_ns]


def _neighbours(samples: EnergySamples, index: int, step: int) -> list[float]:
    """Powers of up to ``_NEARBY`` good samples next to ``index``, nearest first."""
    found: list[float] = []
    i = index + step
    while 0 <= i < len(samples.good) and len(found) < _NEARBY and abs(i - index) <= 2 * _NEARBY:
        if samples.good[i]:
            found.append(samples.power_w[i])
        i += step
    return found


def _edge_power(
    samples: EnergySamples, piece: _Piece, pieces: Sequence[_Piece], begin: int, end: int
) -> tuple[float, float]:
    """Power of the inside part of a sample that a window end cuts, and the half-width of its energy."""
    f = piece.inside_share
    length_s = piece.sample_ns / NS_PER_S
    if len(pieces) == 1 and piece.from_ns == begin and piece.to_ns == end:
        around = [
            piece.power_w,
            *_neighbours(samples, piece.index, -1),
            *_neighbours(samples, piece.index, 1),
        ]
        return piece.power_w, 2 * f * (1 - f) * length_s * (max(around) - min(around))
    inward = 1 if piece.from_ns == begin else -1
    inside = _neighbours(samples, piece.index, inward) or [piece.power_w]
    outside = _neighbours(samples, piece.index, -inward) or [piece.power_w]
    m_in, m_out = statistics.fmean(inside), statistics.fmean(outside)
    floor = (1e-3 * max(abs(piece.power_w), abs(m_in), abs(m_out), 1e-9)) ** 2
    v_in, v_out = _spread(inside) ** 2 + floor, _spread(outside) ** 2 + floor
    residual = piece.power_w - f * m_in - (1 - f) * m_out
    power = m_in + f * v_in * residual / (f * f * v_in + (1 - f) * (1 - f) * v_out)
    seen = [piece.power_w, *inside, *outside]
    power = min(max(power, min(seen)), max(seen))
    doubt = min(1.0, samples.end_u95_ns[piece.index] / piece.sample_ns)
    unexplained = max(0.0, abs(residual) - doubt * abs(m_in - m_out))
    spread = max(_spread(inside), _spread(outside), unexplained)
    return power, 2 * f * (1 - f) * length_s * spread


def _spread(powers: Sequence[float]) -> float:
    return max(powers) - min(powers) if powers else 0.0


def _bridge(samples: EnergySamples, pieces: Sequence[_Piece], begin: int, end: int) -> tuple[float, float]:
    """Joules put into the time that no good sample stands for, and the half-width of what it may hide."""
    around = [p.power_w for p in pieces]
    around += _neighbours(samples, pieces[0].index, -1)[:1] + _neighbours(samples, pieces[-1].index, 1)[:1]
    low, high = min(around), max(around)
    joules = limit = 0.0
    at = begin
    before: float | None = next(iter(_neighbours(samples, pieces[0].index, -1)), None)
    for piece in [*pieces, None]:
        stop = piece.from_ns if piece is not None else end
        after = (
            piece.power_w
            if piece is not None
            else next(iter(_neighbours(samples, pieces[-1].index, 1)), None)
        )
        if stop > at:
            known = [p for p in (before, after) if p is not None]
            power = sum(known) / len(known)
            seconds = (stop - at) / NS_PER_S
            joules += power * seconds
            limit += seconds * max(high - power, power - low)
        if piece is not None:
            at, before = piece.to_ns, piece.power_w
    return joules, limit


def _steps(samples: EnergySamples, pieces: Sequence[_Piece], begin: int, end: int) -> tuple[float, float]:
    """Largest change of power across either end of the window, over the two samples on each side."""

    def step(index: int, inward: int) -> float:
        inside = [samples.power_w[index], *_neighbours(samples, index, inward)[:2]]
        outside = [samples.power_w[index], *_neighbours(samples, index, -inward)[:2]]
        return max(abs(a - b) for a in inside for b in outside)

    return step(pieces[0].index, 1), step(pieces[-1].index, -1)


def _max_gap_ns(samples: EnergySamples, begin: int, end: int, usual: int) -> int:
    """Longest spacing between good stamps around and in the window.

    Where no good stamp precedes (follows) the window, its begin (end) less (plus) nothing stands for it.
    """
    good = list(itertools.compress(samples.end_ns, samples.good))
    first, behind = bisect_right(good, begin), bisect_left(good, end)
    before, after = good[:first][-1:] or [begin], good[behind:][:1] or [end]
    return max(spacings_ns([*before, *good[first:behind], *after]), default=usual)

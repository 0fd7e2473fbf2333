"""The measuring half of an emulated wattmeter: update clock, averaging, ranges, limits and errors.

Load to volts and amperes: the mains is 230 V, 50 Hz. A small switching supply has a poor power factor at low
load, ``0.98 - 0.5 exp(-P / 30 W)``; its current has the crest factor ``1.414 + 2 (1 - power factor)``.

Errors: for each term of the specification and each element one share is drawn from [-1, 1] at the start and kept,
so a reading is the true value plus an error that lies anywhere within what the maker promises.

A current whose peak passes 300 % of the range (600 % at crest factor 6) is clipped: amperes and watts fall by
the share that the peak is cut by, which is cruder than a real converter, and the update says so.

Elements of one ``Wattmeter`` share update clock, ranges and blind times, as those of a WT333 do; a meter with
ranges of their own has one ``Wattmeter`` for each.
"""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from powerd.emulators.load import Load, of_element, pieces
from schemas.metrology import Specification

MAINS_V, MAINS_HZ = 230.0, 50.0
FLOOR_SHARE = 0.005
"""Volts and amperes up to this share of the range read as zero (IM WT310E-01)."""
_PARTS = 16
_AVERAGED = ("volts", "amperes", "watts")


@dataclass(frozen=True, slots=True)
class Measured:
    """One update: nan is no data, inf is over range; ``peak_v`` and ``peak_a`` say that a peak was clipped."""

    index: int
    volts: float
    amperes: float
    watts: float
    factor: float
    hertz: float
    voltage_range_v: float
    current_range_a: float
    peak_v: bool = False
    peak_a: bool = False


@dataclass(slots=True)
class Setup:
    """What decides how the meter measures.

    ``average`` updates are averaged, ``exponential`` or in a moving window; with ``hold`` the values stay.
    """

    interval_ns: int = 250_000_000
    crest_factor: int = 3
    voltage_range_v: float = 600.0
    current_range_a: float = 20.0
    voltage_auto: bool = True
    current_auto: bool = True
    average: int = 1
    exponential: bool = False
    hold: bool = False


@dataclass(slots=True)
class Wattmeter:
    """Measures a load with ``elements`` elements; updates end at whole multiples of the interval since ``origin_ns``.

    ``first`` is the number of its first element among those of the instrument: it decides which of several loads
    is measured, and which errors are drawn. A small fixed range protects itself where ``protects`` is set.
    """

    spec: Specification
    load: Load
    origin_ns: int
    seed: int
    setup: Setup = field(default_factory=Setup)
    elements: int = 1
    first: int = 0
    protects: bool = True
    _forced: dict[str, tuple[float, int]] = field(default_factory=dict)
    _shares: dict[tuple[int, str], float] = field(default_factory=dict)
    _random: random.Random = field(init=False)
    _blind_until_ns: int = 0
    _overloads: int = 0
    _latest: tuple[Measured, ...] = ()
    _history: deque[tuple[Measured, ...]] = field(default_factory=lambda: deque(maxlen=64))
    _loads: tuple[Load, ...] = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed + 1009 * self.first)
        self._loads = tuple(of_element(self.load, self.first + k) for k in range(self.elements))
        for element in range(self.elements):
            for name in ("reading", "range", "power-factor", "self-heating", "fast-update"):
                self._share(element, f"specification/{name}")
            for name in ("volts", "volts-range", "amperes", "amperes-range"):
                self._share(element, name)

    def force(self, kind: str, value: float, until_ns: int) -> None:
        """A fault (``faults.METER_FAULTS``) in updates that end before ``until_ns``."""
        self._forced[kind] = (value, until_ns)

    def index_at(self, at_ns: int) -> int:
        """Number of the latest update that had ended at this instant."""
        return (at_ns - self.origin_ns) // self.setup.interval_ns

    def end_of(self, index: int) -> int:
        """When an update ends."""
        return self.origin_ns + index * self.setup.interval_ns

    def changed(self, at_ns: int) -> None:
        """A range or the rate was changed: the update in progress and the start of the next are blind."""
        self._blind_until_ns = at_ns + self.setup.interval_ns // 2
        self._latest = ()
        self._history.clear()

    def at(self, at_ns: int) -> Measured:
        """The latest update of the first element at this instant."""
        return self.all_at(at_ns)[0]

    def all_at(self, at_ns: int) -> tuple[Measured, ...]:
        """The latest update of every element at this instant, computed for exactly its interval.

        Auto-range decides at every update, so updates that nobody asked for are worked through as well,
        the last few of them.
        """
        if self.setup.hold and self._latest:
            return self._latest
        index = self.index_at(at_ns)
        known = self._latest
        if not known or known[0].index > index:
            first, known = index, ()
        else:
            first = max(known[0].index + 1, index - 20)
        for k in range(first, index + 1):
            known = self._averaged(self._update(k))
            self._latest = known
        return known or self._update(index)

    def _update(self, index: int) -> tuple[Measured, ...]:
        end = self.end_of(index)
        begin = end - self.setup.interval_ns
        setup = self.setup
        if begin < self._blind_until_ns or index < 1 or self._fault("nodata", end) is not None:
            nothing = math.nan
            lost = Measured(
                index, nothing, nothing, nothing, nothing, nothing, setup.voltage_range_v, setup.current_range_a
            )  # fmt: skip
            return (lost,) * self.elements
        found = [
            self._element(k, index, *self._true(k, max(0, begin - self.origin_ns), end - self.origin_ns))
            for k in range(self.elements)
        ]
        self._auto_range(end, max(rms for _, rms, _ in found), max(peak for _, _, peak in found))
        return tuple(measured for measured, _, _ in found)

    def _element(
        self, element: int, index: int, watts: float, amperes: float
    ) -> tuple[Measured, float, float]:
        """What an element reads, its true rms amperes and their peak."""
        end, setup = self.end_of(index), self.setup
        forced = self._fault("crest", end)
        peak = amperes * (forced if forced is not None else crest_factor(power_factor(watts)))
        held = min(1.0, self._peak_limit() * setup.current_range_a / peak) if peak > 0 else 1.0
        result = self._read(element, index, watts * held, amperes * held)
        over_v = MAINS_V * math.sqrt(2) > self._peak_limit() * setup.voltage_range_v
        return replace(result, peak_v=over_v, peak_a=held < 1.0), amperes, peak

    def _averaged(self, update: tuple[Measured, ...]) -> tuple[Measured, ...]:
        """The update with the ones before it: a moving window, or new = old + (update - old) / count."""
        count = self.setup.average
        if count <= 1:
            return update
        if any(not math.isfinite(m.watts) for m in update):
            self._history.clear()
            return update
        if self.setup.exponential:
            before = self._history[-1] if self._history else update
            mixed = tuple(
                _mix(((1 - 1 / count, b), (1 / count, m))) for b, m in zip(before, update, strict=True)
            )
            self._history.append(mixed)
            return mixed
        self._history.append(update)
        rows = list(self._history)[-count:]
        return tuple(_mix([(1 / len(rows), row[k]) for row in rows]) for k in range(self.elements))

    def _fault(self, kind: str, end_ns: int) -> float | None:
        value, until = self._forced.get(kind, (0.0, 0))
        return value if end_ns <= until else None

    def _true(self, element: int, begin_ns: int, end_ns: int) -> tuple[float, float]:
        """Mean watts and rms amperes over an interval."""
        length = max(1, end_ns - begin_ns)
        energy = squares = 0.0
        for piece in pieces(self._loads[element], begin_ns, end_ns, _PARTS):
            share = (piece.end_ns - piece.begin_ns) / length
            energy += piece.mean_w * share
            squares += true_amperes(piece.mean_w) ** 2 * share
        return energy, math.sqrt(squares)

    def _read(self, element: int, index: int, watts: float, amperes: float) -> Measured:
        s, end = self.setup, self.end_of(index)
        limit = self.spec.over_range_share
        forced = self._fault("overrange", end) is not None
        over_v = forced or s.voltage_range_v * limit < MAINS_V
        over_i = forced or s.current_range_a * limit < amperes
        factor = min(1.0, watts / (MAINS_V * amperes)) if amperes > 0 else 1.0
        scripted = self._fault("error", end)

        def share(name: str) -> float:
            return self._share(element, name) if scripted is None else scripted

        terms = self._terms(watts, amperes, factor)
        power = watts + sum(limit_w * share(name) for name, limit_w in terms)
        volts = MAINS_V * (1 + 0.001 * share("volts"))
        volts += self.spec.range_ * s.voltage_range_v * share("volts-range")
        current = amperes * (1 + 0.001 * share("amperes"))
        current += self.spec.range_ * s.current_range_a * share("amperes-range")
        floored = current <= self._floor() * s.current_range_a or volts <= self._floor() * s.voltage_range_v
        lam = math.inf if floored else max(-1.0, min(1.0, power / (volts * current)))
        return Measured(
            index=index,
            volts=math.inf if over_v else 0.0 if volts <= self._floor() * s.voltage_range_v else volts,
            amperes=math.inf if over_i else 0.0 if current <= self._floor() * s.current_range_a else current,
            watts=math.inf if over_v or over_i else power,
            factor=math.inf if over_v or over_i else lam,
            hertz=MAINS_HZ,
            voltage_range_v=s.voltage_range_v,
            current_range_a=s.current_range_a,
        )

    def _peak_limit(self) -> float:
        """Peak over range from which the converter clips."""
        return 3.0 if self.setup.crest_factor == 3 else 6.0

    def _floor(self) -> float:
        return FLOOR_SHARE if self.setup.crest_factor == 3 else 2 * FLOOR_SHARE

    def _terms(self, watts: float, amperes: float, factor: float) -> Iterator[tuple[str, float]]:
        s = self.setup
        terms = self.spec.power_terms(
            power_w=watts,
            voltage_v=MAINS_V,
            current_a=amperes,
            power_factor=factor,
            voltage_range_v=s.voltage_range_v,
            current_range_a=s.current_range_a,
            crest_factor=s.crest_factor,
            interval_ns=s.interval_ns,
        )
        return ((term.name, term.limit_w) for term in terms)

    def _share(self, element: int, name: str) -> float:
        key = (element, name)
        if key not in self._shares:
            self._shares[key] = self._random.uniform(-1.0, 1.0)
        return self._shares[key]

    def _auto_range(self, at_ns: int, amperes: float, peak: float) -> None:
        """Up above 130 % of range or 300 % peak, down at 30 % and 125 % of the lower (IM WT310E-01 p. 2-7)."""
        s = self.setup
        volts, currents = self.spec.with_crest_factor(s.crest_factor)
        if s.current_auto:
            new = _auto(s.current_range_a, amperes, peak, currents, s.crest_factor)
            if new != s.current_range_a:
                s.current_range_a = new
                self.changed(at_ns)
        elif self.protects:
            self._protect(at_ns, amperes, currents)
        if s.voltage_auto:
            new = _auto(s.voltage_range_v, MAINS_V, MAINS_V * math.sqrt(2), volts, s.crest_factor)
            if new != s.voltage_range_v:
                s.voltage_range_v = new
                self.changed(at_ns)

    def _protect(self, at_ns: int, amperes: float, currents: tuple[float, ...]) -> None:
        """A lasting overload of a fixed shunt up to 200 mA: the WT310 jumps to 1 A and to auto-range."""
        s = self.setup
        small = 0.2 if s.crest_factor == 3 else 0.1
        overloaded = s.current_range_a <= small and amperes > self.spec.over_range_share * s.current_range_a
        self._overloads = self._overloads + 1 if overloaded else 0
        if self._overloads >= 3:
            s.current_range_a = min(r for r in currents if r >= 5 * small)
            s.current_auto = True
            self._overloads = 0
            self.changed(at_ns)


def _mix(parts: Sequence[tuple[float, Measured]]) -> Measured:
    """The weighted mean of updates of one element; the power factor is that of the means."""
    volts, amperes, watts = (
        math.fsum(weight * getattr(m, name) for weight, m in parts) for name in _AVERAGED
    )
    last = parts[-1][1]
    apparent = volts * amperes
    return replace(
        last,
        volts=volts,
        amperes=amperes,
        watts=watts,
        factor=max(-1.0, min(1.0, watts / apparent)) if apparent > 0 else last.factor,
        peak_v=any(m.peak_v for _, m in parts),
        peak_a=any(m.peak_a for _, m in parts),
    )


def _auto(now: float, rms: float, peak: float, ranges: tuple[float, ...], crest: int) -> float:
    """The range for the next update."""
    ladder = sorted(ranges)
    peak_share = 3.0 if crest == 3 else 6.0
    at = ladder.index(now)
    if rms > 1.3 * now or peak > peak_share * now:
        return next((r for r in ladder if rms <= r and peak <= peak_share * r), ladder[-1])
    while (
        at > 0
        and rms <= 0.3 * ladder[at]
        and rms <= 1.25 * ladder[at - 1]
        and peak <= peak_share * ladder[at - 1]
    ):
        at -= 1
    return ladder[at]


def power_factor(watts: float) -> float:
    """Power factor of the emulated supply at this load."""
    return 0.98 - 0.5 * math.exp(-watts / 30.0)


def crest_factor(factor: float) -> float:
    """Crest factor of its current."""
    return math.sqrt(2) + 2 * (1 - factor)


def true_amperes(watts: float) -> float:
    """Rms current at this load."""
    return watts / power_factor(watts) / MAINS_V

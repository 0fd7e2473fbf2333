"""The measuring half of an emulated wattmeter: update clock, averaging, ranges, limits and errors.

Load to volts and amperes: the mains is 230 V, 50 Hz. A small switching supply has a poor power factor at low
load, ``0.98 - 0.5 exp(-P / 30 W)``; its current has the crest factor ``1.414 + 2 (1 - power factor)``.

Errors: for each term of the specification one share is drawn from [-1, 1] at the start and kept, so a
reading is the true value plus an error that lies anywhere within what the maker promises.

A current whose peak passes 300 % of the range (600 % at crest factor 6) is clipped: amperes and watts fall by
the share that the peak is cut by, which is cruder than a real converter, and the update says so.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from powerd.emulators.load import Load, pieces
from schemas.metrology import Specification

MAINS_V, MAINS_HZ = 230.0, 50.0
FLOOR_SHARE = 0.005
"""Volts and amperes up to this share of the range read as zero (IM WT310E-01)."""
_PARTS = 16


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
    """What decides how the meter measures."""

    interval_ns: int = 250_000_000
    crest_factor: int = 3
    voltage_range_v: float = 600.0
    current_range_a: float = 20.0
    voltage_auto: bool = True
    current_auto: bool = True


@dataclass(slots=True)
class Wattmeter:
    """Measures a load; updates end at whole multiples of the interval since ``origin_ns``."""

    spec: Specification
    load: Load
    origin_ns: int
    seed: int
    setup: Setup = field(default_factory=Setup)
    overrange_until_ns: int = 0
    crest: float = 0.0
    crest_until_ns: int = 0
    _shares: dict[str, float] = field(default_factory=dict)
    _random: random.Random = field(init=False)
    _blind_until_ns: int = 0
    _overloads: int = 0
    _latest: Measured | None = None

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        for name in ("reading", "range", "power-factor", "self-heating", "fast-update"):
            self._share(f"specification/{name}")
        for name in ("volts", "volts-range", "amperes", "amperes-range"):
            self._share(name)

    def index_at(self, at_ns: int) -> int:
        """Number of the latest update that had ended at this instant."""
        return (at_ns - self.origin_ns) // self.setup.interval_ns

    def end_of(self, index: int) -> int:
        """When an update ends."""
        return self.origin_ns + index * self.setup.interval_ns

    def changed(self, at_ns: int) -> None:
        """A range or the rate was changed: the update in progress and the start of the next are blind."""
        self._blind_until_ns = at_ns + self.setup.interval_ns // 2
        self._latest = None

    def at(self, at_ns: int) -> Measured:
        """The latest update at this instant, computed for exactly its interval.

        Auto-range decides at every update, so updates that nobody asked for are worked through as well,
        the last few of them.
        """
        index = self.index_at(at_ns)
        first = index if self._latest is None else max(self._latest.index + 1, index - 20)
        if self._latest is None or self._latest.index > index:
            first, self._latest = index, None
        latest = self._latest
        for k in range(first, index + 1):
            latest = self._latest = self._update(k)
        return latest if latest is not None else self._update(index)

    def _update(self, index: int) -> Measured:
        end = self.end_of(index)
        begin = end - self.setup.interval_ns
        watts, amperes = self._true(max(0, begin - self.origin_ns), end - self.origin_ns)
        setup = self.setup
        nothing = math.nan
        if begin < self._blind_until_ns or index < 1:
            return Measured(
                index,
                nothing,
                nothing,
                nothing,
                nothing,
                nothing,
                setup.voltage_range_v,
                setup.current_range_a,
            )
        peak = amperes * (self.crest if end <= self.crest_until_ns else crest_factor(power_factor(watts)))
        held = min(1.0, self._peak_limit() * setup.current_range_a / peak) if peak > 0 else 1.0
        result = self._read(index, watts * held, amperes * held, forced=end <= self.overrange_until_ns)
        over_v = MAINS_V * math.sqrt(2) > self._peak_limit() * setup.voltage_range_v
        result = replace(result, peak_v=over_v, peak_a=held < 1.0)
        self._auto_range(end, amperes, peak)
        return result

    def _true(self, begin_ns: int, end_ns: int) -> tuple[float, float]:
        """Mean watts and rms amperes over an interval."""
        length = max(1, end_ns - begin_ns)
        energy = squares = 0.0
        for piece in pieces(self.load, begin_ns, end_ns, _PARTS):
            share = (piece.end_ns - piece.begin_ns) / length
            energy += piece.mean_w * share
            squares += true_amperes(piece.mean_w) ** 2 * share
        return energy, math.sqrt(squares)

    def _read(self, index: int, watts: float, amperes: float, *, forced: bool) -> Measured:
        s = self.setup
        limit = self.spec.over_range_share
        over_v = forced or s.voltage_range_v * limit < MAINS_V
        over_i = forced or s.current_range_a * limit < amperes
        factor = min(1.0, watts / (MAINS_V * amperes)) if amperes > 0 else 1.0
        power = watts + sum(self._errors(watts, amperes, factor))
        volts = MAINS_V * (1 + 0.001 * self._share("volts"))
        volts += self.spec.range_ * s.voltage_range_v * self._share("volts-range")
        current = amperes * (1 + 0.001 * self._share("amperes"))
        current += self.spec.range_ * s.current_range_a * self._share("amperes-range")
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

    def _errors(self, watts: float, amperes: float, factor: float) -> Iterator[float]:
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
        return (term.limit_w * self._share(term.name) for term in terms)

    def _share(self, name: str) -> float:
        if name not in self._shares:
            self._shares[name] = self._random.uniform(-1.0, 1.0)
        return self._shares[name]

    def _auto_range(self, at_ns: int, amperes: float, peak: float) -> None:
        """Up above 130 % of range or 300 % peak, down at 30 % and 125 % of the lower (IM WT310E-01 p. 2-7)."""
        s = self.setup
        volts, currents = self.spec.with_crest_factor(s.crest_factor)
        if s.current_auto:
            new = _auto(s.current_range_a, amperes, peak, currents, s.crest_factor)
            if new != s.current_range_a:
                s.current_range_a = new
                self.changed(at_ns)
        else:
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

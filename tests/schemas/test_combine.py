"""Sums by time: channels with common stamps, and meters with intervals, phases and errors of their own."""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence
from dataclasses import replace
from statistics import median_low

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from powerd.emulators.load import Load, Several, Sine, Square, energy_j
from powerd.emulators.wattmeter import Setup, Wattmeter
from schemas.budget import BudgetTerm, ClockBounds, budget, of_several, u95
from schemas.combine import Line, joined, missing, summed, total
from schemas.energy import EnergyResult, EnergySample, integrate
from schemas.measured import Quality, Reading
from schemas.metrology import series
from tests.powerd.made import S, reading

SPEC = series("yokogawa-wt300")["WT310E"]
NO_CLOCK = ClockBounds(0.0, 0.0)


def channel(name: str, power_w: float | None, quality: Quality = Quality.GOOD) -> Reading:
    made = reading(1, power_w, quality)
    return replace(made, values=replace(made.values, channel=name))


def line(readings: Sequence[Reading]) -> Line:
    samples = [
        EnergySample(r.end_ns, r.values.power_w or 0.0, r.values.quality is Quality.GOOD) for r in readings
    ]
    return Line(readings, samples, median_low([r.interval_ns for r in readings]))


def every(step_s: float, first_s: float, last_s: float, watts: float) -> list[Reading]:
    count = round((last_s - first_s) / step_s) + 1
    rows = [reading(first_s + i * step_s, watts) for i in range(count)]
    return [replace(r, interval_ns=round(step_s * S)) for r in rows]


def test_channels_of_one_update_are_added() -> None:
    found = summed([channel("1", 60.0), channel("2", 40.5)])
    assert (found.values.channel, found.values.power_w, found.values.quality) == ("1+2", 100.5, "good")
    assert found.values.voltage_v is None
    assert summed([channel("1", 60.0)]) == channel("1", 60.0)


@pytest.mark.parametrize(
    ("other", "quality"),
    [
        (channel("2", None, Quality.NODATA), "nodata"),
        (channel("2", None, Quality.OVERRANGE), "overrange"),
        (missing(channel("1", 60.0), "2"), "nodata"),
        (channel("2", -20.0, Quality.NEGATIVE), "good"),
        (channel("2", -70.0, Quality.NEGATIVE), "negative"),
    ],
)
def test_a_sum_is_as_good_as_its_channels(other: Reading, quality: str) -> None:
    found = summed([channel("1", 60.0), other])
    assert found.values.quality == quality
    assert (found.values.power_w is None) == (quality in {"nodata", "overrange"})


def test_the_slowest_meter_gives_the_stamps_of_the_sum() -> None:
    slow, fast = line(every(1, 1, 10, 60.0)), line(every(0.25, 0.6, 10.1, 40.0))
    readings, samples = joined([fast, slow])
    assert [s.end_ns for s in samples] == [s.end_ns for s in slow.samples]
    assert [r.values.power_w for r in readings[1:]] == [100.0] * 9
    assert not samples[0].good, "the fast meter was not there for all of the first second"


def test_the_sum_is_lost_where_one_meter_is() -> None:
    fast = every(0.25, 0.25, 10, 40.0)
    lost = replace(fast[17].values, power_w=None, quality=Quality.NODATA)
    fast[17] = replace(fast[17], values=lost)
    a, b = line(every(1, 1, 10, 60.0)), line(fast)
    _, samples = joined([a, b])
    assert [s.good for s in samples] == [True] * 4 + [False] + [True] * 5
    results = [integrate(x.samples, 2 * S, 9 * S, x.usual_ns) for x in (a, b)]
    found = total(results, [a, b], samples)
    assert found.energy_j == pytest.approx(700)
    assert found.coverage == pytest.approx(1 - 0.25 / 7)
    assert (found.bridged_j, found.samples) == (pytest.approx(10), 6)
    assert (found.min_w, found.max_w) == (100, 100)


def test_terms_of_several_meters() -> None:
    one = (
        BudgetTerm("specification/reading", "rectangular", 3.0, 1.7),
        BudgetTerm("clock", "normal", 2.0, 1.0),
    )
    two = (BudgetTerm("clock/stamps", "rectangular", 1.0, 0.6), BudgetTerm("clock", "normal", 4.0, 2.0))
    found = {t.term: t.value for t in of_several({"a": one, "b": two})}
    assert found == {"clock": 6.0, "a/specification/reading": 3.0, "b/skew": 1.0}


def test_limits_of_channels_are_added() -> None:
    rows = [reading(i) for i in range(1, 12)]
    result = integrate(line(rows).samples, 2 * S, 9 * S, S)
    one = budget(rows, result, SPEC, NO_CLOCK)
    two = budget(rows, result, SPEC, NO_CLOCK, [(r, r) for r in rows])
    specified = [t.value for t in one if t.term.startswith("specification/")]
    assert [t.value for t in two if t.term.startswith("specification/")] == pytest.approx(
        [2 * value for value in specified]
    )


@given(st.integers(1, 8), st.integers(1, 8), st.floats(0, 1), st.floats(0, 1))
@settings(max_examples=50, deadline=None)
def test_a_constant_load_is_added_whatever_the_phases(a: int, b: int, phase_a: float, phase_b: float) -> None:
    one, two = (
        line(every(a / 8, phase_a, phase_a + 20, 60.0)),
        line(every(b / 8, phase_b, phase_b + 20, 40.0)),
    )
    results = [integrate(x.samples, 3 * S, 17 * S, x.usual_ns) for x in (one, two)]
    readings, samples = joined([one, two])
    found = total(results, [one, two], samples)
    assert found.energy_j == pytest.approx(1400)
    assert (found.min_w, found.max_w, found.coverage) == (
        pytest.approx(100), pytest.approx(100), pytest.approx(1)
    )  # fmt: skip
    assert all(
        r.values.power_w == pytest.approx(100) for r, s in zip(readings, samples, strict=True) if s.good
    )


class Drawn:
    """A meter drawn across its specification, with an interval and a phase of its own, on one part of a load."""

    def __init__(self, load: Load, part: int, seed: int, chance: random.Random) -> None:
        interval = chance.choice([100, 250, 500, 1000]) * 1_000_000
        self.phase_ns = chance.randrange(interval)
        # What the stamps of this meter are off by, within what they claim.
        self.skew_ns = chance.randint(-10_000_000, 10_000_000)
        setup = Setup(interval, 3, 300.0, 1.0, voltage_auto=False, current_auto=False)
        self.meter = Wattmeter(SPEC, Later(load, self.phase_ns), 0, seed, setup, first=part)

    def line(self, until_ns: int) -> Line:
        rows = []
        for k in range(2, until_ns // self.meter.setup.interval_ns):
            m = self.meter.at(self.meter.end_of(k))
            end = self.meter.end_of(k) + self.phase_ns + self.skew_ns
            made = reading(end / S, m.watts)
            values = replace(made.values, voltage_v=m.volts, current_a=m.amperes, power_factor=m.factor)
            interval = self.meter.setup.interval_ns
            rows.append(replace(made, end_ns=end, end_u95_ns=10_000_000, interval_ns=interval, values=values))
        return line(rows)


class Later(Several):
    """A load as seen by a meter whose time began later."""

    def __init__(self, load: Load, by_ns: int) -> None:
        assert isinstance(load, Several)
        super().__init__([_Shifted(part, by_ns) for part in load.parts])


class _Shifted:
    def __init__(self, load: Load, by_ns: int) -> None:
        self._load, self._by_ns = load, by_ns

    def watts(self, at_ns: int) -> float:
        return self._load.watts(at_ns + self._by_ns)

    def mean_w(self, begin_ns: int, end_ns: int) -> float:
        return self._load.mean_w(begin_ns + self._by_ns, end_ns + self._by_ns)

    def edges(self, begin_ns: int, end_ns: int) -> list[int]:
        return [at - self._by_ns for at in self._load.edges(begin_ns + self._by_ns, end_ns + self._by_ns)]

    def stop(self) -> None:
        self._load.stop()


def summed_energy(seed: int) -> tuple[float, float, float]:
    """True joules of a system on two meters, measured joules, and u95."""
    chance = random.Random(seed)
    low, high, period = chance.uniform(20, 60), chance.uniform(60, 120), chance.uniform(0.3, 8)
    share = chance.uniform(0.2, 0.8)
    whole: list[Load] = [
        Square(low * part, high * part, period) if seed % 2 else Sine(high * part, low * part, period)
        for part in (share, 1 - share)
    ]
    load = Several(whole)
    begin = chance.randrange(3 * S, 6 * S)
    end = begin + chance.randrange(6 * S, 12 * S)
    lines = [Drawn(load, part, seed, chance).line(end + 3 * S) for part in (0, 1)]
    results: list[EnergyResult] = [integrate(x.samples, begin, end, x.usual_ns) for x in lines]
    terms = {
        name: budget(x.readings, r, SPEC, NO_CLOCK) for name, x, r in zip("ab", lines, results, strict=True)
    }
    found = total(results, lines, joined(lines)[1])
    return energy_j(load, begin, end), found.energy_j, u95(of_several(terms))


def test_two_meters_on_one_varying_load_hold_the_truth_within_their_error_bar() -> None:
    trials = [summed_energy(seed) for seed in range(120)]
    inside = sum(abs(found - true) <= bar for true, found, bar in trials)
    assert inside >= 0.93 * len(trials)
    assert statistics.median(bar / true for true, _, bar in trials) < 0.02, "no padding"

"""One window of one emulated meter, measured by the daemon's own parts on a clock that moves only when waited for.

The driver, the acquisition loop with its follower, the integration and the budget are the real ones; the meter is the
emulator behind a ``DirectPort``, byte by byte. The budget is then held against one computed by hand from what the load
really did, with formulas of this file.
"""

from __future__ import annotations

import json
import math
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from powerd import acquire, drivers, emulators
from powerd.acquire import Acquisition
from powerd.emulators import faults
from powerd.emulators.direct import DirectPort
from powerd.emulators.load import Load, Sine, Steps, energy_j
from powerd.emulators.wattmeter import MAINS_V, power_factor, true_amperes
from powerd.model import MeterInfo, Quality, Reading, Settings, TimingMode
from schemas.budget import ClockBounds, budget, u95
from schemas.energy import EnergySample, NoSamples, integrate

ORIGIN_NS = 1_000_000_000_000
S = 1_000_000_000
CLOCK_U95_S = 0.002
PROCESSING_NS = 28_000_000
"""What an emulated meter may take from the question to the answer."""
METERS = Path(__file__).resolve().parents[2] / "schemas/meters"


class VirtualClock:
    """``powerd.emulators.direct.Clock``: time passes when somebody waits, and a little with every look."""

    def __init__(self, at_ns: int) -> None:
        self._at_ns = at_ns

    def now_ns(self) -> int:
        self._at_ns += 2_000
        return self._at_ns

    def wait_until(self, at_ns: int) -> None:
        self._at_ns = max(self._at_ns, at_ns)


class _Until(threading.Event):
    """Set from an instant of a virtual clock on."""

    def __init__(self, clock: VirtualClock, end_ns: int) -> None:
        super().__init__()
        self._clock, self._end_ns = clock, end_ns

    def is_set(self) -> bool:
        return self._clock.now_ns() >= self._end_ns

    def wait(self, timeout: float | None = None) -> bool:
        self._clock.wait_until(self._clock.now_ns() + int((timeout or 0) * S))
        return self.is_set()


@dataclass(frozen=True, slots=True)
class Trial:
    """What one instance gave: joules, and whether anything happened to its line."""

    true_j: float
    measured_j: float
    u95_j: float
    by_hand_j: float
    disturbed: bool
    coverage: float

    @property
    def inside(self) -> bool:
        return abs(self.measured_j - self.true_j) <= self.u95_j


@dataclass(frozen=True, slots=True)
class Rippled:
    """A load that never stands quite still, as loads do: a small sine on top of another."""

    base: Load
    ripple: Sine

    def watts(self, at_ns: int) -> float:
        return self.base.watts(at_ns) + self.ripple.watts(at_ns)

    def mean_w(self, begin_ns: int, end_ns: int) -> float:
        return self.base.mean_w(begin_ns, end_ns) + self.ripple.mean_w(begin_ns, end_ns)

    def edges(self, begin_ns: int, end_ns: int) -> list[int]:
        return self.base.edges(begin_ns, end_ns)

    def stop(self) -> None:
        self.base.stop()


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured: a load, a window in nanoseconds since the load's start, settings and faults."""

    load: Load
    begin_ns: int
    end_ns: int
    settings: Settings
    faults: str
    still: bool


def plan(name: str, info_model: str, chance: random.Random) -> Plan:
    """A load with its steps anywhere, most often at the window's ends, on a range that fits it."""
    driver = drivers.find(name)
    spec = driver.specification(_stranger(name, info_model))
    usual = [ns for ns in spec.intervals_ns if ns <= S] or [min(spec.intervals_ns)]
    interval = chance.choice(usual)
    idle, busy = sorted((chance.uniform(8, 40), chance.uniform(40, 180)))
    begin = int(4 * S + 12 * interval + chance.random() * interval)
    length = int((15 + 25 * chance.random()) * interval)
    kind = chance.choice(["run", "run", "run", "bursts", "constant", "sine"])
    load: Load = Steps([0, begin, begin + length], [idle, busy, idle])
    if kind == "bursts":
        load = _bursts(begin, length, idle, busy, interval, chance)
    elif kind == "constant":
        load = Sine(busy)
    elif kind == "sine":
        load = Sine((idle + busy) / 2, (busy - idle) / 3, 20 * interval / S)
    still = chance.random() < 0.15
    if not still:
        load = Rippled(load, Sine(0.0, 0.4, 7.3 * interval / S))
    needed = 1.1 * true_amperes(busy)
    settings = Settings(
        interval_ns=interval,
        voltage_range_v=min(r for r in spec.voltage_ranges_v if r > 240),
        current_range_a=min(r for r in spec.current_ranges_a if r >= needed),
        channels=("1",),
    )
    at = (begin + chance.random() * length) / S
    fault = chance.choice(
        [f"half@{at:.3f}", f"drop=0.03@{at:.3f}", f"garbage=6@{at:.3f}", f"slow=0.1@{at:.3f}"]
    )
    return Plan(load, begin, begin + length, settings, fault if chance.random() < 0.25 else "", still)


def _bursts(begin: int, length: int, idle: float, busy: float, interval: int, chance: random.Random) -> Load:
    """Busy with pauses of some updates inside the window."""
    times, watts, at = [0, begin], [idle, busy], begin
    while True:
        at += int(chance.uniform(2, 9) * interval)
        if at >= begin + length:
            break
        times.append(at)
        watts.append(busy if watts[-1] != busy else idle + chance.random() * (busy - idle))
    return Steps([*times, begin + length], [*watts, idle])


def run(name: str, model: str, seed: int) -> Trial | None:
    """One instance with one draw of its errors; None when nothing good touched the window."""
    chance = random.Random(f"{name} {model} {seed}")
    what = plan(name, model, chance)
    clock = VirtualClock(ORIGIN_NS + chance.randint(0, S))
    instrument = emulators.find(name).make(model, what.load, seed, ORIGIN_NS)
    for meter in instrument.meters:  # as a hand at the front panel, for meters whose ranges no command sets
        meter.setup.voltage_range_v = what.settings.voltage_range_v
        meter.setup.current_range_a = what.settings.current_range_a
    driver = drivers.find(name)
    baud = (getattr(driver, "bauds", None) or (57600,))[0]
    port = DirectPort(
        "direct",
        instrument,
        faults.FaultPlan(faults.parse(what.faults), seed),
        ORIGIN_NS,
        clock,
        byte_time_ns=10 * S // baud,
        late_ns=lambda: int(chance.expovariate(1 / 1e6)) + 50_000,
    )
    readings: list[Reading] = []
    infos: list[MeterInfo] = []
    end_ns = ORIGIN_NS + what.end_ns + 7 * what.settings.interval_ns + S
    with _virtual(port, clock):
        loop = Acquisition("m", name, "direct", what.settings, "boot", readings.append, lambda event: None)
        loop._stopping = _Until(clock, end_ns)
        loop._reconnect_for_ever()
        if loop.state.info is not None:
            infos.append(loop.state.info)
    off = [round(chance.gauss(0, CLOCK_U95_S / 1.96) * S) for _ in range(2)]
    begin, end = ORIGIN_NS + what.begin_ns + off[0], ORIGIN_NS + what.end_ns + off[1]
    samples = [
        EnergySample(r.end_ns, r.values.power_w or 0.0, r.values.quality is Quality.GOOD, r.end_u95_ns)
        for r in readings
    ]
    try:
        result = integrate(
            samples, begin, end, readings[0].interval_ns if readings else what.settings.interval_ns
        )
    except NoSamples:
        return None
    terms = budget(readings, result, driver.specification(infos[0]), ClockBounds(CLOCK_U95_S, CLOCK_U95_S))
    lost_s = (1 - result.coverage) * (end - begin) / S
    return Trial(
        true_j=energy_j(what.load, what.begin_ns, what.end_ns),
        measured_j=result.energy_j,
        u95_j=u95(terms),
        by_hand_j=by_hand(name, model, what, 10 * S // baud, lost_s),
        disturbed=bool(what.faults),
        coverage=result.coverage,
    )


@contextmanager
def _virtual(port: DirectPort, clock: VirtualClock) -> Iterator[None]:
    """The acquisition loop on this port and this clock."""
    real = acquire.open_port, acquire.boottime_ns
    acquire.open_port, acquire.boottime_ns = (lambda *a, **k: port), clock.now_ns
    try:
        yield
    finally:
        acquire.open_port, acquire.boottime_ns = real


def _stranger(name: str, model: str) -> MeterInfo:
    return MeterInfo(name, "", model, "", "", "", ("1",), True)


def by_hand(name: str, model: str, what: Plan, byte_time_ns: int, lost_s: float) -> float:
    """The u95 that the maker's figures, the update interval and the clock leave for this load, by pen and paper.

    Rectangular limits a/sqrt(3): share of reading, of range, of apparent power at power factor 0, fixed watts,
    self-heating, fast updates; the two updates that the window's ends cut; the meter's stamps times the largest
    change of power around the ends; what the losses may have hidden. Normal: the clock at both ends.
    """
    document = json.loads((METERS / f"{name}.json").read_text())
    row = {**document["common"], **next(m for m in document["models"] if m["model"] == model)}
    step = what.settings.interval_ns
    seconds = (what.end_ns - what.begin_ns) / S
    product = (what.settings.voltage_range_v or 0) * (what.settings.current_range_a or 0)
    limits = {"reading": 0.0, "range": row["range_"] * product * seconds, "power factor": 0.0, "heating": 0.0}
    limits |= {"fast": 0.0, "fixed": row.get("fixed_w", 0.0) * seconds}
    parts = 400
    for i in range(parts):
        at = what.begin_ns + (what.end_ns - what.begin_ns) * (2 * i + 1) // (2 * parts)
        watts, dt = what.load.watts(at), seconds / parts
        apparent = MAINS_V * true_amperes(watts)
        heating = (
            row["self_heating_per_v2"] * MAINS_V**2 + row["self_heating_per_a2"] * true_amperes(watts) ** 2
        )
        limits["reading"] += row["reading"] * watts * dt
        limits["power factor"] += (
            row["power_factor"] * apparent * math.sqrt(1 - power_factor(watts) ** 2) * dt
        )
        limits["heating"] += heating * watts * dt
        limits["fast"] += (row["fast_update_reading"] if step <= S // 10 else 0.0) * watts * dt

    def mean(k: int) -> float:
        return energy_j(what.load, k * step, (k + 1) * step) / (step / S)

    stamp_s = stamp_half_width_s(name, step, byte_time_ns, still=what.still)
    doubt = stamp_s * S / step

    def cut_j(at: int, inward: int) -> float:
        """What an end that cuts an update there may hide: the share inside times the share outside times the spread."""
        k = at // step
        f = ((k + 1) * step - at) / step if inward == 1 else (at - k * step) / step
        inside = [mean(k + inward * i) for i in range(1, 6)]
        outside = [mean(k - inward * i) for i in range(1, 6)]
        residual = mean(k) - f * fmean(inside) - (1 - f) * fmean(outside)
        spread = max(max(inside) - min(inside), max(outside) - min(outside), abs(residual))
        f = min(f + doubt, 0.5) if f < 0.5 else max(f - doubt, 0.5)
        return 2 * f * (1 - f) * step / S * spread

    ends, around = 0.0, []
    for at, inward in ((what.begin_ns, 1), (what.end_ns, -1)):
        # Where in its update an end lies, and in which one, is known as well as the stamps and the clock are.
        off = min(int((stamp_s + CLOCK_U95_S) * S), step)
        ends += max(cut_j(at + shift, inward) for shift in (-off, 0, off))
        k = at // step
        around += [mean(k + inward * i) for i in (0, 1, 2, -1, -2)]
    limits["edges"] = ends
    limits["stamps"] = stamp_s * (max(around) - min(around))
    nearby = [mean(k) for k in range(what.begin_ns // step - 2, what.end_ns // step + 3)]
    limits["gaps"] = lost_s * (max(nearby) - min(nearby))
    clock = CLOCK_U95_S / 1.96 * math.hypot(*(max(around[i : i + 5]) for i in (0, 5)))
    return 1.96 * math.sqrt(sum(a * a / 3 for a in limits.values()) + clock * clock)


def stamp_half_width_s(name: str, step_ns: int, byte_time_ns: int, *, still: bool) -> float:
    """How well the end of an update can be known: the driver's delay, a byte, and between two polls.

    A load that stands ``still`` says nothing about the updates: they can then end anywhere in an interval. So can they
    where the interval is only about known: the phase is lost again within a few updates whose values look alike.
    """
    driver = drivers.find(name)
    half = driver.delay_u95_ns + byte_time_ns
    if driver.timing is TimingMode.POLL:
        timing = driver.poll_timing
        exchange = driver.answer_bytes(Settings()) * byte_time_ns
        half += (max(timing.shortest_ns, exchange + PROCESSING_NS, step_ns / 4.382) + PROCESSING_NS) / 2
        if still or timing.tolerance > 0.01:
            half += step_ns * (1 + timing.tolerance) / 2
    return half / S

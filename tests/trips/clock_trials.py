"""Many clients with clocks of their own behind lines that delay, and what the daemon says of their clocks.

Run as a program, since it puts itself into other networks: ``python -m tests.trips.clock_trials FOLDER TRIALS SEED``.
Nobody's clock is set: a client's clock is a function of this machine's, which makes the truth known exactly.
"""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from powerd import client as client_module
from powerd.boottime import boottime_ns
from powerd.client import PowerdClient
from powerd.clock import both_clocks
from powerd.store.tables import EXCHANGE_COLUMNS
from schemas.clocks import MAX_DRIFT, ClockModel, Exchange, narrowest
from tests.powerd.rig import Process
from tests.trips.two_networks import Direction, Relay, may, new_network

S = 1_000_000_000
SLACK_S = 0.002
AT_ONCE = 24
MOST_SKEW_S, MOST_PPM = 10.0, 100.0


@dataclass(frozen=True, slots=True)
class SkewedClock:
    """A clock that is off, runs off, and is slewed between two instants of BOOTTIME; some are slewed back as long."""

    origin_ns: int
    ahead_ns: int
    drift: float
    slew: float
    slew_from_ns: int
    slew_to_ns: int
    slewed_back: bool

    def at(self, boottime: int) -> int:
        """What it shows."""
        passed = boottime - self.origin_ns
        slewed = min(max(boottime, self.slew_from_ns), self.slew_to_ns) - self.slew_from_ns
        if self.slewed_back:
            lasts = self.slew_to_ns - self.slew_from_ns
            slewed -= min(max(boottime - self.slew_to_ns, 0), lasts)
        return boottime + self.ahead_ns + round(self.drift * passed) + round(self.slew * slewed)


class ThreadTime:
    """The ``time`` of the client: each thread sees its own clock."""

    def __init__(self) -> None:
        self._own = threading.local()

    def wear(self, clock: SkewedClock) -> None:
        self._own.clock = clock

    def time_ns(self) -> int:
        clock: SkewedClock = self._own.clock
        return clock.at(boottime_ns())

    monotonic_ns = time_ns

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One claim against the truth: all in seconds. ``allowed_s`` is what the bound may be."""

    what: str
    error_s: float
    u95_s: float
    allowed_s: float

    @property
    def fine(self) -> bool:
        return self.error_s <= self.u95_s <= self.allowed_s


def line(chance: random.Random) -> tuple[Direction, Direction]:
    """The two directions of a line: 1 to 50 ms and jitter, often all of it on one of them."""
    slow = Direction(chance.uniform(0.001, 0.050), chance.choice([0.0, 0.002, 0.010]))
    quick = Direction(0.0, 0.0)
    other = Direction(chance.uniform(0.001, 0.050), chance.choice([0.0, 0.002, 0.010]))
    return chance.choice([(slow, quick), (quick, slow), (slow, other)])


def trial(number: int, seed: int, url: str, times: ThreadTime) -> Iterator[tuple[str, Any]]:
    """One client: exchanges before and after some seconds. Yields what was said, and looks at its clock."""
    chance = random.Random(f"{seed} {number}")
    now = boottime_ns()
    slewed = now + round(chance.uniform(0, 3) * S)
    clock = SkewedClock(
        now,
        both_clocks()[1] - now + round(chance.uniform(-MOST_SKEW_S, MOST_SKEW_S) * S),
        chance.uniform(-MOST_PPM, MOST_PPM) * 1e-6,
        chance.choice([-1, 1]) * MOST_PPM * 1e-6,
        slewed,
        slewed + round(chance.uniform(0.5, 4) * S),
        chance.random() < 0.5,
    )
    times.wear(clock)
    client = PowerdClient(url)
    name = f"trial-{number}"
    for phase in range(2):
        sent = boottime_ns()
        tie = client.sync_clock(name)
        yield "tie", (tie.offset_s, tie.u95_s, _offsets(clock, sent))
        for _ in range(3):
            at = boottime_ns()
            yield "look", (clock.at(at), at)
            time.sleep(chance.uniform(0, 1.0) if phase == 0 else chance.uniform(0, 0.3))
    client.close()


def _offsets(clock: SkewedClock, since_ns: int) -> tuple[float, float]:
    """The true offsets, UTC minus the client's clock, between an instant and now: least and most, in seconds."""
    local, utc, half = both_clocks()
    # The last answer was made since the last question; that is the whole burst at most, and drift is even.
    found = [((utc - local + at) - clock.at(at)) / S for at in (since_ns, local)]
    return min(found) - half / S, max(found) + half / S


def judge(said: list[tuple[str, Any]], exchanges: list[Exchange]) -> Iterator[Verdict]:
    """Every claim of a trial against the truth."""
    model = ClockModel(narrowest(e.tie() for e in exchanges))
    half = len(exchanges) // 2
    ties = iter((exchanges[:half], exchanges))
    for kind, what in said:
        if kind == "tie":
            offset_s, u95_s, (low, high) = what
            before = next(ties)
            error = max(low - offset_s, offset_s - high, 0.0)
            yield Verdict("tie", error, u95_s, allowed_s(before, before[-1].t3_boottime_ns))
        else:
            shown, at = what
            found = model.to_local(shown)
            yield Verdict("look", abs(found.ns - at) / S, found.u95_ns / S, allowed_s(exchanges, at))


def allowed_s(exchanges: list[Exchange], at_ns: int) -> float:
    """Half the smallest round trip, what may have drifted since, and 2 ms."""
    best = min(e.delay_ns / 2 + MAX_DRIFT * abs(at_ns - e.t3_boottime_ns) for e in exchanges)
    return best / S + SLACK_S


def kept(folder: Path) -> dict[str, list[Exchange]]:
    """Exchanges per clock as the daemon kept them."""
    found: dict[str, list[Exchange]] = {}
    with sqlite3.connect(folder / "data/powerd.sqlite") as store:
        for row in store.execute(f"SELECT {EXCHANGE_COLUMNS} FROM exchanges ORDER BY id"):
            found.setdefault(row[0], []).append(Exchange(*row))
    return found


def main(folder: Path, trials: int, seed: int) -> list[Verdict]:
    """All trials, some at once."""
    may()
    daemons = new_network()
    daemon = Process(
        "run", "--meter", "wall=simulated:load:constant:100,interval=1s", "--data-dir", str(folder / "data"),
        "--listen", "127.0.0.1:0",
    )  # fmt: skip
    parts = urlsplit(daemon.first_line)
    relay = Relay(daemons, (str(parts.hostname), int(parts.port or 0)), seed)
    times = ThreadTime()
    client_module.time = times  # type: ignore[assignment]

    def one(number: int) -> list[tuple[str, Any]]:
        with relay.line(*line(random.Random(f"line {seed} {number}"))):
            return list(trial(number, seed, daemon.first_line, times))

    try:
        with ThreadPoolExecutor(
            AT_ONCE, initializer=new_network
        ) as pool:  # each client in a network of its own
            said = list(pool.map(one, range(trials)))
    finally:
        relay.stop()
        assert daemon.stop(signal.SIGTERM) == 0
    exchanges = kept(folder)
    return [v for number, row in enumerate(said) for v in judge(row, exchanges[f"trial-{number}"])]


if __name__ == "__main__":
    verdicts = main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
    print(json.dumps([asdict(v) for v in verdicts]))

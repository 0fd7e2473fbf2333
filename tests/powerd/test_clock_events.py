"""Steps, leap seconds, slews and sleep, planted in the fixes of a machine, are found again and named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from powerd import drivers
from powerd.clock import boot_id, take_fix
from powerd.clock_watch import ClockWatch
from powerd.clocks.base import SourceState
from schemas import clock_events
from schemas.clock_events import ClockEvent
from schemas.clocks import ClockFix
from schemas.records import StoredWindow
from schemas.window_document import document
from tests.powerd import made
from tests.powerd.made import BOOT, EPOCH, S, reading


def fixes(
    count: int = 8, *, set_s: float = 0.0, slept_s: float = 0.0, ppm: float = 0.0, leap: int = 0
) -> list[ClockFix]:
    """A fix every 5 s; from the fourth on the clock was set, the machine had slept, or was slewed."""
    rows = []
    for i in range(count):
        late = i >= 4
        local = round(i * 5 * S + (slept_s * S if late else 0))
        raw = round(i * 5 * S - (i * 5 - 15) * S * ppm * 1e-6 * late)
        utc = EPOCH + local + round(set_s * S if late else 0)
        rows.append(
            ClockFix(
                BOOT, local, utc, 1000, "chrony", 2_000_000, round(slept_s * S if late else 0), raw, leap
            )
        )
    return rows


def names(rows: list[ClockFix]) -> list[str]:
    return [str(event) for event in clock_events.events(rows)]


def test_a_quiet_clock() -> None:
    assert names(fixes()) == []
    assert names(fixes(ppm=80)) == []  # no more than a crystal is off


def test_a_step() -> None:
    assert names(fixes(set_s=-2.5)) == ["clock-step: the system clock was set by -2.500 s"]


@pytest.mark.parametrize(("set_s", "leap", "word"), [(-1.0, 1, "inserted"), (1.0, -1, "left out")])
def test_a_leap_second_is_one_only_when_it_was_to_come(set_s: float, leap: int, word: str) -> None:
    assert names(fixes(set_s=set_s, leap=leap)) == [f"leap-second: a leap second was {word} in UTC"]
    assert names(fixes(set_s=set_s))[0].startswith("clock-step")
    assert names(fixes(set_s=-set_s, leap=leap))[0].startswith("clock-step")


def test_sleep_is_no_slew() -> None:
    assert names(fixes(slept_s=3600)) == ["suspend: this machine slept for 3600.000 s"]


@pytest.mark.parametrize(("ppm", "spoils"), [(300.0, False), (-300.0, False), (80_000.0, True)])
def test_a_slew_spoils_only_what_the_kernel_would_not_do_by_itself(ppm: float, spoils: bool) -> None:
    (found,) = clock_events.events(fixes(ppm=ppm))
    assert found.name == "clock-slew"
    assert found.spoils is spoils
    assert float(found.text.split()[-2]) == pytest.approx(ppm, rel=0.5)


def test_fixes_of_an_older_powerd_say_nothing_of_sleep_and_slews() -> None:
    rows = [replace(f, asleep_ns=None, raw_ns=None) for f in fixes(slept_s=60, ppm=400)]
    assert names(rows) == []


def test_a_window_names_what_happened_in_it(tmp_path: Path) -> None:
    """Events outside of it are not its own; who kept the clock stands in it, with the bound at worst."""
    store = made.store(tmp_path)
    for fix in fixes(20, set_s=-1.0, leap=1):
        store.put_fix(fix)
    for i in range(1, 96):
        store.put_reading(reading(i))
    store.writer.flush()
    found = {}
    for name, begin, end in (("over", 12, 30), ("after", 40, 60)):
        window = StoredWindow("w", "n", "wall", "1", {}, "closing", BOOT, S, None, None)
        request = {"begin_unix_ns": EPOCH + begin * S - S * (begin >= 20), "end_unix_ns": EPOCH + end * S - S,
                   "clock": None, "boot_id": BOOT, "requested_boottime_ns": 90 * S}  # fmt: skip
        found[name] = document(store, replace(window, request=request), 90 * S, drivers.specification)
    assert "leap-second: a leap second was inserted in UTC" in found["over"]["reasons"]
    assert not [r for r in found["after"]["reasons"] if "leap" in r or "clock" in r]
    assert found["after"]["utc"] == {"sources": ["chrony"], "bound_s": 0.002}
    store.close()


def test_the_watch_tells_events_once_and_who_keeps_the_clock() -> None:
    rows = iter(fixes(set_s=4.0))
    states = iter([SourceState("chrony", "x", True, 0, 0.001), None, None])
    kept: list[ClockFix] = []
    told: list[ClockEvent] = []
    watch = ClockWatch(
        BOOT,
        kept.append,
        lambda at, event: told.append(event),
        lambda: next(states),
        lambda boot, source: next(rows),
    )
    watch.ask()
    for _ in range(8):
        watch.take()
    watch.ask()
    watch.ask()
    assert [str(event) for event in told] == [
        "clock-step: the system clock was set by +4.000 s",
        "clock-source: chrony before, nobody keeps the clock now",
    ]
    assert len(kept) == 8
    assert watch.last is kept[-1]


def test_a_real_fix_knows_sleep_and_the_clock_that_nobody_slews() -> None:
    """As far as this kernel has such clocks; two looks in a row show nothing."""
    first = take_fix(boot_id(), SourceState("chrony", "x", True, 0, 0.001))
    second = take_fix(boot_id())
    assert (first.source, second.source) == ("chrony", "system")
    assert first.utc_bound_ns is not None
    assert first.asleep_ns is not None
    assert first.raw_ns is not None
    assert names([first, second]) == []

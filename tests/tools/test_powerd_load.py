"""The bench of powerd's load measures real programs, and says which bar is missed."""

from __future__ import annotations

from dataclasses import replace

from tools.bench.blame import Row, Stamps, bad
from tools.bench.powerd_load import Figures, Load, measure


def test_two_meters_for_a_moment() -> None:
    found = measure(Load(1, 1), 2.0, settle_s=0.5)
    assert found.samples > 10
    assert found.wakeups_per_s > 1
    assert 0 < found.cpu_share < 1
    assert 20e6 < found.rss_bytes < 300e6
    assert str(found).startswith("1 at 1 Hz + 1 at 10 Hz ")


def test_bars_that_are_missed_are_named() -> None:
    fine = Figures(Load(1, 0), 0.006, 0.01, 0.01, 40, 66_000_000, 60, 60, 0, {})
    assert fine.misses() == []
    assert replace(fine, cpu_share=0.012).misses() == ["one meter needs 1.20% of a core"]
    assert replace(fine, rss_bytes=90_000_000).misses() == ["one meter needs 90 MB"]
    assert replace(fine, lost=1, bad={"late": 2}).misses() == ["1 at 1 Hz: 1 samples lost, 2 not good"]
    assert replace(fine, load=Load(20, 4), cpu_share=0.2).misses() == []


def test_what_the_emulated_meters_spoilt_themselves_is_not_held_against_powerd() -> None:
    fine = Figures(Load(20, 4), 0.2, 0.01, 0.4, 40, 66_000_000, 600, 600, 0, {"late": 3}, own=3)
    assert fine.misses() == []
    assert fine.is_decided
    assert replace(fine, own=2).misses() == ["20 at 1 Hz + 4 at 10 Hz: 0 samples lost, 1 not good"]
    assert not replace(fine, bad={"late": 9}, own=9).is_decided


MS = 1_000_000


def exchanges(count: int) -> tuple[list[Row], list[int], list[tuple[int, int]]]:
    """A meter at 10 Hz: asked 20 ms after the answer before, which ends 80 ms into its second tenth; nobody is late."""
    rows, heard, said = [], [], []
    for n in range(count):
        at = n * 100 * MS
        rows.append(Row(n + 1, at + 20 * MS, at + 60 * MS, at + 95 * MS, "good"))
        heard.append(at + 20 * MS)
        said.append((at + 59 * MS, 1 * MS))
    return rows, heard, said


def late(rows: list[Row], at: int, **stamps: int) -> None:
    """The exchange at this place came later than it should, and an update before it was missed."""
    moved = replace(rows[at], **stamps)
    rows[at : at + 1] = [replace(moved, quality="late"), moved]


def test_a_meter_that_hears_or_speaks_late_spoils_its_own_sample() -> None:
    rows, heard, said = exchanges(9)
    late(rows, 4, first_ns=rows[4].first_ns + 90 * MS, last_ns=rows[4].last_ns + 90 * MS)
    said[4] = (said[4][0] + 90 * MS, 91 * MS)
    (found,) = bad("m0", rows, Stamps(heard, said))
    assert (found.by_meter, found.qualities) == (True, ("late",))
    assert (found.meter_ns, found.daemon_ns) == (91 * MS, 0)
    rows, heard, said = exchanges(9)
    late(rows, 4, first_ns=rows[4].first_ns + 90 * MS, last_ns=rows[4].last_ns + 90 * MS)
    heard[4] += 90 * MS
    said[4] = (said[4][0] + 90 * MS, 1 * MS)
    (found,) = bad("m0", rows, Stamps(heard, said))
    assert (found.by_meter, found.meter_ns) == (True, 91 * MS)


def test_a_daemon_that_asks_or_notices_late_is_to_blame_and_so_it_is_when_nothing_tells() -> None:
    rows, heard, said = exchanges(9)
    asked = rows[4].request_ns + 90 * MS
    late(rows, 4, request_ns=asked, first_ns=asked + 40 * MS, last_ns=asked + 75 * MS)
    heard[4], said[4] = asked, (asked + 39 * MS, 1 * MS)
    (found,) = bad("m0", rows, Stamps(heard, said))
    assert (found.by_meter, found.daemon_ns, found.meter_ns) == (False, 90 * MS, 1 * MS)
    rows, heard, said = exchanges(9)
    late(rows, 4, first_ns=rows[4].first_ns + 70 * MS)
    (found,) = bad("m0", rows, Stamps(heard, said))
    assert (found.by_meter, found.daemon_ns) == (False, 70 * MS)
    rows, _, _ = exchanges(9)
    late(rows, 4)
    (found,) = bad("m0", rows, Stamps([], []))
    assert not found.by_meter

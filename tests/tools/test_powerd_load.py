"""The bench of powerd's load measures real programs, and says which bar is missed."""

from __future__ import annotations

from dataclasses import replace

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

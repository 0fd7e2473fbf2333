"""Samples of several channels, their sum and the figures of a run, from readings with known values."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from powerd.model import Quality, Reading
from powerd.protocols.ptd_log import sample_text
from powerd.protocols.samples import Aligner, Run, Sample, mean
from schemas.metrology import series
from tests.powerd.made import EPOCH, S, reading

SPEC = series("yokogawa-wt300")["WT310E"]


def channel(
    name: str, end_s: float, watts: float, volts: float, amps: float, factor: float, meter: str = "wall"
) -> Reading:
    made = reading(end_s, watts, meter=meter)
    values = replace(
        made.values, channel=name, voltage_v=volts, current_a=amps, power_factor=factor, current_range_a=5.0
    )
    return replace(made, values=values)


THREE = [
    ("1", 783.0, 238.2, 3.462, 0.9494),
    ("2", 782.7, 238.1, 3.4, 0.9668),
    ("3", 779.6, 237.95, 3.377, 0.9702),
]


def three(end_s: float, places: int = 3) -> list[Sample]:
    aligner = Aligner([("wall", n) for n, *_ in THREE], {"wall": SPEC}, True)
    return [s for n, *v in THREE[:places] for s in aligner.put(channel(n, end_s, *v))]


def test_the_sum_goes_first_watts_added_volts_and_amperes_averaged() -> None:
    """The published line of a WT330: 2345.3 W, 238.083333 V, 3.413 A, PF near 0.9626."""
    (sample,) = three(1.0)
    total = sample.groups[0]
    assert total.watts == pytest.approx(2345.3)
    assert (total.volts, total.amps) == (pytest.approx(238.083333), pytest.approx(3.413))
    assert total.power_factor == pytest.approx(0.9626, abs=3e-4)
    assert sample.groups[1].watts == 783.0


def test_a_line_over_the_socket_has_no_names_and_one_in_the_file_has() -> None:
    (sample,) = three(1.0)
    plain = sample_text(EPOCH, sample.groups)
    assert plain.startswith(
        "Time,11-14-2023 22:13:20.000,Watts,2345.300000,Volts,238.083333,Amps,3.413000,PF,0.96"
    )
    assert plain.count("Watts") == 4
    assert "Ch" not in plain
    named = sample_text(EPOCH, sample.groups, "notset", ["1", "2", "3"])
    assert ",Mark,notset,Ch1,Watts,783.000000,Volts,238.200000," in named
    assert ",Ch3,Watts,779.600000," in named


def test_a_channel_that_stays_away_makes_the_sample_an_error() -> None:
    assert three(1.0, places=2) == []
    aligner = Aligner([("wall", "1"), ("wall", "2")], {"wall": SPEC}, True)
    done = [s for end in (1, 2, 3, 4) for s in aligner.put(channel("1", end, 10, 230, 1, 1))]
    assert [s.end_ns for s in done] == [S, 2 * S]
    assert all(math.isnan(s.groups[0].watts) and s.uncertainty is None for s in done)
    assert done[0].groups[1].watts == 10


def test_meters_of_one_instrument_are_put_together_by_time() -> None:
    aligner = Aligner([("a", "1"), ("b", "1")], {"a": SPEC, "b": SPEC}, True)
    rows = [
        channel("1", at, watts, 230, 1, 1, meter)
        for at, watts, meter in [
            (1.0, 10, "a"),
            (1.3, 20, "b"),
            (2.0, 11, "a"),
            (2.3, 21, "b"),
            (3.0, 12, "a"),
        ]
    ]
    done = [s for row in rows for s in aligner.put(row)]
    assert [[g.watts for g in s.groups] for s in done] == [[30, 10, 20], [32, 11, 21]]


def test_readings_of_other_meters_and_channels_are_not_ours() -> None:
    aligner = Aligner([("wall", "1")], {"wall": SPEC}, True)
    assert aligner.put(channel("2", 1, 10, 230, 1, 1)) == []
    assert aligner.put(channel("1", 1, 10, 230, 1, 1, "other")) == []


def sample(watts: float, uncertainty: float | None = None, end_s: int = 1) -> Sample:
    (made,) = Aligner([("wall", "1")], {"wall": None}, False).put(channel("1", end_s, watts, 230, 1, 1))
    return replace(made, uncertainty=uncertainty)


def test_counts_of_watts_and_uncertainty_add_up() -> None:
    run = Run(1)
    lost = reading(1, None, Quality.NODATA)
    for made in (sample(20, 0.02), sample(40, 0.004), sample(30)):
        run.add(made)
    for made in Aligner([("wall", "1")], {"wall": SPEC}, True).put(lost):
        run.add(made)
    assert run.watts_text == "30.000000,20.000000,40.000000,4,1,3"
    assert run.uncertainty_text == "0.012000,0.004000,0.020000,4,1,1,2"


def test_nothing_known_reads_as_in_the_logs() -> None:
    run = Run(1)
    for _ in range(832):
        run.add(sample(100))
    assert run.uncertainty_text == "-1.0,10000000.000000,0.000000,832,0,0,832"


def test_samples_are_handed_out_once() -> None:
    run = Run(1)
    run.add(sample(1))
    count, rows = run.unread()
    assert (count, [groups[0].watts for _, groups in rows]) == (1, [1])
    assert run.unread()[0] == 0
    run.add(sample(2, end_s=2))
    run.add(sample(3, end_s=3))
    count, rows = run.unread()
    assert [(at // S, groups[0].watts) for at, groups in rows] == [(2, 2), (3, 3)]


def test_the_uncertainty_is_that_of_the_specification() -> None:
    """100 W at 230 V on 300 V and 1 A: 0.1 % of the reading and 0.05 % of 300 VA; self-heating adds a little."""
    (made,) = Aligner([("wall", "1")], {"wall": SPEC}, True).put(reading(1))
    assert made.uncertainty == pytest.approx(0.001 + 0.0005 * 300 / 100, rel=0.03)


def test_several_updates_make_one_sample() -> None:
    whole = mean([sample(10, 0.01, 1), sample(30, 0.03, 2)])
    assert (whole.end_ns, whole.groups[0].watts, whole.uncertainty) == (2 * S, 20, 0.02)
    assert math.isnan(mean([sample(10), sample(math.nan, end_s=2)]).groups[0].watts)


def test_a_run_of_ten_hours_stays_small() -> None:
    run = Run(4)
    (made,) = three(1.0)
    for _ in range(36_000):
        run.add(made)
    held = run._numbers.buffer_info()[1] * 8 + run._ends.buffer_info()[1] * 8
    assert held == 36_000 * (4 * 4 + 1) * 8

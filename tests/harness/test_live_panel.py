"""What the panel and the plain line say of planted facts, at several sizes of terminal."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from harness.live.charts import bar, chart
from harness.live.panel import LOG_LINES, MARGIN, panel
from harness.live.plain import line
from harness.live.state import Clock, Count, Energy, Machine, Power, RunRow, Snapshot
from harness.live.text import duration, offset, quantity, rough, watts, with_bound

COUNT = Count(
    loaded=1024,
    completed=22_734,
    wanted=None,
    elapsed_s=258.4,
    left_s=341.6,
    rate_per_s=88.13,
    mean_per_s=87.98,
    trace_per_s=tuple(80.0 + i % 9 for i in range(300)),
)
POWER = Power(
    meter="wall",
    title="YOKOGAWA WT310E C3SB04018E",
    simulated=True,
    power_w=52.31,
    voltage_v=230.1,
    current_a=0.3055,
    power_factor=0.744,
    frequency_hz=50.0,
    ranges="300 V, 0.5 A",
    quality="good",
    trace_w=tuple(48.0 + i % 7 for i in range(300)),
    energy=Energy(13_420.0, 0.99871, 259.0, 0.5903, 51.94),
    clock=Clock(-0.000123, 0.000081, 260.0),
)
SNAPSHOT = Snapshot(
    benchmark="resnet50",
    scenario="SingleStream",
    part="1 of 3",
    rows=(
        RunRow("calibration", "done", "88.10 samples/s", 3.0),
        RunRow("ranging", "done", "11.32 ms  591.2 mJ/stream  52.08 W", 603.0),
        RunRow("performance (testing)", "running"),
        RunRow("accuracy", "waiting"),
        RunRow("TEST01", "waiting"),
        RunRow("TEST04", "waiting"),
        RunRow("TEST05", "waiting"),
    ),
    label="performance (testing)",
    number=2,
    now="running",
    running=True,
    count=COUNT,
    unit="stream",
    power=POWER,
    machine=Machine(0.97, 2.9e9, 64.0, 0.31),
    elapsed_s=870.0,
    plan_left_s=2280.0,
    plan_left_whole=True,
)
FACTS = (
    *(
        "resnet50 SingleStream (1 of 3)",
        "run 2 of 6",
        "performance (testing)",
        "ranging",
        "11.32 ms",
        "591.2 mJ/stream",
    ),
    *("52.08 W", "10:03", "TEST05", "waiting", "43 %", "4:18 gone, 5:41 left", "22,734", "88.13/s now"),
    *("87.98/s in the mean", "52.31 W", "230.1 V", "305.5 mA", "PF 0.744", "good", "simulated", "13.42 kJ"),
    *("590.3 mJ per stream", "mean 51.94 W", "coverage 0.9987", "-0.123 ms ± 0.081 ms", "compared 4:20 ago"),
    *("CPU 97 %", "2.90 GHz", "64 °C", "14:30 since the beginning", "done in about 38 min"),
)
SIZES = ((80, 24), (200, 60), (100, 30), (120, 50))


def drawn(snapshot: Snapshot, width: int, height: int) -> list[str]:
    """The lines that a terminal of this size is given, without colours."""
    out = io.StringIO()
    Console(file=out, width=width, height=height, color_system=None).print(panel(snapshot, width, height))
    return out.getvalue().splitlines()


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_every_fact_is_on_the_panel(width: int, height: int) -> None:
    lines = drawn(SNAPSHOT, width, height)
    text = "\n".join(lines)
    assert [fact for fact in FACTS if fact not in text] == []
    assert sum(x.count("█") for x in lines) > 5, "a graph of 49 to 54 W"
    assert "…" not in text


@pytest.mark.parametrize(("width", "height"), [*SIZES, (160, 24), (60, 16), (40, 10), (24, 7), (10, 3)])
def test_never_wider_nor_higher_than_the_terminal(width: int, height: int) -> None:
    lost = replace(POWER, problem="powerd does not answer", alarms=("garbled: " + "x" * 300,))
    for snapshot in (SNAPSHOT, replace(SNAPSHOT, power=lost), replace(SNAPSHOT, power=None)):
        lines = drawn(snapshot, width, height)
        assert max(map(len, lines)) <= max(width, 20) - (MARGIN if width > 22 else 0)
        assert len(lines) <= max(3, height - LOG_LINES)


def test_wide_terminal_has_power_beside_the_run_and_a_taller_graph() -> None:
    lines = drawn(SNAPSHOT, 200, 60)
    assert any("calibration" in x and "YOKOGAWA WT310E C3SB04018E" in x for x in lines)
    assert sum("█" in x for x in lines) >= 8
    assert sum("█" in x for x in drawn(SNAPSHOT, 80, 24)) == 1


def test_the_time_matters_most_when_there_is_little_room() -> None:
    lines = drawn(SNAPSHOT, 80, 10)
    text = "\n".join(lines)
    assert "5:41 left" in text
    assert "22,734" in text
    assert "machine" not in text


def test_a_daemon_that_does_not_answer_is_said_above_what_was_heard_last() -> None:
    silent = replace(POWER, problem="powerd does not answer")
    text = "\n".join(drawn(replace(SNAPSHOT, power=silent), 80, 24))
    assert "alarm    powerd does not answer" in text
    assert "the last that was heard" in text
    assert "good" not in text


def test_words_from_outside_cannot_be_markup() -> None:
    text = "\n".join(
        drawn(replace(SNAPSHOT, power=replace(POWER, alarms=("error: [red]x[/] [link",))), 100, 30)
    )
    assert "error: [red]x[/] [link" in text


def test_what_goes_on_when_nothing_is_counted_and_what_is_not_known() -> None:
    begun = replace(SNAPSHOT, running=False, now="loading the model, warming up", plan_left_whole=False)
    text = "\n".join(drawn(begun, 80, 24))
    assert "now      loading the model, warming up" in text
    assert "left" not in text
    assert "all runs done in at least 38 min" in text


def test_plain_line_has_the_same_facts() -> None:
    assert line(SNAPSHOT) == (
        "SingleStream performance (testing) (2 of 6): 258 s, 342 s left, 22734 samples (88.13/s), 52.31 W, "
        "590.3 mJ per stream so far, coverage 0.9987"
    )
    assert line(replace(SNAPSHOT, power=None)).endswith("342 s left, 22734 samples (88.13/s)")
    silent = replace(POWER, problem="powerd does not answer")
    assert line(replace(SNAPSHOT, power=silent)).endswith("samples (88.13/s), powerd does not answer")


def test_graph_keeps_small_changes_small() -> None:
    assert chart([1.0, 2.0, 3.0], 10) == ["▁▅█"]
    assert set("".join(chart([50.0, 50.01, 49.99], 10))) <= set("▄▅")
    assert chart([0.0, 1.0], 10, 2) == [" █", "▁█"]
    assert chart([], 10, 3) == ["", "", ""]
    assert bar(0.25, 8) == ("━━", "──────")


def test_numbers_as_text() -> None:
    assert [quantity(x, "J") for x in (0.5903, 13_420.0, 5.0, 0.0, None, 2e-9)] == [
        *("590.3 mJ", "13.42 kJ", "5.000 J", "0.000 J", "-- J", "0.002 µJ")
    ]
    assert [duration(x) for x in (7.9, 258, 3723)] == ["0:07", "4:18", "1:02:03"]
    assert [rough(x) for x in (1, 62, 89, 1320, 5100)] == ["5 s", "60 s", "90 s", "22 min", "1 h 25 min"]
    assert [watts(x) for x in (5.1234, 52.31, 1234.5)] == ["5.123 W", "52.31 W", "1234.5 W"]
    assert [offset(x) for x in (-0.000123, 3.5)] == ["-0.123 ms", "+3.500 s"]


@pytest.mark.parametrize(
    ("value_j", "u95_j", "said"),
    [
        (28.63, 0.2912, "28.63 J ± 0.29 J (u95)"),
        (0.5903, 0.00712, "590.3 mJ ± 7.1 mJ (u95)"),
        (0.5903, 0.1204, "590.3 mJ ± 120 mJ (u95)"),
        (13_420.0, 99.6, "13.42 kJ ± 0.1 kJ (u95)"),
        (4.2e-5, 9.96e-5, "42 µJ ± 100 µJ (u95)"),
        (0.0, 0.0, "0 J ± 0 J (u95)"),
    ],
)
def test_an_energy_and_its_bound_have_the_unit_that_fits_the_energy(
    value_j: float, u95_j: float, said: str
) -> None:
    assert with_bound(value_j, u95_j, "J") == said

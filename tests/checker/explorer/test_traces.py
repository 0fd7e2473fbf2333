"""Power over time: gaps, bad samples, and what is kept where there are too many points."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from checker.cli import main
from checker.explorer.book import volume
from checker.explorer.traces import BARS, Point, Trace, decimated, gaps, sparkline
from checker.options import Options
from tests.checker import trees


def trace(points: list[Point], window_s: float = 60.0) -> Trace:
    return Trace("testing", "spl.txt", 0, window_s, tuple(points), gaps(points, window_s), len(points))


def test_a_gap_is_a_stretch_without_good_sample() -> None:
    points = [Point(float(s), 10.0, s + 1, True) for s in range(-5, 70) if not 20 <= s < 26]
    assert trace(points).gaps == ((19.0, 26.0),)


def test_a_bad_sample_leaves_a_gap_of_its_own() -> None:
    points = [Point(float(s), 10.0, s + 6, s != 30) for s in range(-5, 70)]
    assert trace(points).gaps == ((29.0, 31.0),)


def test_missing_ends_are_gaps() -> None:
    points = [Point(float(s), 10.0, s, True) for s in range(10, 41)]
    assert trace(points).gaps == ((0.0, 10.0), (40.0, 60.0))


def test_a_window_without_samples_is_one_gap() -> None:
    assert gaps([Point(3.0, None, 1, False)], 60.0) == ((0.0, 60.0),)


def test_peaks_and_losses_survive_decimation() -> None:
    points = [Point(float(s), 10.0, s, True) for s in range(10_000)]
    points[4321] = Point(4321.0, 99.0, 4321, True)
    points[77] = Point(77.0, -1.0, 77, False)
    small = decimated(trace(points, 10_000.0), 200)
    assert len(small.points) <= 204
    assert small.decimated
    assert small.samples == 10_000
    assert {points[4321], points[77], points[0], points[-1]} <= set(small.points)


def test_a_sparkline_shows_the_step_and_the_hole() -> None:
    points = [Point(s + 0.5, 5.0 if s < 30 else 10.0, s, not 40 <= s < 50) for s in range(60)]
    assert sparkline(trace(points), 6) == "▅▅▅█ █"


def test_traces_of_a_tree(tmp_path: Path) -> None:
    tree = trees.build(tmp_path / "tree")
    spl = tree.run() / "spl.txt"
    lines = spl.read_text().splitlines()
    lines[8] = lines[8].replace("Watts,12.5", "Watts,-12.5")
    spl.write_text("\n".join(lines) + "\n")
    found = volume(tree.root, Options())
    single = next(r for r in found.rows if r.scenario == "SingleStream")
    ranging, testing = found.traces[single.path]
    assert (ranging.phase, testing.phase, testing.window_s) == ("ranging", "testing", trees.WINDOW_S)
    assert [p.line for p in testing.points if not p.good] == [9]


def test_the_table_in_a_terminal_shows_power_where_there_is_room(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = trees.build(tmp_path / "tree")
    assert main(["summary", str(tree.root)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {"per joule", "power over time"} <= set(re.split(r" {2,}", lines[0].strip()))
    (row,) = [line for line in lines if "SingleStream" in line]
    assert "Samples/J" in row
    assert re.search(f"[{BARS} ]{{20,24}}", row)

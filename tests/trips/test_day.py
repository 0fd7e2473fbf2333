"""A day of samples, windows, fixes and retention in a minute: nothing is lost, and memory stays as it was."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from tests.trips.day import WATTS, WINDOW_S

SETTLED_HOUR = 3
"""By then every ring, history and page cache is full."""
MOST_GROWTH_BYTES = 2_000_000


def day(folder: Path, hours: float) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    command = [sys.executable, "-m", "tests.trips.day", str(folder), str(hours)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr[-2000:]
    *rows, end = map(json.loads, found.stdout.splitlines())
    seconds = hours * 3600
    assert seconds - 5 <= end["tally"] <= seconds + 5
    assert end["bad"] <= 1  # the update in which the range was set
    for energy_j, u95_j, coverage, reasons in end["windows"]:
        assert abs(energy_j - WATTS * WINDOW_S) <= u95_j
        assert (coverage, reasons) == (1.0, [])
    assert {row["lost"] for row in rows} <= {0}
    return rows, end


def test_twenty_minutes(tmp_path: Path) -> None:
    _, end = day(tmp_path, 0.34)
    assert len(end["windows"]) == 1


@pytest.mark.proof
def test_a_day_keeps_its_memory_flat(tmp_path: Path) -> None:
    rows, end = day(tmp_path, 24)
    assert len(rows) == len(end["windows"]) == 24
    curve = [row["rss_bytes"] for row in rows]
    early, late = fmean(curve[SETTLED_HOUR : SETTLED_HOUR + 3]), fmean(curve[-3:])
    print("MB by hour: " + " ".join(f"{b / 1e6:.1f}" for b in curve))
    print(f"{end['tally']} samples, {(late - early) / 1e3:+.0f} kB since hour {SETTLED_HOUR}")
    assert late - early < MOST_GROWTH_BYTES

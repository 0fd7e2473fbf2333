"""A disk without room for the logs: refused before a run, and told after one that filled it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness import room
from harness.model import Fixture

Program = Callable[..., tuple[int, str, str]]


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of 300 kB."""
    place = tmp_path / "disk"
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(words, check=False, capture_output=True).returncode != 0:
        pytest.skip("only root can make a small disk, and not in every container")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def words(fixture: Fixture, tree: Path) -> list[str]:
    line = "-q run resnet50 --scenario Offline --rehearsal 0.3 --threads 1 --target-qps 300"
    return [*line.split(), "--fixture", str(fixture.path), "--output", str(tree)]


def test_logs_that_will_not_fit_are_refused_before_anything_runs(
    fixture: Fixture, small: Path, program: Program
) -> None:
    code, out, err = program(*words(fixture, small / "tree"))
    assert (code, out) == (2, "")
    wanted = (
        f"the logs need 4.0 MB and {small} has 0.3 MB free; free some, or choose an --output on another disk"
    )
    assert err == f"mlharness: {wanted}\n"
    assert list(small.iterdir()) == []


@pytest.mark.parametrize("left", [0, 4096, 20_000])
def test_a_disk_that_fills_in_a_run_leaves_no_half_result(
    fixture: Fixture, small: Path, program: Program, monkeypatch: pytest.MonkeyPatch, left: int
) -> None:
    """Whichever file is the one that does not fit any more."""
    monkeypatch.setattr(room, "bytes_needed", lambda plan: 0)
    (small / "other").write_bytes(bytes(300 * 1024 - left))
    code, out, err = program(*words(fixture, small / "tree"))
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert "free" in err
    assert not (small / "tree").exists()

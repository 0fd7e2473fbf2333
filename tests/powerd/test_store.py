"""The store: nothing changed, nothing lost, one owner, and a full disk is a state and not a death."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from powerd.errors import NotThere, Refused
from powerd.model import Quality
from powerd.store import Store, StoredWindow, StoreFailed
from tests.powerd.made import BOOT, INFO, S, exchange, fix, reading, store


def window(ident: str = "w", **changes: str) -> StoredWindow:
    values = {"name": "n", "meter": "wall", "channel": "1", "state": "open"} | changes
    return StoredWindow(
        ident,
        values["name"],
        values["meter"],
        values["channel"],
        {"a": "b"},
        values["state"],
        BOOT,
        5,
        None,
        None,
    )


def test_what_is_put_comes_back_as_it_was(tmp_path: Path) -> None:
    made = store(tmp_path)
    readings = [reading(1.0), reading(2.0, None, Quality.NODATA), reading(3.5, -1.0, Quality.NEGATIVE)]
    for item in readings:
        made.put_reading(item)
    made.put_exchange(exchange(1, 2))
    made.put_event(7, "connected", "wall", "hello")
    made.writer.flush()
    assert [r.reading for r in made.readings("wall", "1", BOOT, 0, 10 * S)] == readings
    assert [r.reading.end_ns for r in made.readings("wall", "1", BOOT, S + 1, 3 * S)] == [2 * S]
    assert [e for _, e in made.exchanges("sut")] == [exchange(1, 2)]
    assert made.events()[-1]["message"] == "hello"
    assert made.meter_history("wall")[0][2] == INFO
    assert made.last_sequence("wall") == 35
    made.close()


def test_fixes_come_with_the_nearest_on_either_side(tmp_path: Path) -> None:
    made = store(tmp_path)
    for at in (2.0, 4.0, 6.0, 8.0):
        made.put_fix(fix(at))
    made.writer.flush()
    assert [f.boottime_ns // S for _, f in made.fixes(BOOT, 5 * S, 5 * S)] == [4, 6]
    assert [f.boottime_ns // S for _, f in made.fixes(BOOT, 3 * S, 7 * S)] == [2, 4, 6, 8]
    made.close()


def test_readings_are_durable_within_half_a_second_without_anybody_asking(tmp_path: Path) -> None:
    made = store(tmp_path)
    made.put_reading(reading(1.0))
    deadline = time.monotonic() + 1.0
    with sqlite3.connect(tmp_path / "powerd.sqlite") as other:
        while not other.execute("SELECT count(*) FROM readings").fetchone()[0]:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    made.close()


def test_a_second_daemon_on_the_same_directory_is_refused(tmp_path: Path) -> None:
    made = store(tmp_path)
    with pytest.raises(Refused, match=rf"another powerd \(process {os.getpid()}\)"):
        Store(tmp_path, BOOT)
    made.close()
    Store(tmp_path, BOOT).close()


def test_a_directory_that_cannot_be_and_a_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(NotThere, match="cannot be used"):
        Store(tmp_path / "file" / "data", BOOT)
    (tmp_path / "powerd.sqlite").write_text("this is no database, it is a text of some length" * 50)
    with pytest.raises(NotThere, match="cannot be opened as a database"):
        Store(tmp_path, BOOT)


def test_one_open_window_per_channel(tmp_path: Path) -> None:
    made = store(tmp_path)
    made.add_window(window("a"))
    with pytest.raises(sqlite3.IntegrityError):
        made.add_window(window("b"))
    made.add_window(window("c", channel="2"))
    made.update_window("a", "closing", {"begin_unix_ns": 1}, None)
    made.add_window(window("b"))
    assert [w.ident for w in made.windows_in("open")] == ["c", "b"]
    made.close()


def test_a_closed_window_is_never_changed_again(tmp_path: Path) -> None:
    made = store(tmp_path)
    made.add_window(window("a"))
    made.update_window("a", "closed", {"x": 1}, "the document")
    with pytest.raises(sqlite3.IntegrityError):
        made.update_window("a", "closed", {"x": 2}, "another")
    found = made.window("a")
    assert found is not None
    assert (found.state, found.document, found.request) == ("closed", "the document", {"x": 1})
    made.close()


def test_a_full_disk_is_a_state_and_everything_is_there_afterwards(tmp_path: Path) -> None:
    made = store(tmp_path)
    made.writer.limit_pages(2)
    for i in range(400):
        made.put_reading(reading(i, raw=b"x" * 200))
    with pytest.raises(StoreFailed, match="free disk space"):
        made.writer.flush()
    assert made.state.error is not None
    assert made.state.waiting >= 400
    made.writer.limit_pages(0)
    deadline = time.monotonic() + 5
    while made.state.error is not None and time.monotonic() < deadline:
        time.sleep(0.05)
    made.writer.flush()
    assert made.state.error is None
    assert [r.reading.end_ns // S for r in made.readings("wall", "1", BOOT, 0, 999 * S)] == list(range(400))
    made.close()


CHILD = """
import sys, time
from pathlib import Path
from tests.powerd.made import reading, store
made = store(Path(sys.argv[1]))
for i in range(100000):
    made.put_reading(reading(i))
    print(i, time.monotonic_ns(), flush=True)
    time.sleep(0.002)
"""


def test_after_sigkill_nothing_older_than_a_second_is_missing(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    child.stdout.readline()  # a busy machine starts late
    time.sleep(2.0)
    child.send_signal(signal.SIGKILL)
    killed_ns = time.monotonic_ns()
    put = [tuple(map(int, line.split())) for line in child.stdout.read().splitlines() if line.count(" ") == 1]
    child.wait()
    made = Store(tmp_path, BOOT)
    kept = [r.reading.end_ns // S for r in made.readings("wall", "1", BOOT, 0, 1 << 62)]
    made.close()
    assert kept == list(range(len(kept)))
    old_enough = [i for i, at in put if at < killed_ns - S]
    assert len(old_enough) > 100
    assert kept[-1] >= old_enough[-1]

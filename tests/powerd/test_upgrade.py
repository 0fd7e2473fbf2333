"""A store of an older powerd is brought up with everything in it; one of a newer is left alone."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from powerd import retention
from powerd.errors import PowerdError
from powerd.store import Store, upgrades
from powerd.store.tables import VERSION
from tests.powerd import made
from tests.powerd.made import BOOT, EPOCH, S, fix, reading

OLD = Path(__file__).with_name("store_v1.sql")


def old_store(folder: Path, count: int = 100) -> Path:
    """As powerd 0.1.0 left it: a closed window, readings with their raw answers, fixes."""
    folder.mkdir(exist_ok=True)
    path = folder / "powerd.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript("PRAGMA journal_mode=WAL;" + OLD.read_text())
    connection.execute("INSERT INTO boots VALUES (?, ?)", (BOOT, EPOCH))
    connection.execute("INSERT INTO runs(boot_id, started_ns, version) VALUES (?, 0, '0.1.0')", (BOOT,))
    for i in range(1, count + 1):
        row = reading(i)
        connection.execute(
            "INSERT INTO readings VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (None, 1, "wall", "1", i, BOOT, i * S, i * S, i * S, i * S, 0, S, row.values.power_w, 230.0, 0.4, 1.0, 50.0,
             300.0, 1.0, 3, "good", 0, b"raw\n"),
        )  # fmt: skip
    for i in range(0, count, 5):
        connection.execute(
            "INSERT INTO fixes VALUES (?,1,?,?,?,0,'system')", (None, BOOT, i * S, EPOCH + i * S)
        )
    body = {"begin_unix_ns": EPOCH + 10 * S, "end_unix_ns": EPOCH + 20 * S}
    request = json.dumps({**body, "clock": None, "boot_id": BOOT, "requested_boottime_ns": 20 * S})
    connection.execute(
        "INSERT INTO windows VALUES ('w','n','wall','1','{}','closed',?,?,?,?)",
        (BOOT, 9 * S, request, json.dumps(body)),
    )
    connection.commit()
    connection.close()
    return path


def test_everything_of_version_1_is_there_afterwards(tmp_path: Path) -> None:
    old_store(tmp_path)
    store = Store(tmp_path, BOOT)
    rows = [row.reading for row in store.readings("wall", "1", BOOT, 0, 1 << 62)]
    assert [(r.sequence, r.raw, r.values.power_w) for r in rows] == [
        (i, b"raw\n", 100.0) for i in range(1, 101)
    ]
    assert rows[0].values.integrator_j is None
    old = store.fixes(BOOT, 0, 0)[0][1]
    assert (old.source, old.utc_bound_ns, old.asleep_ns, old.raw_ns, old.leap) == (
        "system",
        None,
        None,
        None,
        0,
    )
    new = replace(fix(200), source="chrony", utc_bound_ns=7, asleep_ns=8, raw_ns=9, leap=-1)
    store.put_fix(new)
    store.writer.flush()
    assert store.fixes(BOOT, 200 * S, 200 * S)[-1][1] == new
    window = store.window("w")
    assert window is not None
    assert window.state == "closed"
    store.put_reading(reading(101))
    store.put_fix(fix(101))
    store.writer.flush()
    store.close()
    again = sqlite3.connect(tmp_path / "powerd.sqlite")
    assert again.execute("PRAGMA user_version").fetchone() == (VERSION,)
    assert again.execute("PRAGMA auto_vacuum").fetchone() == (2,)
    assert again.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert again.execute("SELECT count(*) FROM readings").fetchone() == (101,)
    again.close()


def test_an_old_and_a_new_store_have_the_same_tables(tmp_path: Path) -> None:
    old_store(tmp_path / "old")
    Store(tmp_path / "old", BOOT).close()
    Store(tmp_path / "new", BOOT).close()

    def columns(folder: Path) -> dict[str, list[str]]:
        connection = sqlite3.connect(folder / "powerd.sqlite")
        names = [
            r[0]
            for r in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        ]
        found = {n: [r[1:3] for r in connection.execute(f"PRAGMA table_info({n})")] for n in names}
        connection.close()
        return found  # type: ignore[return-value]

    assert columns(tmp_path / "old") == columns(tmp_path / "new")


def test_a_step_that_breaks_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = old_store(tmp_path)

    def broken(connection: sqlite3.Connection) -> None:
        connection.execute("ALTER TABLE readings ADD COLUMN half REAL")
        raise sqlite3.OperationalError("disk full")

    monkeypatch.setattr(upgrades, "STEPS", {1: broken})
    with pytest.raises(PowerdError, match="disk full"):
        Store(tmp_path, BOOT)
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    assert "half" not in [r[1] for r in connection.execute("PRAGMA table_info(readings)")]
    connection.close()
    monkeypatch.undo()
    Store(tmp_path, BOOT).close()


def test_a_store_of_a_newer_powerd_is_refused(tmp_path: Path) -> None:
    Store(tmp_path, BOOT).close()
    connection = sqlite3.connect(tmp_path / "powerd.sqlite")
    connection.execute(f"PRAGMA user_version={VERSION + 1}")
    connection.close()
    with pytest.raises(PowerdError, match="update powerd"):
        Store(tmp_path, BOOT)


def test_the_file_shrinks_when_old_samples_go(tmp_path: Path) -> None:
    store = made.store(tmp_path)
    for second in range(1, 20_001):
        store.put_reading(reading(second, raw=b"x" * 100))
    for second in range(0, 20_001, 5):
        store.put_fix(fix(second))
    store.writer.flush()
    retention.sweep(store, EPOCH + 19_000 * S)
    while store.vacuum(keep_pages=0):
        pass
    assert 31 * 2 <= len(store.fixes(BOOT, 0, 19_000 * S)) <= 32 * 2 + 4  # two of every ten minutes
    store.close()
    full = 20_000 * 250  # a reading weighs more than that
    assert (tmp_path / "powerd.sqlite").stat().st_size < full / 5
    again = Store(tmp_path, BOOT)
    assert len(again.readings("wall", "1", BOOT, 0, 1 << 62)) == 1001
    again.close()


def test_the_clock_of_a_closed_window_is_kept_whole(tmp_path: Path) -> None:
    store = made.store(tmp_path)
    for second in range(0, 4001, 5):
        store.put_fix(fix(second))
    store.put_reading(reading(1500))
    store.put_reading(reading(5000))
    from powerd.store import StoredWindow

    store.add_window(StoredWindow("w", "w", "wall", "1", {}, "open", BOOT, 1400 * S, None, None))
    body = {"begin_unix_ns": EPOCH + 1450 * S, "end_unix_ns": EPOCH + 1550 * S}
    asked = {**body, "clock": None, "boot_id": BOOT, "requested_boottime_ns": 1900 * S}
    store.update_window("w", "closed", asked, json.dumps(body))
    before = store.fixes(BOOT, 1400 * S, 1900 * S)
    retention.sweep(store, EPOCH + 3900 * S)
    assert store.fixes(BOOT, 1400 * S, 1900 * S) == before
    assert len(store.fixes(BOOT, 2100 * S, 3800 * S)) < 12
    store.close()

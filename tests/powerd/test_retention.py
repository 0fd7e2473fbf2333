"""What is old goes, what a window stands on stays."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from powerd import retention
from powerd.store import Store, StoredWindow
from powerd.windows import Windows
from tests.powerd import made
from tests.powerd.made import BOOT, EPOCH, S

LENGTH = 4000


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Readings of one second each from 1 to ``LENGTH``, with a fix every 500 s."""
    found = made.store(tmp_path)
    for second in range(500, LENGTH + 1, 500):
        found.put_fix(made.fix(second))
    for second in range(1, LENGTH + 1):
        found.put_reading(made.reading(second))
    found.writer.flush()
    return found


def close(
    store: Store,
    ident: str,
    begin_s: int,
    end_s: int,
    state: str = "closed",
    place: tuple[str, str] = ("wall", "1"),
) -> None:
    """A window as it is kept, over this stretch."""
    opened = begin_s * S
    store.add_window(StoredWindow(ident, ident, *place, {}, "open", BOOT, opened, None, None))
    if state != "open":
        body = {"begin_unix_ns": EPOCH + begin_s * S, "end_unix_ns": EPOCH + end_s * S}
        text = json.dumps(body) if state == "closed" else None
        store.update_window(ident, state, {**body, "clock": None}, text)


def ends(store: Store) -> list[int]:
    return [row.reading.end_ns // S for row in store.readings("wall", "1", BOOT, 0, 1 << 62)]


def test_old_samples_go_and_those_of_closed_windows_stay(store: Store) -> None:
    close(store, "early", 1000, 1100)
    close(store, "late", 3500, 3600)
    retention.sweep(store, EPOCH + 3000 * S)
    left = ends(store)
    assert set(range(1000, 1101)) <= set(left)
    assert set(range(3000, LENGTH + 1)) <= set(left)
    old = [e for e in left if e < 3000]
    assert 1000 - 62 <= min(old) <= 1000 - 60
    assert 1100 + 60 <= max(old) <= 1100 + 62
    retention.sweep(store, EPOCH + 3000 * S)
    assert ends(store) == left  # nothing is left to do
    store.close()


def test_a_window_of_several_meters_keeps_the_samples_of_each(store: Store) -> None:
    close(store, "sum", 1000, 1100, place=("rack/2,wall", "2,3+1"))
    retention.sweep(store, EPOCH + 3000 * S)
    assert set(range(1000, 1101)) <= set(ends(store))
    store.close()


@pytest.mark.parametrize("state", ["open", "closing"])
def test_a_window_that_is_not_closed_keeps_everything_since_it_was_opened(store: Store, state: str) -> None:
    close(store, "unfinished", 2000, 2100, state)
    retention.sweep(store, EPOCH + 3900 * S)
    left = ends(store)
    assert min(left) == 2000 - 60
    assert left == list(range(min(left), LENGTH + 1))
    store.close()


def test_the_energy_of_a_closed_window_can_be_computed_again(store: Store) -> None:
    from powerd import drivers
    from schemas import window_document

    clock = {"now": 2000 * S}
    windows = Windows(store, lambda meter: ("1",), lambda: None, lambda meter, channel: made.reading(LENGTH))
    close(store, "kept", 2000, 2300)
    stored = store.window("kept")
    assert stored is not None
    asked = {**(stored.request or {}), "requested_boottime_ns": 2400 * S, "boot_id": BOOT}
    from dataclasses import replace

    before = window_document.document(
        store, replace(stored, request=asked), clock["now"] + 2000 * S, drivers.specification
    )
    retention.sweep(store, EPOCH + LENGTH * S)
    after = window_document.document(
        store, replace(stored, request=asked), clock["now"] + 2000 * S, drivers.specification
    )
    assert before["sha256"] == after["sha256"]
    assert before["samples"] > 299
    assert windows.all(1)[0]["begin_unix_ns"] == EPOCH + 2000 * S
    store.close()


def test_the_newest_reading_stays_for_the_numbers_go_on_from_it(store: Store) -> None:
    newest = store.last_sequence("wall")
    retention.sweep(store, EPOCH + 10 * LENGTH * S)
    assert ends(store) == [LENGTH]
    assert store.last_sequence("wall") == newest
    store.close()


def test_an_old_boot_goes_whole_and_one_without_a_clock_stays(tmp_path: Path) -> None:
    old = made.store(tmp_path)
    for second in range(1, 50):
        old.put_reading(made.reading(second))
    old.close()
    dark = Store(tmp_path, "dark")
    dark.begin_run(1, EPOCH + S, "test")
    dark.put_reading(made.reading(5, boot_id="dark"))
    dark.close()
    later = made.store(tmp_path, boot="boot-b", started_s=10)
    later.put_fix(made.fix(20, boot="boot-b", epoch=EPOCH + 10_000 * S))
    later.put_reading(made.reading(21, boot_id="boot-b"))
    later.writer.flush()
    retention.sweep(later, EPOCH + 5000 * S)
    assert later.readings("wall", "1", BOOT, 0, 1 << 62) == []
    assert len(later.readings("wall", "1", "dark", 0, 1 << 62)) == 1
    assert len(later.readings("wall", "1", "boot-b", 0, 1 << 62)) == 1
    later.close()


def test_it_goes_on_until_told_to_stop(store: Store) -> None:
    stopping = threading.Event()
    thread = threading.Thread(target=retention.run, args=(store, S, stopping, 0.05))
    thread.start()
    for _ in range(200):
        if ends(store) == [LENGTH]:
            break
        stopping.wait(0.05)
    stopping.set()
    thread.join(5)
    assert not thread.is_alive()
    assert ends(store) == [LENGTH]
    store.close()


def test_gaps_beside_spans() -> None:
    assert list(retention.gaps([], 10)) == [(0, 10)]
    assert list(retention.gaps([(2, 4), (3, 5), (8, 20)], 10)) == [(0, 2), (5, 8)]
    assert list(retention.gaps([(0, 20)], 10)) == []
    assert list(retention.gaps([], -5)) == []

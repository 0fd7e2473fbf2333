"""A power cut at any moment: the store opens, is whole, and holds every sample older than a second and all that was
promised to a client.

The daemon's own system calls are recorded while it measures, and the files are put together as a disk would hold them
at each of many cuts (``tests.trips.disk``). They are then opened by the store's own code.
"""

from __future__ import annotations

import contextlib
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from powerd.boottime import boottime_ns
from powerd.client import PowerdClient
from powerd.store import Store
from powerd.store.tables import VERSION
from tests.powerd.test_upgrade import old_store
from tests.trips import disk
from tests.trips.disk import Call, Disk

S = 1_000_000_000
UPGRADE = "import sys, pathlib, powerd.store; powerd.store.Store(pathlib.Path(sys.argv[1]), 'b').close()"
SURE_NS = S
"""A sample that was read so long ago outlives a power cut."""

pytestmark = pytest.mark.skipif(disk.strace() is None, reason="strace is not installed or not permitted here")


@dataclass
class Promised:
    """What a client was told, with the instant (UTC) at which the answer had come."""

    windows: list[tuple[str, int]] = field(default_factory=list)
    marks: list[tuple[str, str, int]] = field(default_factory=list)
    closed: list[tuple[str, int]] = field(default_factory=list)


@dataclass(frozen=True)
class Trace:
    """What a daemon did in one life."""

    calls: list[Call]
    promised: Promised
    samples: dict[str, list[tuple[int, int]]]
    """Per meter: sequence number and the instant (UTC) at which its last byte had come."""


def live(folder: Path, seconds: float, meters: int, seed: int) -> Trace:
    """A daemon that measures for so long, with a client that opens, marks and closes windows, and ends cleanly."""
    data = folder / "data"
    data.mkdir()
    names = [f"m{n}" for n in range(meters)]
    daemon = subprocess.Popen(
        [
            *disk.recording(folder / "trace", data), sys.executable, "-m", "powerd", "run", "--data-dir", str(data),
            "--listen", "127.0.0.1:0",
            *(f"--meter={name}=simulated:load:constant:100,interval=100ms" for name in names),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    assert daemon.stdout is not None
    try:
        client = PowerdClient(daemon.stdout.readline().strip())
        promised = _ask(client, names, seconds, random.Random(seed))
        client.close()
    finally:
        daemon.terminate()
        assert daemon.wait(30) == 0
        daemon.stdout.close()
    disk.wait_for_end(folder / "trace", daemon.pid)
    ahead_ns = time.time_ns() - boottime_ns()
    with contextlib.closing(sqlite3.connect(data / disk.DATABASE)) as store:
        rows = store.execute("SELECT meter, sequence, last_byte_ns FROM readings ORDER BY id").fetchall()
    samples = {name: [(s, at + ahead_ns) for m, s, at in rows if m == name] for name in names}
    return Trace(disk.calls(folder / "trace", data), promised, samples)


def _ask(client: PowerdClient, names: list[str], seconds: float, chance: random.Random) -> Promised:
    promised, end = Promised(), time.monotonic() + seconds
    number = 0
    while time.monotonic() < end:
        name, ident = chance.choice(names), f"w{number}"
        client.open_window("cut", name, ident=ident)
        promised.windows.append((ident, time.time_ns()))
        begin = time.time_ns()
        time.sleep(chance.uniform(0.2, 0.6))
        client.mark(ident, f"mark of {ident}")
        promised.marks.append((ident, f"mark of {ident}", time.time_ns()))
        client.close_window(ident, begin, time.time_ns())
        promised.closed.append((ident, time.time_ns()))
        number += 1
    return promised


def cut(trace: Trace, count: int, folder: Path, seed: int) -> list[int]:
    """The store after each of so many cuts; how many samples were on the disk each time."""
    chance = random.Random(seed)
    first = next(i for i, call in enumerate(trace.calls) if call.kind == "sync")
    places = sorted(chance.choice(range(first, len(trace.calls) + 1)) for _ in range(count))
    held, fed = Disk(), 0
    found = []
    for number, place in enumerate(places):
        for call in trace.calls[fed:place]:
            held.apply(call)
        fed = place
        under_way = trace.calls[place : place + 1] if chance.random() < 0.5 else []
        at_ns = trace.calls[place - 1].done_ns if place == len(trace.calls) else trace.calls[place].at_ns
        target = folder / f"cut{number}"
        target.mkdir()
        for name, content in held.after_cut(chance, under_way).items():
            (target / name).write_bytes(content)
        if chance.random() < 0.3:  # whatever was in memory may lie there too
            (target / f"{disk.DATABASE}-shm").write_bytes(chance.randbytes(32768))
        found.append(_judge(target, trace, at_ns, f"cut {number} before call {place}"))
        shutil.rmtree(target)
    return found


def _judge(target: Path, trace: Trace, at_ns: int, where: str) -> int:
    store = Store(target, "another boot")
    try:
        with contextlib.closing(sqlite3.connect(target / disk.DATABASE)) as plain:
            assert plain.execute("PRAGMA integrity_check").fetchall() == [("ok",)], where
            rows = plain.execute("SELECT meter, sequence FROM readings ORDER BY id").fetchall()
        for name, known in trace.samples.items():
            there = [sequence for meter, sequence in rows if meter == name]
            sure = [sequence for sequence, read_ns in known if read_ns < at_ns - SURE_NS]
            assert there == list(range(1, len(there) + 1)), where
            assert len(there) >= len(sure), (
                f"{where}: {name} has {len(there)} of {len(sure)} samples that are a second old"
            )
            assert store.last_sequence(name) == len(there)
        for ident, told_ns in trace.promised.windows:
            assert told_ns > at_ns or store.window(ident) is not None, f"{where}: {ident} was promised"
        for ident, text, told_ns in trace.promised.marks:
            assert told_ns > at_ns or text in {mark for _, mark in store.marks(ident)}, where
        for ident, told_ns in trace.promised.closed:
            window = store.window(ident)
            assert told_ns > at_ns or (window is not None and window.state == "closed" and window.document), (
                where
            )
        return len(rows)
    finally:
        store.close()


def cut_while_upgrading(folder: Path, count: int, rows: int, seed: int) -> None:
    """A store of version 1 whose upgrade is cut off at many places: nothing is lost, and the next start finishes it."""
    data, trace = folder / "data", folder / "trace"
    file = old_store(data, rows)
    held = Disk()
    for path in data.iterdir():
        held.files[path.name] = held.sure_names[path.name] = disk.File(bytearray(path.read_bytes()))
    child = subprocess.Popen([*disk.recording(trace, data), sys.executable, "-c", UPGRADE, str(data)])
    assert child.wait(60) == 0
    disk.wait_for_end(trace, child.pid)
    calls = disk.calls(trace, data)
    chance, fed = random.Random(seed), 0
    for number, place in enumerate(sorted(chance.choice(range(len(calls) + 1)) for _ in range(count))):
        for call in calls[fed:place]:
            held.apply(call)
        fed = place
        target = folder / f"cut{number}"
        target.mkdir()
        for name, content in held.after_cut(chance, calls[place : place + 1]).items():
            (target / name).write_bytes(content)
        Store(target, "another boot").close()
        with contextlib.closing(sqlite3.connect(target / file.name)) as store:
            where = f"cut {number} before call {place} of {len(calls)}"
            assert store.execute("PRAGMA integrity_check").fetchall() == [("ok",)], where
            assert store.execute("SELECT count(*), sum(sequence), count(integrator_j) FROM readings").fetchone() == (
                rows, rows * (rows + 1) // 2, 0,
            ), where  # fmt: skip
            assert store.execute("SELECT id, state FROM windows").fetchall() == [("w", "closed")], where
            assert store.execute("PRAGMA user_version").fetchone() == (VERSION,), where
            assert store.execute("PRAGMA auto_vacuum").fetchone() == (2,), f"{where}: the file never shrinks"
        shutil.rmtree(target)


def test_an_upgrade_outlives_power_cuts(tmp_path: Path) -> None:
    cut_while_upgrading(tmp_path, 60, 300, seed=5)


@pytest.mark.proof
def test_an_upgrade_outlives_five_hundred_power_cuts(tmp_path: Path) -> None:
    cut_while_upgrading(tmp_path, 500, 3000, seed=6)


def test_a_store_outlives_power_cuts(tmp_path: Path) -> None:
    trace = live(tmp_path, 4.0, 2, seed=1)
    held = cut(trace, 60, tmp_path, seed=2)
    assert max(held) > 20
    assert held[0] < max(held)


@pytest.mark.proof
def test_a_thousand_power_cuts(tmp_path: Path) -> None:
    trace = live(tmp_path, 60.0, 12, seed=3)
    kinds = [call.kind for call in trace.calls if call.file == disk.DATABASE]
    held = cut(trace, 1000, tmp_path, seed=4)
    print(
        f"{len(trace.calls)} calls, {kinds.count('sync')} checkpoints of {kinds.count('write')} pages, "
        f"{max(held)} samples, {len(trace.promised.closed)} windows: 1000 cuts, nothing promised is lost"
    )
    assert kinds.count("sync") > 3

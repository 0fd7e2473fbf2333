"""``edgewatt/health/1``: how a daemon is doing: store, meters, clock, disk, and a sentence for all that is wrong."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from powerd import kernel_clock
from powerd.acquire import AcquisitionState
from powerd.clock_watch import ClockWatch
from powerd.store import FILE_NAME, Store
from schemas.units import NS_PER_S

LITTLE_ROOM = 200_000_000
"""Bytes: a fortnight of one meter at ten readings a second comes to more."""
SCHEMA = "edgewatt/health/1"


@dataclass(frozen=True, slots=True)
class MeterHealth:
    """One meter; ``silent_s`` is set where its last reading was too long ago."""

    name: str
    state: AcquisitionState
    age_s: float | None
    silent_s: float | None

    @property
    def problem(self) -> str | None:
        """What is wrong with it."""
        if not self.state.connected:
            return f"meter {self.name} is not connected: {self.state.last_error or 'connecting'}"
        if self.silent_s is not None:
            return f"meter {self.name} has been silent for {self.silent_s:.0f} s"
        return None

    def document(self) -> dict[str, Any]:
        """For machines."""
        info = self.state.info
        return {
            "name": self.name,
            "connected": self.state.connected,
            "simulated": info is not None and info.simulated,
            "reconnects": self.state.reconnects,
            "last_sample_age_s": self.age_s,
            "problem": self.problem,
        }


def parts(store: Store, clock: ClockWatch, meters: Sequence[MeterHealth], folder: Path) -> dict[str, Any]:
    """Store, meters, clock and disk, and ``problems`` of all of them."""
    disk = _disk(folder)
    problems = [event.text for event in clock.happened]
    problems += [
        p for p in (*_of_store(store), *(m.problem for m in meters), _of_disk(disk)) if p is not None
    ]
    state = store.state
    return {
        "store": {"error": state.error, "waiting": state.waiting, "lost": state.lost},
        "meters": [m.document() for m in meters],
        "clock": _clock(clock),
        "disk": disk,
        "problems": problems,
    }


def _of_store(store: Store) -> Iterable[str]:
    state = store.state
    if state.error is not None:
        yield state.error
    if state.lost:
        yield f"{state.lost} records found no room in memory and are lost"


def _clock(clock: ClockWatch) -> dict[str, Any]:
    """``u95_s`` is how well UTC is tied to BOOTTIME, ``bound_s`` how far this UTC may be off by its keeper."""
    fix, keeper, kernel = clock.last, clock.keeper, kernel_clock.read()
    kept = keeper is not None and keeper.synchronised
    offset_s = keeper.offset_s if keeper is not None and keeper.offset_s is not None else None
    return {
        "source": keeper.name if keeper is not None and kept else "system",
        "synchronised": kept,
        "u95_s": None if fix is None else fix.u95_ns / NS_PER_S,
        "bound_s": clock.bound_s(),
        "offset_s": offset_s if offset_s is not None else None if kernel is None else kernel.offset_s,
    }


def _disk(folder: Path) -> dict[str, Any]:
    """Bytes; null where the disk does not tell."""
    try:
        usage = shutil.disk_usage(folder)
        names = (folder / f"{FILE_NAME}{end}" for end in ("", "-wal"))
        own = sum(os.stat(name).st_size for name in names if name.exists())
    except OSError:
        return {"free_bytes": None, "store_bytes": None}
    return {"free_bytes": usage.free, "store_bytes": own}


def _of_disk(disk: dict[str, Any]) -> str | None:
    free = disk["free_bytes"]
    if free is None or free >= LITTLE_ROOM:
        return None
    return f"the disk of the data directory has {free / 1e6:.0f} MB left: free some before it is full"

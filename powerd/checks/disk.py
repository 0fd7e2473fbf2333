"""The disk: may we write, and is there room for a week."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from powerd.checks.base import Finding, Level, Subject
from powerd.model import Settings
from schemas.units import NS_PER_S

BYTES_PER_READING = 300
"""A reading with its raw answer and its place in the index, rounded up from what a store of them weighs."""
DAY_S, DAYS = 86_400, 7


def check(subject: Subject) -> Iterator[Finding]:
    """Rights and room."""
    folder = _existing(subject.data_dir)
    if subject.data_dir.exists() and not subject.data_dir.is_dir():
        found, advice = f"{subject.data_dir} is a file", "choose another --data-dir"
        yield Finding(Level.FAIL, "data directory", found, "a folder", advice)
    elif not os.access(folder, os.W_OK | os.X_OK):
        yield Finding(
            Level.FAIL,
            "data directory",
            f"{folder} may not be written",
            "one of yours",
            "choose another --data-dir",
        )
    free = shutil.disk_usage(folder).free
    day = bytes_per_day(subject)
    found = f"{free / 1e9:.1f} GB free in {folder}"
    wanted = f"{DAYS * day / 1e9:.2f} GB for a week at this rate"
    if free >= DAYS * day:
        yield Finding(Level.OK, "disk", found, wanted)
    else:
        level = Level.WARN if free >= day else Level.FAIL
        yield Finding(level, "disk", found, wanted, "free some, or choose another --data-dir")


def bytes_per_day(subject: Subject) -> float:
    """What all meters write in a day; one meter at its usual rate where none is named."""
    rates = [len(m.settings.channels) * NS_PER_S / m.settings.interval_ns for m in subject.meters]
    rates += [1.0 / float(m["settings"]["interval_s"]) for m in subject.served if m["settings"]]
    return DAY_S * BYTES_PER_READING * sum(rates or [NS_PER_S / Settings().interval_ns])


def _existing(folder: Path) -> Path:
    for candidate in (folder, *folder.absolute().parents):
        if candidate.is_dir():
            return candidate
    return Path("/")

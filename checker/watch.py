"""``--watch``: judges a tree again whenever something in it changes, and says what that changed.

The tree is looked at by polling (names, sizes, times), which works on every file system and over networks.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from checker.model import Finding, Report
from checker.walker import DEEPEST
from schemas.errors import UserError

INTERVAL_S = 1.0
"""Between two looks. A change is judged when two looks in a row are alike: copies take their time."""
Signature = dict[str, tuple[int, int, int]]


@dataclass(frozen=True, slots=True)
class Change:
    """What one judgement found new and what it found gone, against the one before."""

    new: tuple[Finding, ...]
    cured: tuple[Finding, ...]
    files: int


def signature(places: Iterable[Path]) -> Signature:
    """Size, time and inode of everything below the places, by path; what cannot be looked at is left out."""
    found: Signature = {}
    for place in places:
        _look(str(place), found)
        top = str(place).count(os.sep)
        for folder, dirs, files in os.walk(place):
            for name in (*dirs, *files):
                _look(os.path.join(folder, name), found)
            if folder.count(os.sep) - top >= DEEPEST:  # a check looks no deeper either
                dirs.clear()
    return found


def _look(path: str, found: Signature) -> None:
    try:
        seen = os.lstat(path)
    except OSError:
        return
    is_folder = os.path.isdir(path)
    found[path] = (0 if is_folder else seen.st_size, 0 if is_folder else seen.st_mtime_ns, seen.st_ino)


def changed(before: Signature, after: Signature) -> int:
    """How many files and directories came, went or became others."""
    return sum(before.get(path) != after.get(path) for path in {*before, *after})


def compare(before: Report | None, after: Report, files: int) -> Change:
    """What is new and what is gone, told by fingerprints."""
    old = () if before is None else before.findings
    return Change(_beyond(after.findings, old), _beyond(old, after.findings), files)


def _beyond(rows: Sequence[Finding], others: Sequence[Finding]) -> tuple[Finding, ...]:
    left = Counter(f.fingerprint for f in others)
    found = []
    for row in rows:
        if left[row.fingerprint] > 0:
            left[row.fingerprint] -= 1
        else:
            found.append(row)
    return tuple(found)


def watch(
    places: Sequence[Path],
    judge: Callable[[], Report],
    show: Callable[[Report, Change], None],
    complain: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Judge now and after every change, until Ctrl-C. A tree that cannot be judged for a while is complained
    about once and waited for; the first judgement raises ``UserError`` as a plain check does."""
    seen = signature(places)
    last = judge()
    show(last, compare(None, last, 0))
    while True:
        sleep(INTERVAL_S)
        now = signature(places)
        if now == seen:
            continue
        now = _settled(places, now, sleep)
        files, seen = changed(seen, now), now
        try:
            report = judge()
        except UserError as error:
            complain(str(error))
            continue
        show(report, compare(last, report, files))
        last = report


def _settled(places: Sequence[Path], now: Signature, sleep: Callable[[float], None]) -> Signature:
    """The signature when nothing changed any more between two looks."""
    while True:
        sleep(INTERVAL_S)
        later = signature(places)
        if later == now:
            return later
        now = later

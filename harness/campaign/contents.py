"""What a run stands on, as SHA-256 of the contents: model, data set, settings, code. Equal hashes, equal run.

A file is hashed once and remembered by size, times and inode; a folder's hash is made of its files' names and hashes.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from harness import extras, loadgens
from harness.campaign.steps import Step
from harness.digests import files_below, sha256_of
from harness.registry import benchmark, distribution_of, needs_of
from schemas import __version__

CODE = ("harness", "schemas", "powerd/client.py", "powerd/client_line.py")
"""What takes part in a run; the daemon says its own version."""
PLACES = ("output", "model", "dataset", "fixture", "user_conf", "command_line", "power", "demo")
"""Fields of a request that say where something lies; what lies there counts."""


class Hashes:
    """SHA-256 of files, remembered in a file of ours."""

    def __init__(self, memory: Path) -> None:
        """``memory`` need not be there, and is worth nothing when it cannot be read."""
        self._memory = memory
        self._known: dict[str, list[Any]] = {}
        with contextlib.suppress(OSError, ValueError, AttributeError):
            self._known = dict(json.loads(memory.read_text(encoding="utf-8"))["files"])
        self._changed = False

    def of(self, path: Path) -> str:
        """Of a file, or of every file below a folder with its name."""
        return sha256_of(path, self._file)

    def _file(self, path: Path) -> str:
        found = path.stat()
        mark = [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]
        key = str(path.resolve())
        known = self._known.get(key)
        if known is not None and known[:-1] == mark:
            return str(known[-1])
        digest = sha256_of(path)
        self._known[key] = [*mark, digest]
        self._changed = True
        return digest

    def keep(self) -> None:
        """Write down what was hashed, whole or not at all."""
        if not self._changed:
            return
        self._memory.parent.mkdir(parents=True, exist_ok=True)
        new = self._memory.with_suffix(".new")
        document = {"schema": "edgewatt/campaign-hashes/1", "files": self._known}
        new.write_text(json.dumps(document), encoding="utf-8", errors="surrogateescape")
        os.replace(new, self._memory)
        self._changed = False


def contents(step: Step, hashes: Hashes) -> dict[str, Any]:
    """What a step stands on now. ``settings`` are given in full, so that a difference can be named."""
    work = step.plan.workload
    return {
        "model": hashes.of(work.model),
        "dataset": hashes.of(work.dataset),
        "settings": settings(step, hashes),
        "code": code(),
        "version": __version__,
        "packages": packages(step),
    }


def settings(step: Step, hashes: Hashes) -> dict[str, Any]:
    """What the user chose, and why it is made again where that was said."""
    request = step.request
    rows = {k: v for k, v in asdict(request).items() if k not in PLACES}
    rows["reason"] = step.reason
    rows["user_conf"] = None if request.user_conf is None else hashes.of(request.user_conf)
    power = request.power
    # A port may change its name and a daemon its address; the meter is the same.
    rows["power"] = None if power is None else [power.driver or "powerd", power.meter]
    return {
        k: str(v) if isinstance(v, Path) else v for k, v in json.loads(json.dumps(rows, default=str)).items()
    }


@cache
def code() -> str:
    """Of the sources and facts of this program that take part in a run."""
    root = Path(__file__).resolve().parents[2]
    total = hashlib.sha256()
    for start in (root / name for name in CODE):
        files = (
            [start]
            if start.is_file()
            else sorted(p for p in start.rglob("*") if p.suffix in (".py", ".json"))
        )
        for path in files:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            total.update(f"{path.relative_to(root).as_posix()}\0{digest}\n".encode())
    return total.hexdigest()


def packages(step: Step) -> dict[str, str]:
    """LoadGen and the runtimes that are installed, with their versions, and what benchmark and runtime need besides."""
    work = step.plan.workload
    own = (extras.distribution(m) for m in (*benchmark(work.benchmark).extra, *needs_of(work.backend)))
    found = ((name, extras.version(name)) for name in sorted({*extras.PACKAGES.values(), *own}))
    versions = {name: version for name, version in found if version is not None}
    # That of the round, which may lie in the user's cache: the one of this environment takes no part then.
    return {**versions, loadgens.PACKAGE: loadgens.wanted(step.plan.round), **distribution_of(work.backend)}


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs between two contents, in words; empty when nothing does."""
    words = {"model": "the model", "dataset": "the data set", "code": "the program"}
    found = [said for key, said in words.items() if before.get(key) != now.get(key)]
    if "the program" in found and before.get("version") != now.get("version"):
        found[found.index("the program")] = f"the program ({before.get('version')}, now {now.get('version')})"
    for table, what in (("settings", "setting"), ("packages", "package")):
        old, new = (dict(side.get(table) or {}) for side in (before, now))
        keys = sorted(k for k in old.keys() | new.keys() if old.get(k) != new.get(k))
        found += [f"{what} {k} ({_short(old.get(k))}, now {_short(new.get(k))})" for k in keys]
    return found


def _short(value: object) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= 24 else f"{text[:12]}…"


def digest(root: Path, places: tuple[str, ...]) -> str | None:
    """Of all files at some places below ``root``; None when one of the places is not there."""
    total = hashlib.sha256()
    for place in places:
        if not (root / place).exists():
            return None
        for name, file in sorted(files_below(root / place)):
            total.update(f"{place}/{name}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()

"""Makes room in a tree for a run that is made again: what lies there is moved into the work folder, never removed."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from harness.campaign.steps import Step
from harness.record import without

FOLDER = "replaced"
STALE_S = 5.0


def is_there(step: Step, tree: Path) -> bool:
    """Whether something of a step's result lies in the tree."""
    return any((tree / place).exists() for place in step.places) or bool(_recorded(step, tree))


def move(step: Step, tree: Path, work: Path) -> Path:
    """Move a step's result aside and have the run record forget it; the folder where it lies now."""
    room = _room(work)
    for place in step.places:
        if (tree / place).exists():
            _rename(tree / place, room / place)
            _prune((tree / place).parent, tree)
    _forget(step, tree, room)
    return room


def leftovers(tree: Path, work: Path, since_s: float) -> list[Path]:
    """Move aside what a process that was killed had staged beside the tree before ``since_s`` (Unix seconds)."""
    moved = []
    for folder in tree.parent.glob(f".{tree.name}-*"):
        if folder.is_dir() and folder.stat().st_mtime < since_s - STALE_S:
            target = _room(work) / folder.name
            _rename(folder, target)
            moved.append(target)
    return moved


def _recorded(step: Step, tree: Path) -> list[str]:
    document = _read(tree / step.record)
    return [name for name in step.runs if name in (document or {}).get("runs", {})]


def _forget(step: Step, tree: Path, room: Path) -> None:
    path, names = tree / step.record, _recorded(step, tree)
    document = _read(path)
    if document is None or not names:
        return
    kept = without(document, step.runs)
    (room / step.record).parent.mkdir(parents=True, exist_ok=True)
    if not kept["runs"]:
        _rename(path, room / step.record)
        return
    (room / step.record).write_bytes(path.read_bytes())
    new = path.with_name(f".{path.name}.new")
    new.write_text(json.dumps(kept, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(new, path)


def _read(path: Path) -> Mapping[str, Any] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and isinstance(found.get("runs"), dict) else None


def _room(work: Path) -> Path:
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    base = work / FOLDER
    names: Iterable[Path] = (base / (stamp if n == 0 else f"{stamp}.{n}") for n in range(10_000))
    room = next(path for path in names if not path.exists())
    room.mkdir(parents=True)
    return room


def _rename(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    source.rename(target)


def _prune(folder: Path, tree: Path) -> None:
    """Remove folders that are empty now, up to the tree."""
    while folder != tree and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent

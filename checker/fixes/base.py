"""What cures share: how a file is read, and which files nobody may touch."""

from __future__ import annotations

import stat
from pathlib import Path

from checker.files import Tree

LARGEST = 1 << 20
"""Texts that people edit are smaller; a larger file is no such text."""


def read(tree: Tree, path: str, limit: int = LARGEST) -> bytes | None:
    """The bytes of a plain file; None for links, devices, what is too large or cannot be read."""
    place = tree.root / path
    try:
        if not tree.has_file(path) or not _plain(place) or place.stat().st_size > limit:
            return None
        return place.read_bytes()
    except OSError:
        return None


def _plain(place: Path) -> bool:
    """Whether it is a file of its own: what a link points at belongs to somebody else."""
    return stat.S_ISREG(place.lstat().st_mode)

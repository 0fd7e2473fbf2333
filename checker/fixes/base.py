"""What cures share: how a file is read, and which files nobody may touch."""

from __future__ import annotations

import stat

from checker.files import Tree
from checker.reading import read_bytes
from schemas.plainfile import TooLarge

LARGEST = 1 << 20
"""Texts that people edit are smaller; a larger file is no such text."""


def read(tree: Tree, path: str, limit: int = LARGEST) -> bytes | None:
    """The bytes of a plain file; None for links, devices, what is too large or cannot be read."""
    place = tree.root / path
    try:
        return read_bytes(place, limit) if is_plain(tree, path) else None
    except (OSError, TooLarge):
        return None


def is_plain(tree: Tree, path: str) -> bool:
    """Whether it is a file of its own: what a link points at belongs to somebody else, a device to nobody."""
    try:
        return tree.has_file(path) and stat.S_ISREG((tree.root / path).lstat().st_mode)
    except OSError:
        return False

"""SHA-256 of what lies at a path: a file, or every file of a folder with its name."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path


def sha256_of(path: Path, of_file: Callable[[Path], str] | None = None) -> str:
    """Of a file, or of a folder's files by name and hash; ``of_file`` hashes one file, where it is remembered."""
    each = of_file or _file
    if path.is_file():
        return each(path)
    total = hashlib.sha256()
    for name, file in sorted(files_below(path)):
        total.update(f"{name}\0{each(file)}\n".encode("utf-8", "surrogateescape"))
    return total.hexdigest()


def files_below(folder: Path) -> Iterator[tuple[str, Path]]:
    """Every file below a folder, with its path from there."""
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.relative_to(folder).as_posix(), path


def _file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

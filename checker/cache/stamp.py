"""Which program judged: a digest over our own code and data and what they run on. Another digest is another cache."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

PACKAGES = ("checker", "schemas")
JUDGING_LIBRARIES = ("jsonschema", "msgspec")
"""Others' code that takes part in a judgement."""


@cache
def stamp() -> str:
    """The digest of this program; empty where its files cannot be read (inside a zip), and nothing may be kept."""
    found = hashlib.blake2b(digest_size=16)
    about = [sys.version, *(_released(name) for name in JUDGING_LIBRARIES)]
    found.update("\n".join([*about, str(os.geteuid() if hasattr(os, "geteuid") else "")]).encode())
    number = 0
    try:
        for name, data in _files():
            found.update(f"\0{name}\0{len(data)}\0".encode())
            found.update(data)
            number += 1
    except OSError:
        return ""
    return found.hexdigest() if number else ""


def _released(name: str) -> str:
    """The release of a library, told by the folder of its metadata: reading that takes longer than the rest."""
    home = find_spec(name)
    if home is None or home.origin is None:
        return name
    return " ".join(sorted(p.name for p in Path(home.origin).parent.parent.glob(f"{name}-*.dist-info")))


def _files() -> Iterator[tuple[str, bytes]]:
    """The files of our packages with their names, in order."""
    for package in PACKAGES:
        (home,) = sys.modules[package].__path__ if package in sys.modules else __import__(package).__path__
        for folder, dirs, names in os.walk(home):
            dirs[:] = sorted(d for d in dirs if d != "__pycache__")
            for name in sorted(names):
                path = Path(folder, name)
                yield str(path.relative_to(home)), path.read_bytes()

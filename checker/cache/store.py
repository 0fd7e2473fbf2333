"""The files of the cache: one for each tree and question, written whole and put in place in one step.

Nothing depends on them. A file that is damaged, of another version or not there is nothing known; a directory that
cannot be written is nothing kept. Two processes may write the same file at once: the later one wins, and either is
right. The digest over a file is against damage, not against malice: the directory is the user's own.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
import tempfile
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path

import msgspec

FORM = b"edgewatt/judged/3\n"
ENDING = ".judged"
LARGEST = 64 << 20
"""Bytes of one file; a round of 31,500 files takes some 10 MB."""
MOST = 256 << 20
"""Bytes of all files; the ones not used for longest go first."""
ENVIRONMENT = "EDGEWATT_CACHE_DIR"
_DIGEST = hashlib.sha256().digest_size
_LENGTHS = struct.Struct("<4Q")
"""Behind the digest: the bytes of each part of ``Kept``. They follow one after the other, and are never joined in
memory."""
_units = msgspec.msgpack.Decoder(dict[str, bytes]).decode


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of one tree for one question. ``units`` holds encoded judgements by key; ``notes`` what each
    stands on, as numbers of ``names``, encoded, because it is looked at only when something changed."""

    snapshot: bytes | memoryview
    names: bytes | memoryview
    notes: bytes | memoryview
    units: dict[str, bytes]


def folder() -> Path | None:
    """The user's cache directory: ``EDGEWATT_CACHE_DIR``, else as the XDG base directories say; None without a home."""
    own = os.environ.get(ENVIRONMENT)
    if own:
        return Path(own)
    base = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(base):
        return Path(base, "edgewatt")
    with contextlib.suppress(RuntimeError):
        return Path.home() / ".cache" / "edgewatt"
    return None


def place(home: Path, tree: Path, question: str) -> Path:
    """The file for a tree and a question; ``question`` names everything else that a judgement stands on."""
    text = f"{os.path.realpath(tree)}\0{question}".encode("utf-8", "surrogateescape")
    return home / (hashlib.blake2b(text, digest_size=20).hexdigest() + ENDING)


def usable(home: Path, tree: Path) -> bool:
    """Whether files may lie in a directory: not in the tree that is judged."""
    return not Path(os.path.realpath(home)).is_relative_to(os.path.realpath(tree))


def load(path: Path) -> Kept | None:
    """What is known; None for nothing, whatever the reason."""
    try:
        with path.open("rb") as file:
            data = memoryview(file.read(LARGEST + 1))
        start = len(FORM) + _DIGEST
        whole = data[: len(FORM)] == FORM and hashlib.sha256(data[start:]).digest() == data[len(FORM) : start]
        if not whole or len(data) > LARGEST:
            return None
        ends = list(accumulate(_LENGTHS.unpack_from(data, start), initial=start + _LENGTHS.size))
        snapshot, names, notes, units = (data[begin:end] for begin, end in pairwise(ends))
        found = Kept(snapshot, names, notes, _units(units))
    except (OSError, msgspec.MsgspecError, RecursionError, struct.error):
        return None
    with contextlib.suppress(OSError):
        os.utime(path)  # those not used for longest go first
    return found


def save(path: Path, kept: Kept) -> bool:
    """Keep what is known; False when it could not be kept."""
    parts = (kept.snapshot, kept.names, kept.notes, msgspec.msgpack.encode(kept.units))
    body = (_LENGTHS.pack(*map(len, parts)), *parts)
    if len(FORM) + _DIGEST + sum(map(len, body)) > LARGEST:
        return False
    digest = hashlib.sha256()
    for part in body:
        digest.update(part)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-", suffix=ENDING)
        try:
            with os.fdopen(handle, "wb") as file:
                file.writelines((FORM, digest.digest(), *body))
            os.replace(name, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise
        prune(path.parent, path)
    except OSError:
        return False
    return True


def prune(home: Path, newest: Path) -> None:
    """Bound the size of the directory; ``newest`` stays."""
    seen: dict[Path, os.stat_result] = {}
    for path in home.glob(f"*{ENDING}"):
        with contextlib.suppress(OSError):
            seen[path] = path.stat()
    left = sum(s.st_size for s in seen.values())
    for path in sorted(seen, key=lambda p: seen[p].st_mtime_ns):
        if left <= MOST:
            break
        if path != newest:
            with contextlib.suppress(OSError):
                path.unlink()
            left -= seen[path].st_size


def forget(path: Path) -> None:
    """Know nothing of a tree any more."""
    with contextlib.suppress(OSError):
        path.unlink()

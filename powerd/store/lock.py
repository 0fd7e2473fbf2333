"""One daemon per data directory."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from powerd.errors import NotThere, Refused


def take_lock(folder: Path) -> int:
    """The data directory for us alone; the kernel frees it when we die, however that happens."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / "powerd.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        why = "it is a file" if folder.exists() and not folder.is_dir() else error.strerror
        raise NotThere(f"data directory {folder} cannot be used: {why}; choose another --data-dir") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        owner = os.read(handle, 32).decode("utf-8", "replace").strip() or "unknown"
        os.close(handle)
        raise Refused(
            f"another powerd (process {owner}) uses the data directory {folder}: "
            "stop it or choose another --data-dir"
        ) from None
    os.ftruncate(handle, 0)
    os.write(handle, f"{os.getpid()}\n".encode())
    return handle

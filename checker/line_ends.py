"""Files of a power session whose line ends were changed on the way: is the text still the recorded one?"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from checker.reading import read_bytes
from schemas.plainfile import TooLarge

_DAEMON_REPLY = re.compile(rb"^(.*(?:Response to client sent: |: Avg watts ).*)$", re.MULTILINE)
"""Lines of the daemon's log that end in a carriage return on Linux: answers that it repeats as they went out."""


def restored(path: Path, recorded: str, limit: int) -> bool:
    """Whether the recorded SHA-1 is that of the file with other line ends."""
    try:
        text = read_bytes(path, limit)
    except (OSError, TooLarge):
        return False
    return any(hashlib.sha1(variant).hexdigest() == recorded for variant in _variants(text))


def _variants(text: bytes) -> Iterator[bytes]:
    plain = text.replace(b"\r\n", b"\n")
    yield plain
    yield plain.replace(b"\n", b"\r\n")
    yield _DAEMON_REPLY.sub(rb"\1\r", plain)

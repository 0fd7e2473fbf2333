"""Files of a power session whose line ends were changed on the way: is the text still the recorded one?"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from checker.reading import LARGEST_TEXT, read_bytes
from schemas.plainfile import TooLarge

_DAEMON_REPLIES = (b"Response to client sent: ", b": Avg watts ")
"""What marks lines of the daemon's log that end in a carriage return on Linux: answers that it repeats as they went
out."""


def restored(path: Path, recorded: str, limit: int) -> bool:
    """Whether the recorded SHA-1 is that of the file with other line ends."""
    try:
        text = read_bytes(path, min(limit, LARGEST_TEXT))
    except (OSError, TooLarge):
        return False
    return any(hashlib.sha1(variant).hexdigest() == recorded for variant in _variants(text))


def _variants(text: bytes) -> Iterator[bytes]:
    plain = text.replace(b"\r\n", b"\n")
    yield plain
    yield plain.replace(b"\n", b"\r\n")
    lines = plain.split(b"\n")
    yield b"\n".join(n + b"\r" if any(word in n for word in _DAEMON_REPLIES) else n for n in lines)

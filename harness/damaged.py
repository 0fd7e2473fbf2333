"""What numpy, zipfile and zlib raise when they read a file that is damaged or of another kind."""

from __future__ import annotations

import struct
import tokenize
import zipfile
import zlib

DAMAGED: tuple[type[Exception], ...] = (
    OSError,
    EOFError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    SyntaxError,
    OverflowError,
    MemoryError,
    RuntimeError,
    struct.error,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)
"""Found by changing bytes of whole files (``tests/harness/test_damaged.py``); RuntimeError is also an encrypted archive
and, as NotImplementedError, one packed in an unknown way."""


def reason(error: Exception) -> str:
    """The first line of what an error says, or its kind."""
    lines = str(error).strip().splitlines()
    return lines[0][:160] if lines else type(error).__name__

"""Whether a file of a scan is cut off, by its ends: a look that takes no longer for a large file.

A pickle ends with its STOP code, a full stop (pickle, protocol 0 to 5). A gzip file begins with 1f 8b and ends with the
length of what is packed, modulo 2^32, little endian (RFC 1952, 2.3.1); what is packed here begins with NIfTI-1's
header, which says where the voxels begin (``vox_offset``, at byte 108), how many there are (``dim``, 40) and how many
bits each has (``bitpix``, 72; nifti1.h). A file with another number there is unpacked to its end.
"""

from __future__ import annotations

import math
import struct
from pathlib import Path

from schemas.errors import UserError

HEADER = 348
"""Bytes of NIfTI-1's header, and the number with which it begins."""
STOP = b"."


def refuse_cut(path: Path) -> None:
    """``UserError`` for a pickle or a NIfTI file (``.gz`` or not) that does not end where it should."""
    import gzip
    import zlib

    try:
        with path.open("rb") as file:
            begin = file.read(2)
            size = file.seek(0, 2)
            file.seek(-min(4, size), 2)
            end = file.read(4)
        if path.suffix == ".pkl":
            whole = end[-1:] == STOP
        elif begin == b"\x1f\x8b":
            with gzip.open(path, "rb") as packed:
                wanted = _length(packed.read(HEADER))
            whole = int.from_bytes(end, "little") == wanted % (1 << 32) or _unpacked(path) >= wanted
        else:
            with path.open("rb") as file:
                whole = size >= _length(file.read(HEADER))
    except (OSError, EOFError, zlib.error, struct.error, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise UserError(f"{path} cannot be read ({reason}); copy it again") from error
    if not whole:
        raise UserError(f"{path} is cut off; copy it again")


def _length(header: bytes) -> int:
    """How long a NIfTI file is that has this header; ``ValueError`` for something else."""
    order = next((o for o in "<>" if struct.unpack(f"{o}i", header[:4])[0] == HEADER), None)
    if order is None:
        raise ValueError("it is no NIfTI file")
    count, *sides = struct.unpack(f"{order}8h", header[40:56])
    (bits,) = struct.unpack(f"{order}h", header[72:74])
    (begin,) = struct.unpack(f"{order}f", header[108:112])
    if not 1 <= count <= 7 or min(sides[:count]) < 1:
        raise ValueError(f"it has {count} sides {sides}")
    voxels: int = math.prod(sides[:count])
    return int(begin) + voxels * int(bits) // 8


def _unpacked(path: Path) -> int:
    """How long a gzip file is when it is unpacked; ``EOFError`` for one that is cut off."""
    import gzip

    total = 0
    with gzip.open(path, "rb") as packed:
        while part := packed.read(1 << 20):
            total += len(part)
    return total

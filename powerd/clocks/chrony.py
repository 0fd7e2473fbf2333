"""chronyd, asked over its own UDP port on this machine, which answers anybody who only looks.

Sources: chrony's ``candm.h`` (protocol version 6: layout of request and reply, the 32-bit float), and chronyc(1),
``tracking``: "clock_error <= |system_time_offset| + root_dispersion + 0.5 * root_delay" is an absolute bound as long
as the stratum 1 computer is right. Confidence: high, tested against a real chronyd.
"""

from __future__ import annotations

import socket
import struct
from ipaddress import ip_address

from powerd.boottime import boottime_ns
from powerd.clocks.base import SourceState

RANK = 10
PORT = 323
_VERSION, _REQUEST, _REPLY = 6, 1, 2
_ASK_TRACKING, _TRACKING = 33, 5
_REPLY_BYTES = 104
_LOCAL = 0x7F7F0101
"""Reference id of a chronyd that follows nobody but itself."""
_LEAPS = {1: 1, 2: -1}
_NOT_SYNCHRONISED = 3
_PATIENCE_S = 0.3


def ask(port: int = PORT) -> SourceState | None:
    """What chronyd says; None where none answers."""
    number = boottime_ns() & 0xFFFFFFFF
    request = struct.pack(">BBBBHHIII", _VERSION, _REQUEST, 0, 0, _ASK_TRACKING, 0, number, 0, 0)
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
            line.settimeout(_PATIENCE_S)
            line.connect(("127.0.0.1", port))
            # A request is made as long as its answer, so that nobody can be flooded by it.
            line.send(request.ljust(_REPLY_BYTES, b"\0"))
            return read(line.recv(1024), number, boottime_ns())
    except OSError:
        return None


def read(reply: bytes, number: int, at_ns: int) -> SourceState | None:
    """The state in a tracking reply; None for anything else."""
    if len(reply) < _REPLY_BYTES:
        return None
    version, kind, _, _, command, what, status = struct.unpack_from(">BBBBHHH", reply)
    if (version, kind, command, what, status) != (_VERSION, _REPLY, _ASK_TRACKING, _TRACKING, 0):
        return None
    if struct.unpack_from(">I", reply, 16)[0] != number:
        return None
    (reference,) = struct.unpack_from(">I", reply, 28)
    family, _, stratum, leap = struct.unpack_from(">HHHH", reply, 48)
    correction, _, _, _, _, _, delay, dispersion, _ = (
        _float(x) for x in struct.unpack_from(">9I", reply, 68)
    )
    synchronised = leap != _NOT_SYNCHRONISED and reference not in (0, _LOCAL)
    bound = abs(correction) + dispersion + delay / 2
    detail = (
        f"{_name(reference, family, reply[32:48])}, stratum {stratum}" if synchronised else "not synchronised"
    )
    return SourceState(
        "chrony",
        detail,
        synchronised,
        at_ns,
        bound if synchronised else None,
        correction,
        _LEAPS.get(leap, 0),
    )


def _float(word: int) -> float:
    """chrony's float: 7 bits of exponent, 25 of coefficient, both signed."""
    exponent, coefficient = word >> 25, word & 0x1FFFFFF
    exponent -= 128 if exponent >= 64 else 0
    coefficient -= 1 << 25 if coefficient >= 1 << 24 else 0
    return float(coefficient * 2.0 ** (exponent - 25))


def _name(reference: int, family: int, address: bytes) -> str:
    """The server's address, or the four letters of a reference clock (``PPS``, ``PHC0``)."""
    if family == 1:
        return str(ip_address(address[:4]))
    if family == 2:
        return str(ip_address(address))
    letters = reference.to_bytes(4, "big").rstrip(b"\0")
    return letters.decode("ascii") if letters.isalnum() else f"{reference:08X}"

"""What the kernel knows of the system clock: whether somebody keeps it right, and how far off it may be.

Source: adjtimex(2), called with ``modes`` 0, which only reads.
"""

from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass

_STA_INS = 0x0010
_STA_DEL = 0x0020
_STA_UNSYNC = 0x0040
_STA_NANO = 0x2000


class _Timex(ctypes.Structure):
    """``struct timex`` of Linux."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("constant", ctypes.c_long),
        ("precision", ctypes.c_long),
        ("tolerance", ctypes.c_long),
        ("time", ctypes.c_long * 2),
        ("tick", ctypes.c_long),
        ("ppsfreq", ctypes.c_long),
        ("jitter", ctypes.c_long),
        ("shift", ctypes.c_int),
        ("stabil", ctypes.c_long),
        ("jitcnt", ctypes.c_long),
        ("calcnt", ctypes.c_long),
        ("errcnt", ctypes.c_long),
        ("stbcnt", ctypes.c_long),
        ("tai", ctypes.c_int),
        ("reserved", ctypes.c_int * 11),
    )


@dataclass(frozen=True, slots=True)
class KernelClock:
    """``offset_s`` is what is still to be corrected; both errors are the kernel's own estimates, in seconds.

    ``pending_leap`` is +1 when a second is to be inserted at the end of this UTC day, -1 when one is to be left out.
    """

    synchronised: bool
    offset_s: float
    estimated_error_s: float
    maximum_error_s: float
    frequency_ppm: float
    pending_leap: int = 0


def read() -> KernelClock | None:
    """The state of the system clock; None where this system does not tell."""
    if not sys.platform.startswith("linux"):
        return None
    state = _Timex()
    try:
        answer = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(state))
    except AttributeError:
        return None
    if answer < 0:
        return None
    return KernelClock(
        synchronised=not state.status & _STA_UNSYNC,
        offset_s=state.offset / (1e9 if state.status & _STA_NANO else 1e6),
        estimated_error_s=state.esterror / 1e6,
        maximum_error_s=state.maxerror / 1e6,
        frequency_ppm=state.freq / 65536,
        pending_leap=1 if state.status & _STA_INS else -1 if state.status & _STA_DEL else 0,
    )

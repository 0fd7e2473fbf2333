"""systemd-timesyncd, by the properties that it shows to anybody on the system bus.

Sources: org.freedesktop.timesync1(5), property ``NTPMessage`` (leap, version, mode, stratum, precision, root delay and
dispersion in microseconds, reference id, the four timestamps in microseconds, …); timesyncd sets the kernel's
``maxerror`` to zero at each correction, which then grows by 500 ppm. The bound is the root distance of RFC 5905
(section 11.2) at the last exchange plus that growth. Confidence: medium: from the documents, tested with planted
answers only.
"""

from __future__ import annotations

import json
from pathlib import Path

from powerd import kernel_clock
from powerd.boottime import boottime_ns
from powerd.clocks.base import SourceState, answer_of
from powerd.kernel_clock import KernelClock

RANK = 30
RUNTIME = Path("/run/systemd/timesync")
_MANAGER = "org.freedesktop.timesync1"
_COMMAND = (
    "busctl", "--json=short", "get-property", _MANAGER, "/org/freedesktop/timesync1", f"{_MANAGER}.Manager",
    "NTPMessage", "ServerName",
)  # fmt: skip
_LEAPS = {1: 1, 2: -1}
_FIELDS = 15


def ask(runtime: Path = RUNTIME) -> SourceState | None:
    """What timesyncd says; None where it does not run."""
    if not runtime.is_dir():
        return None
    if not (runtime / "synchronized").exists():
        return SourceState("timesyncd", "not synchronised", False, boottime_ns())
    text = answer_of(_COMMAND)
    return None if text is None else read(text, kernel_clock.read(), boottime_ns())


def read(text: str, kernel: KernelClock | None, at_ns: int) -> SourceState | None:
    """The state in busctl's answer, a JSON document for each property; None for anything else."""
    try:
        message, server = (json.loads(line)["data"] for line in text.splitlines()[:2])
        leap, _, _, stratum, _, root_delay, root_dispersion, _, t1, t2, t3, t4, *_rest = message
        delay_us = max(0, (t4 - t1) - (t3 - t2))
        distance_us = (root_delay + delay_us) / 2 + root_dispersion
    except (ValueError, KeyError, TypeError, IndexError):
        return None
    if kernel is None or not kernel.synchronised:
        return SourceState("timesyncd", "not synchronised", False, at_ns)
    bound = distance_us / 1e6 + kernel.maximum_error_s + abs(kernel.offset_s)
    detail = f"{server}, stratum {stratum}"
    return SourceState("timesyncd", detail, True, at_ns, bound, kernel.offset_s, _LEAPS.get(leap, 0))

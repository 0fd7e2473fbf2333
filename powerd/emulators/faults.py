"""Faults of a line or a meter, on purpose and at known times (``--faults``).

``KIND[=VALUE]@FROM[-[TO]]``, several joined by commas; times in seconds since the start. Without ``-`` the
fault strikes the next answer once (faults of the meter, ``silence``, ``echo``, ``baud`` and ``unplug``: from then
on); with ``FROM-TO`` it lasts that long, with ``FROM-`` for ever.

    slow=SECONDS     answers come later           drop=SHARE    each byte is lost with this probability
    garbage=BYTES    noise before the answer      half          the answer stops in its middle
    silence          no answers                   stuck         the answer before is sent once more
    echo             the line hands every byte back that it was given
    baud=RATE        the meter's menu is set to another rate: both sides hear noise
    overrange        the meter reads over range   nodata        it has no data, as after a change of range
    crest=FACTOR     the load's current has this crest factor
    error=SHARE      every error of the specification is this share of its limit (-1 to 1)
    restart          the meter is switched off and on and has lost its settings
    unplug           the port is gone until TO, and back then with the meter switched off and on
"""

from __future__ import annotations

import math
import random
import re
from dataclasses import dataclass

from schemas.errors import UserError

DEFAULTS = {
    "slow": 0.5,
    "drop": 0.01,
    "garbage": 8,
    "half": 0,
    "silence": 0,
    "stuck": 0,
    "echo": 0,
    "baud": 1200,
    "overrange": 0,
    "nodata": 0,
    "crest": 6,
    "error": 1,
    "restart": 0,
    "unplug": 0,
}
METER_FAULTS = ("overrange", "nodata", "crest", "error")
"""Faults of the measuring half; the rest are those of the line."""
LASTING = {"silence", "echo", "baud", "unplug", *METER_FAULTS}
FOR_EVER = 1 << 62
_ENTRY = re.compile(r"([a-z]+)(?:=(-?[0-9.]+))?@([0-9.]+)(?:(-)([0-9.]*))?\Z")


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault; times in nanoseconds since the start. ``once`` strikes a single answer."""

    kind: str
    value: float
    from_ns: int
    to_ns: int
    once: bool


def parse(spec: str) -> tuple[Fault, ...]:
    """A ``--faults`` text; ``UserError`` naming the entry that is none."""
    return tuple(_entry(part.strip()) for part in spec.split(",") if part.strip())


def _entry(text: str) -> Fault:
    match = _ENTRY.match(text)
    try:
        if match is None or match.group(1) not in DEFAULTS:
            raise ValueError(text)
        kind, value, begin, dash, end = match.groups()
        size = float(value) if value else float(DEFAULTS[kind])
        from_ns = round(float(begin) * 1e9)
        lasting = dash is not None or kind in LASTING
        to_ns = round(float(end) * 1e9) if end else FOR_EVER
        if to_ns <= from_ns or not math.isfinite(size):
            raise ValueError(text)
    except ValueError:
        kinds = ", ".join(sorted(DEFAULTS))
        raise UserError(
            f"{text!r} is no fault: write KIND[=VALUE]@FROM[-[TO]] with one of {kinds}, for example half@5 or "
            "unplug@10-12"
        ) from None
    return Fault(kind, size, from_ns, to_ns, once=not lasting)


class FaultPlan:
    """Which faults are in force; remembers those that strike once."""

    def __init__(self, faults: tuple[Fault, ...], seed: int) -> None:
        self._faults = list(faults)
        self._random = random.Random(seed + 2)
        self._answer_before = b""

    def active(self, kind: str, at_ns: int) -> Fault | None:
        """The fault of this kind in force at ``at_ns``; one that strikes once is used up by asking."""
        for fault in self._faults:
            if fault.kind == kind and fault.from_ns <= at_ns < fault.to_ns:
                if fault.once:
                    self._faults.remove(fault)
                return fault
        return None

    def next_change(self, at_ns: int, *kinds: str) -> int | None:
        """The next instant at which a fault of one of these kinds begins or ends."""
        times = [t for f in self._faults if f.kind in kinds for t in (f.from_ns, f.to_ns) if t > at_ns]
        return min((t for t in times if t < FOR_EVER), default=None)

    def noise(self, count: int) -> bytes:
        """What a receiver at another rate makes of so many bytes."""
        return self._random.randbytes(count)

    def spoil(self, answer: bytes, at_ns: int) -> tuple[bytes, int]:
        """The bytes that really go out, and by how many nanoseconds later."""
        before, self._answer_before = self._answer_before, answer
        if before and self.active("stuck", at_ns):
            answer = before
        if self.active("silence", at_ns):
            return b"", 0
        slow = self.active("slow", at_ns)
        if garbage := self.active("garbage", at_ns):
            answer = self._random.randbytes(int(garbage.value)) + answer
        if self.active("half", at_ns):
            answer = answer[: max(1, len(answer) // 2)]
        if drop := self.active("drop", at_ns):
            answer = bytes(b for b in answer if self._random.random() >= drop.value)
        return answer, round(slow.value * 1e9) if slow else 0

"""No line at all: a meter simulated in this process, measuring a load: ``load:constant:100`` (loads as of emulate).

Only for driver ``simulated``; everything that is measured so is marked as simulated.
"""

from __future__ import annotations

import random

from powerd.boottime import boottime_ns, sleep_until
from powerd.transports import LineSettings
from powerd.transports.base import Transport

SCHEME = "load"
EXAMPLE = "load:constant:100"
MODEL, SERIES = "WT310E", "yokogawa-wt300"


class RealClock:
    """``powerd.emulators.direct.Clock`` that is the clock of this machine."""

    def now_ns(self) -> int:
        """This instant."""
        return boottime_ns()

    def wait_until(self, at_ns: int) -> None:
        """Sleep until then."""
        sleep_until(at_ns)


def open_line(rest: str, line: LineSettings) -> Transport:
    """A meter that was just switched on; ``NotThere`` for what is no load."""
    from powerd.emulators import faults, find, load
    from powerd.emulators.direct import DirectPort
    from powerd.errors import NotThere
    from schemas.errors import UserError

    origin_ns = boottime_ns()
    seed = random.SystemRandom().randrange(1 << 32)
    try:
        drawn = load.parse(rest, lambda: boottime_ns() - origin_ns)
    except UserError as error:
        raise NotThere(f"port load:{rest[:80]}: {error}") from error
    instrument = find(SERIES).make(MODEL, drawn, seed, origin_ns)
    plan = faults.FaultPlan((), seed)
    return DirectPort(f"load:{rest}", instrument, plan, origin_ns, RealClock())

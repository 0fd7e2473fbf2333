"""The integrator of the Yokogawa WT series and of meters with its command tree: at rest before settings, then started.

``:INTEGrate:STATe?`` answers ``RES``, ``STAR``, ``STOP``, ``TIM`` or ``ERR``, on a WT500 ``READY`` for the first
(IM 760201-17; ``RES`` seen on a WT310). A WT210 has no such query (programs), so it is stopped and reset whatever it
does, and an error that says that it did not count is none of ours. While it counts, other ranges and rates are refused
(error 813); after the start the next command waits for 0.2 s (programs).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace

from powerd.dialects.scpi import Scpi
from powerd.errors import Refused
from powerd.model import Values

ITEM = "WH"
"""Watt hours since the start, with six digits (IM WT310-17, IM 760401-01)."""
START = (":INTEG:MODE NORM", ":INTEG:TIM 0,0,0", ":INTEG:STAR")
"""Counting until it is stopped: a timer of zero."""
START_S = 0.2
SetOne = Callable[[Scpi, str], None]
"""Sends one setting; ``Refused`` with the meter's words."""


def bring_to_rest(talk: Scpi, set_one: SetOne, *, knows_state: bool = True) -> None:
    """Stop and reset it, so that the meter takes settings."""
    if not knows_state:
        for message in (":INTEG:STOP", ":INTEG:RES"):
            try:
                set_one(talk, message)
            except Refused:
                continue  # it was not counting, or is reset
        return
    state = talk.query(":INTEG:STAT?", units=1)[0].rpartition(" ")[2].upper()
    if state.startswith("STAR"):
        set_one(talk, ":INTEG:STOP")
    if not state.startswith(("RES", "READ")):
        set_one(talk, ":INTEG:RES")


def start(talk: Scpi, set_one: SetOne) -> None:
    """Count from now on."""
    for message in START:
        set_one(talk, message)
    time.sleep(START_S)


def counted(values: Values, hours: float) -> Values:
    """A reading with what the integrator says at that update; without, where it says nothing."""
    return replace(values, integrator_j=hours * 3600) if math.isfinite(hours) else values

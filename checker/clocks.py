"""By which clock the files of a power run were written.

LoadGen, the power log and the power daemon wrote local time in the first power rounds; the session files say
how many seconds make it UTC. Facts of the round tell which clock which file has. In one round the official
checker adds the seconds although the times are UTC already, so what it does and what is true may differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from checker.rule import Absent
from schemas.units import NS_PER_S

if TYPE_CHECKING:
    from checker.result import Result

UTC, CLIENT, SERVER = "utc", "client-timezone-added", "server-timezone-added"


def shift_ns(result: Result, clock: str) -> int:
    """What makes the times of a clock UTC; ``Absent`` when the session file does not say it."""
    if clock == UTC:
        return 0
    source = result.client if clock == CLIENT else result.server
    found = source.value.get("timezone")
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise Absent("timezone", source.path, repr(found)[:40], "seconds from local time to UTC")
    return int(found * NS_PER_S)


def loadgen_ns(result: Result) -> int:
    """The shift of LoadGen's own times."""
    return shift_ns(result, result.round.facts["power"].get("loadgen_time_zone", UTC))


def daemon_log_ns(result: Result) -> int:
    """The shift of the times in the daemon's log."""
    return shift_ns(result, result.round.facts["power"].get("ptd_log_time_zone", UTC))


def sample_shifts_ns(result: Result) -> tuple[int, int]:
    """What the official checker adds to the times of the detail log and of the power log."""
    zones = result.round.facts["power"].get("sample_time_zone", {"loadgen": UTC, "spl": UTC})
    return shift_ns(result, zones["loadgen"]), shift_ns(result, zones["spl"])


def truly_local(result: Result) -> bool:
    """Whether the times that the official checker shifts are local times at all."""
    facts = result.round.facts["power"]
    zones = facts.get("sample_time_zone", {})
    return set(zones.values()) <= {UTC} or facts.get("loadgen_time_zone", UTC) != UTC

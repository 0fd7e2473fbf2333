"""Which follower a driver's timing needs: from answers to the intervals that they stand for."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Protocol

from powerd.drivers.base import Driver
from powerd.model import TimingMode, Values
from powerd.polling import PollFollower, PollTiming
from powerd.stamping import Update, UpdateFollower


class Follower(Protocol):
    """From the instants of an exchange to the update that it stands for."""

    @property
    def next_ask_ns(self) -> int:
        """When to ask next; 0 for at once."""

    def reacquire(self) -> None:
        """The meter was set anew, its updates may have moved."""

    def follow(self, request_ns: int, first_byte_ns: int, values: Hashable = None) -> Update | None:
        """The update that an answer stands for; None for a repeat of one that was handed on."""

    def latest_before(self, now_ns: int) -> Update | None:
        """The update that an answer without meaning stood for; None when it costs none."""


class PushFollower:
    """A meter that sends unasked: as one that answers at its update, but noise between two updates is none."""

    def __init__(self, inner: UpdateFollower) -> None:
        self._inner = inner

    @property
    def next_ask_ns(self) -> int:
        """At once: the meter makes us wait."""
        return 0

    def reacquire(self) -> None:
        """The meter was set anew."""
        self._inner.reacquire()

    def follow(self, request_ns: int, first_byte_ns: int, values: Hashable = None) -> Update | None:
        """The update of what came."""
        return self._inner.follow(request_ns, first_byte_ns)

    def latest_before(self, now_ns: int) -> Update | None:
        """The update that was due by now; None when it is too early for one."""
        due_ns = self._inner.next_end_ns
        return self._inner.latest_before(now_ns) if due_ns is None or now_ns >= due_ns else None


def follower_for(driver: Driver, interval_ns: int, byte_time_ns: int) -> Follower:
    """A follower for ``wait``, ``push`` or ``poll``; a driver that polls may have ``poll_timing``."""
    if driver.timing is TimingMode.PUSH:
        return PushFollower(UpdateFollower(interval_ns, byte_time_ns, driver.delay_ns, driver.delay_u95_ns))
    if driver.timing is TimingMode.WAIT:
        return UpdateFollower(interval_ns, byte_time_ns, driver.delay_ns, driver.delay_u95_ns)
    timing: PollTiming | None = getattr(driver, "poll_timing", None)
    return PollFollower(interval_ns, byte_time_ns, driver.delay_ns, driver.delay_u95_ns, timing)


def what_changes(values: tuple[Values, ...]) -> Hashable:
    """What tells one update from the next: the powers, for they are what is added up."""
    return tuple((v.power_w, v.quality) for v in values)

"""The integrator of an emulated WT300: its states, and the watt hours of every element since its start.

It counts every update, also those that nobody asked for: the watts of an update, with the errors of the meter, times
the interval. The real one has a path of its own with 100 kS/s and 0.1 % of reading of its own, which is not imitated.
"""

from __future__ import annotations

import math

from powerd.emulators.scpi_tree import CommandError
from powerd.emulators.wattmeter import Measured, Wattmeter

RESET, STARTED, STOPPED = "RES", "STAR", "STOP"


class Integrator:
    """States as ``INTEG:STAT?`` gives them; errors 842, 844 and 845 for what a state does not allow."""

    def __init__(self, meter: Wattmeter) -> None:
        self._meter = meter
        self.power_on()

    def power_on(self) -> None:
        """Reset."""
        self.state = RESET
        self._joules = [0.0] * self._meter.elements
        self._counted = 0

    def start(self, at_ns: int) -> None:
        """Count from the next update on."""
        if self.state == STARTED:
            raise CommandError(842)
        self._counted = self._meter.index_at(at_ns)
        self.state = STARTED

    def stop(self, at_ns: int) -> None:
        """Keep what is counted."""
        if self.state != STARTED:
            raise CommandError(844)
        self.count(at_ns)
        self.state = STOPPED

    def reset(self) -> None:
        """Forget what is counted."""
        if self.state == STARTED:
            raise CommandError(845)
        self.power_on()

    def must_be_reset(self) -> None:
        """Ranges and rates can be changed in no other state."""
        if self.state != RESET:
            raise CommandError(813)

    def count(self, at_ns: int) -> tuple[Measured, ...]:
        """Take in every update up to this instant; the latest."""
        latest = self._meter.all_at(at_ns)
        if self.state == STARTED:
            for index in range(self._counted + 1, self._meter.index_at(at_ns)):
                self._add(self._meter.all_at(self._meter.end_of(index)))
            latest = self._meter.all_at(at_ns)
            if self._meter.index_at(at_ns) > self._counted:
                self._add(latest)
            self._counted = self._meter.index_at(at_ns)
        return latest

    def _add(self, update: tuple[Measured, ...]) -> None:
        seconds = self._meter.setup.interval_ns / 1e9
        for element, measured in enumerate(update):
            if math.isfinite(measured.watts):
                self._joules[element] += measured.watts * seconds

    def hours(self, element: int) -> float:
        """Watt hours of an element; nan while reset."""
        return math.nan if self.state == RESET else self._joules[element] / 3600

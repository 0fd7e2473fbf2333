"""The integrator of an emulated WT meter: states, commands, and the watt hours of every element since its start.

It counts every update, also those that nobody asked for: the watts of an update, with the errors of the meter, times
the interval. The real one has a path of its own with 100 kS/s and 0.1 % of reading of its own, which is not imitated.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from powerd.emulators.scpi_tree import CommandError, Unit
from powerd.emulators.wattmeter import Measured, Wattmeter

RESET, STARTED, STOPPED = "RES", "STAR", "STOP"
SWITCHES = {"INTEG:MODE": "NORM", "INTEG:TIM": "0,0,0"}
"""Settings that are only kept, as after power-on."""
Handler = Callable[[Unit, int], str | None]


class Integrator:
    """States as ``INTEG:STAT?`` gives them; errors 842, 844 and 845 for what a state does not allow."""

    def __init__(self, meters: Sequence[Wattmeter]) -> None:
        """``meters`` update together."""
        self._meters = tuple(meters)
        self._clock = self._meters[0]
        self.power_on()

    def handlers(self, head: Callable[[str, str], str], *, tells_state: bool = True) -> dict[str, Handler]:
        """The commands by path; ``head`` puts the header before an answer."""
        found: dict[str, Handler] = {
            "INTEG:STAR": lambda u, t: self.start(t),
            "INTEG:STOP": lambda u, t: self.stop(t),
            "INTEG:RES": lambda u, t: self.reset(),
        }
        return found | ({"INTEG:STAT": lambda u, t: head(u.path, self.state)} if tells_state else {})

    def guarded(self, handler: Handler) -> Handler:
        """A setting that the meter refuses unless its integrator is reset."""

        def obey(unit: Unit, at_ns: int) -> str | None:
            if not unit.query:
                self.must_be_reset()
            return handler(unit, at_ns)

        return obey

    def power_on(self) -> None:
        """Reset."""
        self.state = RESET
        self._joules = [0.0] * sum(meter.elements for meter in self._meters)
        self._counted = 0

    def start(self, at_ns: int) -> None:
        """Count from the next update on."""
        if self.state == STARTED:
            raise CommandError(842)
        self._counted = self._clock.index_at(at_ns)
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
        latest = self._all_at(at_ns)
        if self.state == STARTED:
            for index in range(self._counted + 1, self._clock.index_at(at_ns)):
                self._add(self._all_at(self._clock.end_of(index)))
            latest = self._all_at(at_ns)
            if self._clock.index_at(at_ns) > self._counted:
                self._add(latest)
            self._counted = self._clock.index_at(at_ns)
        return latest

    def _all_at(self, at_ns: int) -> tuple[Measured, ...]:
        return tuple(measured for meter in self._meters for measured in meter.all_at(at_ns))

    def _add(self, update: tuple[Measured, ...]) -> None:
        seconds = self._clock.setup.interval_ns / 1e9
        for element, measured in enumerate(update):
            if math.isfinite(measured.watts):
                self._joules[element] += measured.watts * seconds

    def hours(self, element: int) -> float:
        """Watt hours of an element; nan while reset."""
        return math.nan if self.state == RESET else self._joules[element] / 3600

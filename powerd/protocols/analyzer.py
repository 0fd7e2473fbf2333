"""One or more meters of the lab as one instrument with n channels: ranges, runs, and the window that each run holds."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping

from powerd import drivers
from powerd.boottime import boottime_ns
from powerd.errors import Gone, PowerdError, Refused
from powerd.model import MeterInfo, Quality
from powerd.protocols.base import Lab
from powerd.protocols.measurement import LABEL, Instrument, Measurement, Told
from powerd.protocols.samples import Place, Run
from schemas.metrology import Specification
from schemas.units import NS_PER_MS, NS_PER_S

log = logging.getLogger(__name__)
SETTLE_S = 30.0
TAKEN_S = 5.0
"""A range is taken when a good sample came on it; so long is waited for one, as PTDaemon was seen to need."""


class Analyzer:
    """The meters of one conversation. Its calls come from one thread; a run has one of its own."""

    def __init__(self, lab: Lab, meters: tuple[str, ...], told: Told) -> None:
        """``meters`` in the order of their channels."""
        self._lab = lab
        self.meters = meters
        self._told = told
        self._measuring: Measurement | None = None
        self._last: Measurement | None = None

    @property
    def places(self) -> tuple[Place, ...]:
        """All channels in order."""
        return tuple((m, c) for m in self.meters for c in self._lab.channels(m))

    @property
    def infos(self) -> tuple[MeterInfo, ...]:
        """Who measures; ``Gone`` when one never answered."""
        return tuple(self._lab.info(m) for m in self.meters)

    @property
    def interval_ns(self) -> int:
        """The meters' update interval."""
        return self._lab.meter(self.meters[0]).settings.interval_ns

    @property
    def measuring(self) -> bool:
        """Whether a run is going on."""
        return self._measuring is not None

    def specification(self, meter: str) -> Specification | None:
        """Accuracy and ranges of a meter, None where nobody knows them."""
        info = self._lab.info(meter)
        try:
            return drivers.find(info.driver).specification(info)
        except (KeyError, PowerdError):
            return None

    def ranges(self) -> tuple[tuple[bool, float | None], tuple[bool, float | None]]:
        """Amperes, then volts: whether automatic, and the range in force where it is known."""
        settings = self._lab.state(self.meters[0]).settings
        latest = self._lab.latest(self.meters[0])
        seen = (
            (None, None) if latest is None else (latest.values.current_range_a, latest.values.voltage_range_v)
        )
        fixed = (None, None) if settings is None else (settings.current_range_a, settings.voltage_range_v)
        amps, volts = (((f is None), s if f is None else f) for f, s in zip(fixed, seen, strict=True))
        return amps, volts

    def _let_end(self) -> None:
        """Until a run that was stopped has its last sample and its lease is given up: the next words need the meter."""
        if self._measuring is None and self._last is not None:
            self._last.await_complete()

    def set_volts(self, value: float | None) -> list[float | None]:
        """The smallest voltage range that is not below ``value`` (None: automatic) on every meter."""
        return [self._set(m, value, volts=True) for m in self.meters]

    def set_amps(self, value: float | None) -> list[float | None]:
        """The smallest current range that is not below ``value`` (None: automatic) on every meter."""
        return [self._set(m, value, volts=False) for m in self.meters]

    def _set(self, meter: str, value: float | None, *, volts: bool) -> float | None:
        self._let_end()
        settings = self._lab.state(meter).settings
        if settings is None:
            raise Gone(f"meter {meter} has not answered yet")
        chosen = None
        if value is not None:
            specification = self.specification(meter)
            if specification is None:
                raise Refused(f"the ranges of meter {meter} are not known: take Auto")
            offered = specification.with_crest_factor(settings.crest_factor)[0 if volts else 1]
            if not value > 0:
                raise Refused(f"found {value:g}, wanted a value above 0 or Auto")
            try:
                chosen = specification.range_for(value, offered)
            except ValueError as error:
                raise Refused(str(error)) from None
        before = (settings.voltage_range_v, settings.current_range_a)
        wanted = (chosen, before[1]) if volts else (before[0], chosen)
        if wanted != before:
            self._lab.set_range_unless_leased(meter, *wanted)
            self._good_samples(1, TAKEN_S)
        return chosen

    def settle(self, wanted: int) -> None:
        """Wait for so many good samples in a row that began after now; ``Gone`` after 30 s without."""
        if not self._good_samples(wanted, SETTLE_S):
            raise Gone(
                f"meter {self.meters[0]} gave no {wanted} good samples in a row within {SETTLE_S:g} s: look "
                "at its range"
            )

    def _good_samples(self, wanted: int, patience_s: float) -> bool:
        since, seen, last = boottime_ns(), 0, None
        while boottime_ns() < since + int(patience_s * NS_PER_S):
            latest = self._lab.latest(self.meters[0])
            if latest is not None and latest != last and latest.end_ns - latest.interval_ns >= since:
                last = latest
                seen = seen + 1 if latest.values.quality is Quality.GOOD else 0
                if seen >= wanted:
                    return True
            time.sleep(0.01)
        return False

    def go(self, interval_ms: int, mark: str, labels: Mapping[str, str]) -> None:
        """Begin a run. ``Refused`` for an interval that the meter has not, ``Conflict`` for a leased channel."""
        if self._measuring is not None:
            raise Refused("a measurement is running: Stop it first")
        updates, rest = divmod(interval_ms * NS_PER_MS, self.interval_ns)
        if rest or not updates:
            raise Refused(
                f"found {interval_ms} ms, but the meter updates every {self.interval_ns / NS_PER_MS:g} ms: "
                "wanted a multiple of that"
            )
        self._let_end()
        self._last = None
        self._measuring = Measurement(self._lab, self._instrument(), updates, mark, labels, self._told)

    def _instrument(self) -> Instrument:
        fixed = not any(automatic for automatic, _ in self.ranges())
        specifications = {m: self.specification(m) for m in self.meters}
        return Instrument(self.meters, self.places, self.interval_ns, fixed, specifications)

    def stop(self) -> bool:
        """End the run at the sample in progress, without waiting for it; False when there was none."""
        measuring, self._measuring = self._measuring, None
        if measuring is None:
            return False
        measuring.stop()
        self._last = measuring
        return True

    def run(self) -> Run:
        """The run that goes on, else the last one, complete; an empty one before any."""
        if self._measuring is not None:
            return self._measuring.run
        if self._last is not None:
            self._last.await_complete()
            return self._last.run
        return Run(1)

    def await_windows(self) -> None:
        """Until the windows of the last run are closed for good, or will not be."""
        if self._last is not None:
            self._last.await_complete()
            self._last.await_windows()

    def end(self) -> None:
        """The conversation is over: nothing stays leased, and every window is closed."""
        self.stop()
        self.await_windows()


def close_left_windows(lab: Lab, meters: tuple[str, ...]) -> None:
    """Windows of runs whose daemon died are closed with what there is: their conversation is over."""
    for window in lab.windows.all(1000):
        ours = window["meter"] == ",".join(meters) and window["labels"].get(LABEL)
        if window["state"] == "open" and ours:
            begin = int(window["opened_unix_ns"])
            try:
                lab.windows.close(str(window["id"]), begin, max(time.time_ns(), begin + 1), None)
            except PowerdError as error:
                log.warning("window %s stays open: %s", window["id"], error)

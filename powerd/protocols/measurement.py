"""One run: the samples since ``Go``, and the window that keeps others away from its meters."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from powerd.boottime import boottime_ns
from powerd.errors import PowerdError
from powerd.model import Quality, Reading
from powerd.protocols.base import Lab
from powerd.protocols.samples import Aligner, Place, Run, Sample, mean
from powerd.windows import WAIT_S
from schemas.metrology import Specification
from schemas.units import NS_PER_S

log = logging.getLogger(__name__)
LABEL = "protocol"
"""Windows that a foreign protocol holds say so in this label."""


@dataclass(frozen=True, slots=True)
class Instrument:
    """What a run measures with: meters in the order of their channels, ``fixed`` when their ranges are."""

    meters: tuple[str, ...]
    places: tuple[Place, ...]
    interval_ns: int
    fixed: bool
    specifications: Mapping[str, Specification | None]


@dataclass(frozen=True, slots=True)
class Told:
    """What an analyzer tells while it measures; everything is called on the thread of the run."""

    sample: Callable[[Sample], None]
    lost: Callable[[Reading], None]
    missed: Callable[[int], None]
    completed: Callable[[Run], None]
    window: Callable[[Mapping[str, Any]], None]


class Measurement:
    """One run: a listener at the feed, the samples, and a window on all its meters that keeps others away."""

    def __init__(
        self, lab: Lab, instrument: Instrument, updates: int, mark: str, labels: Mapping[str, str], told: Told
    ) -> None:
        """``updates`` of the meters make one sample. ``Conflict`` when a channel is leased."""
        self._lab = lab
        self._told = told
        self._updates = updates
        self._interval_ns = instrument.interval_ns
        places = instrument.places
        self._aligner = Aligner(places, instrument.specifications, instrument.fixed)
        self._beat = places[0]
        self.run = Run(len(places) + (len(places) > 1))
        self._wake = threading.Event()
        self._complete = threading.Event()
        self._held: list[Sample] = []
        self._stop_ns: int | None = None
        self._full = False
        self._closer: threading.Thread | None = None
        self._meters = instrument.meters
        window = lab.windows.open(mark or "run", ",".join(instrument.meters), {LABEL: "ptd", **labels})
        self._window = str(window["id"])
        try:
            self._listener = lab.feed.listen(self._wake.set)
        except PowerdError:
            self._begin_ns = self._end_ns = time.time_ns()
            self._close_window()
            raise
        self._begin_ns, self._go_ns = time.time_ns(), boottime_ns()
        self._end_ns = self._begin_ns
        self._thread = threading.Thread(target=self._follow, name="run", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End at the sample in progress; returns at once."""
        self._end_ns = max(time.time_ns(), self._begin_ns + 1)
        self._stop_ns = boottime_ns()
        self._wake.set()

    def await_complete(self) -> None:
        """Until the sample in progress at the stop is there, or will not come."""
        self._complete.wait(self._patience_s() + 2.0)

    def await_windows(self) -> None:
        """Until the last interval of its windows is there too."""
        if self._closer is not None:
            self._closer.join(WAIT_S + 1.0)

    def _patience_s(self) -> float:
        return 2.5 * self._updates * self._interval_ns / NS_PER_S + 0.5

    def _follow(self) -> None:
        try:
            while not self._ended():
                self._wake.wait(0.1)
                self._wake.clear()
                batch = self._listener.take()
                if batch.lost:
                    self._told.missed(batch.lost)
                for happening in batch.happenings:
                    if isinstance(happening.body, Reading):
                        self._put(happening.body)
                if batch.ended:
                    break
        finally:
            self._lab.feed.leave(self._listener)
            self._closer = closer = threading.Thread(target=self._close_window, name="close", daemon=True)
            closer.start()
            while closer.is_alive() and any(self._lab.windows.is_leased(m) for m in self._meters):
                time.sleep(0.01)
            self._told.completed(self.run)
            self._complete.set()

    def _ended(self) -> bool:
        if self._full:
            return True
        late_ns = int(self._patience_s() * NS_PER_S)
        return self._stop_ns is not None and boottime_ns() > self._stop_ns + late_ns

    def _put(self, reading: Reading) -> None:
        if reading.end_ns <= self._go_ns or self._full:
            return
        if (reading.meter, reading.values.channel) == self._beat and reading.values.quality is Quality.LATE:
            self._told.missed(1)
            return
        if reading.values.quality is not Quality.GOOD:
            self._told.lost(reading)
        for sample in self._aligner.put(reading):
            self._held.append(sample)
            if len(self._held) >= self._updates:
                whole, self._held = mean(self._held), []
                self.run.add(whole)
                self._told.sample(whole)
                if self._stop_ns is not None and whole.end_ns >= self._stop_ns:
                    self._full = True
                    return

    def _close_window(self) -> None:
        end_ns = self._end_ns if self._stop_ns is not None else time.time_ns()
        try:
            closed = self._lab.windows.close(
                self._window, self._begin_ns, max(end_ns, self._begin_ns + 1), None
            )
        except PowerdError as error:
            log.warning("window %s stays open: %s", self._window, error)
        else:
            self._told.window(closed)

"""Looks at the system under test once a second while LoadGen runs: load, frequency, temperature, throttling, memory.

In a thread of the parent that asks the scheduler for little (nice 10); the child that computes knows nothing of it.
What a machine does not tell is None. ``tools/bench/telemetry_cost.py`` measures what it costs.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil

from harness.machine import Machine, throttle_events

NAME = "telemetry.csv"
INTERVAL_S = 1.0
NICE = 10
CHIPS = ("coretemp", "k10temp", "cpu_thermal", "soc_thermal", "cpu-thermal", "acpitz")
"""Names under which Linux shows the temperature of processors, best first."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The machine at one instant.

    ``cpu_share`` (0 to 1) since the sample before; frequency in Hz, mean of all processors; temperature in degrees
    Celsius, of the hottest sensor of the processor; ``throttle_events`` since the machine was started;
    ``load_1m`` is the kernel's load average.
    """

    unix_ns: int
    cpu_share: float
    frequency_hz: float | None
    temperature_c: float | None
    throttle_events: int | None
    memory_share: float
    load_1m: float | None


class Telemetry:
    """Samples from entering the context to leaving it, the first and the last one at its ends."""

    def __init__(
        self,
        tell: Callable[[Sample], None],
        *,
        interval_s: float = INTERVAL_S,
        machine: Machine | None = None,
    ) -> None:
        """``tell`` is given every sample; it must return at once."""
        self._tell, self._interval_s = tell, interval_s
        self._machine = Machine() if machine is None else machine
        self._ended = threading.Event()
        self._times = psutil.cpu_times()
        self.samples: list[Sample] = []
        self.processor_s = 0.0
        """Processor time that looking took."""
        self._thread = threading.Thread(target=self._watch, name="telemetry", daemon=True)

    def __enter__(self) -> Telemetry:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        with contextlib.suppress(OSError, AttributeError):  # elsewhere than on Linux a thread has no niceness
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
        while True:
            ended = self._ended.wait(self._interval_s)
            self._look()
            if ended:
                break
        self.processor_s = time.thread_time()

    def _look(self) -> None:
        found = Sample(
            unix_ns=time.time_ns(),
            cpu_share=self._cpu_share(),
            frequency_hz=frequency_hz(),
            temperature_c=temperature_c(),
            throttle_events=throttle_events(self._machine),
            memory_share=psutil.virtual_memory().percent / 100,
            load_1m=_load(),
        )
        self.samples.append(found)
        self._tell(found)

    def _cpu_share(self) -> float:
        """Of all processors, since the last look."""
        before, self._times = self._times, psutil.cpu_times()
        gone = [b - a for a, b in zip(before, self._times, strict=True)]
        names = self._times._fields
        # Linux counts the time of guests as time of users too.
        total = sum(g for n, g in zip(names, gone, strict=True) if not n.startswith("guest"))
        idle = sum(g for n, g in zip(names, gone, strict=True) if n in ("idle", "iowait"))
        return min(1.0, max(0.0, (total - idle) / total)) if total > 0 else 0.0

    def summary(self) -> dict[str, Any] | None:
        """As it stands in the run record; None when there was no time for a look."""
        if not self.samples:
            return None
        events = [s.throttle_events for s in self.samples]
        first, last = events[0], events[-1]
        return {
            "interval_s": self._interval_s,
            "samples": len(self.samples),
            **{
                name: _spread([getattr(s, name) for s in self.samples])
                for name in ("cpu_share", "frequency_hz", "temperature_c", "memory_share", "load_1m")
            },
            "throttle_events": None if first is None or last is None else last - first,
            "processor_s": round(self.processor_s, 6),
        }

    def write(self, folder: Path) -> None:
        """Every sample as a row, beside the logs of the run."""
        rows = [",".join(f.name for f in fields(Sample))]
        rows += [",".join("" if v is None else str(v) for v in astuple(s)) for s in self.samples]
        (folder / NAME).write_text("\n".join(rows) + "\n", encoding="utf-8")


def _spread(values: Sequence[float | None]) -> dict[str, float] | None:
    known = [v for v in values if v is not None]
    if not known:
        return None
    return {"min": min(known), "mean": sum(known) / len(known), "max": max(known)}


def frequency_hz() -> float | None:
    """Mean frequency of the processors."""
    try:
        found = psutil.cpu_freq()
    except (OSError, NotImplementedError, RuntimeError):
        return None
    return found.current * 1e6 if found is not None and found.current > 0 else None


def temperature_c() -> float | None:
    """The hottest sensor of the processor, or of the first chip that has one."""
    try:
        sensors = psutil.sensors_temperatures()
    except (OSError, AttributeError, RuntimeError):
        return None
    known = [sensors[chip] for chip in CHIPS if sensors.get(chip)] or [s for s in sensors.values() if s]
    return max(float(s.current) for s in known[0]) if known else None


def _load() -> float | None:
    try:
        return float(os.getloadavg()[0])
    except (OSError, AttributeError):
        return None

"""``Service``: the one place that puts the parts of the daemon together."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Any

from powerd.acquire import Acquisition, AcquisitionState, Event
from powerd.boottime import boottime_ns
from powerd.clock import boot_id
from powerd.clock_keeper import ClockKeeper
from powerd.config import Config, MeterConfig
from powerd.errors import NotThere
from powerd.exchange import Exchanges
from powerd.model import Reading, Settings
from powerd.ring import Ring
from powerd.store import Store
from powerd.windows import Conflict, Windows
from schemas import __version__
from schemas.units import NS_PER_S

CONNECT_S = 20.0
STALE_INTERVALS = 5
EVENTS_KEPT = 20


class Meter:
    """One meter of the service: its configuration, its loop and what happened to it lately."""

    def __init__(self, config: MeterConfig, service: Service) -> None:
        self.config = config
        self.events: deque[Event] = deque(maxlen=EVENTS_KEPT)
        self._service = service
        self._known: Settings | None = None
        self.acquisition = Acquisition(
            config.name,
            config.driver,
            config.port,
            config.settings,
            service.boot_id,
            self._on_reading,
            self._on_event,
            line=config.line,
            first_sequence=service.store.last_sequence(config.name) + 1,
        )

    @property
    def state(self) -> AcquisitionState:
        """How its loop is doing."""
        return self.acquisition.state

    @property
    def channel(self) -> str:
        """Its first channel, the one that is meant when none is named."""
        return self.config.settings.channels[0]

    def connect(self, ended: threading.Event) -> None:
        """Start, and wait for the first contact; ``NotThere`` with the reason when there is none.

        Returns early when ``ended`` is set.
        """
        self.acquisition.start()
        deadline = time.monotonic() + CONNECT_S
        while time.monotonic() < deadline and not ended.wait(0.01):
            state = self.state
            if state.connected:
                return
            if state.last_error is not None:
                raise NotThere(f"meter {self.config.name}: {state.last_error}")
        if ended.is_set():
            return
        raise NotThere(f"meter {self.config.name} did not answer within {CONNECT_S:g} s on {self.config.port}")

    def _on_reading(self, reading: Reading) -> None:
        state = self.state
        if state.settings is not None and state.info is not None and state.settings != self._known:
            self._known = state.settings
            since = reading.stamps.request_ns
            self._service.store.put_meter(self.config.name, since, state.info, state.settings)
        self._service.store.put_reading(reading)
        self._service.ring.add(reading)

    def _on_event(self, event: Event) -> None:
        self.events.append(event)
        self._service.store.put_event(event.at_ns, event.kind, event.meter, event.message)
        if event.kind == "connected":
            self._known = None


class Service:
    """Store, clock, meters and windows of one daemon."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.boot_id = boot_id()
        self.started_ns = boottime_ns()
        self.store = Store(config.data_dir, self.boot_id)
        self.store.begin_run(self.started_ns, time.time_ns(), __version__)
        self.ring = Ring()
        self.clock = ClockKeeper(self.boot_id, self.store.put_fix, self._on_clock)
        self.exchanges = Exchanges(self.boot_id, self.store.put_exchange)
        self.windows = Windows(self.store, self.ring, self.clock.note)
        self.meters = {m.name: Meter(m, self) for m in config.meters}

    def start(self, ended: threading.Event | None = None) -> None:
        """Connect every meter; ``NotThere`` when one of them is not there: call ``stop`` then, too.

        ``ended`` cuts the waiting for the meters short.
        """
        self.clock.start()
        self.windows.start()
        for meter in self.meters.values():
            meter.connect(ended or threading.Event())

    def stop(self) -> None:
        """End everything; what was measured is on disk afterwards."""
        for meter in self.meters.values():
            meter.acquisition.stop()
        self.windows.stop()
        self.clock.stop()
        self.store.end_run(boottime_ns())
        self.store.close()

    def _on_clock(self, at_ns: int, kind: str, message: str) -> None:
        self.store.put_event(at_ns, kind, "", message)

    def meter(self, name: str) -> Meter:
        """One meter; ``NotThere`` naming the known ones."""
        if name not in self.meters:
            known = ", ".join(sorted(self.meters)) or "none"
            raise NotThere(f"there is no meter {name[:80]!r}; this daemon has: {known}")
        return self.meters[name]

    def set_range(self, name: str, voltage_v: float | None, current_a: float | None) -> Settings:
        """Change a meter's ranges (None: auto). ``Conflict`` while a window is open on it, ``Gone``, ``Refused``."""
        meter = self.meter(name)
        holder = self.windows.holder(name)
        if holder is not None:
            raise Conflict(
                f"window {holder.ident!r} is open on meter {name}: a range change would spoil it, close it first"
            )
        return meter.acquisition.request_range(voltage_v, current_a)

    def problems(self) -> list[str]:
        """Sentences on everything that is not as it should be."""
        found = [text for text in (self.store.state.error,) if text]
        if self.store.state.lost:
            found.append(f"{self.store.state.lost} records found no room in memory and are lost")
        if not self.clock.alive:
            found.append("the clock is not noted any more: restart powerd")
        if not self.windows.alive:
            found.append("windows are not closed any more: restart powerd")
        for meter in self.meters.values():
            if not meter.state.connected:
                found.append(f"meter {meter.config.name} is not connected: {meter.state.last_error}")
            elif (silent := self._silent_s(meter)) is not None:
                found.append(f"meter {meter.config.name} has been silent for {silent:.1f} s")
        return found

    def _silent_s(self, meter: Meter) -> float | None:
        """Seconds since the last reading where that is long, else None."""
        latest = self.ring.latest(meter.config.name, meter.channel)
        since = latest.stamps.last_byte_ns if latest is not None else self.started_ns
        interval = meter.config.settings.interval_ns
        silent = boottime_ns() - since
        return silent / NS_PER_S if silent > max(5 * NS_PER_S, STALE_INTERVALS * interval) else None


    def health(self) -> dict[str, Any]:
        """The health document."""
        problems = self.problems()
        state = self.store.state
        return {
            "status": "degraded" if problems else "ok",
            "version": __version__,
            "uptime_s": (boottime_ns() - self.started_ns) / NS_PER_S,
            "store": {
                "path": str(self.config.data_dir),
                "error": state.error,
                "waiting": state.waiting,
                "lost": state.lost,
            },
            "clock": {"source": "system", "u95_s": self.clock.model().to_remote(boottime_ns()).u95_ns / NS_PER_S},
            "problems": problems,
            "simulated": any(m.state.info is not None and m.state.info.simulated for m in self.meters.values()),
        }

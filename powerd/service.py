"""The one place that puts the daemon together: store, meters, clock, windows, sessions."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from powerd import drivers, retention
from powerd.acquire import Acquisition, AcquisitionState, Event
from powerd.boottime import boottime_ns
from powerd.clock import ClockFix, ClockModel, Tie, boot_id, is_step, take_fix
from powerd.config import Config, MeterConfig
from powerd.counters import Counters
from powerd.errors import Gone, NotThere, PowerdError
from powerd.exchange import Exchanges
from powerd.feed import Feed
from powerd.model import MeterInfo, Quality, Reading, Settings
from powerd.owners import Owners
from powerd.range_guard import RangeGuard
from powerd.ring import Ring
from powerd.session_native import MeterControl
from powerd.sessions import Sessions
from powerd.signing import Signer, signer
from powerd.sources import channels_of
from powerd.store import Store, StoreFailed
from powerd.views import exact
from powerd.windows import Conflict, Windows
from schemas import __version__
from schemas.combine import summed
from schemas.errors import UserError
from schemas.units import NS_PER_S

log = logging.getLogger(__name__)
FIX_EVERY_S = 5.0
HOUSEKEEPING_S = 0.5
FIRST_ANSWER_S = 20.0
KEPT_EVENTS = 5
ALARMS = frozenset({"disconnected", "garbled", "error", "range", "uncertainty"})
"""Events of a meter that somebody should look at."""
SILENT_NS = 5 * NS_PER_S
SILENT_INTERVALS = 5


class Service:
    """A running daemon without its sockets. ``start`` fails early; afterwards meters may come and go."""

    def __init__(self, config: Config) -> None:
        """Opens the store; ``NotThere`` or ``Refused`` when the data directory cannot be used."""
        self.config = config
        self.boot_id = boot_id()
        self.store = Store(config.data_dir, self.boot_id)
        self.ring = Ring()
        self.counters = Counters()
        self.feed = Feed()
        self.exchanges = Exchanges(self.boot_id, self.store.put_exchange)
        self.windows = Windows(self.store, self._channels, self.take_fix, self.ring.latest, self._on_window)
        control = MeterControl(self.set_range_unless_leased, self.info, self.latest, self.channels)
        folder = Path(config.data_dir) / "sessions"
        self.sessions = Sessions(self.store, control, folder, self._windows_of, self.take_fix)
        self.owners = Owners(self.store.owner, self.store.put_owner)
        self.started_ns = boottime_ns()
        self._meters = {m.name: m for m in config.meters}
        self._acquisitions: dict[str, Acquisition] = {}
        self._stopping = threading.Event()
        self._events: dict[str, list[dict[str, Any]]] = {m.name: [] for m in config.meters}
        self._last_fix: ClockFix | None = None
        self._fix_lock = threading.Lock()
        self._problems: list[str] = []
        self._store_error: str | None = None
        self._signing_key: dict[str, str] | None = None
        self._guards: dict[tuple[str, str], tuple[str, RangeGuard]] = {}
        self._over_range: set[tuple[str, str]] = set()
        self._sweeper: threading.Thread | None = None
        self._keeper = threading.Thread(target=self._keep_house, name="housekeeping", daemon=True)

    def start(self) -> None:
        """Connect every meter; ``UserError`` with the meter's own sentence when one does not answer."""
        self.store.begin_run(boottime_ns(), time.time_ns(), __version__)
        self._signing_key = self._key()
        self.take_fix()
        self.windows.resume()
        for meter in self.config.meters:
            self._acquisitions[meter.name] = self._acquisition(meter)
            self._acquisitions[meter.name].start()
        self._keeper.start()
        if self.config.retention_ns is not None:
            arguments = (self.store, self.config.retention_ns, self._stopping)
            self._sweeper = threading.Thread(
                target=retention.run, args=arguments, name="retention", daemon=True
            )
            self._sweeper.start()
        for meter in self.config.meters:
            self._await_first_answer(meter)

    def stop(self) -> None:
        """End the loops and close the store; everything so far is kept."""
        self._stopping.set()
        for acquisition in self._acquisitions.values():
            acquisition.stop()
        if self._keeper.is_alive():
            self._keeper.join(5.0)
        if self._sweeper is not None:
            self._sweeper.join(5.0)
        self.take_fix()
        self.feed.close()
        try:
            if self.store.run_id:
                self.store.end_run(boottime_ns())
        except StoreFailed as error:
            log.error("%s; %d records are lost now", error, self.store.state.waiting)
        self.store.close()

    # meters

    @property
    def meter_names(self) -> tuple[str, ...]:
        """Names of the configured meters."""
        return tuple(self._meters)

    def meter(self, name: str) -> MeterConfig:
        """The configuration of a meter; ``NotThere`` naming the known ones.

        Here and below ``name`` may also be one of a meter's channels (``powerd.sources``): ``wall/2``.
        """
        name = _meter_of(name)
        if name not in self._meters:
            raise NotThere(
                f"there is no meter {name[:80]!r}: this daemon has {', '.join(self._meters) or 'none'}"
            )
        return self._meters[name]

    def state(self, name: str) -> AcquisitionState:
        """How a meter's loop is doing."""
        return self._acquisitions[self.meter(name).name].state

    def channels(self, name: str) -> tuple[str, ...]:
        """The channels that a meter is asked for, or those that ``name`` means."""
        return tuple(channels_of(name, self._channels).split("+"))

    def _channels(self, name: str) -> tuple[str, ...]:
        return self.meter(name).settings.channels

    def info(self, name: str) -> MeterInfo:
        """Who answers as this meter; ``Gone`` when nobody ever did."""
        info = self.state(name).info
        if info is None:
            raise Gone(
                f"meter {name} has not answered yet: {self.state(name).last_error or 'still connecting'}"
            )
        return info

    def latest(self, name: str) -> Reading | None:
        """The newest reading of a meter; of several channels their sum."""
        update = self.ring.newest_update(_meter_of(name), self.channels(name))
        return None if update is None else summed(update)

    def events(self, name: str) -> list[dict[str, Any]]:
        """What happened to a meter lately."""
        return list(self._events[name])

    def set_range(self, name: str, voltage_v: float | None, current_a: float | None) -> Settings:
        """Change a meter's ranges between two reads, and note what is in force from now on."""
        name = self.meter(name).name
        settings = self._acquisitions[name].request_range(voltage_v, current_a)
        self.store.put_meter(name, boottime_ns(), self.info(name), settings)
        return settings

    def set_range_unless_leased(
        self, name: str, voltage_v: float | None, current_a: float | None
    ) -> Settings:
        """As ``set_range``; ``Conflict`` while a window is open on the meter."""
        name = self.meter(name).name
        if self.windows.is_leased(name):
            raise Conflict(
                f"a window is open on meter {name}: its range stays as it is until the window is closed"
            )
        return self.set_range(name, voltage_v, current_a)

    # clock and health

    def take_fix(self) -> None:
        """Note what UTC is now; a step of the system's clock is an event."""
        fix = take_fix(self.boot_id)
        with self._fix_lock:
            before, self._last_fix = self._last_fix, fix
        self.store.put_fix(fix)
        if before is not None and is_step(_tie(before), _tie(fix)):
            by_s = (_tie(fix).offset_ns - _tie(before).offset_ns) / NS_PER_S
            message = f"the clock of this machine was set by {by_s:+.3f} s"
            self.store.put_event(fix.boottime_ns, "clock-step", "", message)
            self._problems = [*self._problems, message][-KEPT_EVENTS:]
            self._alarm("clock-step", message)

    def utc(self) -> ClockModel:
        """UTC now, by the newest fix; for instants of the last seconds."""
        fix = self._last_fix
        return ClockModel([] if fix is None else [_tie(fix)])

    def signer(self) -> Signer:
        """The key that signs this daemon's evidence; ``Refused`` when there is none that may be used."""
        return signer(Path(self.config.data_dir))

    def _key(self) -> dict[str, str] | None:
        try:
            return self.signer().identity()
        except (PowerdError, OSError):
            return None

    def health(self) -> dict[str, Any]:
        """How the daemon is doing, for machines and people."""
        store = self.store.state
        problems = list(self._problems)
        if store.error is not None:
            problems.append(store.error)
        if store.lost:
            problems.append(f"{store.lost} records found no room in memory and are lost")
        if self._keeper.ident is not None and not self._keeper.is_alive():
            problems.append("the clock is not noted and windows are not closed any more: restart powerd")
        for name in self._meters:
            state = self.state(name)
            if not state.connected:
                problems.append(f"meter {name} is not connected: {state.last_error or 'connecting'}")
            elif (silent_s := self._silent_s(name)) is not None:
                problems.append(f"meter {name} has been silent for {silent_s:.0f} s")
        fix = self._last_fix
        simulated = any(s.info is not None and s.info.simulated for s in map(self.state, self._meters))
        return {
            "schema": "edgewatt/health/1",
            "status": "degraded" if problems else "ok",
            "version": __version__,
            "boot_id": self.boot_id,
            "uptime_s": (boottime_ns() - self.started_ns) / NS_PER_S,
            "store": {"error": store.error, "waiting": store.waiting, "lost": store.lost},
            "clock": {"source": "system", "u95_s": None if fix is None else fix.u95_ns / NS_PER_S},
            "key": self._signing_key,
            "problems": problems,
            "simulated": simulated,
        }

    def _silent_s(self, name: str) -> float | None:
        """Seconds since a meter's last reading where that is long, else None."""
        latest = self.latest(name)
        since = self.started_ns if latest is None else latest.stamps.last_byte_ns
        silent_ns = boottime_ns() - since
        patience_ns = max(SILENT_NS, SILENT_INTERVALS * self.meter(name).settings.interval_ns)
        return silent_ns / NS_PER_S if silent_ns > patience_ns else None

    # inside

    def _acquisition(self, meter: MeterConfig) -> Acquisition:
        if meter.settings.integrator and not drivers.integrates(meter.driver):
            raise UserError(
                f"meter {meter.name}: found integrator = true, but driver {meter.driver} does not read the "
                "integrator of its meters: leave it out"
            )
        return Acquisition(
            meter.name,
            meter.driver,
            meter.port,
            meter.settings,
            self.boot_id,
            self._on_reading,
            self._on_event,
            line=meter.line,
            record=meter.record,
            first_sequence=self.store.last_sequence(meter.name) + 1,
            calibration=meter.calibration,
        )

    def _on_reading(self, reading: Reading) -> None:
        self.store.put_reading(reading)
        self.ring.put(reading)
        self.windows.note(reading)
        self.counters.put(reading)
        self.feed.publish("reading", reading)
        self._watch_range(reading)
        self._guard_range(reading)

    def _on_event(self, event: Event) -> None:
        self.store.put_event(event.at_ns, event.kind, event.meter, event.message)
        now = time.time_ns()
        row = {"at_unix_ns": now, "time": exact(now), "kind": event.kind, "message": event.message}
        self._events[event.meter] = [*self._events[event.meter], row][-KEPT_EVENTS:]
        self.feed.publish("alarm" if event.kind in ALARMS else "meter", {"meter": event.meter} | row)
        state = self._acquisitions[event.meter].state
        if event.kind == "connected" and state.info is not None and state.settings is not None:
            self.store.put_meter(event.meter, event.at_ns, state.info, state.settings)

    def _await_first_answer(self, meter: MeterConfig) -> None:
        give_up = boottime_ns() + int(FIRST_ANSWER_S * NS_PER_S)
        while boottime_ns() < give_up:
            state = self._acquisitions[meter.name].state
            if state.connected:
                return
            if state.last_error is not None:
                raise UserError(f"meter {meter.name}: {state.last_error}")
            time.sleep(0.02)
        raise UserError(
            f"meter {meter.name} on {meter.port} did not answer within {FIRST_ANSWER_S:g} s, wanted a meter for driver "
            f"{meter.driver}: check the cable (null modem), its power and its line settings"
        )

    def _keep_house(self) -> None:
        last_fix = boottime_ns()
        while not self._stopping.wait(HOUSEKEEPING_S):
            if boottime_ns() - last_fix >= FIX_EVERY_S * NS_PER_S:
                last_fix = boottime_ns()
                self.take_fix()
            self._watch_store()
            try:
                self.windows.settle_all()
            except (PowerdError, sqlite3.Error) as error:
                log.warning("a closing window could not be finished: %s", error)

    def _watch_range(self, reading: Reading) -> None:
        """Say once when a channel goes over its range; later readings on the range make it news again."""
        place = (reading.meter, reading.values.channel)
        if reading.values.quality is Quality.OVERRANGE:
            if place not in self._over_range:
                self._over_range.add(place)
                message = f"channel {place[1]} is over its range: take the next range up"
                self._alarm("overrange", message, reading.meter)
        elif reading.values.quality is Quality.GOOD:
            self._over_range.discard(place)

    def _guard_range(self, reading: Reading) -> None:
        """In an open window, say early that its range will not do."""
        place = (reading.meter, reading.values.channel)
        window = self.windows.holder(*place)
        if window is None:
            self._guards.pop(place, None)
            return
        known = self._guards.get(place)
        if known is None or known[0] != window:
            known = self._guards[place] = (
                window,
                RangeGuard(drivers.specification(self.info(reading.meter))),
            )
        for alarm in known[1].look(reading):
            message = f"channel {place[1]}: {alarm.message}"
            self._on_event(Event(alarm.kind, boottime_ns(), reading.meter, message))

    def _watch_store(self) -> None:
        """Say when writing begins to fail and when it works again."""
        before, self._store_error = self._store_error, self.store.state.error
        if self._store_error is not None and before is None:
            self._alarm("store", self._store_error)
        elif before is not None and self._store_error is None:
            self._alarm("store", "the store can be written again")

    def _alarm(self, kind: str, message: str, meter: str | None = None) -> None:
        about = {} if meter is None else {"meter": meter}
        now = time.time_ns()
        body = {"at_unix_ns": now, "time": exact(now), "kind": kind, "message": message}
        self.feed.publish("alarm", {**about, **body})

    def _on_window(self, window: Mapping[str, Any]) -> None:
        self.feed.publish("window", window)

    def _windows_of(self, session: str) -> list[Mapping[str, Any]]:
        return [w for w in self.windows.all(1000) if w["labels"].get("session") == session]


def _tie(fix: ClockFix) -> Tie:
    return Tie(fix.boottime_ns, fix.utc_ns, fix.u95_ns)


def _meter_of(name: str) -> str:
    return name.partition("/")[0]

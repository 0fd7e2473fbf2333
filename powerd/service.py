"""The one place that puts the daemon together: store, meters, clock, windows, sessions."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from powerd import drivers, health, retention
from powerd.acquire import AcquisitionState, Event
from powerd.alarms import OF_LINE, OF_METER, Alarm, Alarms
from powerd.boottime import boottime_ns
from powerd.clock import ClockModel, boot_id
from powerd.clock_watch import ClockWatch
from powerd.config import Config
from powerd.counters import Counters
from powerd.errors import PowerdError
from powerd.exchange import Exchanges
from powerd.feed import Feed
from powerd.health import MeterHealth
from powerd.meter_config import MeterConfig
from powerd.meters import Meters
from powerd.model import MeterInfo, Quality, Reading, Settings
from powerd.owners import Owners
from powerd.range_guard import RangeAlarm
from powerd.range_watch import RangeWatch
from powerd.ring import Ring
from powerd.session_native import MeterControl
from powerd.sessions import Sessions
from powerd.signing import Signer, signer
from powerd.sources import channels_of
from powerd.store import Store, StoreFailed
from powerd.windows import Conflict, Windows
from schemas import __version__
from schemas.budget import sample_limits
from schemas.clock_events import ClockEvent
from schemas.combine import summed
from schemas.errors import UserError
from schemas.units import NS_PER_S

log = logging.getLogger(__name__)
FIX_EVERY_S = 5.0
HOUSEKEEPING_S = 0.5
STUCK_S = 60.0
"""Housekeeping that did not come round for so long hangs; a slow disk alone takes no more than half of it."""
SILENT_NS = 5 * NS_PER_S
SILENT_INTERVALS = 5
CHANGEABLE = frozenset({"meters", "retention_ns", "log_level"})
"""What of a configuration a running daemon takes over; tokens are read again by the server."""


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
        self.alarms = Alarms(self.feed.publish)
        self.exchanges = Exchanges(self.boot_id, self.store.put_exchange)
        self.windows = Windows(
            self.store, self._channels, self.take_fix, self.ring.latest, self._on_window, self._limits
        )
        control = MeterControl(self.set_range_unless_leased, self.info, self.latest, self.channels)
        folder = Path(config.data_dir) / "sessions"
        self.sessions = Sessions(self.store, control, folder, self._windows_of, self.take_fix)
        self.owners = Owners(self.store.owner, self.store.put_owner)
        self.started_ns = boottime_ns()
        self.clock = ClockWatch(self.boot_id, self.store.put_fix, self._on_clock)
        self._meters = Meters(self.boot_id, self._last_sequence, self._on_reading, self._on_event)
        for meter in config.meters:
            self._meters.declare(meter)
        self._stopping = threading.Event()
        self._store_error: str | None = None
        self._signing_key: dict[str, str] | None = None
        self._ranges = RangeWatch(
            self.alarms,
            self.windows.holder,
            lambda name: drivers.specification(self.info(name)),
            self._on_range,
        )
        self._kept_s = time.monotonic()
        self._sweeping = threading.Event()
        self._sweeper: threading.Thread | None = None
        self._keeper = threading.Thread(target=self._keep_house, name="housekeeping", daemon=True)

    def start(self, *, patient: bool = False) -> None:
        """Connect every meter; ``UserError`` with the meter's own sentence when one does not answer.

        ``patient``: a meter that is not there yet is no reason not to start; it is tried again and again.
        """
        self.store.begin_run(boottime_ns(), time.time_ns(), __version__)
        self._signing_key = self._key()
        self.clock.start()
        self.take_fix()
        self.windows.resume()
        for meter in self.config.meters:
            self._meters.start(meter)
        self._keeper.start()
        self._sweep()
        for meter in () if patient else self.config.meters:
            self._meters.await_first_answer(meter)

    def _sweep(self) -> None:
        """Remove old samples from now on as the configuration says, and no more as it said before."""
        self._sweeping.set()
        self._sweeping = threading.Event()
        if self.config.retention_ns is not None:
            arguments = (self.store, self.config.retention_ns, self._sweeping)
            self._sweeper = threading.Thread(
                target=retention.run, args=arguments, name="retention", daemon=True
            )
            self._sweeper.start()

    def reload(self, config: Config) -> list[str]:
        """Take over what can be changed while measuring; a sentence for every change, and for what stays and why.

        Meters that are the same go on untouched. One that is gone or otherwise configured ends between two reads,
        unless a window is open on it. A new one that does not answer is tried again and again.
        """
        said = []
        wanted = {m.name: m for m in config.meters}
        for meter in self._meters.configs:
            if wanted.get(meter.name) != meter:
                said.append(self._without(meter, wanted.get(meter.name)))
        for name, meter in wanted.items():
            if name not in self._meters.names:
                said.append(self._with(meter))
        if config.retention_ns != self.config.retention_ns:
            self.config = replace(self.config, retention_ns=config.retention_ns)
            self._sweep()
            said.append("retention: changed")
        self.config = replace(self.config, meters=self._meters.configs, log_level=config.log_level)
        for field in fields(Config):
            if field.name not in CHANGEABLE and getattr(config, field.name) != getattr(
                self.config, field.name
            ):
                said.append(f"{field.name}: stays as it is until powerd is started again")
        for sentence in said:
            self.store.put_event(boottime_ns(), "reload", "", sentence)
        return said

    def _without(self, meter: MeterConfig, other: MeterConfig | None) -> str:
        """End a meter, unless something is measured with it; what was done."""
        for window in self.store.windows_in("open", "closing"):
            if any(name == meter.name for name, _ in window.places):
                return (
                    f"meter {meter.name}: stays as it is, window {window.ident} is {window.state} on it: close it and "
                    "reload again"
                )
        self._meters.stop(meter.name)
        self.alarms.end("the meter is not read any more", meter=meter.name)
        if other is None:
            return f"meter {meter.name}: removed"
        return f"meter {meter.name}: ended to be started otherwise"

    def _with(self, meter: MeterConfig) -> str:
        """Begin to read a meter; what was done."""
        try:
            self._meters.start(meter)
        except (UserError, PowerdError) as error:
            return f"meter {meter.name}: left out, {error}"
        return f"meter {meter.name}: added"

    def _last_sequence(self, name: str) -> int:
        self.store.writer.flush()
        return self.store.last_sequence(name)

    @property
    def alive(self) -> bool:
        """Whether every loop runs that must: a watchdog is told of nothing else, not of cables or disks."""
        housekeeping = self._keeper.is_alive() and time.monotonic() - self._kept_s < STUCK_S
        return housekeeping and self._meters.alive

    def status_line(self) -> str:
        """A few words on how it goes, for a service manager."""
        names = self.meter_names
        there = sum(self.state(name).connected for name in names)
        store = "cannot be written" if self.store.state.error is not None else "ok"
        return f"{there} of {len(names)} meters connected, store {store}"

    def stop(self) -> None:
        """End the loops and close the store; everything so far is kept."""
        self._stopping.set()
        self._sweeping.set()
        self.clock.stop()
        self._meters.stop_all()
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
        return self._meters.names

    def meter(self, name: str) -> MeterConfig:
        """The configuration of a meter; ``NotThere`` naming the known ones.

        Here and below ``name`` may also be one of a meter's channels (``powerd.sources``): ``wall/2``.
        """
        return self._meters.config(name)

    def state(self, name: str) -> AcquisitionState:
        """How a meter's loop is doing."""
        return self._meters.state(name)

    def channels(self, name: str) -> tuple[str, ...]:
        """The channels that a meter is asked for, or those that ``name`` means."""
        return tuple(channels_of(name, self._channels).split("+"))

    def _channels(self, name: str) -> tuple[str, ...]:
        return self.meter(name).settings.channels

    def info(self, name: str) -> MeterInfo:
        """Who answers as this meter; ``Gone`` when nobody ever did."""
        return self._meters.info(name)

    def latest(self, name: str) -> Reading | None:
        """The newest reading of a meter; of several channels their sum."""
        update = self.ring.newest_update(_meter_of(name), self.channels(name))
        return None if update is None else summed(update)

    def events(self, name: str) -> list[dict[str, Any]]:
        """What happened to a meter lately."""
        return self._meters.events(name)

    def alarms_of(self, name: str) -> list[Alarm]:
        """The alarms that stand on a meter."""
        return self.alarms.of(_meter_of(name))

    def set_range(self, name: str, voltage_v: float | None, current_a: float | None) -> Settings:
        """Change a meter's ranges between two reads, and note what is in force from now on."""
        name = self.meter(name).name
        settings = self._meters.loop(name).request_range(voltage_v, current_a)
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
        """Note what UTC is now; what happened to the clock of this machine since the last time is an event."""
        self.clock.take()

    def utc(self) -> ClockModel:
        """UTC now, by the newest fix; for instants of the last seconds."""
        return self.clock.utc()

    def _on_clock(self, at_ns: int, event: ClockEvent) -> None:
        self.store.put_event(at_ns, event.name, "", event.text)
        log.warning("%s", event)
        self.alarms.say(event.name, event.text)

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
        meters = [
            MeterHealth(name, self.state(name), self._age_s(name), self._silent_s(name))
            for name in self.meter_names
        ]
        parts = health.parts(self.store, self.clock, meters, Path(self.config.data_dir))
        if self._keeper.ident is not None and not self._keeper.is_alive():
            parts["problems"].append(
                "the clock is not noted and windows are not closed any more: restart powerd"
            )
        return {
            "schema": health.SCHEMA,
            "status": "degraded" if parts["problems"] else "ok",
            "version": __version__,
            "boot_id": self.boot_id,
            "uptime_s": (boottime_ns() - self.started_ns) / NS_PER_S,
            "key": self._signing_key,
            "simulated": any(row["simulated"] for row in parts["meters"]),
            **parts,
        }

    def _age_s(self, name: str) -> float | None:
        latest = self.latest(name)
        return None if latest is None else (boottime_ns() - latest.stamps.last_byte_ns) / NS_PER_S

    def _silent_s(self, name: str) -> float | None:
        """Seconds since a meter's last reading where that is long, else None."""
        latest = self.latest(name)
        since = self.started_ns if latest is None else latest.stamps.last_byte_ns
        silent_ns = boottime_ns() - since
        patience_ns = max(SILENT_NS, SILENT_INTERVALS * self.meter(name).settings.interval_ns)
        return silent_ns / NS_PER_S if silent_ns > patience_ns else None

    # inside

    def _on_reading(self, reading: Reading) -> None:
        self.store.put_reading(reading)
        self.ring.put(reading)
        self.windows.note(reading)
        self.counters.put(reading)
        self.feed.publish("reading", reading)
        self._ranges.look(reading)

    def _on_event(self, event: Event) -> None:
        self.store.put_event(event.at_ns, event.kind, event.meter, event.message)
        row = self._meters.note(event)
        if event.kind in OF_METER:
            self.alarms.begin(event.kind, event.message, event.meter)
        else:
            self.feed.publish("meter", {"meter": event.meter} | row)
        state = self.state(event.meter)
        if event.kind == "connected" and state.info is not None and state.settings is not None:
            self.store.put_meter(event.meter, event.at_ns, state.info, state.settings)
        if event.kind == "connected":
            self.alarms.end("the meter is connected", kinds=OF_LINE, meter=event.meter)

    def _on_range(self, reading: Reading, alarm: RangeAlarm) -> None:
        """Keep what is said of a window's range beside what else happened to the meter."""
        message = f"channel {reading.values.channel}: {alarm.message}"
        event = Event(alarm.kind, boottime_ns(), reading.meter, message)
        self.store.put_event(event.at_ns, event.kind, event.meter, event.message)
        self._meters.note(event)

    def _keep_house(self) -> None:
        last_fix = boottime_ns()
        while not self._stopping.wait(HOUSEKEEPING_S):
            self._kept_s = time.monotonic()
            if boottime_ns() - last_fix >= FIX_EVERY_S * NS_PER_S:
                last_fix = boottime_ns()
                self.take_fix()
            self._watch_store()
            try:
                self.windows.settle_all()
            except (PowerdError, sqlite3.Error) as error:
                log.warning("a closing window could not be finished: %s", error)

    def _watch_store(self) -> None:
        """Say when writing begins to fail and when it works again."""
        before, self._store_error = self._store_error, self.store.state.error
        if self._store_error is not None and before is None:
            self.alarms.begin("store", self._store_error)
        elif before is not None and self._store_error is None:
            self.alarms.end("the store can be written again", kinds={"store"})

    def _limits(self, reading: Reading) -> list[tuple[str, float]]:
        """How far a reading may be wrong, by the specification of its meter; nothing where no power is known."""
        if reading.values.quality is not Quality.GOOD:
            return []
        info = self._meters.known(reading.meter)
        if info is None:  # readings of a window that an earlier life of the daemon opened
            history = self.store.meter_history(reading.meter)
            info = history[-1][2] if history else None
        return [] if info is None else sample_limits(reading, drivers.specification(info))

    def _on_window(self, window: Mapping[str, Any]) -> None:
        self._ranges.window_changed(window)
        self.feed.publish("window", window)

    def _windows_of(self, session: str) -> list[Mapping[str, Any]]:
        return [w for w in self.windows.all(1000) if w["labels"].get("session") == session]


def _meter_of(name: str) -> str:
    return name.partition("/")[0]

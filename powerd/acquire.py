"""One loop per meter: open, identify, configure, ask, stamp, hand on, and reconnect with back-off."""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from powerd import drivers
from powerd.boottime import boottime_ns
from powerd.drivers.base import Driver
from powerd.errors import Garbled, Gone, PowerdError, Refused
from powerd.following import Follower, follower_for, what_changes
from powerd.model import Calibration, MeterInfo, Quality, Reading, Settings, Stamps, Values
from powerd.stamping import Update
from powerd.transports import LineSettings, open_port
from powerd.transports.tap import TapTransport
from schemas.units import NS_PER_S

log = logging.getLogger(__name__)
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 5.0
LONGEST_WAIT_S = 0.5
"""Between two polls of a slow meter, so that a change of range is served."""
MOST_LATE_SAMPLES = 100
"""So many missed updates are named one by one; a longer silence is a gap between two readings."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a meter: connected, disconnected, garbled, range-changed or error."""

    kind: str
    at_ns: int
    meter: str
    message: str


@dataclass(frozen=True, slots=True)
class AcquisitionState:
    """How a meter's loop is doing, for people."""

    connected: bool = False
    info: MeterInfo | None = None
    settings: Settings | None = None
    last_error: str | None = None
    reconnects: int = 0


@dataclass(frozen=True, slots=True)
class _RangeRequest:
    voltage_range_v: float | None
    current_range_a: float | None
    answer: Future[Settings]


class Acquisition:
    """Reads one meter on a thread of its own until stopped; whatever happens to the line, it goes on.

    ``on_reading`` and ``on_event`` are called on that thread, in order. They must be quick; an error in them
    ends the thread, since readings that nobody can keep must not look like a working meter.
    """

    def __init__(
        self,
        name: str,
        driver_name: str,
        port: str,
        settings: Settings,
        boot_id: str,
        on_reading: Callable[[Reading], None],
        on_event: Callable[[Event], None],
        *,
        line: LineSettings | None = None,
        record: Path | None = None,
        first_sequence: int = 1,
        calibration: Calibration | None = None,
    ) -> None:
        self._name = name
        self._driver: Driver = drivers.find(driver_name)
        self._port_name = port
        self._wanted = settings
        self._boot_id = boot_id
        self._on_reading = on_reading
        self._on_event = on_event
        self._line = line or LineSettings()
        self._record = record
        self._calibration = calibration or Calibration()
        self._sequence = itertools.count(first_sequence)
        self._state = AcquisitionState()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._request: _RangeRequest | None = None
        self._ranges: dict[str, tuple[float | None, float | None]] = {}
        self._thread = threading.Thread(target=self._run, name=f"meter-{name}", daemon=True)

    @property
    def state(self) -> AcquisitionState:
        """A snapshot; a new record after every change."""
        return self._state

    @property
    def is_alive(self) -> bool:
        """Whether the loop runs: connected or not, it has not ended."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin on a thread of its own; returns at once, connected or not."""
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """End the loop after the read in progress and release the port."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def request_range(
        self, voltage_range_v: float | None, current_range_a: float | None, timeout_s: float = 10.0
    ) -> Settings:
        """Change the ranges between two reads (None: auto-range); returns the settings then in force.

        Raises ``Refused`` with the meter's words, ``Gone`` when the meter is not connected or did not get to
        it within ``timeout_s``. The new ranges stay wanted after a reconnect.
        """
        request = _RangeRequest(voltage_range_v, current_range_a, Future())
        with self._lock:
            if not self._state.connected:
                raise Gone(f"meter {self._name} is not connected: {self._state.last_error or 'not started'}")
            if self._request is not None:
                raise Refused(f"another range change of meter {self._name} is under way: try again")
            self._request = request
        try:
            return request.answer.result(timeout_s)
        except FutureTimeout:
            raise Gone(f"meter {self._name} did not change its range within {timeout_s:g} s") from None
        finally:
            with self._lock:
                if self._request is request:
                    self._request = None

    def _run(self) -> None:
        try:
            self._reconnect_for_ever()
        finally:
            self._state = replace(self._state, connected=False)

    def _reconnect_for_ever(self) -> None:
        pause = FIRST_PAUSE_S
        while not self._stopping.is_set():
            lives = self._state.reconnects
            try:
                self._connection()
            except PowerdError as error:
                self._lost(error)
            if self._state.reconnects > lives:  # it was there and is lost: it may be back soon
                pause = FIRST_PAUSE_S
            self._stopping.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)

    def _connection(self) -> None:
        """One life of the line: from open to the first error or the stop."""
        about = {"driver": self._driver.name, "settings": asdict(self._wanted)}
        port = TapTransport(open_port(self._port_name, self._line, self._record, about))
        try:
            info = replace(self._driver.identify(port), calibration=self._calibration)
            self._check_rate(port.byte_time_ns)
            settings = self._driver.configure(port, info, self._wanted)
            self._state = replace(self._state, connected=True, info=info, settings=settings, last_error=None)
            self._tell("connected", f"{info.maker} {info.model} {info.serial} {info.firmware} on {port.name}")
            self._read_loop(port, info, settings)
        finally:
            port.close()

    def _check_rate(self, byte_time_ns: int) -> None:
        """``Refused`` with the numbers when an update's bytes need longer than an update takes."""
        count = self._driver.answer_bytes(self._wanted)
        needed_ns = count * byte_time_ns
        if needed_ns <= self._wanted.interval_ns:
            return
        baud = 10 * 1e9 * count / self._wanted.interval_ns
        raise Refused(
            f"one update is up to {count} characters, {needed_ns / 1e6:.0f} ms at {self._line.baud} baud, but "
            f"meter {self._name} is to update every {self._wanted.interval_ns / 1e6:.0f} ms: set line and "
            f"meter to more than {baud:.0f} baud, or take a longer interval or fewer channels"
        )

    def _read_loop(self, port: TapTransport, info: MeterInfo, settings: Settings) -> None:
        follower = follower_for(self._driver, settings.interval_ns, port.byte_time_ns)
        while not self._stopping.is_set():
            changed = self._serve_request(port, info, settings)
            if changed is not None:
                follower.reacquire()
                settings = changed
            if (pause_ns := follower.next_ask_ns - boottime_ns()) > 0:
                self._stopping.wait(min(pause_ns / NS_PER_S, LONGEST_WAIT_S))
                continue
            port.clear()
            try:
                values = self._driver.read(port, settings)
            except Garbled as error:
                self._garbled(str(error), follower, port, info, settings)
                continue
            stamps = port.stamps
            update = follower.follow(stamps.request_ns, stamps.first_byte_ns, what_changes(values))
            if update is None:
                continue
            self._hand_on(update, stamps, values, port.heard, info, settings)
            self._watch_ranges(values)

    def _serve_request(self, port: TapTransport, info: MeterInfo, settings: Settings) -> Settings | None:
        with self._lock:
            request = self._request
        if request is None or request.answer.done():
            return None
        asked = replace(
            settings, voltage_range_v=request.voltage_range_v, current_range_a=request.current_range_a
        )
        try:
            done = self._driver.configure(port, info, asked)
        except Refused as error:
            # A refused change leaves the meter half set: put back what was in force, then tell the caller.
            self._driver.configure(port, info, settings)
            request.answer.set_exception(error)
            return settings
        except PowerdError as error:
            request.answer.set_exception(error)
            raise
        self._wanted = replace(
            self._wanted, voltage_range_v=done.voltage_range_v, current_range_a=done.current_range_a
        )
        self._state = replace(self._state, settings=done)
        request.answer.set_result(done)
        return done

    def _garbled(
        self, why: str, follower: Follower, port: TapTransport, info: MeterInfo, settings: Settings
    ) -> None:
        """A garbled answer is one named loss, and the loop goes on."""
        update = follower.latest_before(boottime_ns())
        values = tuple(_nothing(c, Quality.GARBLED) for c in settings.channels)
        if update is not None:
            self._hand_on(update, port.stamps, values, port.heard, info, settings)
        self._tell("garbled", why)

    def _hand_on(
        self,
        update: Update,
        stamps: Stamps,
        values: tuple[Values, ...],
        raw: bytes,
        info: MeterInfo,
        settings: Settings,
    ) -> None:
        if len(update.missed_ends_ns) <= MOST_LATE_SAMPLES:
            for end_ns in update.missed_ends_ns:
                late = tuple(_nothing(c, Quality.LATE) for c in settings.channels)
                self._emit(end_ns, update.u95_ns, stamps, late, b"", info, settings)
        self._emit(update.end_ns, update.u95_ns, stamps, values, raw, info, settings)

    def _emit(
        self,
        end_ns: int,
        u95_ns: int,
        stamps: Stamps,
        values: tuple[Values, ...],
        raw: bytes,
        info: MeterInfo,
        settings: Settings,
    ) -> None:
        sequence = next(self._sequence)
        for channel in values:
            reading = Reading(
                meter=self._name,
                sequence=sequence,
                boot_id=self._boot_id,
                stamps=stamps,
                end_ns=end_ns,
                end_u95_ns=u95_ns,
                interval_ns=settings.interval_ns,
                values=channel,
                simulated=info.simulated,
                raw=raw,
            )
            self._on_reading(reading)

    def _watch_ranges(self, values: tuple[Values, ...]) -> None:
        for channel in values:
            now = (channel.voltage_range_v, channel.current_range_a)
            before = self._ranges.get(channel.channel)
            self._ranges[channel.channel] = now
            if before is not None and before != now:
                message = f"channel {channel.channel}: {before[0]} V, {before[1]} A to {now[0]} V, {now[1]} A"
                self._tell("range-changed", message)

    def _lost(self, error: PowerdError) -> None:
        was = self._state
        with self._lock:
            self._state = replace(
                was, connected=False, last_error=str(error), reconnects=was.reconnects + was.connected
            )
            request, self._request = self._request, None
        if request is not None and not request.answer.done():
            request.answer.set_exception(Gone(f"meter {self._name} was lost: {error}"))
        if was.connected:
            self._tell("disconnected", str(error))
        elif str(error) != was.last_error:
            self._tell("error", str(error))

    def _tell(self, kind: str, message: str) -> None:
        # A lost meter, and that it is back, stand in the log of a daemon that is told nothing of levels.
        loud = kind == "disconnected" or (kind == "connected" and self._state.reconnects > 0)
        log.log(
            logging.WARNING if loud else logging.INFO, "%s %s: %s", self._name, kind, message,
            extra={"meter": self._name},
        )  # fmt: skip
        self._on_event(Event(kind, boottime_ns(), self._name, message))


def _nothing(channel: str, quality: Quality) -> Values:
    """A named loss: no quantity is known."""
    return Values(
        channel=channel,
        power_w=None,
        voltage_v=None,
        current_a=None,
        power_factor=None,
        frequency_hz=None,
        voltage_range_v=None,
        current_range_a=None,
        crest_factor=None,
        quality=quality,
    )

"""The meters of a running daemon: a loop for each, which may come and go while the others are read."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from powerd import drivers
from powerd.acquire import Acquisition, AcquisitionState, Event
from powerd.boottime import boottime_ns
from powerd.errors import Gone, NotThere
from powerd.meter_config import MeterConfig
from powerd.model import MeterInfo, Reading
from powerd.views import exact
from schemas.errors import UserError
from schemas.units import NS_PER_S

T = TypeVar("T")
FIRST_ANSWER_S = 20.0
KEPT_EVENTS = 5


def settled(names: Callable[[], tuple[str, ...]], ask: Callable[[], T]) -> T:
    """An answer about all meters, whose ``names`` are given: asked for again where one came or went meanwhile.

    ``NotThere`` from an answer about a meter that nobody took away.
    """
    while True:
        before = names()
        try:
            return ask()
        except NotThere:
            if names() == before:
                raise


class Meters:
    """Thread safe. ``name`` may also be one of a meter's channels (``powerd.sources``): ``wall/2``."""

    def __init__(
        self,
        boot_id: str,
        last_sequence: Callable[[str], int],
        on_reading: Callable[[Reading], None],
        on_event: Callable[[Event], None],
    ) -> None:
        """``last_sequence`` is the highest sequence number that was ever kept of a meter."""
        self._boot_id = boot_id
        self._last_sequence = last_sequence
        self._on_reading = on_reading
        self._on_event = on_event
        self._configs: dict[str, MeterConfig] = {}
        self._loops: dict[str, Acquisition] = {}
        self._events: dict[str, list[dict[str, Any]]] = {}
        self._changing = threading.Lock()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the configured meters."""
        return tuple(self._configs)

    @property
    def configs(self) -> tuple[MeterConfig, ...]:
        """All meters."""
        return tuple(self._configs.values())

    @property
    def alive(self) -> bool:
        """Whether every loop runs: connected or not, none has ended."""
        return all(loop.is_alive for loop in list(self._loops.values()))

    def config(self, name: str) -> MeterConfig:
        """The configuration of a meter; ``NotThere`` naming the known ones."""
        own = name.partition("/")[0]
        found = self._configs.get(own)
        if found is None:
            known = ", ".join(self._configs) or "none"
            raise NotThere(f"there is no meter {own[:80]!r}: this daemon has {known}")
        return found

    def loop(self, name: str) -> Acquisition:
        """The loop of a meter; ``NotThere``."""
        meter = self.config(name).name
        found = self._loops.get(meter)
        if found is None:
            raise NotThere(f"meter {meter} is not read: it has just been taken away, or is not begun yet")
        return found

    def state(self, name: str) -> AcquisitionState:
        """How a meter's loop is doing."""
        return self.loop(name).state

    def known(self, name: str) -> MeterInfo | None:
        """Who answers as this meter; None before it did, or where it is not read."""
        loop = self._loops.get(name)
        return None if loop is None else loop.state.info

    def info(self, name: str) -> MeterInfo:
        """Who answers as this meter; ``Gone`` when nobody ever did."""
        state = self.state(name)
        if state.info is None:
            raise Gone(f"meter {name} has not answered yet: {state.last_error or 'still connecting'}")
        return state.info

    def events(self, name: str) -> list[dict[str, Any]]:
        """What happened to a meter lately."""
        return list(self._events.get(name, ()))

    def note(self, event: Event) -> dict[str, Any]:
        """Keep an event of a meter for those who look; it as they see it."""
        now = time.time_ns()
        row = {"at_unix_ns": now, "time": exact(now), "kind": event.kind, "message": event.message}
        self._events[event.meter] = [*self._events.get(event.meter, ()), row][-KEPT_EVENTS:]
        return row

    def declare(self, meter: MeterConfig) -> None:
        """Know a meter that is not read yet."""
        self._configs = {**self._configs, meter.name: meter}
        self._events.setdefault(meter.name, [])

    def start(self, meter: MeterConfig) -> None:
        """Begin to read a meter; ``UserError`` when its settings and its driver do not go together."""
        if meter.settings.integrator and not drivers.integrates(meter.driver):
            raise UserError(
                f"meter {meter.name}: found integrator = true, but driver {meter.driver} does not read the "
                "integrator of its meters: leave it out"
            )
        loop = Acquisition(
            meter.name,
            meter.driver,
            meter.port,
            meter.settings,
            self._boot_id,
            self._on_reading,
            self._on_event,
            line=meter.line,
            record=meter.record,
            first_sequence=self._last_sequence(meter.name) + 1,
            calibration=meter.calibration,
        )
        with self._changing:
            self._loops = {**self._loops, meter.name: loop}
            self.declare(meter)
        loop.start()

    def stop(self, name: str) -> None:
        """Read a meter no more and give its port back."""
        self._loops[name].stop()
        with self._changing:
            self._configs = {n: m for n, m in self._configs.items() if n != name}
            self._loops = {n: loop for n, loop in self._loops.items() if n != name}

    def stop_all(self) -> None:
        """End every loop; the meters stay known."""
        for loop in self._loops.values():
            loop.stop()

    def await_first_answer(self, meter: MeterConfig) -> None:
        """Return when a meter answers; ``UserError`` with its own sentence when it does not."""
        give_up = boottime_ns() + int(FIRST_ANSWER_S * NS_PER_S)
        while boottime_ns() < give_up:
            state = self._loops[meter.name].state
            if state.connected:
                return
            if state.last_error is not None:
                raise UserError(f"meter {meter.name}: {state.last_error}")
            time.sleep(0.02)
        raise UserError(
            f"meter {meter.name} on {meter.port} did not answer within {FIRST_ANSWER_S:g} s, wanted a meter for driver "
            f"{meter.driver}: check the cable (null modem), its power and its line settings"
        )

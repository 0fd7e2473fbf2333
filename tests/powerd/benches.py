"""An emulated meter on a real pseudo-terminal, run by a thread of the test."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from powerd import emulators
from powerd.boottime import boottime_ns
from powerd.drivers.base import Driver
from powerd.emulators import faults, load
from powerd.emulators.base import Instrument
from powerd.emulators.load import Load
from powerd.emulators.prologix import PrologixAdapter
from powerd.emulators.pty import Endpoint
from powerd.emulators.socket_line import SocketLine
from powerd.model import MeterInfo, Settings


class Bench:
    """A running emulator; ``origin_ns`` is the start of its load."""

    def __init__(self, endpoint: Endpoint, drawn: Load, origin_ns: int, instrument: Instrument) -> None:
        self.instrument = instrument
        self.endpoint = endpoint
        self.load = drawn
        self.origin_ns = origin_ns
        self.port = endpoint.port


@contextmanager
def bench(
    driver: str = "yokogawa-wt300",
    spec: str = "constant:100",
    fault: str = "",
    model: str | None = None,
    link: Path | None = None,
    baud: int | None = None,
    seed: int = 1,
    gpib: int | None = None,
    tcp: bool = False,
) -> Iterator[Bench]:
    """An emulated meter for the length of the block; ``spec`` may name a load for each element.

    With ``gpib`` it is behind an adapter, with ``tcp`` on a socket.
    """
    origin = boottime_ns()
    drawn = load.parse_all(spec.split(" "), lambda: boottime_ns() - origin)
    emulator = emulators.find(driver)
    instrument: Instrument = emulator.make(model or emulator.models[0], drawn, seed, origin)
    if gpib is not None:
        instrument = PrologixAdapter(instrument, gpib)
    plan = faults.FaultPlan(faults.parse(fault), seed)
    endpoint = Endpoint(instrument, plan, origin, link=link, baud=baud)
    thread = threading.Thread(target=endpoint.run)
    thread.start()
    try:
        with SocketLine(endpoint.port, "127.0.0.1", 0) if tcp else nullcontext() as socket:
            found = Bench(endpoint, drawn, origin, instrument)
            found.port = endpoint.port if socket is None else socket.port
            if gpib is not None:
                found.port = f"gpib:{gpib}@{found.port}"
            yield found
    finally:
        endpoint.stop()
        thread.join()
        endpoint.close()
        drawn.stop()


def fitting(driver: Driver, info: MeterInfo) -> Settings:
    """Settings of this model for 100 W on the mains: the shortest interval, fixed ranges, all its channels."""
    spec = driver.specification(info)
    return Settings(
        interval_ns=min(spec.intervals_ns),
        voltage_range_v=min(r for r in spec.voltage_ranges_v if r > 240),
        current_range_a=min(r for r in spec.current_ranges_a if r >= 1),
        channels=info.channels,
    )


def wait_for(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Poll until the condition holds; False when it never did."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return condition()

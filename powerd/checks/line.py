"""The line: is the port there, may we open it, does its adapter hold bytes back, can it carry the updates."""

from __future__ import annotations

import os
from collections.abc import Iterator

from powerd.checks.base import Finding, Level, Subject
from powerd.config import line_too_slow
from powerd.errors import PowerdError
from powerd.meter_config import MeterConfig
from powerd.transports import is_paced, open_port

GOOD_LATENCY_MS = 2


def check(subject: Subject) -> Iterator[Finding]:
    """Every port that was named, except those that a running daemon holds already."""
    for meter in subject.meters:
        what = f"{meter.name}: port"
        if subject.is_served(meter):
            yield Finding(Level.OK, what, f"{meter.port} is open in the running daemon")
        else:
            try:
                open_port(meter.port, meter.line).close()
                yield Finding(Level.OK, what, f"{meter.port} can be opened")
            except PowerdError as error:
                yield Finding(Level.FAIL, what, str(error))
        if is_paced(meter.port):
            yield _rate(meter)
    ports = {m.port: m.name for m in subject.meters} | {m["port"]: str(m["name"]) for m in subject.served}
    for port, name in ports.items():
        yield from _latency(subject, port, name)


def _rate(meter: MeterConfig) -> Finding:
    too_slow = line_too_slow(meter)
    if too_slow is None:
        every = meter.settings.interval_ns / 1e6
        return Finding(
            Level.OK, f"{meter.name}: rate", f"{meter.line.baud} baud carry an update every {every:.0f} ms"
        )
    return Finding(Level.FAIL, f"{meter.name}: rate", too_slow)


def _latency(subject: Subject, port: str, name: str) -> Iterator[Finding]:
    tty = os.path.basename(os.path.realpath(port))
    path = subject.sysfs / "bus/usb-serial/devices" / tty / "latency_timer"
    try:
        found = int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return  # no adapter with such a timer
    if found <= GOOD_LATENCY_MS:
        yield Finding(Level.OK, f"{name}: latency timer", f"{found} ms")
    else:
        yield Finding(
            Level.WARN, f"{name}: latency timer", f"{found} ms", "1 ms", f"run `echo 1 | sudo tee {path}`"
        )

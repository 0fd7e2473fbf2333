"""Find meters: which ports there are, and who answers on each, on a tty at which baud rate.

A tty is opened with each of the usual baud rates, another line (USB-TMC, TCP, GPIB adapter) as it is, and asked who
is there: ``*IDN?``, then what the drivers of meters without it ask (``Driver.identify``: reading registers, a
version). Nothing else is sent, so that no meter is set differently afterwards.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from powerd import drivers
from powerd.dialects.scpi import Scpi
from powerd.errors import Garbled, Gone, NotThere, Refused
from powerd.model import MeterInfo
from powerd.transports import LineSettings, is_paced, open_port
from powerd.transports.base import Transport
from powerd.transports.hurried import HurriedTransport

SCHEMA = "edgewatt/probe/1"
BAUDS = (9600, 57600, 19200, 38400, 115200)
"""The factory setting of the meters first, then the one they need for ten updates a second."""
PATIENCE_S = 0.6
"""Longest wait for an answer, beyond its time on the wire."""
LONGEST_ANSWER = 100
"""Characters of the longest answer to a question of who is there."""
BY_ID = Path("/dev/serial/by-id")
DEV = Path("/dev")
ADAPTER_BAUDS = (9600, 115200)
"""GPIB adapters do not care about the rate, or want the second one (AR488)."""
_AT_ONCE = 8


class Outcome(StrEnum):
    """What a port turned out to be."""

    METER = "meter"
    STRANGER = "stranger"
    NOISE = "noise"
    SILENT = "silent"
    UNOPENED = "unopened"


@dataclass(frozen=True, slots=True)
class Found:
    """One port: ``info`` and ``baud`` where somebody answered, ``message`` one sentence otherwise."""

    port: str
    outcome: Outcome
    message: str
    baud: int | None = None
    info: MeterInfo | None = None


def find_ports() -> tuple[str, ...]:
    """Serial ports of this machine, by their lasting name in ``/dev/serial/by-id`` where they have one, and USB-TMC."""
    from serial.tools import list_ports

    lasting = sorted(BY_ID.iterdir()) if BY_ID.is_dir() else []
    known = {path.resolve(): str(path) for path in lasting}
    for port in sorted(p.device for p in list_ports.comports()):
        known.setdefault(Path(port).resolve(), port)
    return (*known.values(), *(f"usbtmc:{node}" for node in sorted(DEV.glob("usbtmc[0-9]*"))))


def probe(ports: Sequence[str]) -> tuple[Found, ...]:
    """Try every port, several at once; the answers stand in the order of ``ports``."""
    if not ports:
        return ()
    with ThreadPoolExecutor(max_workers=min(_AT_ONCE, len(ports))) as pool:
        return tuple(pool.map(probe_port, ports))


def probe_port(port: str) -> Found:
    """Try one port, a tty at all baud rates, until somebody answers."""
    noise: str | None = None
    opened = False
    unopened = ""
    bauds = _bauds_of(port)
    for baud in bauds:
        try:
            found = _at_baud(port, baud)
        except NotThere as error:
            unopened = unopened or str(error)
            if not opened and is_paced(port):
                break
            continue
        except Gone:
            found = None
        except Garbled as error:
            noise, found = noise or str(error), None
        opened = True
        if found is not None:
            return found
    if not opened:
        return Found(port, Outcome.UNOPENED, unopened)
    tried = f" at {', '.join(str(b) for b in sorted(b for b in bauds if b))} baud" if bauds != (None,) else ""
    if noise is not None:
        return Found(port, Outcome.NOISE, f"{port} sends what no meter says{tried}: {noise}")
    advice = "check that the meter is on, its interface set to RS-232 and the cable a null-modem cable"
    if not is_paced(port):
        advice = "check that the meter is on and this interface of it is selected in its menu"
    return Found(port, Outcome.SILENT, f"nobody answered on {port}{tried}: {advice}")


def _bauds_of(port: str) -> tuple[int | None, ...]:
    """The rates to try on a port; None where there is no rate to set."""
    if is_paced(port):
        return _bauds()
    return ADAPTER_BAUDS if port.startswith("gpib:") and "@tcp:" not in port else (None,)


def _bauds() -> tuple[int, ...]:
    """The usual rates, then those that only some drivers' meters have."""
    own = {baud for name in drivers.names() for baud in getattr(drivers.find(name), "bauds", ())}
    return (*BAUDS, *sorted(own - set(BAUDS)))


def _at_baud(port: str, baud: int | None) -> Found | None:
    """Who answers at this baud rate, if there is one; the errors of the line are raised when no driver got an answer.

    Text goes first: a meter that expects text would take the bytes of Modbus for half a message, while a Modbus meter
    lets text pass as noise.
    """
    line: Garbled | Gone | None = None
    refused: Refused | None = None
    line_settings = LineSettings() if baud is None else LineSettings(baud=baud)
    patience_s = PATIENCE_S + (LONGEST_ANSWER * line_settings.byte_time_ns / 1e9 if is_paced(port) else 0.0)
    transport = HurriedTransport(open_port(port, line_settings), patience_s)
    try:
        for ask in _questions(baud) if is_paced(port) else (_ask_identity,):
            try:
                info = ask(transport)
            except Refused as error:
                refused = refused or error
            except (Garbled, Gone) as error:
                line = line or error
            else:
                return Found(port, Outcome.METER, "", baud, info)
            if refused is not None and ask is _ask_identity:
                break  # somebody of that language is there
    finally:
        transport.close()
    if refused is not None:
        return Found(port, Outcome.STRANGER, str(refused), baud)
    if line is not None:
        raise line
    return None


def _questions(baud: int | None) -> Iterator[Callable[[Transport], MeterInfo]]:
    """What is asked at this rate: ``*IDN?`` once for all who know it, then the others each in its own way."""
    if baud in BAUDS:
        yield _ask_identity
    for driver in map(drivers.find, drivers.names()):
        if baud in getattr(driver, "bauds", ()) and not hasattr(driver, "accepts"):
            yield driver.identify


def _ask_identity(transport: Transport) -> MeterInfo:
    """``*IDN?``, and the driver of whoever answers."""
    found = Scpi(transport).identify()
    name = drivers.for_model(found.maker, found.model)
    if name is None:
        raise Refused(
            f"{transport.name} answers as {found.maker} {found.model}, which no driver speaks to "
            f"(there are {', '.join(drivers.names())}): describe it in a table for generic-scpi"
        )
    return drivers.find(name).identify(transport)


def meter_options(found: Iterable[Found]) -> Iterator[tuple[Found, str | None]]:
    """Each port with its ``NAME=DRIVER:PORT,baud=…`` for ``powerd run --meter``; None where no meter is."""
    count = 0
    for item in found:
        if item.info is None:
            yield item, None
            continue
        count += 1
        name = "wall" if count == 1 else f"wall{count}"
        rate = "" if item.baud is None else f",baud={item.baud}"
        yield item, f"{name}={item.info.driver}:{item.port}{rate}"


def as_json(found: Sequence[Found]) -> dict[str, Any]:
    """The document ``edgewatt/probe/1``."""
    rows = [
        {
            "port": item.port,
            "outcome": item.outcome.value,
            "message": item.message or None,
            "baud": item.baud,
            "meter": None if item.info is None else _meter(item.info),
            "option": option,
        }
        for item, option in meter_options(found)
    ]
    return {"schema": SCHEMA, "ports": rows}


def _meter(info: MeterInfo) -> dict[str, Any]:
    """Who answered; what people say of the meter is not known here."""
    row = asdict(info) | {"channels": [*info.channels]}
    del row["calibration"]
    return row


def as_lines(found: Sequence[Found]) -> Iterator[str]:
    """The same for people."""
    for item, option in meter_options(found):
        if item.info is None or option is None:
            yield f"{item.port}: {item.message}"
            continue
        info = item.info
        mark = ", simulated" if info.simulated else ""
        yield (
            f"{item.port}: {info.maker} {info.model}, serial {info.serial}, firmware {info.firmware}, "
            f"driver {info.driver}{'' if item.baud is None else f', {item.baud} baud'}{mark}"
        )
        yield f"    --meter {shlex.quote(option)}"

"""What a daemon is told: meters, data directory, addresses, who may come. All mistakes are reported at once."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from powerd import config_values as values
from powerd import drivers
from powerd.config_values import Mistakes
from powerd.meter_config import MeterConfig
from powerd.model import Calibration, Settings
from powerd.protocols import all_protocols
from powerd.transports import LineSettings, is_paced
from schemas.errors import UserError
from schemas.toml_file import read_toml
from schemas.units import NS_PER_S

DEFAULT_LISTEN = "127.0.0.1:8675"


@dataclass(frozen=True, slots=True)
class Access:
    """Who may come, and how. ``insecure`` is a person's word that others on the network are trusted."""

    tokens_file: Path | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    insecure: bool = False


@dataclass(frozen=True, slots=True)
class ProtocolConfig:
    """A section of a foreign protocol: where it listens, and which meters it serves (none named: all)."""

    name: str
    host: str
    port: int
    meters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Telemetry:
    """``[otel]``: metrics go to an OTLP collector at ``endpoint`` (HTTP) every so often."""

    endpoint: str
    every_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Config:
    """Everything a daemon needs. Samples older than ``retention_ns`` are removed; None keeps them for ever."""

    meters: tuple[MeterConfig, ...]
    data_dir: Path
    host: str
    port: int
    socket: Path | None = None
    access: Access = field(default_factory=Access)
    retention_ns: int | None = None
    protocols: tuple[ProtocolConfig, ...] = ()
    log_level: str = "warning"
    telemetry: Telemetry | None = None


_SETTINGS = {
    "interval": ("interval_ns", values.interval_ns),
    "voltage_range": ("voltage_range_v", values.electric_range),
    "current_range": ("current_range_a", values.electric_range),
    "crest_factor": ("crest_factor", values.whole),
    "channels": ("channels", values.channels),
    "integrator": ("integrator", values.switch),
}
_LINE = {
    "baud": ("baud", values.baud),
    "data_bits": ("data_bits", values.data_bits),
    "parity": ("parity", values.parity),
    "stop_bits": ("stop_bits", values.stop_bits),
    "handshake": ("handshake", values.handshake),
    "rs485": ("rs485", values.switch),
    "echo": ("echo", values.switch),
}
_CALIBRATION = {
    "calibrated": ("calibrated", values.calibrated),
    "certificate": ("certificate", values.text),
    "ambient_c": ("ambient_c", values.ambient_c),
    "wiring": ("wiring", values.text),
}
METER_KEYS = ("name", "driver", "table", "port", *_SETTINGS, *_LINE, *_CALIBRATION, "record")
_FILES = ("tokens_file", "tls_certificate", "tls_key")
PROTOCOL_KEYS = ("listen", "meter")
DAEMON_KEYS = ("data_dir", "listen", "socket", *_FILES, "insecure", "retention", "log_level")
OTEL_KEYS = ("endpoint", "every")


def parse_meter(text: str) -> MeterConfig:
    """``NAME=DRIVER:PORT[,key=value…]``; ``UserError`` says all that is wrong with it."""
    mistakes = Mistakes()
    head, *rest = text.split(",")
    name, equals, target = head.partition("=")
    driver, colon, port = target.partition(":")
    if not (name and equals and driver and colon and port):
        mistakes.add(
            "wanted NAME=DRIVER:PORT[,key=value…], for example wall=yokogawa-wt300:/dev/ttyUSB0,interval=1s"
        )
        mistakes.check(f"--meter {text}")
    row: dict[str, Any] = {"name": name, "driver": driver, "port": port}
    for item in rest:
        key, sign, value = item.partition("=")
        if not sign:
            mistakes.add(f"{item!r} is not key=value")
        elif key == "channels":
            row[key] = value.split("+")
        else:
            row[key] = value
    meter = _meter(row, "meter", mistakes)
    mistakes.check(f"--meter {text}")
    assert meter is not None
    return meter


def load(path: Path) -> Config:
    """A TOML file; ``UserError`` says all that is wrong with it."""
    config, found = read(path)
    if found:
        raise UserError(f"{path}: " + "; ".join(found))
    return config


def read(path: Path) -> tuple[Config, list[str]]:
    """A TOML file, as far as it can be understood, and all its mistakes; ``UserError`` when it is no TOML."""
    document = read_toml(path, "configuration", "name a TOML file with a [[meter]]")
    mistakes = Mistakes()
    sections = ("daemon", "meter", "otel", *all_protocols())
    for key in document:
        if key not in sections:
            mistakes.unknown("the file", key, sections)
    rows = document.get("meter", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        mistakes.add("meter is no list of tables: write [[meter]], with two brackets")
        rows = []
    meters = [_meter(row, f"[[meter]] {n}", mistakes, path.parent) for n, row in enumerate(rows, start=1)]
    names = [row.get("name") for row in rows]
    for name in sorted({str(n) for n in names if n is not None and names.count(n) > 1}):
        mistakes.add(f"two meters are named {name}, wanted a name of its own for each")
    daemon = document.get("daemon", {})
    if not isinstance(daemon, dict):
        mistakes.add("daemon is no table: write [daemon]")
        daemon = {}
    known = tuple(m for m in meters if m is not None)
    found = _daemon(daemon, known, path.parent, mistakes)
    rooms = tuple(
        _protocol(name, document[name], names, mistakes) for name in all_protocols() if name in document
    )
    telemetry = _telemetry(document["otel"], mistakes) if "otel" in document else None
    found = replace(found, protocols=tuple(room for room in rooms if room is not None), telemetry=telemetry)
    for mistake in protocol_exposure(found):
        mistakes.add(mistake)
    return found, mistakes.found


def _protocol(name: str, row: Any, meters: Sequence[Any], mistakes: Mistakes) -> ProtocolConfig | None:
    """``[ptd]`` and its like: ``listen``, and ``meter``, the name of one meter or a list of them."""
    place = f"[{name}]"
    if not isinstance(row, dict):
        mistakes.add(f"{name} is no table: write {place}")
        return None
    for key in row:
        if key not in PROTOCOL_KEYS:
            mistakes.unknown(place, key, PROTOCOL_KEYS)
    address = mistakes.value(
        row.get("listen", all_protocols()[name].default_listen), values.listen, f"{place}: listen"
    )
    served = row.get("meter", [])
    served = [served] if isinstance(served, str) else served
    if not isinstance(served, list) or not all(one in meters for one in served):
        known = ", ".join(str(m) for m in meters) or "none"
        mistakes.add(
            f"{place}: meter: found {row['meter']!r}, wanted the name of a [[meter]] ({known}) or a list"
        )
        return None
    return None if address is None else ProtocolConfig(name, address[0], address[1], tuple(served))


def _telemetry(row: Any, mistakes: Mistakes) -> Telemetry | None:
    """``[otel]``."""
    if not isinstance(row, dict):
        mistakes.add("otel is no table: write [otel]")
        return None
    for key in row:
        if key not in OTEL_KEYS:
            mistakes.unknown("[otel]", key, OTEL_KEYS)
    every_ns = mistakes.value(row.get("every", "10s"), values.interval_ns, "[otel]: every")
    endpoint = mistakes.value(row.get("endpoint", ""), values.http_url, "[otel]: endpoint")
    return None if endpoint is None or every_ns is None else Telemetry(endpoint, every_ns / NS_PER_S)


def _daemon(
    row: Mapping[str, Any], meters: tuple[MeterConfig, ...], here: Path, mistakes: Mistakes
) -> Config:
    """``[daemon]``; paths are meant from the folder of the file, but for ``data_dir``."""
    for key in row:
        if key not in DAEMON_KEYS:
            mistakes.unknown("[daemon]", key, DAEMON_KEYS)

    def of(key: str, reader: Any, default: Any) -> Any:
        return mistakes.value(row[key], reader, f"[daemon]: {key}") if key in row else default

    files = {key: None if (name := of(key, values.text, None)) is None else here / name for key in _FILES}
    access = Access(**files, insecure=of("insecure", values.flag, False) or False)
    socket = of("socket", values.text, None)
    host, port = of("listen", values.listen, values.listen(DEFAULT_LISTEN)) or ("127.0.0.1", 0)
    found = Config(
        meters=meters,
        data_dir=Path(str(row["data_dir"])) if "data_dir" in row else default_data_dir(),
        host=host,
        port=port,
        socket=None if socket is None else here / socket,
        access=access,
        retention_ns=of("retention", values.retention_ns, None),
        log_level=of("log_level", values.log_level, "warning") or "warning",
    )
    for mistake in exposure(found):
        mistakes.add(f"[daemon]: {mistake}")
    return found


def exposure(config: Config) -> list[str]:
    """What is missing for the address that the daemon is to listen on."""
    access, found = config.access, []
    if (access.tls_certificate is None) != (access.tls_key is None):
        found.append("tls_certificate and tls_key go together: found one of them, wanted both")
    if access.insecure or is_loopback(config.host):
        return found
    missing = [key for key in _FILES if getattr(access, key) is None]
    if missing:
        found.append(
            f"found listen address {config.host}, which others can reach, without {', '.join(missing)}: set them in "
            "[daemon] of --config FILE, or insecure = true where everybody may do everything; or stay on 127.0.0.1 "
            "and use an SSH tunnel"
        )
    return found


def protocol_exposure(config: Config) -> list[str]:
    """Foreign protocols know neither tokens nor TLS: others reach them only where a person said so."""
    return [
        f"[{room.name}]: found listen address {room.host}, which others can reach, but this protocol knows "
        "neither tokens nor TLS: set insecure = true in [daemon] where everybody on that network may measure and "
        "set ranges; or stay on 127.0.0.1 and use an SSH tunnel"
        for room in config.protocols
        if not config.access.insecure and not is_loopback(room.host)
    ]


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    return host in {"localhost", "::1"} or (host.startswith("127.") and host.replace(".", "").isdecimal())


def default_data_dir() -> Path:
    """Where samples go unless told otherwise."""
    base = os.environ.get("XDG_STATE_HOME")
    try:
        return (Path(base) if base else Path.home() / ".local/state") / "edgewatt"
    except RuntimeError:
        raise UserError("this user has no home directory: say with --data-dir where samples go") from None


def parse_listen(text: str) -> tuple[str, int]:
    """``HOST:PORT``; ``UserError`` for anything else."""
    try:
        return values.listen(text)
    except ValueError as error:
        raise UserError(f"--listen {error}") from None


def _meter(row: Mapping[str, Any], place: str, mistakes: Mistakes, here: Path = Path()) -> MeterConfig | None:
    """One meter; a ``table`` that tells the driver its language is meant from ``here``."""
    for key in row:
        if key not in METER_KEYS:
            mistakes.unknown(place, key, METER_KEYS)
    before = len(mistakes.found)
    missing = [k for k in ("name", "driver", "port") if not row.get(k)]
    if missing:
        mistakes.add(f"{place}: no {', '.join(missing)}")
    if "name" not in missing:
        mistakes.value(row["name"], values.name, f"{place}: name")
    settings = _part(row, Settings(), _SETTINGS, place, mistakes)
    line = _part(row, LineSettings(), _LINE, place, mistakes)
    calibration = _part(row, Calibration(), _CALIBRATION, place, mistakes)
    told = f"@{(here / str(row['table'])).resolve()}" if "table" in row else ""
    driver = None if "driver" in missing else mistakes.value(f"{row['driver']}{told}", values.driver, place)
    if len(mistakes.found) > before or driver is None:
        return None
    meter = MeterConfig(
        name=str(row["name"]),
        driver=driver,
        port=str(row["port"]),
        settings=settings,
        line=line,
        record=Path(row["record"]) if "record" in row else None,
        calibration=calibration,
    )
    too_slow = line_too_slow(meter)
    if too_slow is not None:
        mistakes.add(f"{place}: {too_slow}")
    return meter


def _part(
    row: Mapping[str, Any], base: Any, readers: Mapping[str, tuple[str, Any]], place: str, mistakes: Mistakes
) -> Any:
    """The record ``base`` with what the row says of it."""
    assert {name for name, _ in readers.values()} <= {f.name for f in fields(base)}
    changes = {
        name: mistakes.value(row[key], reader, f"{place}: {key}")
        for key, (name, reader) in readers.items()
        if key in row
    }
    return replace(base, **changes)


def line_too_slow(meter: MeterConfig) -> str | None:
    """Why the line cannot carry the meter's updates, with the numbers; None when it can."""
    if not is_paced(meter.port):
        return None
    count = drivers.find(meter.driver).answer_bytes(meter.settings)
    needed_ns, interval_ns = count * meter.line.byte_time_ns, meter.settings.interval_ns
    if needed_ns <= interval_ns:
        return None
    baud = 10 * NS_PER_S * count / interval_ns
    return (
        f"one update is up to {count} characters, {needed_ns / 1e6:.0f} ms at {meter.line.baud} baud, but is wanted "
        f"every {interval_ns / 1e6:.0f} ms: take more than {baud:.0f} baud, a longer interval or fewer channels"
    )

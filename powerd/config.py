"""What a daemon is told: meters, data directory, address. All mistakes are reported at once."""

from __future__ import annotations

import difflib
import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from powerd import drivers
from powerd.errors import NotThere
from powerd.model import Settings
from powerd.transports import LineSettings
from schemas.errors import UserError
from schemas.units import NS_PER_S

_NAME = re.compile(r"\w[\w.-]{0,63}\Z")
DEFAULT_LISTEN = "127.0.0.1:8675"


@dataclass(frozen=True, slots=True)
class MeterConfig:
    """One ``[[meter]]`` or ``--meter``."""

    name: str
    driver: str
    port: str
    settings: Settings = field(default_factory=Settings)
    line: LineSettings = field(default_factory=LineSettings)
    record: Path | None = None


@dataclass(frozen=True, slots=True)
class Config:
    """Everything a daemon needs."""

    meters: tuple[MeterConfig, ...]
    data_dir: Path
    host: str
    port: int


class _Mistakes:
    """Collects what is wrong, so that a user is told once."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def add(self, text: str) -> None:
        self.found.append(text)

    def unknown(self, place: str, key: str, known: Sequence[str]) -> None:
        near = difflib.get_close_matches(key, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
        self.add(f"{place}: unknown key {key!r}; {hint}")

    def check(self, source: str) -> None:
        if self.found:
            raise UserError(f"{source}: " + "; ".join(self.found))


METER_KEYS = ("name", "driver", "port", "interval", "channels", "voltage_range", "current_range", "crest_factor",
              "baud", "record")  # fmt: skip
DAEMON_KEYS = ("data_dir", "listen")


def parse_meter(text: str) -> MeterConfig:
    """``NAME=DRIVER:PORT[,key=value…]``; ``UserError`` says all that is wrong with it."""
    mistakes = _Mistakes()
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
    document = _document(path)
    mistakes = _Mistakes()
    for key in document:
        if key not in {"daemon", "meter"}:
            mistakes.unknown("the file", key, ("daemon", "meter"))
    daemon = document.get("daemon", {})
    if not isinstance(daemon, dict):
        mistakes.add("daemon is no table: write [daemon]")
        daemon = {}
    for key in daemon:
        if key not in DAEMON_KEYS:
            mistakes.unknown("[daemon]", key, DAEMON_KEYS)
    rows = document.get("meter", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        mistakes.add("meter is no list of tables: write [[meter]], with two brackets")
        rows = []
    meters = [_meter(row, f"[[meter]] {n}", mistakes) for n, row in enumerate(rows, start=1)]
    names = [row.get("name") for row in rows]
    for name in sorted({str(n) for n in names if n is not None and names.count(n) > 1}):
        mistakes.add(f"two meters are named {name}, wanted a name of its own for each")
    host, port = _value(daemon.get("listen", DEFAULT_LISTEN), _listen, "[daemon]", mistakes) or ("", 0)
    known = tuple(m for m in meters if m is not None)
    return Config(known, Path(str(daemon.get("data_dir", default_data_dir()))), host, port), mistakes.found


def _document(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(
            f"configuration {path} cannot be read: {error.strerror}; name a TOML file with a [[meter]]"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"configuration {path} is not TOML: {error}; put that place right") from error


def _listen(value: Any) -> tuple[str, int]:
    try:
        return parse_listen(str(value))
    except UserError as error:
        raise ValueError(str(error)) from None


def default_data_dir() -> Path:
    """Where samples go unless told otherwise."""
    import os

    base = os.environ.get("XDG_STATE_HOME")
    try:
        return (Path(base) if base else Path.home() / ".local/state") / "edgewatt"
    except RuntimeError:
        raise UserError("this user has no home directory: say with --data-dir where samples go") from None


def parse_listen(text: str) -> tuple[str, int]:
    """``HOST:PORT``; any host that is not this machine is refused, because the API has no tokens yet."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise UserError(f"--listen {text!r}: wanted HOST:PORT, for example {DEFAULT_LISTEN}")
    if host not in {"127.0.0.1", "localhost", "[::1]"}:
        raise UserError(
            f"--listen {text!r}: found an address that others can reach, wanted 127.0.0.1 or [::1]; "
            "use an SSH tunnel to watch from elsewhere"
        )
    return host.strip("[]"), int(port)


def _meter(row: Mapping[str, Any], place: str, mistakes: _Mistakes) -> MeterConfig | None:
    for key in row:
        if key not in METER_KEYS:
            mistakes.unknown(place, key, METER_KEYS)
    before = len(mistakes.found)
    if row.get("name"):
        _value(row["name"], _name, f"{place}: name", mistakes)
    missing = [k for k in ("name", "driver", "port") if not row.get(k)]
    if missing:
        mistakes.add(f"{place}: no {', '.join(missing)}")
    settings = _settings(row, place, mistakes)
    baud = _value(row.get("baud", LineSettings().baud), _baud, f"{place}: baud", mistakes)
    driver = None if "driver" in missing else _value(row["driver"], _driver, place, mistakes)
    if len(mistakes.found) > before or driver is None:
        return None
    meter = MeterConfig(
        name=str(row["name"]),
        driver=str(row["driver"]),
        port=str(row["port"]),
        settings=settings,
        line=LineSettings(baud=baud),
        record=Path(row["record"]) if "record" in row else None,
    )
    too_slow = line_too_slow(meter)
    if too_slow is not None:
        mistakes.add(f"{place}: {too_slow}")
    return meter


def _settings(row: Mapping[str, Any], place: str, mistakes: _Mistakes) -> Settings:
    changes: dict[str, Any] = {}
    readers = {
        "interval": ("interval_ns", _interval_ns),
        "voltage_range": ("voltage_range_v", _range),
        "current_range": ("current_range_a", _range),
        "crest_factor": ("crest_factor", _whole),
        "channels": ("channels", _channels),
    }
    assert {name for name, _ in readers.values()} <= {f.name for f in fields(Settings)}
    for key, (name, reader) in readers.items():
        if key in row:
            changes[name] = _value(row[key], reader, f"{place}: {key}", mistakes)
    return replace(Settings(), **changes)


def line_too_slow(meter: MeterConfig) -> str | None:
    """Why the line cannot carry the meter's updates, with the numbers; None when it can."""
    count = drivers.find(meter.driver).answer_bytes(meter.settings)
    needed_ns, interval_ns = count * meter.line.byte_time_ns, meter.settings.interval_ns
    if needed_ns <= interval_ns:
        return None
    baud = 10 * NS_PER_S * count / interval_ns
    return (
        f"one update is up to {count} characters, {needed_ns / 1e6:.0f} ms at {meter.line.baud} baud, but is wanted "
        f"every {interval_ns / 1e6:.0f} ms: take more than {baud:.0f} baud, a longer interval or fewer channels"
    )


def _name(value: Any) -> str:
    """A name stands in addresses of the API, in labels of metrics and in file names."""
    if not _NAME.match(str(value)):
        raise ValueError(f"found {value!r}, wanted letters, digits, '_', '-' and '.', 64 at most")
    return str(value)


def _driver(value: Any) -> str:
    try:
        return drivers.find(str(value)).name
    except NotThere as error:
        raise ValueError(str(error)) from None


def _value(value: Any, reader: Any, place: str, mistakes: _Mistakes) -> Any:
    try:
        return reader(value)
    except (ValueError, TypeError) as error:
        mistakes.add(f"{place}: {error}")
        return None


def _channels(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(value):
        raise ValueError(f'found {value!r}, wanted a list such as ["1", "2"]')
    return tuple(str(c) for c in value)


def _whole(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        raise ValueError(f"found {value!r}, wanted a whole number") from None


def _baud(value: Any) -> int:
    rate = _whole(value)
    if not 300 <= rate <= 4_000_000:
        raise ValueError(f"found {rate}, wanted a rate such as 9600 or 57600")
    return rate


def _interval_ns(text: Any) -> int:
    """``1s``, ``500ms``, ``0.5s`` to nanoseconds."""
    units = {"ms": 1_000_000, "s": NS_PER_S}
    for unit, scale in units.items():
        number = str(text).removesuffix(unit)
        if number != str(text):
            try:
                interval = round(float(number) * scale)
            except (ValueError, OverflowError):
                break
            if interval > 0:
                return interval
            break
    raise ValueError(f"found {text!r}, wanted a time such as 1s or 500ms")


def _range(value: Any) -> float | None:
    if value == "auto":
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not (math.isfinite(number) and number > 0):
        raise ValueError(f"found {value!r}, wanted auto or a number above 0")
    return number

"""What a daemon is told: meters, data directory, address. All mistakes are reported at once."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from powerd.model import Settings
from powerd.transports import LineSettings
from schemas.errors import UserError
from schemas.units import NS_PER_S

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
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"configuration {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"configuration {path} is not TOML: {error}") from error
    mistakes = _Mistakes()
    for key in document:
        if key not in {"daemon", "meter"}:
            mistakes.unknown(str(path), key, ("daemon", "meter"))
    daemon = document.get("daemon", {})
    for key in daemon:
        if key not in DAEMON_KEYS:
            mistakes.unknown("[daemon]", key, DAEMON_KEYS)
    meters = [
        _meter(row, f"[[meter]] {n}", mistakes) for n, row in enumerate(document.get("meter", []), start=1)
    ]
    mistakes.check(str(path))
    host, port = parse_listen(str(daemon.get("listen", DEFAULT_LISTEN)))
    known = tuple(m for m in meters if m is not None)
    return Config(known, Path(daemon.get("data_dir", default_data_dir())), host, port)


def default_data_dir() -> Path:
    """Where samples go unless told otherwise."""
    import os

    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local/state")
    return Path(base) / "edgewatt"


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
    missing = [k for k in ("name", "driver", "port") if not row.get(k)]
    if missing:
        mistakes.add(f"{place}: no {', '.join(missing)}")
        return None
    settings = Settings()
    changes: dict[str, Any] = {}
    readers = {
        "interval": ("interval_ns", _interval_ns),
        "voltage_range": ("voltage_range_v", _range),
        "current_range": ("current_range_a", _range),
        "crest_factor": ("crest_factor", _whole),
        "channels": ("channels", lambda v: tuple(str(c) for c in v)),
    }
    assert {name for name, _ in readers.values()} <= {f.name for f in fields(Settings)}
    for key, (name, reader) in readers.items():
        if key in row:
            changes[name] = _value(row[key], reader, f"{place}: {key}", mistakes)
    baud = _value(row.get("baud", LineSettings().baud), _whole, f"{place}: baud", mistakes)
    if mistakes.found:
        return None
    return MeterConfig(
        name=str(row["name"]),
        driver=str(row["driver"]),
        port=str(row["port"]),
        settings=replace(settings, **changes),
        line=LineSettings(baud=baud),
        record=Path(row["record"]) if "record" in row else None,
    )


def _value(value: Any, reader: Any, place: str, mistakes: _Mistakes) -> Any:
    try:
        return reader(value)
    except (ValueError, TypeError) as error:
        mistakes.add(f"{place}: {error}")
        return None


def _interval_ns(text: Any) -> int:
    """``1s``, ``500ms``, ``0.5s`` to nanoseconds."""
    units = {"ms": 1_000_000, "s": NS_PER_S}
    for unit, scale in units.items():
        number = str(text).removesuffix(unit)
        if number != str(text):
            try:
                return round(float(number) * scale)
            except ValueError:
                break
    raise ValueError(f"found {text!r}, wanted a time such as 1s or 500ms")


def _whole(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        raise ValueError(f"found {value!r}, wanted a whole number") from None


def _range(value: Any) -> float | None:
    if value == "auto":
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ValueError(f"found {value!r}, wanted auto or a number") from None

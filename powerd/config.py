"""What the daemon is asked to do: from the command line and TOML to frozen records, all mistakes at once."""

from __future__ import annotations

import difflib
import math
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from powerd import drivers
from powerd.errors import NotThere
from powerd.model import Settings
from powerd.transports import LineSettings
from schemas.errors import UserError

DEFAULT_LISTEN = "127.0.0.1:8675"
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|)\Z")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z")
METER_KEYS = ("interval", "baud", "voltage_range", "current_range", "channels", "crest_factor")
DAEMON_KEYS = ("data_dir", "listen", "insecure")


@dataclass(frozen=True, slots=True)
class MeterConfig:
    """One meter: its name, who speaks to it, where, and how it is to measure."""

    name: str
    driver: str
    port: str
    settings: Settings = field(default_factory=Settings)
    line: LineSettings = field(default_factory=LineSettings)


@dataclass(frozen=True, slots=True)
class Config:
    """The whole daemon."""

    data_dir: Path
    host: str = "127.0.0.1"
    port: int = 8675
    insecure: bool = False
    meters: tuple[MeterConfig, ...] = ()


@dataclass(slots=True)
class _Mistakes:
    """Collects sentences, to say them all at once."""

    found: list[str] = field(default_factory=list)

    def add(self, sentence: str) -> None:
        self.found.append(sentence)


def default_data_dir() -> Path:
    """Where samples go unless told otherwise: the XDG state folder."""
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "powerd"


def build(
    meters: Sequence[str], data_dir: Path | None, listen: str | None, config_file: Path | None
) -> Config:
    """Command line over file over defaults; ``UserError`` with every mistake."""
    mistakes = _Mistakes()
    document = {} if config_file is None else _read(config_file)
    daemon = _table(document, mistakes)
    rows: list[Mapping[str, Any]] = [*_meter_tables(document, mistakes)]
    rows += [row for row in (_meter_option(text, mistakes) for text in meters) if row is not None]
    host, port = _listen(str(listen or daemon.get("listen", DEFAULT_LISTEN)), mistakes)
    insecure = daemon.get("insecure", False)
    if not isinstance(insecure, bool):
        mistakes.add(f"[daemon] insecure is {insecure!r}: write true or false")
    folder = data_dir or Path(str(daemon.get("data_dir", default_data_dir())))
    config = Config(folder, host, port, bool(insecure), tuple(_meters(rows, mistakes)))
    if not is_loopback(host) and not config.insecure:
        mistakes.add(
            f"listen address {host} is open to the network: use 127.0.0.1, or set insecure = true under "
            "[daemon] in a --config file when everybody on that network may control the meters"
        )
    if mistakes.found:
        raise UserError("; ".join(mistakes.found))
    return config


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    return host in ("localhost", "::1") or host.startswith("127.")


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"config file {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"config file {path} is not TOML: {error}") from error


def _unknown(key: str, known: Sequence[str], where: str) -> str:
    near = difflib.get_close_matches(key, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
    return f"{where} has the unknown key {key!r}: {hint}"


def _table(document: Mapping[str, Any], mistakes: _Mistakes) -> Mapping[str, Any]:
    for key in document:
        if key not in ("daemon", "meter"):
            mistakes.add(_unknown(key, ("daemon", "meter"), "the config file"))
    daemon = document.get("daemon", {})
    if not isinstance(daemon, dict):
        mistakes.add("daemon is no table: write [daemon]")
        return {}
    for key in daemon:
        if key not in DAEMON_KEYS:
            mistakes.add(_unknown(key, DAEMON_KEYS, "[daemon]"))
    return daemon


def _meter_tables(document: Mapping[str, Any], mistakes: _Mistakes) -> list[Mapping[str, Any]]:
    tables = document.get("meter", [])
    if not isinstance(tables, list) or not all(isinstance(t, dict) for t in tables):
        mistakes.add("meter is no list of tables: write [[meter]] for each meter")
        return []
    return tables


def _meter_option(text: str, mistakes: _Mistakes) -> dict[str, Any] | None:
    """``NAME=DRIVER:PORT[,key=value…]`` as a table."""
    head, *pairs = text.split(",")
    name, _, rest = head.partition("=")
    driver, _, port = rest.partition(":")
    if not (name and driver and port):
        mistakes.add(f"--meter {text!r}: write NAME=DRIVER:PORT, such as wall=yokogawa-wt300:/dev/ttyUSB0")
        return None
    row: dict[str, Any] = {"name": name, "driver": driver, "port": port}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            mistakes.add(f"--meter {name}: {pair!r} is no key=value")
            continue
        row[key.strip()] = value.strip()
    return row


def _listen(text: str, mistakes: _Mistakes) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
        mistakes.add(f"listen address {text!r}: write HOST:PORT, such as {DEFAULT_LISTEN}")
        return "127.0.0.1", 0
    return host.strip("[]") or "127.0.0.1", int(port)


def _meters(rows: Sequence[Mapping[str, Any]], mistakes: _Mistakes) -> list[MeterConfig]:
    found: list[MeterConfig] = []
    for row in rows:
        name = str(row.get("name", ""))
        where = f"meter {name or '?'}"
        if not _NAME.match(name):
            mistakes.add(f"{where}: a name is letters, digits, '.', '_' and '-', 64 at most")
        if any(m.name == name for m in found):
            mistakes.add(f"two meters are named {name!r}: give each its own name")
        for key in row:
            if key not in ("name", "driver", "port", *METER_KEYS):
                mistakes.add(_unknown(key, METER_KEYS, where))
        try:
            drivers.find(str(row.get("driver", "")))
        except NotThere as error:
            mistakes.add(f"{where}: {error}")
        if not row.get("port"):
            mistakes.add(f"{where} has no port: write port = \"/dev/ttyUSB0\"")
        settings, line = _settings(row, where, mistakes), _line(row, where, mistakes)
        found.append(MeterConfig(name, str(row.get("driver", "")), str(row.get("port", "")), settings, line))
    return found


def _settings(row: Mapping[str, Any], where: str, mistakes: _Mistakes) -> Settings:
    channels = row.get("channels", ("1",))
    if isinstance(channels, str | int):
        channels = str(channels).split("+")
    return replace(
        Settings(),
        interval_ns=_interval(row.get("interval", "1s"), where, mistakes),
        voltage_range_v=_range(row.get("voltage_range", "auto"), f"{where}: voltage_range", mistakes),
        current_range_a=_range(row.get("current_range", "auto"), f"{where}: current_range", mistakes),
        channels=tuple(str(c) for c in channels),
        crest_factor=_whole(row.get("crest_factor", 3), f"{where}: crest_factor", mistakes),
    )


def _line(row: Mapping[str, Any], where: str, mistakes: _Mistakes) -> LineSettings:
    if "baud" not in row:
        return LineSettings()
    return LineSettings(baud=_whole(row["baud"], f"{where}: baud", mistakes) or 9600)


def _whole(value: Any, where: str, mistakes: _Mistakes) -> int:
    text = str(value)
    if text.isascii() and text.isdigit() and 0 < int(text) < 100_000_000:
        return int(text)
    mistakes.add(f"{where} is {text!r}: write a whole number")
    return 0


def _interval(value: Any, where: str, mistakes: _Mistakes) -> int:
    match = _DURATION.match(str(value))
    if match is None or float(match.group(1)) <= 0:
        mistakes.add(f"{where}: interval is {value!r}: write a time such as 100ms or 1s")
        return 1_000_000_000
    return round(float(match.group(1)) * (1e6 if match.group(2) == "ms" else 1e9))


def _range(value: Any, where: str, mistakes: _Mistakes) -> float | None:
    if value == "auto":
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if isinstance(value, bool) or not (math.isfinite(number) and number > 0):
        mistakes.add(f"{where} is {value!r}: write auto, or the range in volts or amperes")
        return None
    return number

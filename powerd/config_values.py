"""Single values of a configuration: each reader takes what stood there and raises ValueError with what was wanted."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlsplit

from powerd import drivers
from powerd.errors import NotThere
from powerd.logs import LEVELS
from schemas.errors import UserError
from schemas.units import NS_PER_S

_NAME = re.compile(r"\w[\w.-]{0,63}\Z")
LONGEST_TEXT = 200
_LENGTHS = {"ms": 1_000_000, "s": NS_PER_S}
_AGES = {"h": 3600 * NS_PER_S, "d": 86_400 * NS_PER_S, "w": 604_800 * NS_PER_S, "y": 31_557_600 * NS_PER_S}


class Mistakes:
    """Collects what is wrong, so that a user is told once."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def add(self, text: str) -> None:
        """One more."""
        self.found.append(text)

    def unknown(self, place: str, key: str, known: Sequence[str]) -> None:
        """A key that nobody reads, with the nearest one that somebody does."""
        near = difflib.get_close_matches(key, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
        self.add(f"{place}: unknown key {key!r}; {hint}")

    def value(self, value: Any, reader: Any, place: str) -> Any:
        """The value as its reader understands it; None, and a mistake more, where it does not."""
        try:
            return reader(value)
        except (ValueError, TypeError) as error:
            self.add(f"{place}: {error}")
            return None

    def check(self, source: str) -> None:
        """``UserError`` with all of them, when there are any."""
        if self.found:
            raise UserError(f"{source}: " + "; ".join(self.found))


def name(value: Any) -> str:
    """A name stands in addresses of the API, in labels of metrics and in file names."""
    if not _NAME.match(str(value)):
        raise ValueError(f"found {value!r}, wanted letters, digits, '_', '-' and '.', 64 at most")
    return str(value)


def driver(value: Any) -> str:
    """The name of a driver that there is."""
    try:
        return drivers.find(str(value)).name
    except NotThere as error:
        raise ValueError(str(error)) from None


def channels(value: Any) -> tuple[str, ...]:
    """A list that is not empty, of names that stand in addresses of windows (``powerd.sources``)."""
    if not isinstance(value, list) or not value or not all(value):
        raise ValueError(f'found {value!r}, wanted a list such as ["1", "2"]')
    names = tuple(str(c) for c in value)
    wrong = next((c for c in names if not _NAME.match(c) or c == "sum" or names.count(c) > 1), None)
    if wrong is not None:
        raise ValueError(
            f"found channel {wrong!r}, wanted names such as 1, each once (sum means all of them)"
        )
    return names


def whole(value: Any) -> int:
    """A whole number."""
    try:
        if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
            raise ValueError(value)
        return int(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"found {value!r}, wanted a whole number") from None


def baud(value: Any) -> int:
    """A rate of a serial line."""
    rate = whole(value)
    if not 300 <= rate <= 4_000_000:
        raise ValueError(f"found {rate}, wanted a rate such as 9600 or 57600")
    return rate


def log_level(value: Any) -> str:
    """``debug``, ``info``, ``warning`` or ``error``."""
    return _one_of(str(value).lower(), LEVELS)


def http_url(value: Any) -> str:
    """``http://HOST:PORT`` or ``https://…``."""
    try:
        parts = urlsplit(str(value))
        fine = (
            parts.scheme in {"http", "https"}
            and bool(parts.hostname)
            and (parts.port is None or parts.port > 0)
        )
    except ValueError:
        fine = False
    if not fine:
        raise ValueError(f"found {str(value)[:80]!r}, wanted for example http://127.0.0.1:4318")
    return str(value).rstrip("/")


def data_bits(value: Any) -> int:
    """7 or 8."""
    return int(_one_of(str(value), ("7", "8")))


def stop_bits(value: Any) -> int:
    """1 or 2."""
    return int(_one_of(str(value), ("1", "2")))


def parity(value: Any) -> str:
    """``none``, ``even`` or ``odd``, or the first letter of it, as the letter."""
    word = str(value).lower()
    known = ("none", "even", "odd")
    return _one_of(next((k for k in known if word in {k, k[0]}), str(value)), known)[0].upper()


def handshake(value: Any) -> str:
    """``none``, ``rts`` or ``xon``."""
    return _one_of(str(value), ("none", "rts", "xon"))


def _one_of(text: str, known: Sequence[str]) -> str:
    if text not in known:
        raise ValueError(f"found {text!r}, wanted one of {', '.join(known)}")
    return text


def interval_ns(value: Any) -> int:
    """``1s``, ``500ms``, ``0.5s`` to nanoseconds."""
    return _length(value, _LENGTHS, "a time such as 1s or 500ms")


def retention_ns(value: Any) -> int:
    """``12h``, ``90d``, ``8w``, ``2y`` to nanoseconds."""
    return _length(value, _AGES, "a time such as 90d, 8w or 2y (h, d, w, y)")


def _length(value: Any, units: dict[str, int], wanted: str) -> int:
    for unit, scale in units.items():
        number = str(value).removesuffix(unit)
        if number != str(value):
            try:
                length = round(float(number) * scale)
            except (ValueError, OverflowError):
                break
            if 0 < length < 1 << 62:
                return length
            break
    raise ValueError(f"found {value!r}, wanted {wanted}")


def electric_range(value: Any) -> float | None:
    """Volts or amperes; ``auto`` is None."""
    if value == "auto":
        return None
    number = _number(value)
    if not (math.isfinite(number) and number > 0):
        raise ValueError(f"found {value!r}, wanted auto or a number above 0")
    return number


def ambient_c(value: Any) -> float:
    """Degrees Celsius in a place where a meter and people can be."""
    number = _number(value)
    if not -40 <= number <= 85:
        raise ValueError(f"found {value!r}, wanted degrees Celsius from -40 to 85")
    return number


def _number(value: Any) -> float:
    try:
        return math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return math.nan


def calibrated(value: Any) -> str:
    """The day of the calibration as ``YYYY-MM-DD``; TOML knows days, options have them as text."""
    try:
        day = value if isinstance(value, date) else date.fromisoformat(str(value))
        day = day.date() if isinstance(day, datetime) else day
    except ValueError:
        raise ValueError(f"found {value!r}, wanted a day such as 2026-03-01") from None
    if day > datetime.now(UTC).date():
        raise ValueError(f"found {day}, which is yet to come, wanted the day of the last calibration")
    return day.isoformat()


def text(value: Any) -> str:
    """Words that are only kept."""
    if (
        not isinstance(value, str)
        or not value.strip()
        or len(value) > LONGEST_TEXT
        or not value.isprintable()
    ):
        raise ValueError(f"found {str(value)[:40]!r}, wanted a text of at most {LONGEST_TEXT} characters")
    return value


def flag(value: Any) -> bool:
    """True or false, and nothing like it."""
    if not isinstance(value, bool):
        raise ValueError(f"found {value!r}, wanted true or false")
    return value


def switch(value: Any) -> bool:
    """True or false, which options of the command line have as text."""
    return flag({"true": True, "false": False}.get(value, value) if isinstance(value, str) else value)


def listen(value: Any) -> tuple[str, int]:
    """``HOST:PORT``; an IPv6 host stands in brackets."""
    host, colon, port = str(value).rpartition(":")
    bare = host.strip("[]")
    if (
        not colon
        or not bare
        or (":" in bare) != host.startswith("[")
        or not port.isdecimal()
        or int(port) > 65535
    ):
        raise ValueError(f"{str(value)!r}: wanted HOST:PORT, for example 127.0.0.1:8675")
    return bare, int(port)

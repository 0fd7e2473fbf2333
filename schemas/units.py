"""Units: SI floats and integer nanoseconds inside, conversions at the edge.

Times are integers because a Unix time in nanoseconds does not fit a double. LoadGen and the power logs
write wall-clock times as ``MM-DD-YYYY HH:MM:SS.mmm`` in UTC without a zone mark (LoadGen ``logging.cc``;
MLPerf power logs ``spl.txt``); the two functions here are the only place that knows this form.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import NewType

import msgspec

Watts = NewType("Watts", float)
Joules = NewType("Joules", float)
Volts = NewType("Volts", float)
Amperes = NewType("Amperes", float)
UnixNs = NewType("UnixNs", int)
"""Nanoseconds since 1970-01-01T00:00:00 UTC."""
BoottimeNs = NewType("BoottimeNs", int)
"""Nanoseconds of CLOCK_BOOTTIME: monotonic, counts suspend, meaningless without the boot id."""

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000

_LOG_TIME = re.compile(r"(\d\d-\d\d-\d{4} \d\d:\d\d):([0-5]\d)(?:\.(\d{1,9}))?\Z", re.ASCII)


def parse_log_time(text: str) -> UnixNs:
    """``MM-DD-YYYY HH:MM:SS[.fraction]`` (UTC, up to nine decimals) to nanoseconds; ValueError otherwise."""
    match = _LOG_TIME.match(text) or _LOG_TIME.match(text.strip())
    if match is None:
        raise ValueError(f"not a log time (wanted MM-DD-YYYY HH:MM:SS.mmm): {text[:40]!r}")
    minute, second, fraction = match.groups()
    part = int(fraction) * _TO_NS[len(fraction)] if fraction else 0
    return UnixNs((_minute(minute) + int(second)) * NS_PER_S + part)


class LogTimes:
    """``parse_log_time`` for the many times of one log, which mostly have three decimals and share their minutes."""

    __slots__ = ("_minutes",)

    def __init__(self) -> None:
        """No minute is known yet."""
        self._minutes: dict[str, int] = {}

    def quick(self, text: str) -> UnixNs | None:
        """A time with three decimals in a minute that is known; None for any other text."""
        try:
            minute = self._minutes[text[:16]]
            return minute + _SECONDS[text[16:20]] + _MILLISECONDS[text[20:]]  # type: ignore[return-value]
        except KeyError:
            return None

    def parse(self, text: str) -> UnixNs:
        """Any time; ValueError as ``parse_log_time``."""
        at = self.quick(text)
        if at is None:
            at = parse_log_time(text)
            if len(text) == _USUAL and text[16:20] in _SECONDS:
                self._minutes[text[:16]] = parse_log_time(f"{text[:16]}:00")
        return at

    def all(self, texts: Sequence[str]) -> list[UnixNs]:
        """Times as ``parse`` gives them; one that is unlike the others makes it slower, not wrong."""
        found = _steady(texts)
        return [self.parse(text) for text in texts] if found is None else found


def _steady(texts: Sequence[str]) -> list[UnixNs] | None:
    """Times that all have three decimals and never fall; None for others, ValueError where one is no time.

    Written behind each other the texts are records of one length, in which every separator has its place. All their
    digits together are one number, and the numbers of a minute stand side by side.
    """
    records = (",1".join(texts) + ",1").encode()
    if len(records) != 25 * len(texts) or any(
        records[at::25] != sign * len(texts) for at, sign in _SEPARATORS.items()
    ):
        return None
    digits = records.translate(None, b"-: .")
    if len(digits) != 19 * len(texts) or not digits.translate(None, b",").isdigit():
        return None
    numbers: list[int] = _decode_integers(b"[1" + digits[:-2] + b"]")
    if numbers != sorted(numbers):
        return None
    found: list[UnixNs] = []
    while len(found) < len(texts):
        begin = len(found)
        minute = numbers[begin] - numbers[begin] % _OF_MINUTE
        at = parse_log_time(texts[begin]) - numbers[begin] % _OF_MINUTE * NS_PER_MS
        end = bisect_left(numbers, minute + 60_000, begin)
        found += [at + (number - minute) * NS_PER_MS for number in numbers[begin:end]]  # type: ignore[misc]
    return found


_SEPARATORS = {2: b"-", 5: b"-", 10: b" ", 13: b":", 16: b":", 19: b".", 23: b",", 24: b"1"}
_OF_MINUTE = 100_000
"""Above the last five digits of a time, which are seconds and milliseconds."""
_decode_integers = msgspec.json.Decoder(list[int]).decode
_USUAL = len("MM-DD-YYYY HH:MM:SS.mmm")
_SECONDS = {f":{number:02d}.": number * NS_PER_S for number in range(60)}
_MILLISECONDS = {f"{number:03d}": number * NS_PER_MS for number in range(1000)}
_TO_NS = tuple(10 ** (9 - digits) for digits in range(10))
"""Nanoseconds of the last of so many decimals."""


@lru_cache(maxsize=4096)
def _minute(text: str) -> int:
    """Seconds since 1970 of a minute; logs name each minute many times."""
    month, day, year, hour, minute = (int(text[a:b]) for a, b in _MINUTE_PARTS)
    return int(datetime(year, month, day, hour, minute, tzinfo=UTC).timestamp())


_MINUTE_PARTS = ((0, 2), (3, 5), (6, 10), (11, 13), (14, 16))


def format_log_time(at: UnixNs) -> str:
    """Nanoseconds to ``MM-DD-YYYY HH:MM:SS.mmm`` in UTC, cut (not rounded) to the millisecond."""
    seconds, rest = divmod(int(at), NS_PER_S)
    whole = datetime.fromtimestamp(seconds, tz=UTC)
    return f"{whole:%m-%d-%Y %H:%M:%S}.{rest // NS_PER_MS:03d}"


def format_rfc3339(at: UnixNs, digits: int = 3) -> str:
    """Nanoseconds to ``YYYY-MM-DDTHH:MM:SS.mmmZ``, cut to ``digits`` decimals (0 to 9)."""
    seconds, rest = divmod(int(at), NS_PER_S)
    whole = datetime.fromtimestamp(seconds, tz=UTC)
    fraction = f".{rest:09d}"[: digits + 1] if digits else ""
    return f"{whole:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def exact(unix_ns: int) -> str:
    """The instant as RFC 3339 with all its nanoseconds: a browser's numbers end at 2^53."""
    return format_rfc3339(UnixNs(unix_ns), 9)


def seconds(duration_ns: int) -> float:
    """Nanoseconds to seconds."""
    return duration_ns / NS_PER_S

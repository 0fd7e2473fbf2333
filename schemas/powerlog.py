"""``spl.txt``: the power log beside a run, one line per update of the meter.

The form is that of the published MLPerf power results: twelve fields, ``Time,MM-DD-YYYY HH:MM:SS.mmm,Watts,w,
Volts,v,Amps,a,PF,p,Mark,text`` in UTC; several channels follow behind the same twelve fields, of which the
first watts are the sum. powerd writes this form too; the stamp is then the end of the averaging interval,
and losses stand as the meter gave them (``nan``, ``inf``).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from schemas.plainfile import FilePath, TooLarge, open_plain, read_plain
from schemas.units import LogTimes, UnixNs, format_log_time, parse_log_time

_LABELS = {0: "Time", 2: "Watts", 4: "Volts", 6: "Amps", 8: "PF", 10: "Mark"}
LONGEST_LINE = 1 << 16
"""Bytes; a line of twelve fields has about 110, and each further channel adds as many."""
MOST_BAD = 10_000
"""Lines that are no samples, before the file is no power log."""
AT_ONCE = 1 << 24
"""Bytes of a log that is read in one piece."""
LONGEST_FIELD = 1000
"""Characters of a field of such a log."""
_LABEL_ROW = list(_LABELS.values())
NOT_AVAILABLE = 9.9e37
"""SCPI's stand-in for "no value"; seen in power logs where the meter had none."""


class PowerLine(msgspec.Struct, frozen=True, gc=False):
    """One sample of a power log. Numbers are as written: they may be negative, nan or inf."""

    line: int
    at: UnixNs
    power_w: float
    voltage_v: float
    current_a: float
    power_factor: float
    mark: str

    @property
    def plain(self) -> bool:
        """Whether the watts are a plain non-negative reading; 0 W is one."""
        return 0 <= self.power_w < NOT_AVAILABLE


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that is no sample, with the reason."""

    line: int
    text: str
    reason: str


def read_spl(path: FilePath) -> Iterator[PowerLine | BadLine]:
    """Samples of a power log in order of the file; raises OSError when it cannot be read.

    Lines that do not start with ``Time`` are no samples and are passed over silently when empty, else
    reported as ``BadLine``; with more than ``MOST_BAD`` of them, or a line above ``LONGEST_LINE``, it is no power
    log: ValueError.
    """
    with open_plain(path) as file:
        number = bad = 0
        while raw := file.readline(LONGEST_LINE):
            number += 1
            if len(raw) == LONGEST_LINE:
                raise ValueError(f"line {number} is longer than {LONGEST_LINE} bytes")
            text = raw.decode("utf-8", errors="replace").strip()
            if text:
                found = parse_spl_line(number, text)
                bad += isinstance(found, BadLine)
                if bad > MOST_BAD:
                    raise ValueError(f"has more than {MOST_BAD} lines that are no samples")
                yield found


def read_power_log(path: FilePath) -> tuple[PowerLine | BadLine, ...]:
    """All that ``read_spl`` finds, and raises as it does; a log of the usual form is read in columns."""
    rows = None
    with contextlib.suppress(TooLarge):
        rows = _columns(read_plain(path, AT_ONCE))
    return tuple(read_spl(path)) if rows is None else rows


def _columns(data: bytes) -> tuple[PowerLine, ...] | None:
    """The samples of a log in which every line is one of twelve fields; None for one to be read line by line."""
    try:
        text = data.decode("ascii").replace("\r\n", "\n").rstrip("\n")
        number = text.count("\nTime,") + 1
        fields = text.replace("\n", ",").split(",")
        of_line = len(fields) == 12 * number and text.count("\n") == number - 1
        if not of_line or any(fields[at::12] != [label] * number for at, label in _LABELS.items()):
            return None
        marks, columns = fields[11::12], [fields[at::12] for at in (3, 5, 7, 9)]
        odd = any(max(map(len, column)) > LONGEST_FIELD for column in (*columns, marks))
        if odd or "\r" in text or any(mark != mark.strip() for mark in set(marks)):
            return None
        times, numbers = LogTimes().all(fields[1::12]), map(_numbers, columns)
        return tuple(map(PowerLine, range(1, number + 1), times, *numbers, marks))
    except (ValueError, OverflowError):
        return None


def _numbers(texts: Sequence[str]) -> Sequence[float]:
    """The numbers of a column. Nearly all are written as JSON writes them too, and are read several times faster so;
    what only Python takes for a number (``nan``, ``+1``, ``1_0``) is left to it, and so is ``-0``."""
    row = f"[{','.join(texts)}]"
    with contextlib.suppress(msgspec.MsgspecError):
        if "-0," not in row and "-0]" not in row:
            return _decode_numbers(row)
    return list(map(float, texts))


_decode_numbers = msgspec.json.Decoder(list[float]).decode


def parse_spl_line(number: int, text: str) -> PowerLine | BadLine:
    """One line without its end."""
    fields = text.split(",")
    if fields[0] != "Time":
        return BadLine(number, text[:200], "does not start with Time")
    if len(fields) < 12:
        return BadLine(number, text[:200], f"has {len(fields)} fields, wanted 12 or more")
    if fields[:12:2] != _LABEL_ROW:
        wrong = next(label for at, label in _LABELS.items() if fields[at] != label)
        return BadLine(number, text[:200], f"field {wrong} is not where it belongs")
    try:
        return PowerLine(
            line=number,
            at=parse_log_time(fields[1]),
            power_w=float(fields[3]),
            voltage_v=float(fields[5]),
            current_a=float(fields[7]),
            power_factor=float(fields[9]),
            mark=fields[11],
        )
    except (ValueError, OverflowError) as error:
        return BadLine(number, text[:200], str(error))


def format_spl_line(
    at: UnixNs,
    power_w: float,
    voltage_v: float,
    current_a: float,
    power_factor: float,
    mark: str,
    channels: Sequence[tuple[float, float, float, float]] = (),
) -> str:
    """One sample as a line without its end; ValueError when the mark would break the line.

    ``channels`` are watts, volts, amperes and power factor of each channel that the first watts are the sum of; they
    follow behind the mark as ``Ch1,Watts,…`` in the published logs of several channels.
    """
    if any(c in mark for c in ",\r\n"):
        raise ValueError(f"a mark may not hold commas or line ends: {mark!r}")
    own = (
        f",Ch{number},Watts,{w:.6f},Volts,{v:.6f},Amps,{a:.6f},PF,{f:.6f}"
        for number, (w, v, a, f) in enumerate(channels, 1)
    )
    return (
        f"Time,{format_log_time(at)},Watts,{power_w:.6f},Volts,{voltage_v:.6f},"
        f"Amps,{current_a:.6f},PF,{power_factor:.6f},Mark,{mark}{''.join(own)}"
    )

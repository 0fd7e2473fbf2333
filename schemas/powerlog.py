"""``spl.txt``: the power log beside a run, one line per update of the meter.

The form is that of the published MLPerf power results: twelve fields, ``Time,MM-DD-YYYY HH:MM:SS.mmm,Watts,w,
Volts,v,Amps,a,PF,p,Mark,text`` in UTC; several channels follow behind the same twelve fields, of which the
first watts are the sum. powerd writes this form too; the stamp is then the end of the averaging interval,
and losses stand as the meter gave them (``nan``, ``inf``).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from schemas.plainfile import FilePath, TooLarge, open_plain, read_plain
from schemas.power_samples import NOT_AVAILABLE, PowerLine, PowerSamples
from schemas.units import LogTimes, UnixNs, format_log_time, parse_log_time

__all__ = [
    "NOT_AVAILABLE", "BadLine", "PowerLine", "PowerLog", "PowerSamples", "format_spl_line", "parse_spl_line",
    "read_power_log", "read_spl",
]  # fmt: skip

_LABELS = {0: "Time", 2: "Watts", 4: "Volts", 6: "Amps", 8: "PF", 10: "Mark"}
LONGEST_LINE = 1 << 16
"""Bytes; a line of twelve fields has about 110, and each further channel adds as many."""
MOST_BAD = 10_000
"""Lines that are no samples, before the file is no power log."""
AT_ONCE = 1 << 24
"""Bytes of a log that is read in one piece."""
_LABEL_ROW = list(_LABELS.values())


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that is no sample, with the reason."""

    line: int
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class PowerLog:
    """What a power log holds: its samples, and the lines that are none, both in order."""

    samples: PowerSamples
    bad: tuple[BadLine, ...] = ()

    @classmethod
    def of(cls, lines: Iterable[PowerLine | BadLine]) -> PowerLog:
        """That of lines that were read one by one."""
        bad: list[BadLine] = []

        def samples() -> Iterator[PowerLine]:
            for line in lines:
                if isinstance(line, BadLine):
                    bad.append(line)
                else:
                    yield line

        found = PowerSamples.of(samples())
        return cls(found, tuple(bad))


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


def read_power_log(path: FilePath) -> PowerLog:
    """All that ``read_spl`` finds, and raises as it does; a log of the usual form is read in columns."""
    samples = None
    with contextlib.suppress(TooLarge):
        samples = _columns(read_plain(path, AT_ONCE))
    return PowerLog.of(read_spl(path)) if samples is None else PowerLog(samples)


def _columns(data: bytes) -> PowerSamples | None:
    """The samples of a log in which all lines have one mark, and numbers with a dot; None for one to be read line by
    line.

    No field is cut out by itself. Without its digits each line is the same, which says that all labels, commas and
    dots are there in their order; each label then becomes the number 1, and the lines are one row of numbers. A digit
    amid a label makes it another number than 1.
    """
    try:
        text = data.decode("ascii").rstrip()
        mark = _end_of_first_line(text)
        lines = text[len("Time,") : len(text) - len(mark.rstrip())].split(f"{mark}\nTime,")
        rest = "\n".join([line[_TIME:] for line in lines]).encode()
        if not text.startswith("Time,") or not text.endswith(mark.rstrip()) or not _of_form(rest, len(lines)):
            return None
        if "," in mark.removeprefix(_MARK) or max(map(len, lines)) + len(f"Time,{mark}\n") >= LONGEST_LINE:
            return None
        row = _decode_numbers(b"[0" + rest.translate(_LABEL_IS_1, _REST_OF_LABELS) + b"]")
        stamps = [line[:_TIME] for line in lines]
        times = LogTimes().all(stamps)
    except (ValueError, OverflowError):
        return None
    if row[1::2].count(1.0) != 4 * len(lines) or "\n" in "".join(stamps):
        return None
    numbers, marks = range(1, len(lines) + 1), [mark.removeprefix(_MARK).rstrip()] * len(lines)
    return PowerSamples(numbers, times, row[2::8], row[4::8], row[6::8], row[8::8], marks)


def _end_of_first_line(text: str) -> str:
    """The mark with its label; ValueError without one."""
    end = text.find("\n", 0, LONGEST_LINE)
    at = text.index(_MARK, 0, end if end >= 0 else LONGEST_LINE)
    return text[at : end if end >= 0 else LONGEST_LINE]


def _of_form(rest: bytes, number: int) -> bool:
    """Whether what stands between times and marks is of the usual form, but for the places of digits."""
    return rest.translate(None, b"-0123456789") + b"\n" == b",Watts,.,Volts,.,Amps,.,PF,.\n" * number


_TIME = len("MM-DD-YYYY HH:MM:SS.mmm")
_MARK = ",Mark,"
_LABEL_IS_1, _REST_OF_LABELS = bytes.maketrans(b"WVAP", b"1111"), b"aFlmopst"
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

"""A source that remembers what it was asked for, and one that answers again from what was remembered.

``Witness`` stands between ``schemas.window_document`` and the store: what a document was computed from is in the
bundle by construction, and nothing else. ``Remembered`` gives the same answers to the same questions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from schemas.clocks import ClockFix, Exchange
from schemas.measured import Calibration, MeterInfo, Quality, Reading, Settings, Stamps, Values
from schemas.metrology import Specification, restore
from schemas.records import Run, Source, StoredReading
from schemas.typed import made

MEMBERS = ("specification", "meter", "run", "fix", "exchange", "mark", "reading")
"""Members of a bundle that hold what a document was computed from, in their order."""
Specify = Callable[[MeterInfo], Specification]
_WITH_PARTS = ("specification", "meter")
_PARTS = (dict, list)
MOST_PARTS = 1000
"""Values in the lists and tables of such a record; those of a meter of three channels are some fifty."""


@dataclass(frozen=True, slots=True)
class _Mark:
    window: str
    boottime_ns: int
    text: str


@dataclass(frozen=True, slots=True)
class _Since:
    """From when a meter had an identity and settings."""

    meter: str
    boot_id: str
    since_ns: int


class Witness:
    """Hands every question on and remembers the answers."""

    def __init__(self, source: Source, specify: Specify) -> None:
        self.boot_id = source.boot_id
        self._source = source
        self._specify = specify
        self._rows: dict[str, dict[Any, Mapping[str, Any]]] = {member: {} for member in MEMBERS}
        self._readings: dict[int, StoredReading] = {}

    def records(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Everything that was answered, once, by member and number."""
        for member in MEMBERS:
            rows = self._rows[member]
            for key in sorted(rows):
                yield member, rows[key]
        for ident in sorted(self._readings):
            yield "reading", reading_record(self._readings[ident])

    def specification(self, info: MeterInfo) -> Specification:
        """Accuracy and ranges of a meter."""
        found = self._specify(info)
        self._rows["specification"][repr(info)] = {"info": asdict(info), "specification": asdict(found)}
        return found

    def readings(
        self, meter: str, channel: str, boot: str, begin_ns: int, end_ns: int
    ) -> Sequence[StoredReading]:
        """As ``Source.readings``."""
        rows = self._source.readings(meter, channel, boot, begin_ns, end_ns)
        self._readings.update((r.ident, r) for r in rows)
        return rows

    def fixes(self, boot: str, begin_ns: int, end_ns: int) -> Sequence[tuple[int, ClockFix]]:
        """As ``Source.fixes``."""
        rows = self._source.fixes(boot, begin_ns, end_ns)
        self._rows["fix"].update((ident, {"id": ident, **asdict(fix)}) for ident, fix in rows)
        return rows

    def exchanges(self, clock: str) -> Sequence[tuple[int, Exchange]]:
        """As ``Source.exchanges``."""
        rows = self._source.exchanges(clock)
        self._rows["exchange"].update((ident, {"id": ident, **asdict(e)}) for ident, e in rows)
        return rows

    def boots_between(self, begin_utc_ns: int, end_utc_ns: int) -> Sequence[str]:
        """As ``Source.boots_between``; it follows from the fixes of those boots, which are asked for next."""
        return self._source.boots_between(begin_utc_ns, end_utc_ns)

    def runs(self, boot: str) -> Sequence[Run]:
        """As ``Source.runs``."""
        rows = self._source.runs(boot)
        self._rows["run"].update((run.ident, asdict(run)) for run in rows)
        return rows

    def meter_history(self, meter: str) -> Sequence[tuple[str, int, MeterInfo, Settings]]:
        """As ``Source.meter_history``."""
        rows = self._source.meter_history(meter)
        for index, (boot, since, info, settings) in enumerate(rows):
            self._rows["meter"][meter, index] = {
                "meter": meter,
                "boot_id": boot,
                "since_ns": since,
                "info": asdict(info),
                "settings": asdict(settings),
            }
        return rows

    def marks(self, window: str) -> Sequence[tuple[int, str]]:
        """As ``Source.marks``."""
        rows = self._source.marks(window)
        for index, (at, text) in enumerate(rows):
            self._rows["mark"][window, index] = {"window": window, "boottime_ns": at, "text": text}
        return rows


class Remembered:
    """A ``Source`` out of the members of a bundle. ``add`` raises ValueError for a record that is none."""

    def __init__(self, boot_id: str) -> None:
        self.boot_id = boot_id
        self._specifications: dict[MeterInfo, Specification] = {}
        self._readings: list[StoredReading] = []
        self._by_place: dict[tuple[str, str, str], list[StoredReading]] = {}
        self._fixes: list[tuple[int, ClockFix]] = []
        self._exchanges: list[tuple[int, Exchange]] = []
        self._runs: list[Run] = []
        self._meters: list[tuple[str, tuple[str, int, MeterInfo, Settings]]] = []
        self._marks: list[tuple[str, int, str]] = []

    @property
    def stored_readings(self) -> Sequence[StoredReading]:
        """All readings."""
        return self._readings

    @property
    def specifications(self) -> Mapping[MeterInfo, Specification]:
        """All specifications, by the meter that they are of."""
        return self._specifications

    def add(self, member: str, data: Mapping[str, Any]) -> None:
        """Take a record of one of ``MEMBERS``; ValueError when it cannot be one."""
        _refuse_parts(member, data)
        try:
            _ADD[member](self, dict(data))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"is no record of member {member}: {error}") from error

    def _add_specification(self, data: dict[str, Any]) -> None:
        self._specifications[meter_info(data["info"])] = restore(data["specification"])

    def _add_reading(self, data: dict[str, Any]) -> None:
        stored = record_reading(data)
        place = (stored.reading.meter, stored.reading.values.channel, stored.reading.boot_id)
        self._by_place.setdefault(place, []).append(stored)
        self._readings.append(stored)

    def _add_fix(self, data: dict[str, Any]) -> None:
        self._fixes.append((_ident(data), made(ClockFix, data)))

    def _add_exchange(self, data: dict[str, Any]) -> None:
        self._exchanges.append((_ident(data), made(Exchange, data)))

    def _add_run(self, data: dict[str, Any]) -> None:
        self._runs.append(made(Run, data))

    def _add_meter(self, data: dict[str, Any]) -> None:
        since = made(_Since, {name: data[name] for name in _Since.__slots__})
        row = (since.boot_id, since.since_ns, meter_info(data["info"]), settings(data["settings"]))
        self._meters.append((since.meter, row))

    def _add_mark(self, data: dict[str, Any]) -> None:
        mark = made(_Mark, data)
        self._marks.append((mark.window, mark.boottime_ns, mark.text))

    def specification(self, info: MeterInfo) -> Specification:
        """Accuracy and ranges of a meter; KeyError when nobody asked for them."""
        return self._specifications[info]

    def readings(
        self, meter: str, channel: str, boot: str, begin_ns: int, end_ns: int
    ) -> Sequence[StoredReading]:
        """As ``Source.readings``."""
        rows = self._by_place.get((meter, channel, boot), ())
        found = [r for r in rows if begin_ns <= r.reading.end_ns <= end_ns]
        return sorted(found, key=lambda r: (r.reading.end_ns, r.ident))

    def fixes(self, boot: str, begin_ns: int, end_ns: int) -> Sequence[tuple[int, ClockFix]]:
        """As ``Source.fixes``."""
        own = sorted((f for f in self._fixes if f[1].boot_id == boot), key=lambda f: f[1].boottime_ns)
        low = max((f.boottime_ns for _, f in own if f.boottime_ns < begin_ns), default=begin_ns)
        high = min((f.boottime_ns for _, f in own if f.boottime_ns > end_ns), default=end_ns)
        return [f for f in own if low <= f[1].boottime_ns <= high]

    def exchanges(self, clock: str) -> Sequence[tuple[int, Exchange]]:
        """As ``Source.exchanges``."""
        return [e for e in self._exchanges if e[1].clock == clock]

    def boots_between(self, begin_utc_ns: int, end_utc_ns: int) -> Sequence[str]:
        """As ``Source.boots_between``."""
        inside = (f.boot_id for _, f in self._fixes if begin_utc_ns <= f.utc_ns <= end_utc_ns)
        return list(dict.fromkeys(inside))

    def runs(self, boot: str) -> Sequence[Run]:
        """As ``Source.runs``."""
        return [run for run in self._runs if run.boot_id == boot]

    def meter_history(self, meter: str) -> Sequence[tuple[str, int, MeterInfo, Settings]]:
        """As ``Source.meter_history``."""
        return [row for name, row in self._meters if name == meter]

    def marks(self, window: str) -> Sequence[tuple[int, str]]:
        """As ``Source.marks``."""
        return [(at, text) for owner, at, text in self._marks if owner == window]


def _refuse_parts(member: str, data: Mapping[str, Any]) -> None:
    """Lists and tables stand only in few records, and are short: what a bundle may make us keep is bounded."""
    left = MOST_PARTS if member in _WITH_PARTS else 0
    level: list[Any] = [v for v in data.values() if type(v) in _PARTS]
    while level and left >= 0:
        inner = [i for node in level for i in (node.values() if isinstance(node, dict) else node)]
        left -= len(level) + len(inner)
        level = [i for i in inner if type(i) in _PARTS]
    if left < 0:
        raise ValueError(f"is no record of member {member}: it holds lists or tables that it does not have")


def _ident(data: dict[str, Any]) -> int:
    ident = data.pop("id")
    if type(ident) is not int:
        raise TypeError(f"id is {type(ident).__name__}, wanted int")
    return ident


_ADD = {member: getattr(Remembered, f"_add_{member}") for member in MEMBERS}


_OF_READING = tuple(name for name in Reading.__slots__ if name not in ("stamps", "values", "raw"))


def reading_record(stored: StoredReading) -> Mapping[str, Any]:
    """A reading as it stands in a bundle; ``raw`` is the answer of the meter, a character for each byte."""
    reading = stored.reading
    record: dict[str, Any] = {"id": stored.ident, "run": stored.run}
    record |= {name: getattr(reading, name) for name in _OF_READING}
    record |= {name: getattr(reading.stamps, name) for name in Stamps.__slots__}
    record |= {name: getattr(reading.values, name) for name in Values.__slots__}
    return record | {"raw": reading.raw.decode("latin-1")}


def record_reading(data: Mapping[str, Any]) -> StoredReading:
    """The inverse of ``reading_record``; KeyError, TypeError or ValueError for what is none."""
    values = {name: _number(data.get(name)) for name in Values.__slots__}
    own: dict[str, Any] = {n: data[n] for n in _OF_READING}
    own["stamps"] = made(Stamps, {n: data[n] for n in Stamps.__slots__})
    own["values"] = made(Values, {**values, "channel": data["channel"], "quality": Quality(data["quality"])})
    own["raw"] = data["raw"].encode("latin-1")
    return made(StoredReading, {"ident": data["id"], "run": data["run"], "reading": made(Reading, own)})


def _number(value: Any) -> Any:
    return float(value) if value in ("nan", "inf", "-inf") else value


def meter_info(values: Mapping[str, Any]) -> MeterInfo:
    """Out of its JSON."""
    calibration = made(Calibration, values.get("calibration", {}))
    return made(MeterInfo, {**values, "channels": tuple(values["channels"]), "calibration": calibration})


def settings(values: Mapping[str, Any]) -> Settings:
    """Out of their JSON."""
    return made(Settings, {**values, "channels": tuple(values["channels"])})

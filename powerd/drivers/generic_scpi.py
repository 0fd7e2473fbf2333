"""Any other SCPI meter, told by its user in a TOML table: ``driver = "generic-scpi"``, ``table = "my-meter.toml"``.

The table says how the meter calls itself, what to send, what comes back, how it times its answers, and how accurate its
maker says it is (docs/meters/generic-scpi.md has a whole one). All mistakes of a table are told at once. Nothing here
knows whether a table is true: what it measures is as good as the document that it was written from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

from powerd import config_values as values
from powerd.config_values import Mistakes
from powerd.dialects.table import FIELDS, Table, TableMeter, Words
from powerd.errors import NotThere, Refused
from powerd.model import TimingMode
from powerd.polling import PollTiming
from schemas.errors import UserError
from schemas.metrology import Specification
from schemas.toml_file import read_toml

NAME = "generic-scpi"
KEYS = ("makers", "models", "read", "fields", "setup", "errors", "over", "nothing", "separators", "scale", "pause",
        "timing", "delay", "delay_u95", "shortest", "tolerance", "rate_query", "rates", "intervals", "voltage",
        "current", "accuracy")  # fmt: skip
WORDS = ("fixed", "auto", "range_query", "auto_query", "ranges")
ACCURACY = ("source", "confidence", "reading", "range", "power_factor", "fixed_w", "over_range_share")


class GenericScpi(TableMeter):
    """``powerd.drivers.base.Driver`` by a table; without one it speaks to nobody."""

    def __init__(self, name: str, table: Table, row: Mapping[str, Any], specification: Specification) -> None:
        super().__init__(name, table, dict.fromkeys(table.models.values(), specification))
        self.timing = TimingMode(row["timing"])
        self.delay_ns, self.delay_u95_ns = row["delay"], row["delay_u95"]
        self.poll_timing = PollTiming(row["tolerance"], row["shortest"])


class Untold:
    """The driver without a table."""

    name = NAME
    timing = TimingMode.POLL
    delay_ns = delay_u95_ns = 0

    def accepts(self, maker: str, model: str) -> bool:
        """Nobody."""
        return False

    def _refuse(self, *_: object) -> Any:
        raise Refused(
            f"driver {NAME} needs to be told the meter's language: add table = FILE.toml to the meter"
        )

    identify = configure = read = specification = _refuse

    def answer_bytes(self, settings: object) -> int:
        """Nothing is asked."""
        return 0


@cache
def configured(path: Path) -> GenericScpi:
    """The driver of a table; ``NotThere`` with all that is wrong with it."""
    try:
        document = read_toml(path, "the table", "name a TOML file that is there")
    except UserError as error:
        raise NotThere(str(error)) from error
    mistakes = Mistakes()
    driver = _driver(f"{NAME}@{path}", document, mistakes)
    if mistakes.found or driver is None:
        raise NotThere(f"the table {path}: " + "; ".join(mistakes.found))
    return driver


def _driver(name: str, row: Mapping[str, Any], mistakes: Mistakes) -> GenericScpi | None:
    for key in row:
        if key not in KEYS:
            mistakes.unknown("it", key, KEYS)
    for key in ("models", "read", "fields", "intervals", "voltage", "current", "accuracy"):
        if key not in row:
            mistakes.add(f"no {key}")

    def of(key: str, reader: Any, default: Any) -> Any:
        found = mistakes.value(row[key], reader, key) if key in row else default
        return default if found is None else found

    voltage, current = of("voltage", _words, None), of("current", _words, None)
    intervals = of("intervals", lambda v: tuple(values.interval_ns(i) for i in _texts(v)), ())
    accuracy = of("accuracy", _accuracy, None)
    columns = of("fields", _columns, ())
    rates = of("rates", lambda v: {values.interval_ns(k): str(m) for k, m in _mapping(v).items()}, {})
    models = of("models", _texts, ())
    timing = {
        "timing": of("timing", lambda v: TimingMode(v).value, "poll"),
        "delay": of("delay", values.interval_ns, TableMeter.delay_ns),
        "delay_u95": of("delay_u95", values.interval_ns, TableMeter.delay_u95_ns),
        "tolerance": of("tolerance", _share, PollTiming().tolerance),
        "shortest": of("shortest", values.interval_ns, 0),
    }
    table = {
        "makers": tuple(m.upper() for m in of("makers", _texts, ())),
        "read": of("read", values.text, ""),
        "setup": of("setup", _texts, ()),
        "errors": of("errors", str, Table.__dataclass_fields__["errors"].default),
        "over": of("over", _numbers, ()),
        "nothing": of("nothing", _numbers, ()),
        "separators": of("separators", values.text, ","),
        "scale": of("scale", lambda v: {k: float(n) for k, n in _mapping(v).items()}, {}),
        "pause_s": of("pause", lambda v: values.interval_ns(v) / 1e9, 0.0),
        "rate_query": of("rate_query", str, ""),
    }
    if mistakes.found:
        return None
    specification = _specification(accuracy, models[0], voltage[1], current[1], intervals)
    made = Table(
        models={m.upper(): models[0] for m in models},
        fields=columns, voltage=voltage[0], current=current[0], rates=rates, **table,
    )  # fmt: skip
    return GenericScpi(name, made, timing, specification)


def _words(value: Any) -> tuple[Words, tuple[float, ...]]:
    """How a range is set, and the ranges that there are."""
    row = _mapping(value)
    strange = [k for k in row if k not in WORDS]
    if strange or not row.get("ranges"):
        found = ", ".join(strange) or "no ranges"
        raise ValueError(f"found {found}, wanted ranges = [numbers], and any of {', '.join(WORDS[:4])}")
    words = {f.name: values.text(row[f.name]) for f in fields(Words) if f.name in row}
    return Words(**words), _numbers(row["ranges"])


def _accuracy(value: Any) -> dict[str, Any]:
    row = _mapping(value)
    strange = [k for k in row if k not in ACCURACY]
    missing = [k for k in ("source", "reading", "range", "power_factor") if k not in row]
    if strange or missing:
        raise ValueError(
            f"found {', '.join(strange) or 'no ' + ', '.join(missing)}, wanted {', '.join(ACCURACY)}"
        )
    shares = {k: _share(row[k]) for k in ("reading", "range", "power_factor")}
    fixed, limit = float(row.get("fixed_w", 0.0)), float(row.get("over_range_share", 1.3))
    if not (0 <= fixed < 1000 and 0.5 <= limit <= 10):
        raise ValueError(
            f"found fixed_w {fixed:g}, over_range_share {limit:g}: wanted watts, a factor such as 1.3"
        )
    return {**shares, "fixed_w": fixed, "over": limit, "source": values.text(row["source"]),
            "confidence": values.text(row.get("confidence", "as the user's table says"))}  # fmt: skip


def _specification(
    row: Mapping[str, Any],
    model: str,
    volts: tuple[float, ...],
    amperes: tuple[float, ...],
    intervals: tuple[int, ...],
) -> Specification:
    return Specification(
        model=model,
        source=row["source"],
        confidence=row["confidence"],
        reading=row["reading"],
        range_=row["range"],
        power_factor=row["power_factor"],
        self_heating_per_v2=0.0,
        self_heating_per_a2=0.0,
        fast_update_reading=0.0,
        crest_factor_6_range_factor=1.0,
        voltage_ranges_v=volts,
        current_ranges_a=amperes,
        over_range_share=row["over"],
        intervals_ns=intervals,
        fixed_w=row["fixed_w"],
    )


def _columns(value: Any) -> tuple[str, ...]:
    found = _texts(value)
    strange = [c for c in found if c not in FIELDS]
    if strange or "power_w" not in found:
        raise ValueError(f"found {', '.join(strange) or 'no power_w'}, wanted columns of {', '.join(FIELDS)}")
    return found


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(v, str) and v for v in value):
        raise ValueError(f"found {value!r}, wanted a list of texts")
    return tuple(value)


def _numbers(value: Any) -> tuple[float, ...]:
    if not isinstance(value, list) or any(
        isinstance(v, bool) or not isinstance(v, int | float) for v in value
    ):
        raise ValueError(f"found {value!r}, wanted a list of numbers")
    return tuple(float(v) for v in value)


def _share(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 0.5:
        raise ValueError(f"found {value!r}, wanted a share such as 0.001 for 0.1 %")
    return float(value)


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"found {value!r}, wanted a table")
    return value


def told(name: str) -> TableMeter:
    """The driver for ``generic-scpi@FILE``; ``NotThere`` for a table that is wrong or absent."""
    return configured(Path(name.partition("@")[2]))


DRIVER = Untold()

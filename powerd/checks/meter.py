"""The meter: who answers, and how well it measures the present load on its present ranges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from powerd import drivers
from powerd.checks.base import Finding, Level, Subject
from powerd.errors import PowerdError
from powerd.meter_config import MeterConfig
from powerd.model import MeterInfo, Quality, Settings, Values
from powerd.transports import open_port
from schemas.budget import COVERAGE_FACTOR, rectangular
from schemas.metrology import Specification

GOOD_SHARE = 0.01
"""An expanded uncertainty of the power above this share of it deserves a look at the ranges."""
CURRENT_MARGIN = 1.1


@dataclass(frozen=True, slots=True)
class Answer:
    """Who answered as a meter, how it is set, and the latest reading of each channel (none when there is none yet)."""

    name: str
    info: MeterInfo
    interval_ns: int
    is_auto: bool
    values: Sequence[Values]


def check(subject: Subject) -> Iterator[Finding]:
    """Ask each meter, by itself or through the daemon that holds it; it is set as ``powerd run`` would set it."""
    for document in subject.served:
        answer = _served(document)
        if answer is None:
            yield Finding(
                Level.FAIL, f"{document['name']}: meter", str(document["last_error"] or "no answer yet")
            )
        else:
            yield from _judge(answer)
    for meter in subject.meters:
        if not subject.is_served(meter):
            try:
                answer = _ask(meter)
            except PowerdError as error:
                yield Finding(Level.FAIL, f"{meter.name}: meter", str(error))
            else:
                yield from _judge(answer)


def _ask(meter: MeterConfig) -> Answer:
    driver = drivers.find(meter.driver)
    port = open_port(meter.port, meter.line)
    try:
        info = driver.identify(port)
        settings = driver.configure(port, info, meter.settings)
        driver.read(port, settings)  # it may have been averaged over the change of settings
        values = driver.read(port, settings)
    finally:
        port.close()
    return Answer(meter.name, info, settings.interval_ns, _is_auto(settings), values)


def _is_auto(settings: Settings) -> bool:
    return settings.voltage_range_v is None or settings.current_range_a is None


def _served(document: Mapping[str, Any]) -> Answer | None:
    who, how = document["info"], document["settings"]
    if not document["connected"] or who is None or how is None:
        return None
    info = MeterInfo(
        document["driver"], who["maker"], who["model"], who["serial"], who["firmware"], "",
        tuple(who["channels"]), who["simulated"],
    )  # fmt: skip
    names = Values.__dataclass_fields__
    rows = (channel["latest"] for channel in document["channels"])
    values = [
        Values(**{k: v for k, v in row.items() if k in names} | {"quality": Quality(row["quality"])})
        for row in rows
        if row is not None
    ]
    is_auto = how["voltage_range_v"] is None or how["current_range_a"] is None
    return Answer(document["name"], info, round(how["interval_s"] * 1e9), is_auto, values)


def _judge(answer: Answer) -> Iterator[Finding]:
    info = answer.info
    who = f"{info.maker} {info.model} {info.serial}"
    if info.simulated:
        yield Finding(Level.WARN, f"{answer.name}: meter", f"{who} is simulated", "a real meter")
    else:
        yield Finding(Level.OK, f"{answer.name}: meter", who)
    if info.firmware.upper().endswith("EM"):
        advice = "it imitates its older series; set its command type to its own"
        yield Finding(Level.WARN, f"{answer.name}: firmware", info.firmware, "no emulation mode", advice)
    elif info.firmware:
        yield Finding(Level.OK, f"{answer.name}: firmware", info.firmware)
    else:
        yield Finding(
            Level.WARN, f"{answer.name}: firmware", "not told", "a version", "look at the meter's own menu"
        )
    if not answer.values:
        what = f"{answer.name}: range"
        yield Finding(Level.WARN, what, "no reading yet", "a reading under load", "ask again in a second")
    for values in answer.values:
        name = answer.name if len(answer.values) == 1 else f"{answer.name}/{values.channel}"
        yield from _load(replace(answer, name=name), values)


def _load(answer: Answer, values: Values) -> Iterator[Finding]:
    what = f"{answer.name}: range"
    shown = f"{values.voltage_range_v or 0:g} V, {values.current_range_a or 0:g} A"
    if values.quality is Quality.OVERRANGE:
        yield Finding(
            Level.FAIL, what, f"over range on {shown}", "a range above the load", "take the next range up"
        )
        return
    if values.quality is not Quality.GOOD or not values.power_w:
        yield Finding(
            Level.WARN,
            what,
            f"no load on {shown}",
            "a reading under load",
            "switch the system on and ask again",
        )
        return
    yield Finding(Level.OK, what, f"{shown}, {'automatic' if answer.is_auto else 'fixed'}")
    yield _uncertainty(answer, values)


def _uncertainty(answer: Answer, values: Values) -> Finding:
    specification = drivers.find(answer.info.driver).specification(answer.info)
    power = values.power_w or 0.0
    volts, amperes = values.voltage_range_v, values.current_range_a
    share = relative_u95(specification, values, volts, amperes, answer.interval_ns)
    found = f"± {100 * share:.2g} % of {power:.4g} W expected from the specification"
    if share <= GOOD_SHARE:
        return Finding(Level.OK, f"{answer.name}: uncertainty", found)
    best_v = specification.range_for(values.voltage_v or 0.0, specification.voltage_ranges_v)
    best_a = specification.range_for(
        CURRENT_MARGIN * (values.current_a or 0.0), specification.current_ranges_a
    )
    best = relative_u95(specification, values, best_v, best_a, answer.interval_ns)
    advice = f"{best_v:g} V and {best_a:g} A would give ± {100 * best:.2g} %"
    wanted = f"{100 * GOOD_SHARE:g} % at most"
    return Finding(Level.WARN, f"{answer.name}: uncertainty", found, wanted, advice)


def relative_u95(
    specification: Specification,
    values: Values,
    voltage_range_v: float | None,
    current_range_a: float | None,
    interval_ns: int,
) -> float:
    """Expanded uncertainty (95 %) of one power reading on these ranges, as a share of it."""
    power = abs(values.power_w or 0.0)
    terms = specification.power_terms(
        power_w=power,
        voltage_v=values.voltage_v or 0.0,
        current_a=values.current_a or 0.0,
        power_factor=values.power_factor,
        voltage_range_v=voltage_range_v or max(specification.voltage_ranges_v),
        current_range_a=current_range_a or max(specification.current_ranges_a),
        crest_factor=values.crest_factor or 3,
        interval_ns=interval_ns,
    )
    squares = sum(rectangular(t.name, t.limit_w).u ** 2 for t in terms)
    return float(COVERAGE_FACTOR * squares**0.5 / power)

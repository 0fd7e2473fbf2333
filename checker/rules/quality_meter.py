"""Our own rules on the meter of a power run: its uncertainty in each sample, and whether its ranges fit the load."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from checker import metrics, ranges
from checker.meters import identity_of
from checker.model import Problem, Severity
from checker.ranges import Ranges
from checker.result import Result
from checker.rule import POWER, rule
from checker.rules.quality import NEEDS
from checker.session import dialogue
from schemas.power_samples import PowerSamples, pick
from schemas.ptd_uncertainty import FLAGGED_BELOW, LIMIT_PERCENT, PtdFormula, ptd_formula

VOLTS = (15.0, 30.0, 60.0, 100.0, 150.0, 300.0, 600.0, 1000.0)
AMPERES = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 40.0)
"""Ranges at crest factor 3 of the accepted analyzers (IM WT310E-01 page 2-7, IM 760401-01, IM 760201-17)."""
HEADROOM = 1.1
"""The power workflow asks for 1.1 times the largest current of the ranging run."""
PRINTED = 0.01
"""Percent by which an uncertainty that PTDaemon printed may differ from the recomputed one: it prints two decimals
and reads values with more digits than the log has. Published lines differ by at most 0.005."""
SUMMARY = 2e-5
"""The same for the summary, a share with six decimals. Published summaries agree in all of them."""
NEAR_NS = 5_000_000
"""A line of the daemon's log belongs to the sample whose stamp is this near; they are written one after the other."""
WITH_LOG = (*NEEDS, "server", "ptd_logs")

_PRINTED = re.compile(r" Uncertainty (\d+\.\d+)%")


@dataclass(frozen=True, slots=True)
class Meter:
    """The meter of a testing run: its formula and ranges."""

    formula: PtdFormula
    volts: float
    amperes: float

    def percents(self, samples: PowerSamples) -> list[float | None]:
        """Uncertainty of each sample in percent, None where none can be told."""
        rows = zip(samples.power_w, samples.voltage_v, samples.current_a, samples.power_factor, strict=True)
        return self.formula.percents(rows, voltage_range_v=self.volts, current_range_a=self.amperes)


def setting(result: Result) -> ranges.Setting:
    """The ranges while testing."""
    known: ranges.Setting | None = result.__dict__.get("meter_setting")
    if known is None:
        mark = f"{result.server.value.get('session_name')}_testing"
        known = ranges.testing_ranges(result.ptd_logs.value, result.server.value, mark)
        result.__dict__["meter_setting"] = known
    return known


def meter(result: Result) -> Meter | None:
    """The meter with what its uncertainty follows from; None where model or ranges are not known, and with several
    channels, of which each has an uncertainty of its own."""
    about = identity_of(result.server.value, result.ptd_logs.value)
    formula, now = ptd_formula(about.model, emulates=about.emulates), setting(result).log
    if formula is None or about.channels > 1 or now.volts is None or now.amperes is None:
        return None
    return Meter(formula, now.volts, now.amperes)


def _percents(result: Result, own: Meter) -> list[float | None]:
    """Uncertainty of each sample of the testing run, computed once."""
    found: list[float | None] | None = result.__dict__.get("percents")
    if found is None:
        found = result.__dict__["percents"] = own.percents(result.run.spl.value.samples)
    return found


@rule(
    "quality/uncertainty",
    severity=Severity.WARNING,
    title="Every sample in the window is certain to 1 %",
    fix="Choose ranges that fit the load; at a low power factor take a power supply with a better one.",
    good="0.58 to 0.72 %",
    bad="555 of 611 samples above 1 %",
    link=POWER,
    needs=WITH_LOG,
)
def uncertainty(result: Result) -> Iterator[Problem]:
    """The uncertainty follows from reading, ranges and the maker's figures. The daemon prints a warning for each
    sample above 1 %, its log may be cut short, and the official checker reads only part of it; recomputing shows
    them all."""
    own = meter(result) if result.has_power else None
    if own is None:
        return
    samples = metrics.samples(result.run, written=True)
    inside, percents = samples.inside, pick(_percents(result, own), samples.rows)
    above = [
        line for line, p in zip(inside.line, percents, strict=True) if p is not None and p > LIMIT_PERCENT
    ]
    if above:
        found = [p for p in percents if p is not None]
        mean = sum(found) / len(found)
        message = (
            f"{len(above)} of {len(inside)} samples in the window are uncertain by more than {LIMIT_PERCENT:g} %: "
            f"{mean:.2f} % in the mean, {max(found):.2f} % at most, on {own.volts:g} V and {own.amperes:g} A"
        )
        wanted = f"at most {LIMIT_PERCENT:g} % in each"
        yield Problem(message, result.run.spl.path, f"{len(above)} samples", wanted, above[0])


@rule(
    "quality/uncertainty-printed",
    severity=Severity.WARNING,
    title="The daemon's uncertainties follow from the samples",
    fix="Publish the power log of the session as it was written.",
    good="printed 1.07 %, recomputed 1.068 %",
    bad="printed 1.52 %, recomputed 0.61 % from the sample of the same second",
    link=POWER,
    needs=WITH_LOG,
    official_power_only=True,
)
def uncertainty_printed(result: Result) -> Iterator[Problem]:
    """PTDaemon computes the uncertainty of each sample by a known formula. Where a number that it printed does not
    follow from the sample beside it, the samples are not those that it measured, or the ranges are not those that
    its log tells."""
    own = meter(result) if result.has_power else None
    if own is None:
        return
    samples, percents = result.run.spl.value.samples, _percents(result, own)
    wrong = [row for row in _lines(result, samples, percents) if abs(row[1] - row[2]) > PRINTED]
    if wrong:
        line, printed, ours = wrong[0]
        message = f"{len(wrong)} uncertainties do not follow from their samples, the first: {printed:.2f} %"
        yield Problem(message, result.ptd_logs.path, f"{printed:.2f} %", f"{ours:.2f} %", line)
    told = _summary(result.server.value)
    if told is None or told[3] != len(samples):
        return
    shares = [p / 100 for p in percents if p is not None]
    if not shares:
        return
    computed = (sum(shares) / len(shares), min(shares), max(shares))
    if any(abs(a - b) > SUMMARY for a, b in zip(told, computed, strict=False)):
        found, wanted = (", ".join(f"{v:.4%}" for v in row) for row in (told[:3], computed))
        message = f"mean, least and largest uncertainty are {found} for the daemon, {wanted} by the samples"
        yield Problem(message, result.server.path, found, wanted, pointer="/ptd_messages")


def _lines(
    result: Result, samples: PowerSamples, percents: Sequence[float | None]
) -> Iterator[tuple[int, float, float]]:
    """Line, printed and recomputed uncertainty of each warning that has a sample beside it. One process stamps both, so
    no time zone comes between them."""
    warned = result.daemon_log.warned(_PRINTED)
    if not warned:
        return
    rows = _beside(samples, [time_ns for _, time_ns, _ in warned])
    for (line, _, match), row in zip(warned, rows, strict=True):
        ours = percents[row] if row is not None else None
        if ours is not None:
            yield line, float(match[1]), ours


def _beside(samples: PowerSamples, times_ns: Sequence[int]) -> list[int | None]:
    """Of each time the place of the last sample around it, None where that is not near."""
    if samples.rising:
        rows = [bisect_left(samples.at, (time_ns // NEAR_NS + 2) * NEAR_NS) - 1 for time_ns in times_ns]
    else:
        slots = [at // NEAR_NS for at in samples.at]
        last = {slot + step: row for row, slot in enumerate(slots) for step in (-1, 0, 1)}
        rows = [last.get(time_ns // NEAR_NS, -1) for time_ns in times_ns]
    near = [row >= 0 and abs(samples.at[row] - at) <= NEAR_NS for row, at in zip(rows, times_ns, strict=True)]
    return [row if fine else None for row, fine in zip(rows, near, strict=True)]


def _summary(server: dict[str, Any]) -> tuple[float, float, float, int] | None:
    """The last answer to ``Uncertainty``: mean, least and largest as shares, number of samples; None without a
    usable one."""
    replies = [r for c, r in dialogue(server) if c == "Uncertainty"]
    fields = replies[-1].split(",") if replies else []
    try:
        mean, least, largest, number = (float(f) for f in fields[1:5])
    except ValueError:
        return None
    return (mean, least, largest, int(number)) if 0 < mean < 1 and number < 1e9 else None


@rule(
    "quality/range",
    severity=Severity.WARNING,
    title="The ranges of the meter fit the load",
    fix="Let the ranging run choose, with the full load; for loads with high peaks take the next range up.",
    good="0.35 A on the 0.5 A range",
    bad="0.35 A on the 20 A range, or peaks above what the range can take",
    link=POWER,
    needs=WITH_LOG,
)
def range_fits(result: Result) -> Iterator[Problem]:
    """On a range that is far too large a reading drowns in the error of the range; on one that is too small peaks
    are cut off, and the power comes out too low without any sign but a flag. While a result is measured the range
    may not change by itself."""
    if not result.has_power:
        return
    inside = metrics.samples(result.run, written=True).inside
    now, path = setting(result).log, result.ptd_logs.path
    both = zip(inside.line, inside.power_w, inside.current_a, strict=True)
    flagged = [row for row in both if row[1] < FLAGGED_BELOW and row[2] < FLAGGED_BELOW]
    if now.auto_v or now.auto_a:
        which = " and ".join(w for w, auto in (("voltage", now.auto_v), ("current", now.auto_a)) if auto)
        line = now.line_v if now.auto_v else now.line_a
        yield Problem(f"the {which} range was automatic while testing", path, "Auto", "a fixed range", line)
    if flagged:
        watts, amperes = (-(v + 3) for v in flagged[0][1:])
        message = (
            f"{len(flagged)} of {len(inside)} samples are flagged, because peaks were above what the range takes; "
            f"the first stands for a reading of {watts:.2f} W and {amperes:.4f} A{_on(now)}"
        )
        yield Problem(message, result.run.spl.path, f"{len(flagged)} samples", "none", flagged[0][0])
    yield from _too_far(inside, now, path)


def _on(now: Ranges) -> str:
    return f" on the {now.amperes:g} A range" if now.amperes is not None else ""


def _too_far(inside: PowerSamples, now: Ranges, path: str) -> Iterator[Problem]:
    """Ranges below the largest reading, or larger than they had to be: of currents by two steps, of voltages by one."""
    for unit, ladder, chosen, line, values, steps in (
        ("A", AMPERES, now.amperes, now.line_a, inside.current_a, 2),
        ("V", VOLTS, now.volts, now.line_v, inside.voltage_v, 1),
    ):
        largest = max(values, default=0.0)
        if not 0 < largest < 1e6:
            largest = max((v for v in values if 0 < v < 1e6), default=0.0)
        if chosen is None or not largest:
            continue
        smaller = [r for r in ladder if r < chosen * (1 - 1e-9)]
        if largest > chosen:
            message = f"readings up to {largest:g} {unit} on the {chosen:g} {unit} range"
            yield Problem(message, path, f"{chosen:g} {unit}", f"at least {largest:.3g} {unit}", line)
        elif len(smaller) >= steps and smaller[-steps] >= largest * HEADROOM:
            message = f"at most {largest:g} {unit} on the {chosen:g} {unit} range, {smaller[-steps]:g} {unit} would do"
            wanted = f"{smaller[-steps]:g} {unit} or the range above it"
            yield Problem(message, path, f"{chosen:g} {unit}", wanted, line)

"""Our own rules on the samples of a power log: gaps, spacing, repeats, and whether the readings can be true."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Iterator

from checker import metrics
from checker.meters import identity_of
from checker.model import Problem, Severity
from checker.result import Result
from checker.rule import POWER, rule
from checker.rules.quality import NEEDS, judge
from checker.wording import count
from schemas.energy import spacings_ns
from schemas.power_samples import PowerSamples, is_between
from schemas.ptd_uncertainty import LIMIT_PERCENT
from schemas.units import NS_PER_S

LONGEST_GAP = 2.5
"""Usual intervals without a good sample that pass: one update may be missed, two in a row are told. Published logs
have no gap above 1.03 intervals but those of samples that are none."""
INTERVAL_NS = NS_PER_S
"""The power workflow asks for one sample a second (``Go,1000``)."""
OFF_BEAT = 0.25
"""Share of the usual interval by which a spacing may differ. Published: at most 0.03."""
FEW = 0.01
"""Share of the spacings that may be off the beat."""
DISAGREEING = LIMIT_PERCENT / 100
"""Share by which watts may differ from volts x amperes x power factor: the uncertainty that a sample may have.
Published logs differ by at most 0.0014."""
ROUNDING_W = 0.02
"""Watts that the digits of volts, amperes and power factor may hide in a small load."""


def _found(result: Result) -> metrics.Samples | None:
    """The samples in the window, times as they were written; None without power."""
    return metrics.samples(result.run, written=True) if result.has_power else None


@rule(
    "quality/longest-gap",
    severity=Severity.WARNING,
    title="No two updates in a row are missing in the window",
    fix="Look for range switches, line errors and a busy director; measure again.",
    good="longest time without a good sample 1.0 s",
    bad="3.0 s without a good sample",
    link=POWER,
    needs=NEEDS,
)
def longest_gap(result: Result) -> Iterator[Problem]:
    """What the load did in a gap is unknown, however short the gap is against the window: a gap where the load
    steps hides the step."""
    quality, found = judge(result), _found(result)
    if quality is None or found is None or quality.energy is None:
        return  # told by quality/coverage
    usual_s, gap_s = found.usual_ns / NS_PER_S, quality.energy.max_gap_s
    if usual_s and gap_s > LONGEST_GAP * usual_s:
        yield Problem(
            f"for {gap_s:.1f} s there is no good sample in the window",
            result.run.spl.path,
            found=f"{gap_s:.1f} s",
            wanted=f"at most {LONGEST_GAP * usual_s:.1f} s",
            line=quality.gap_line,
        )


@rule(
    "quality/spacing",
    severity=Severity.WARNING,
    title="Samples come once a second",
    fix="Leave the interval of the power workflow as it is; look at the load of the director.",
    good="1.000 s apart, all of them",
    bad="2 s apart, or one in ten late by half a second",
    link=POWER,
    needs=NEEDS,
)
def spacing(result: Result) -> Iterator[Problem]:
    """The workflow asks for a sample a second. Another beat means other settings; an uneven beat gives some seconds
    more weight than others in the official mean, and hints at a log that was put together."""
    samples = _found(result)
    if samples is None or not samples.usual_ns:
        return
    inside, usual = samples.inside, samples.usual_ns
    if abs(usual - INTERVAL_NS) > OFF_BEAT * INTERVAL_NS:
        found = f"{usual / NS_PER_S:.3f} s"
        yield Problem(f"samples are {found} apart", result.run.spl.path, found, "about 1 s", inside.line[0])
        return
    gaps = spacings_ns(inside.at)
    if max(max(gaps) - usual, usual - min(gaps)) <= OFF_BEAT * usual:
        return
    off = [
        line for gap, line in zip(gaps, inside.line[1:], strict=True) if abs(gap - usual) > OFF_BEAT * usual
    ]
    if len(off) > max(1, FEW * len(gaps)):
        message = f"{len(off)} of {len(gaps)} samples come off the beat of {usual / NS_PER_S:.2f} s"
        wanted = f"at most {max(1, int(FEW * len(gaps)))}"
        yield Problem(message, result.run.spl.path, f"{len(off)} spacings", wanted, off[0])


@rule(
    "quality/repeated-values",
    severity=Severity.NOTE,
    title="No sample repeats all values of the one before",
    fix="Nothing needs to be done at a flat load; otherwise compare the update interval of the meter with the polling.",
    good="0 of 600 samples",
    bad="56 of 601 samples equal their predecessor in watts, volts, amperes and power factor",
    link=POWER,
    needs=NEEDS,
)
def repeated_values(result: Result) -> Iterator[Problem]:
    """A meter that is asked more often than it updates answers with the same values again, and the time that a
    sample stands for is then uncertain. At a flat load and few digits it happens by chance, up to a tenth of the
    samples of published logs, so it is good to know and no more. A time stamp that repeats is another matter."""
    samples = _found(result)
    if samples is None:
        return
    inside = samples.inside
    values = list(zip(inside.power_w, inside.voltage_v, inside.current_a, inside.power_factor, strict=True))
    repeats = list(itertools.compress(inside.line[1:], map(operator.eq, values, values[1:])))
    again = len(repeats)
    if again:
        longest = max(len(list(group)) for _, group in itertools.groupby(values))
        message = (
            f"{count(again, 'sample repeats', 'samples repeat')} the values before, up to {longest} in a row"
        )
        yield Problem(message, result.run.spl.path, f"{again} of {len(inside)}", "none", repeats[0])


@rule(
    "quality/physics",
    severity=Severity.WARNING,
    title="Watts, volts, amperes and power factor can be true together",
    fix="Look at wiring and scaling; a log that was edited cannot be mended, measure again.",
    good="12.00 W at 230 V, 0.0580 A and a power factor of 0.90",
    bad="15 W at 230 V and 0.0580 A (13.3 VA), or a power factor of 1.2",
    link=POWER,
    needs=NEEDS,
)
def physics(result: Result) -> Iterator[Problem]:
    """No load draws more watts than volts times amperes, no power factor is above 1, and the watts are the product
    of all three. Where they are not, the meter was wired or scaled wrongly, or a column of the log was changed."""
    inside = _loaded(result)
    if not inside:
        return
    server = result.server.value if result.server.usable else {}
    channels, most = identity_of(server).channels, 1 + DISAGREEING
    apparent = list(map(operator.mul, inside.voltage_v, inside.current_a))
    rows = list(zip(inside.power_w, apparent, inside.power_factor, strict=True))
    kinds = (
        ("a power factor above 1", [pf > 1 + DISAGREEING / 2 for pf in inside.power_factor]),
        ("more watts than volts x amperes", [w > va * channels * most + ROUNDING_W for w, va, _ in rows]),
        ("watts that are not volts x amperes x power factor",
         [channels == 1 and 0 < pf <= 1 and abs(w - va * pf) > DISAGREEING * w + ROUNDING_W for w, va, pf in rows]),
    )  # fmt: skip
    for what, wrong in kinds:
        if any(wrong):
            s = inside[wrong.index(True)]
            found = f"{s.power_w:g} W, {s.voltage_v:g} V, {s.current_a:g} A, power factor {s.power_factor:g}"
            message = f"{sum(wrong)} of {len(inside)} samples have {what}, the first: {found}"
            yield Problem(message, result.run.spl.path, found, f"none with {what}", s.line)
            return  # the first kind explains the ones behind it


def _loaded(result: Result) -> PowerSamples | None:
    """The samples in the window in which the meter saw a load: plain readings with volts and amperes."""
    samples = _found(result)
    if samples is None:
        return None
    inside = samples.inside
    columns = (inside.voltage_v, inside.current_a)
    if inside.plain and all(is_between(column, math.ulp(0.0), math.inf) for column in columns):
        return inside
    return inside.picked(
        [at for at, s in enumerate(inside) if s.plain and s.voltage_v > 0 and s.current_a > 0]
    )

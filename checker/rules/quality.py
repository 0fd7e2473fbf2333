"""Our own rules on the quality of a power run: what the official checker does not look at."""

from __future__ import annotations

from collections.abc import Iterator

from checker import metrics, power_quality, ptd_log
from checker.model import Problem, Severity
from checker.power_quality import Quality
from checker.result import Result
from checker.rule import POWER, rule
from checker.rules.power_daemon import daemon_events
from checker.wording import shorten

ENOUGH = 0.99
"""Least share of a window that good samples must stand for; a promise of ours, not of a round.

Of 600 samples six may be missing. Where a hundredth of a window is unknown, a load that doubles meanwhile moves
the energy by 1 %, the uncertainty that a power result is allowed; published windows of v4.1 reach 1.0."""
MEAN_AGAINST_INTEGRAL = 0.005
"""Largest share by which the mean of the samples may differ from the integral over time.

Half of the uncertainty that a power result is allowed. Published logs stay below it, nearly all below 0.1 %."""

NEEDS = ("performance_log", "spl")


def judge(result: Result) -> Quality | None:
    """Quality of the testing run's samples, computed once; None without power."""
    if not result.has_power:
        return None
    found: Quality | None = result.__dict__.get("quality")
    if found is None:
        found = power_quality.judge(metrics.samples(result.run, written=True))
        result.__dict__["quality"] = found
    return found


@rule(
    "quality/coverage",
    title="Good samples stand for nearly all of the window",
    fix="Find out why samples are missing (line, range, clock) and measure again.",
    good="coverage 0.999",
    bad="coverage 0.80, since every fifth sample is negative",
    link=POWER,
    needs=NEEDS,
)
def coverage(result: Result) -> Iterator[Problem]:
    """A mean over the samples that happen to be there hides the seconds in which there were none. Each good
    sample stands for the time since the stamp before it, at most one and a half usual intervals."""
    quality = judge(result)
    if quality is not None and quality.coverage < ENOUGH:
        gap = quality.energy.max_gap_s if quality.energy is not None else 0.0
        yield Problem(
            f"good samples stand for {quality.coverage:.1%} of the window, the longest gap is {gap:.1f} s",
            result.run.spl.path,
            found=f"{quality.coverage:.4f}",
            wanted=f"at least {ENOUGH}",
            line=quality.bad_line or quality.gap_line,
        )


@rule(
    "quality/over-range",
    title="The meter was never over its range in the window",
    fix="Choose a larger current range, or repeat the ranging run with the full load.",
    good="all watts finite",
    bad="inf or 9.9E+37 in the window",
    link=POWER,
    needs=NEEDS,
)
def over_range(result: Result) -> Iterator[Problem]:
    """Over its range a meter does not know the power; leaving those samples out makes the mean too low."""
    quality = judge(result)
    if quality is not None and quality.over_range:
        message = f"{quality.over_range} samples in the window are over range"
        yield Problem(
            message, result.run.spl.path, f"{quality.over_range} samples", "none", quality.over_range_line
        )


@rule(
    "quality/bad-samples",
    severity=Severity.WARNING,
    title="Every sample in the window is a plain reading",
    fix="Look at range and wiring; the official mean leaves such samples out or counts them without a word.",
    good="0 of 600 samples",
    bad="37 of 600 samples are negative",
    link=POWER,
    needs=NEEDS,
)
def bad_samples(result: Result) -> Iterator[Problem]:
    """Negative watts, nan, and stamps that repeat or step back are no readings of the power. Published runs
    hold up to a tenth of them."""
    quality = judge(result)
    if quality is not None and quality.bad:
        total = len(metrics.samples(result.run).inside)
        detail = f"{quality.negative} negative, {quality.out_of_order} out of order"
        message = f"{quality.bad} of {total} samples in the window are no plain readings ({detail})"
        yield Problem(message, result.run.spl.path, f"{quality.bad} samples", "none", quality.bad_line)


@rule(
    "quality/energy",
    severity=Severity.WARNING,
    title="The mean of the samples agrees with the energy by time",
    fix="Look at the spacing of the samples; compare with the integral.",
    good="0.04 % apart",
    bad="2 % apart",
    link=POWER,
    needs=NEEDS,
)
def energy(result: Result) -> Iterator[Problem]:
    """The official mean weighs all samples alike whatever their spacing. Where it is far from the integral
    over time, samples are missing or bunched."""
    quality = judge(result)
    if quality is None or quality.energy is None:
        return
    mean, integral = metrics.samples(result.run).mean, quality.energy.average_w
    if integral and abs(mean / integral - 1) > MEAN_AGAINST_INTEGRAL:
        yield Problem(
            f"the mean is {mean:.3f} W, the integral over time gives {integral:.3f} W",
            result.run.spl.path,
            found=f"{mean / integral - 1:+.2%}",
            wanted=f"within {MEAN_AGAINST_INTEGRAL:.1%}",
            line=quality.gap_line,
        )


@rule(
    "quality/ptd-log",
    severity=Severity.WARNING,
    title="The power daemon reports no trouble in the testing run",
    fix="Repeat the session with ranges that fit the load.",
    good="no warnings between power_begin and power_end",
    bad="uncertainty above 1 % in the testing run",
    link=POWER,
    since="v1.0",
    needs=("server", "ptd_logs", "performance_log"),
    official_power_only=True,
)
def daemon_log(result: Result) -> Iterator[Problem]:
    """The official power checker stops reading at the first warning and overlooks the first and last 800
    seconds of a run. Here is what stands in the part that it does not see."""
    if not result.has_power:
        return
    try:
        found = daemon_events(result)
    except ptd_log.NoRanging:
        return  # told by power/ptd-log
    if ptd_log.official_outcome(found) is not None:
        return
    failing = [e for e in found if e.fails]
    rest = [e for e in found if not e.fails]
    for rows, severity in ((failing, None), (rest, Severity.NOTE)):
        if rows:
            message = (
                f"the power daemon reports trouble {_times(len(rows))}, first: {shorten(rows[0].text, 120)}"
            )
            path, line = result.ptd_logs.path, rows[0].line
            yield Problem(message, path, f"{len(rows)} entries", "none", line, severity=severity)


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"

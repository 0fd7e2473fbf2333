"""A power result: its files, its number, and testing against ranging."""

from __future__ import annotations

import math
from collections.abc import Iterator

from checker import metrics
from checker.model import Effect, Problem, Severity
from checker.result import Result
from checker.rule import POWER, rule
from checker.rules.structure_results import file_list
from checker.session import name_of, unofficial_session


@rule(
    "power/files",
    title="A power result holds exactly its files",
    fix="Add what is missing; remove what the power workflow left behind (ptd_out.txt, spl_analyzer_*).",
    good="power/client.json, power/client.log, power/ptd_logs.txt, power/server.json, power/server.log",
    bad="no power/server.json",
    link=POWER,
    since="v1.0",
)
def files(result: Result) -> Iterator[Problem]:
    """The power session, the ranging run and the testing run are published with exactly these files."""
    if not result.has_power:
        return
    known = result.round.files
    if result.tree.folder(result.power_path) is None:
        yield Problem("performance/power is no directory", result.power_path, "a file", "a directory")
    yield from file_list(result, result.power_path, known["power_required"])
    if result.tree.folder(result.ranging.path) is None:
        yield Problem("there is no ranging run", result.ranging.path, "nothing", "a directory")
    required = [*known["performance_required"], *known["performance_power_required"]]
    yield from file_list(result, result.ranging.path, required, known["performance_optional"])


@rule(
    "power/ranging-log",
    title="The ranging run yields a metric",
    fix="Repeat ranging and testing together.",
    good="ranging/mlperf_log_detail.txt with its metric",
    bad="no early_stopping_latency_ss in ranging/mlperf_log_detail.txt",
    link=POWER,
    since="v4.0",
    needs=("ranging_log",),
)
def ranging_log(result: Result) -> Iterator[Problem]:
    """The ranging run is a full run of the benchmark; its metric is not published, but must be there."""
    if result.has_power:
        metrics.logged_metric(result.ranging)
    yield from ()


@rule(
    "power/metric",
    title="Power samples lie in the window of the run",
    fix="Set both clocks right (NTP) and run again; a log cannot be mended.",
    good="600 samples between power_begin and power_end",
    bad="spl.txt shifted by five hours",
    link=POWER,
    since="v1.0",
    needs=("performance_log", "spl"),
)
def metric(result: Result) -> Iterator[Problem]:
    """Power is the mean of the samples strictly between power_begin and power_end of the testing run. A line
    that is no sample makes the official checker give up on the result."""
    if not result.has_power:
        return
    found = metrics.samples(result.run)
    if not found.kept and metrics.samples(result.run, written=True).kept:
        yield Problem(
            "the official checker of this round adds time zones to times that are UTC already, and finds no sample",
            result.client.path,
            found="samples in the window by the times as they were written",
            wanted="the same time zone in client.json and server.json",
            pointer="/timezone",
            severity=Severity.WARNING,
        )
    elif not found.kept:
        window = found.window
        yield Problem(
            f"no usable power sample lies in the {window.seconds:.0f} s of the run",
            result.run.spl.path,
            found=f"{len(found.all_lines)} samples, {len(found.inside)} in the window, none above 0 W",
            wanted="samples above 0 W between power_begin and power_end",
            line=next((s.line for s in found.inside or found.all_lines), None),
        )
    elif result.scenario not in result.round.facts["power_units"]:
        message = (
            f"the official checker has no unit for power in {result.scenario} and gives up on the result"
        )
        wanted = ", ".join(result.round.facts["power_units"])
        yield Problem(message, result.run.spl.path, result.scenario, wanted, severity=Severity.WARNING)
    elif not math.isfinite(metrics.power_metric(result, found).value):
        message = f"the mean of the power samples is {found.mean}"
        wanted = "finite samples"
        yield Problem(message, result.run.spl.path, str(found.mean), wanted, effect=Effect.NONE)


@rule(
    "power/unofficial",
    title="Power was measured by the official flow",
    fix="Measure with SPEC PTDaemon through MLCommons' power workflow, or judge with --power unofficial.",
    good="a session of the official power workflow",
    bad="a session of powerd",
    link=POWER,
    since="v1.0",
    needs=("server",),
)
def unofficial(result: Result) -> Iterator[Problem]:
    """Today's rules accept SPEC PTDaemon through MLCommons' own workflow only. What powerd measured is named
    so; its quality is judged all the same."""
    if result.has_power and unofficial_session(result.server.value):
        by = result.server.value["edgewatt"]
        name = name_of(by.get("daemon") if isinstance(by, dict) else by) or "an unnamed daemon"
        accepted = result.submission.unofficial_power
        yield Problem(
            f"power was measured by {name:.60}, not by the official flow",
            result.server.path,
            found=name[:60],
            wanted="SPEC PTDaemon",
            pointer="/edgewatt",
            severity=Severity.NOTE if accepted else None,
        )


@rule(
    "power/ranging-delta",
    title="Testing does not draw much less power than ranging",
    fix="Let the system warm up alike and repeat ranging and testing together.",
    good="testing 0.4 % below ranging",
    bad="testing 7 % below ranging",
    forgiven_by=("ranging_delta",),
    power_checker=True,
    link=POWER,
    since="v3.1",
    needs=("performance_log", "ranging_log", "spl", "ranging_spl"),
)
def ranging_delta(result: Result) -> Iterator[Problem]:
    """The testing run may not be made with another load or setting than the one the ranges were found with:
    its mean power is at most 5 % below. When testing took less than half as long as ranging, the official
    power checker stops with a warning before it compares."""
    if not result.has_power:
        return
    delta, limit = delta_percent(result), result.round.facts["power"]["min_testing_vs_ranging_percent"]
    if delta > limit:
        return
    plain = _plain_delta_percent(result)
    yield Problem(
        _drop(result, delta),
        result.run.spl.path,
        found=f"{plain:.2f} % over plain readings" if plain > limit else f"{delta:.2f} %",
        wanted=f"more than {limit} %",
        # An auto-range pass may go over range for a moment; the official mean is then no number.
        severity=Severity.NOTE if plain > limit else None,
        effect=Effect.NONE if _lengths_differ(result) else None,
    )


def _plain_delta_percent(result: Result) -> float:
    """As ``delta_percent``, over plain readings only; NaN without any or where all readings are plain."""
    ranging, testing = (metrics.samples(r) for r in (result.ranging, result.run))
    if ranging.inside.plain and testing.inside.plain:
        return math.nan
    return (testing.plain_mean / ranging.plain_mean - 1) * 100


def _drop(result: Result, delta: float) -> str:
    ranging, testing = (metrics.samples(r).mean for r in (result.ranging, result.run))
    if not math.isfinite(ranging):
        return f"the mean power of ranging is {ranging} W, so testing cannot be compared with it"
    return f"testing draws {testing:.3f} W, ranging drew {ranging:.3f} W: {delta:+.2f} %"


def delta_percent(result: Result) -> float:
    """Mean power of testing against ranging, in percent, rounded as the official power checker does."""
    ranging, testing = (
        round(s.mean, 5) if s.kept else -1.0
        for s in (metrics.samples(r) for r in (result.ranging, result.run))
    )
    return round((testing / ranging - 1) * 100, 2) if ranging else math.nan


def _lengths_differ(result: Result) -> bool:
    """Whether ranging and testing differ in length more than the round allows: either way, or testing shorter."""
    ranging, testing = (metrics.power_window(r).seconds for r in (result.ranging, result.run))
    about = result.round.facts["power"]["duration_rule"]
    if about["kind"] == "abs-diff-over-max":
        return abs(ranging - testing) / max(ranging, testing) >= float(about["limit"])
    return (ranging - testing) / ranging > float(about["limit"])


@rule(
    "power/ranging-duration",
    severity=Severity.WARNING,
    title="Testing lasts about as long as ranging",
    fix="Use the same settings for both runs.",
    good="ranging 680 s, testing 657 s",
    bad="ranging 1400 s, testing 620 s",
    power_checker=True,
    link=POWER,
    since="v1.0",
    needs=("performance_log", "ranging_log"),
)
def ranging_duration(result: Result) -> Iterator[Problem]:
    """Ranges found in one load need not fit another. Up to v3.0 the official power checker fails where the lengths
    differ by a few percent; later it warns where testing was less than half as long, and compares power instead."""
    if result.has_power and _lengths_differ(result):
        ranging, testing = (metrics.power_window(r).seconds for r in (result.ranging, result.run))
        message = f"testing took {testing:.0f} s, ranging {ranging:.0f} s"
        severity = Severity(result.round.facts["power"]["duration_rule"]["severity"])
        wanted = f"about {ranging:.0f} s"
        yield Problem(message, result.run.log.path, f"{testing:.0f} s", wanted, severity=severity)

"""The performance run of a language model: token latencies, and samples that differ much in cost."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from checker.model import Effect, Problem, Severity
from checker.result import Result
from checker.rule import Absent, run_rule
from checker.run import Run
from schemas.rounds import SCENARIOS

PERMUTATION = "effective_sample_concatenate_permutation"


@run_rule(
    "performance/llm",
    title="Token latencies of language models are within the limits",
    fix="Turn use_token_latencies on; lower the load until first token and time per token are within the limits.",
    good="result_first_token_99.00_percentile_latency_ns: 1900000000 (llama2-70b-99.9, Server: under 2000000000)",
    bad="result_first_token_99.00_percentile_latency_ns: 2100000000 (llama2-70b-99.9, Server)",
    since="v4.0",
)
def llm(run: Run) -> Iterator[Problem]:
    """A user of a language model waits for the first token and then for each further one; both 99th
    percentiles have limits in Server and Interactive. The official checker of v6.0 and later takes the limits of
    the logged scenario, which is Server in an Interactive directory too."""
    rules = run.result.rules
    if not rules.facts["llm_check"]:
        return
    if not run.log.value.first("requested_use_token_latencies"):
        yield Problem(
            "token latencies were not recorded",
            run.log.path,
            found=repr(run.log.value.first("requested_use_token_latencies")),
            wanted="requested_use_token_latencies: true",
            line=run.line("requested_use_token_latencies"),
        )
    elif run.result.scenario in _limited_scenarios(run.result):
        yield from _token_limits(run)


def _limited_scenarios(result: Result) -> Collection[str]:
    """Scenarios in which token latencies are held to limits: where the round does not say, all that have some."""
    found: Collection[str] | None = result.round.reading.get("token_limited_scenarios")
    if found is not None:
        return found
    table = result.rules.facts["token_latency_limits_ns"] or {}
    return [s for s in SCENARIOS if s != "Offline" and (s in table or "*" in table)]


_TOKEN_KEYS = (
    ("ttft", "result_first_token_99.00_percentile_latency_ns"),
    ("tpot", "result_time_per_output_token_99.00_percentile_ns"),
)


def _token_limits(run: Run) -> Iterator[Problem]:
    limits = _limits(run, run.result.scenario)
    official = _limits(run, run.scenario) if run.result.round.reading.get("token_limits_by_log") else limits
    for name, key in _TOKEN_KEYS:
        found, limit = run.number(key), limits[name]
        if not found < limit:
            message = f"{key} is {found}, not below {limit}"
            effect = Effect.NONE if found < official[name] else None
            yield Problem(
                message, run.log.path, str(found), f"below {limit} ns", run.line(key), effect=effect
            )


def _limits(run: Run, scenario: str) -> Mapping[str, int]:
    table = run.result.rules.facts["token_latency_limits_ns"] or {}
    found: Mapping[str, int] | None = table.get(scenario) or table.get("*")
    if found is None:
        model = run.result.benchmark.model
        raise Absent("effective_scenario", run.log.path, f"{model} in {scenario}", "a scenario with limits")
    return found


@run_rule(
    "performance/equal-issue",
    title="Samples are issued in concatenated permutations where that is demanded",
    fix="Set <model>.<scenario>.sample_concatenate_permutation = 1 in user.conf and run again.",
    good="effective_sample_concatenate_permutation: true (3d-unet-99)",
    bad="effective_sample_concatenate_permutation: false (3d-unet-99)",
    since="v5.0",
)
def equal_issue(run: Run) -> Iterator[Problem]:
    """Where samples differ much in cost, each is issued equally often, so that a run cannot be lucky with the
    cheap ones. The open division is asked for it by one revision of the official checker, and not by the one
    that results were published with. From v6.0 on the official checker no longer looks; the rule stands."""
    rules, reading = run.result.rules, run.result.round.reading
    by_policy = run.result.benchmark.model in reading.get("equal_issue_by_policy", ()) and run.result.strict
    if not by_policy and not rules.equal_issue_required(run.result.submitter.division):
        return
    found = run.log.value.first(PERMUTATION)
    if found is not True:
        yield Problem(
            "samples are not issued in concatenated permutations",
            run.log.path,
            found=repr(found)[:40] if found is not None else "nothing",
            wanted="true",
            line=run.line(PERMUTATION),
            severity=None if run.result.strict and not by_policy else Severity.WARNING,
        )

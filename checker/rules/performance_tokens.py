"""The performance run of a language model: token latencies, and samples that differ much in cost."""

from __future__ import annotations

from collections.abc import Iterator

from checker.model import Problem, Severity
from checker.rule import run_rule
from checker.run import Run

PERMUTATION = "effective_sample_concatenate_permutation"


@run_rule(
    "performance/llm",
    title="Token latencies of language models are within the limits",
    fix="Turn use_token_latencies on; lower the load until first token and time per token are within the limits.",
    good="TTFT 1.9 s, TPOT 190 ms",
    bad="TTFT 2.1 s",
    since="v4.0",
)
def llm(run: Run) -> Iterator[Problem]:
    """A user of a language model waits for the first token and then for each further one; both 99th
    percentiles have limits in Server, and tighter ones in Interactive."""
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
    elif run.result.scenario != "Offline":
        yield from _token_limits(run)


_TOKEN_KEYS = (
    ("ttft", "result_first_token_99.00_percentile_latency_ns"),
    ("tpot", "result_time_per_output_token_99.00_percentile_ns"),
)


def _token_limits(run: Run) -> Iterator[Problem]:
    table = run.result.rules.facts["token_latency_limits_ns"] or {}
    limits = table.get(run.result.scenario) or table.get("*") or {}
    for name, key in _TOKEN_KEYS if limits else ():
        found, limit = run.number(key), limits[name]
        if not found < limit:
            message = f"{key} is {found}, not below {limit}"
            yield Problem(message, run.log.path, str(found), f"below {limit} ns", run.line(key))


@run_rule(
    "performance/equal-issue",
    title="Samples are issued in concatenated permutations where that is demanded",
    fix="Set <model>.<scenario>.sample_concatenate_permutation = 1 in user.conf and run again.",
    good="effective_sample_concatenate_permutation: true (3d-unet-99)",
    bad="effective_sample_concatenate_permutation: false (3d-unet-99)",
    since="v5.0",
    until="v5.1",
)
def equal_issue(run: Run) -> Iterator[Problem]:
    """Where samples differ much in cost, each is issued equally often, so that a run cannot be lucky with the
    cheap ones. The open division is asked for it by one revision of the official checker, and not by the one
    that results were published with."""
    if not run.result.rules.equal_issue_required(run.result.submitter.division):
        return
    found = run.log.value.first(PERMUTATION)
    if found is not True:
        yield Problem(
            "samples are not issued in concatenated permutations",
            run.log.path,
            found=repr(found)[:40] if found is not None else "nothing",
            wanted="true",
            line=run.line(PERMUTATION),
            severity=None if run.result.strict else Severity.WARNING,
        )

"""Energy of a query in the rounds that report joules (v1.0 to v2.1): the formula is a fact of the round."""

from __future__ import annotations

from collections.abc import Callable

from checker.rule import Absent
from checker.run import Run


def _per_rate(run: Run, watts: float, seconds: float) -> float:
    return watts / _positive(run, "result_qps_with_loadgen_overhead")


def _per_sample(run: Run, watts: float, seconds: float) -> float:
    queries = _positive(run, "generated_query_count")
    return watts * seconds / (queries * _positive(run, "generated_samples_per_query"))


def _per_query(run: Run, watts: float, seconds: float) -> float:
    return watts * seconds / _positive(run, "result_query_count")


def _positive(run: Run, key: str) -> float:
    found = run.number(key)
    if not found:
        raise Absent(key, run.log.path, "0", "a number above 0", run.line(key))
    return found


FORMULAS: dict[str, Callable[[Run, float, float], float]] = {
    "avg_watts/result_qps_with_loadgen_overhead": _per_rate,
    "avg_watts*duration_s/(generated_query_count*generated_samples_per_query)": _per_sample,
    "avg_watts*duration_s/result_query_count": _per_query,
}
"""The formulas by the text that a round's file gives them."""


def joules(run: Run, scenario: str, watts: float, seconds: float) -> float:
    """Energy of a query of a stream scenario: mean watts and length of the window by the round's formula."""
    facts = run.result.round.facts["power"]["stream_energy"]
    found = FORMULAS[facts[scenario]](run, watts, seconds)
    inferred = (scenario, run.scenario) == ("MultiStream", "SingleStream")
    return found * (facts["inferred_multistream_factor"] or 1) if inferred else found

"""What a LoadGen run has to do before it may end, as far as it can be known before it begins."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from harness.loadgen import conf_values
from harness.model import Plan, RunSpec

OFFLINE_SLACK = 1.1
"""LoadGen's own factor on duration times expected rate (4.1.30)."""
LEAST_QUERIES = 100
"""LoadGen's own least number of queries where no conf file names another (4.1.30)."""


@dataclass(frozen=True, slots=True)
class Expected:
    """``duration_s`` and ``samples`` are what must at least be done, None where nothing is asked for.

    ``exact`` says that the run ends with the last of ``samples``, whatever time that takes. ``per_query`` is the
    number of samples of one query as power is reported (a stream has one query at a time).
    """

    duration_s: float | None = None
    samples: int | None = None
    exact: bool = False
    per_query: int = 1


def expected(plan: Plan, spec: RunSpec, user_conf: str) -> Expected:
    """From the settings that LoadGen will read: the text of ``user.conf`` over the facts of the round."""
    conf = _Conf(plan, conf_values(user_conf))
    per_query = conf.number("samples_per_query", 8) if plan.scenario == "MultiStream" else 1
    if spec.mode == "accuracy":
        return Expected(None, plan.samples, exact=True, per_query=int(per_query))
    duration_s = conf.number("min_duration", 0) / 1000
    queries = conf.number("min_query_count", LEAST_QUERIES)
    if plan.scenario == "Offline":
        issued = OFFLINE_SLACK * duration_s * conf.number("target_qps", 0)
        return Expected(duration_s, int(max(queries, issued)), exact=True)
    latency_s = conf.number("target_latency", 0) / 1000
    if plan.scenario == "SingleStream" and conf.number("sample_concatenate_permutation", 0) and latency_s:
        held = min(plan.samples, plan.round.benchmark(plan.official).performance_sample_count)
        queries = math.ceil(max(queries, 2 * duration_s / latency_s) / held) * held
    return Expected(duration_s, int(queries * per_query), per_query=int(per_query))


class _Conf:
    """Settings of one model and scenario; the most specific key counts, and the user's file before the round's."""

    def __init__(self, plan: Plan, user: Mapping[str, str]) -> None:
        self._user = user
        self._round: Mapping[str, int | float] = plan.round.facts["loadgen"]["conf"]
        self._model, self._scenario = plan.loadgen_model, plan.scenario

    def number(self, key: str, otherwise: float) -> float:
        places = ((self._model, self._scenario), (self._model, "*"), ("*", self._scenario), ("*", "*"))
        for conf in (self._user, self._round):
            for model, scenario in places:
                found = conf.get(f"{model}.{scenario}.{key}")
                if found is not None:
                    return _float(found, otherwise)
        return otherwise


def _float(found: str | float, otherwise: float) -> float:
    try:
        return float(found)
    except ValueError:
        return otherwise  # LoadGen itself refuses the file, with its reason

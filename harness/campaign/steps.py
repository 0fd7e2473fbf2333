"""The runs of a campaign in their order, each checked before the first one begins.

Of each result: performance (LoadGen's expectation is calibrated before it; with power the ranging pass comes before
the testing pass), then accuracy, then every compliance test, which is compared with both. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from harness.campaign.file import Campaign, Entry
from harness.campaign.values import Mistakes
from harness.model import Plan, RunRequest
from harness.plan import place, plan
from harness.submission import RECORD_NAME
from schemas.errors import UserError


@dataclass(frozen=True, slots=True)
class Step:
    """One run of a campaign, which goes into the tree as a whole.

    ``name`` is unique in the campaign; ``plan`` is how it would go now (a compliance test is planned with the runs
    that come before it); ``needs`` names those of the campaign that it is compared with.
    """

    name: str
    mode: str
    request: RunRequest
    plan: Plan
    needs: tuple[str, ...]
    reason: str | None
    expected_s: float | None

    @property
    def runs(self) -> tuple[str, ...]:
        """Names of LoadGen's runs in it."""
        return tuple(s.name for s in self.plan.specs if _belongs(s.name, self))

    @property
    def places(self) -> tuple[PurePosixPath, ...]:
        """Where its result lies in the tree."""
        planned = self.plan
        if self.mode == "performance":
            return (planned.result.performance(planned.round, "run_1").parent,)
        specs = [s for s in planned.specs if _belongs(s.name, self)]
        return tuple(dict.fromkeys(place(s, planned.result, planned.round) for s in specs))

    @property
    def record(self) -> PurePosixPath:
        """Where the run record of its result lies in the tree."""
        return self.plan.result.measurements(self.plan.round) / RECORD_NAME


def _belongs(name: str, step: Step) -> bool:
    return step.mode != "compliance" or name in (step.request.tests or ())


def steps(campaign: Campaign, mistakes: Mistakes) -> tuple[Step, ...]:
    """All runs in order; ``UserError`` says everything that cannot be done, after what ``mistakes`` holds already."""
    found: dict[str, list[Step]] = {}
    for entry in campaign.entries:
        for step in _of(entry, found, mistakes):
            rows = found.setdefault(_result(step.plan), [])
            if step.name in [s.name for s in rows]:
                mistakes.add(f"{entry.place}: {step.name} is asked for twice")
            else:
                rows.append(step)
    mistakes.check()
    ordered = [s for rows in found.values() for s in sorted(rows, key=_rank)]
    return tuple(_with_needs(step, ordered) for step in ordered)


def _rank(step: Step) -> int:
    return ("performance", "accuracy", "compliance").index(step.mode)


def _with_needs(step: Step, ordered: list[Step]) -> Step:
    if step.mode != "compliance":
        return step
    same = [s for s in ordered if _result(s.plan) == _result(step.plan) and s.mode != "compliance"]
    return replace(step, needs=tuple(s.name for s in same))


def _result(planned: Plan) -> str:
    result = planned.result
    return f"{result.division}/{result.submitter}/{result.system}/{result.benchmark}/{result.scenario}"


def _of(entry: Entry, before: dict[str, list[Step]], mistakes: Mistakes) -> Iterator[Step]:
    """The steps of one entry."""
    share = len(entry.modes) == 1 and (entry.tests is None or len(entry.tests) == 1)
    try:
        for mode in entry.modes:
            for request, planned in _planned(entry, mode, before):
                word = mode if mode != "compliance" else (request.tests or ("compliance",))[0]
                yield Step(
                    name=f"{_result(planned)} {word}",
                    mode=mode,
                    request=request,
                    plan=planned,
                    needs=(),
                    reason=entry.reason,
                    expected_s=entry.expected_s if share else None,
                )
    except UserError as error:
        mistakes.add(f"{entry.place}: {error}")


def _planned(entry: Entry, mode: str, before: dict[str, list[Step]]) -> Iterator[tuple[RunRequest, Plan]]:
    whole = entry.request
    if mode == "performance":
        request = replace(whole, mode=mode)
        yield request, plan(request, anew=True)
        return
    bare = replace(whole, power=None)
    if mode == "accuracy":
        request = replace(bare, mode=mode)
        yield request, plan(request, anew=True)
        return
    every = plan(replace(bare, mode="all", tests=entry.tests), anew=True)
    tests = tuple(s.test for s in every.specs if s.test is not None)
    if not tests and entry.named:
        plan(settled(replace(bare, mode=mode)), anew=True)  # says why there is none
    made = {s.mode for s in before.get(_result(every), ())} | set(entry.modes)
    for test in tests:
        request = settled(replace(bare, mode=mode, tests=(test,)))
        compared = {"performance", "accuracy"} <= made
        yield request, every if compared else plan(request, anew=True)


def settled(request: RunRequest) -> RunRequest:
    """Without settings of its own: those of the result in the tree count."""
    return replace(request, user_conf=None, target_latency_ms=None, target_qps=None, rehearsal_s=None)


def ready(step: Step, tree: Path) -> RunRequest:
    """The request as it is executed: an accuracy run takes the settings of the performance run in the tree."""
    conf = tree / step.record.with_name("user.conf")
    own = step.request
    if step.mode == "accuracy" and own.user_conf is None and conf.is_file():
        return replace(own, user_conf=conf, target_latency_ms=None, target_qps=None)
    return own


def few(reason: str) -> str:
    """The first two of the rules that a result is asked for by; a file of mlcheck may name many."""
    rules = reason.split(", ")
    return reason if len(rules) <= 3 else f"{', '.join(rules[:2])} and {len(rules) - 2} more"

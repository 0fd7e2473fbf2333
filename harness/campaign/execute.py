"""Executes the runs of a campaign one after the other, with a journal. Puts the parts of a campaign together.

A finished run is used again only when its result lies in the tree as it was written and everything that it stands on
(model, data set, settings, program, the runs it is compared with) is the same; both cases are said. A run that was
begun and not finished is made again; whatever it left in the tree is moved aside first.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness import scoring, service, unscored
from harness.campaign import aside
from harness.campaign.contents import Hashes, changes, contents, digest, settings
from harness.campaign.file import Campaign
from harness.campaign.forecast import Forecast, forecast
from harness.campaign.journal import NAME, Journal, Past, on_disk, read
from harness.campaign.steps import Step, few, ready, steps
from harness.campaign.values import Mistakes
from harness.estimate import span
from harness.observer import Observer, Unseen
from harness.registry import benchmark
from harness.runner import Say
from schemas.errors import Failed, UserError

FOLDER, MEMORY = "campaign", "hashes.json"
Told = Callable[[Step, service.Outcome], None]


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a campaign will do, and what its journal says of before."""

    campaign: Campaign
    steps: tuple[Step, ...]
    past: Mapping[str, Past]
    forecast: Forecast


@dataclass(slots=True)
class Ended:
    """How a campaign went: names of runs, for failures with the reason."""

    done: list[str] = field(default_factory=list)
    reused: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def work_folder(tree: Path) -> Path:
    """Where everything lies that is no part of the submission."""
    return tree.with_name(tree.name + ".work")


def prepare(campaign: Campaign, mistakes: Mistakes) -> Prepared:
    """Look at everything, write nothing; ``UserError`` says all that cannot be done."""
    found = steps(campaign, mistakes)
    past = read(work_folder(campaign.output) / FOLDER / NAME).runs
    hashes = Hashes(work_folder(campaign.output) / FOLDER / MEMORY)
    taken = {s.name: t for s in found if (t := _taken(s, past.get(s.name), hashes)) is not None}
    _refuse_unscorable(found, mistakes)
    strange = [s for s in found if s.name not in past and not s.reason and aside.is_there(s, campaign.output)]
    if strange:
        names = ", ".join(s.name for s in strange)
        raise UserError(
            f"{campaign.output} holds results already that no campaign made here: {names}; choose another output, "
            'move them away, or say why they are to be made again with reason = "…" in their [[run]]'
        )
    return Prepared(campaign, found, past, forecast(found, campaign.output, taken))


def _refuse_unscorable(found: Sequence[Step], mistakes: Mistakes) -> None:
    """Each data set that runs are scored with, once."""
    works = {
        (w.benchmark, w.dataset)
        for s in found
        if scoring.needs_score(s.plan.specs)
        for w in (s.plan.workload,)
    }
    for name, dataset in sorted(works):
        try:
            scoring.refuse_unscorable(benchmark(name), dataset)
        except UserError as error:
            mistakes.add(str(error))
    mistakes.check()


def _taken(step: Step, past: Past | None, hashes: Hashes) -> float | None:
    """The seconds that it took before with the settings of now."""
    if past is None:
        return None
    before = {**past.started.get("contents", {}).get("settings", {}), "reason": step.reason}
    return past.seconds if before == settings(step, hashes) else None


def execute(
    prepared: Prepared, *, resume: bool, say: Say, told: Told, observer: Observer | None = None
) -> Ended:
    """All runs that are not there yet; ``UserError`` before the first for a campaign that cannot begin."""
    tree = prepared.campaign.output
    work = work_folder(tree)
    _refuse(prepared, tree, resume=resume)
    begun_s = time.time()
    with Journal(work / FOLDER) as journal:
        if journal.past.garbled:
            say(f"journal: {journal.past.garbled} line(s) were cut short and are passed over")
        for folder in aside.leftovers(tree, work, begun_s):
            say(f"left behind by a process that was ended: moved to {folder}")
        return _Campaign(prepared, journal, tree, work, say, told, observer or Unseen()).run()


def _refuse(prepared: Prepared, tree: Path, *, resume: bool) -> None:
    begun = [s.name for s in prepared.steps if s.name in prepared.past and not asked_anew(s, prepared.past)]
    if begun and not resume:
        finished = sum(prepared.past[name].state == "finished" for name in begun)
        raise UserError(
            f"{tree} has a campaign with {finished} of these {len(prepared.steps)} runs finished; go on with --resume "
            "or choose another output"
        )
    ahead = prepared.forecast
    if ahead.disk_bytes > ahead.free_bytes:
        raise UserError(
            f"the logs need {ahead.disk_bytes / 1e6:.0f} MB and {ahead.free_at} has {ahead.free_bytes / 1e6:.0f} MB "
            "free; free some, or choose an output on another disk"
        )


def asked_anew(step: Step, past: Mapping[str, Past]) -> bool:
    """Whether a file asks, for a reason, for a run that was not made for that reason."""
    before = past[step.name].started.get("contents", {}).get("settings", {})
    return step.reason is not None and before.get("reason") != step.reason


class _Campaign:
    """One execution."""

    def __init__(
        self,
        prepared: Prepared,
        journal: Journal,
        tree: Path,
        work: Path,
        say: Say,
        told: Told,
        observer: Observer,
    ) -> None:
        self._steps = prepared.steps
        self._lengths = {s.name: x for s, x in zip(prepared.steps, prepared.forecast.lengths, strict=True)}
        self._journal, self._past = journal, journal.past.runs
        self._tree, self._work = tree, work
        self._say, self._told, self._observer = say, told, observer
        self._hashes = Hashes(work / FOLDER / MEMORY)
        self._numbers: dict[str, int] = {}
        """Of runs whose results stand: which run of the journal made them."""
        self._ended = Ended()

    def run(self) -> Ended:
        """Decide about every run before the first one begins, then make what is missing."""
        missing = [step for step in self._steps if not self._stands(step)]
        self._hashes.keep()
        for step in missing:
            self._make_room(step)
        for name in self._past.keys() - {s.name for s in self._steps}:
            self._say(f"{name}: made by an earlier campaign and not in this file; left as it is")
        for place, step in enumerate(missing):
            self._place(step, missing[place:])
            self._one(step)
        return self._ended

    def _stands(self, step: Step) -> bool:
        """Whether an earlier run is used again; says so, or what is in the way."""
        past = self._past.get(step.name)
        if past is None:
            return False
        if asked_anew(step, self._past):
            self._say(f"{step.name}: made again, asked for by {few(step.reason or '')}")
            return False
        if past.state != "finished":
            before = "failed" if past.state == "failed" else "was not finished"
            reason = past.line.get("reason", "")
            self._say(f"{step.name}: {before}{f' ({reason})' if reason else ''}; it is made again")
            return False
        if found := self._objections(step, past):
            self._say(f"{step.name}: not used again, because {', '.join(found)}")
            return False
        number = int(past.line["number"])
        self._numbers[step.name] = number
        self._ended.reused.append(step.name)
        self._journal.reused(step.name, number)
        self._say(
            f"{step.name}: used again (run {number} of {past.line['at']}): model, data set, settings and program are "
            "the same and the result is as it was written"
        )
        return True

    def _objections(self, step: Step, past: Past) -> list[str]:
        """Why a finished run does not count."""
        differ = changes(past.started.get("contents", {}), contents(step, self._hashes))
        found = [f"{', '.join(differ)} changed"] if differ else []
        based_on = past.started.get("based_on", {})
        if any(self._numbers.get(name) != based_on.get(name) for name in step.needs):
            found.append("what it was compared with is made again")
        now = digest(self._tree, tuple(str(p) for p in step.places))
        if now != past.line.get("result", {}).get("sha256"):
            found.append("its result is gone" if now is None else "the files of its result were changed")
        return found

    def _make_room(self, step: Step) -> None:
        if not aside.is_there(step, self._tree):
            return
        reason = step.reason or "made again"
        room = aside.move(step, self._tree, self._work)
        self._journal.aside(step.name, reason, str(room))
        self._say(f"{step.name}: what was in the tree of it lies in {room} now ({few(reason)})")
        tests = self._tree / step.plan.result.place(step.plan.round, "compliance_dir")
        same = [s for s in self._steps if s.mode == "compliance" and s.record == step.record]
        if step.mode != "compliance" and not same and tests.is_dir():
            self._say(f'{tests}: compared with what is made again now; ask for mode = "compliance" too')

    def _place(self, step: Step, left: Sequence[Step]) -> None:
        """Where the campaign is."""
        number = self._steps.index(step) + 1
        lengths = [self._lengths[s.name] for s in left]
        word = "about" if all(x.whole for x in lengths) else "at least"
        text = f"run {number} of {len(self._steps)}, {word} {span(sum(x.seconds for x in lengths))} left"
        self._observer.placed(text)
        self._say(f"{text}: {step.name}")

    def _one(self, step: Step) -> None:
        absent = [name for name in step.needs if name not in self._numbers]
        if absent:
            self._ended.failed[step.name] = f"there is no {absent[0]} to compare it with"
            self._say(f"{step.name}: left out, {self._ended.failed[step.name]}")
            return
        based_on = {name: self._numbers[name] for name in step.needs}
        before = contents(step, self._hashes)
        begin_s = time.monotonic()
        try:
            number = self._journal.started(step.name, before, based_on)
            outcome = self._scored(step, before, based_on) or service.run(
                ready(step, self._tree), self._say, self._observer
            )
            self._finish(step, number, time.monotonic() - begin_s, before, outcome)
        except (Failed, UserError) as error:
            self._journal.failed(step.name, str(error))
            self._ended.failed[step.name] = str(error)
            self._say(f"{step.name}: failed: {error}")
        except BaseException as error:
            why = (
                "interrupted" if isinstance(error, KeyboardInterrupt) else f"{type(error).__name__}: {error}"
            )
            self._journal.failed(step.name, why)
            raise

    def _scored(
        self, step: Step, before: Mapping[str, object], based_on: Mapping[str, int]
    ) -> service.Outcome | None:
        """What comes of runs that are complete and wait to be scored, where they stand on what is there now."""
        past = self._past.get(step.name)
        if past is None or past.state == "finished" or past.started.get("based_on") != based_on:
            return None
        if changes(past.started.get("contents", {}), before):
            return None
        place = step.plan.result
        where = self._work / place.system / place.benchmark / place.scenario
        folder = unscored.newest(where, ready(step, self._tree), past.started["at"])
        if folder is None:
            return None
        self._say(f"{step.name}: its runs are complete in {folder}; they are scored and not made again")
        return service.score(folder, self._say)

    def _finish(
        self, step: Step, number: int, seconds: float, before: Mapping[str, object], outcome: service.Outcome
    ) -> None:
        """The result is in the tree; on the disk first, then in the journal."""
        differ = changes(before, contents(step, self._hashes))
        if differ:
            aside.move(step, self._tree, self._work)
            raise Failed(
                f"{', '.join(differ)} changed while it ran; leave it alone until the campaign is over"
            )
        self._hashes.keep()
        places = tuple(str(p) for p in step.places)
        on_disk(self._tree, (*places, str(step.record.parent)))
        meter = None if outcome.power is None else dict(outcome.power.meter)
        result = {"places": list(places), "record": str(step.record), "sha256": digest(self._tree, places)}
        logs = {name: str(run.log_dir) for name, run in outcome.done.results.items()}
        versions = dict(next(iter(outcome.done.results.values())).versions)
        self._journal.finished(
            step.name, number, seconds, result=result, logs=logs, versions=versions, meter=meter
        )
        self._numbers[step.name] = number
        self._ended.done.append(step.name)
        self._told(step, outcome)

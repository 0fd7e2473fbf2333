"""The whole trip without hardware or downloads: emulated meter, power daemon, benchmark, tree, verdict.

The meter is emulated on a pseudo-terminal and its load follows this machine's processors; model and data set
are synthetic; the runs are short. The full trip is a whole closed submission of one benchmark: every edge
scenario that the round wants, each with power, accuracy and compliance. The short one is a single scenario in
the open division.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness import daemon, service
from harness.model import PowerRequest, RunRequest
from harness.registry import benchmark
from harness.submission import RECORD_NAME
from schemas.errors import Failed, UserError

if TYPE_CHECKING:
    from harness.observer import Observer
    from harness.runner import Say

DRIVER = "yokogawa-wt300"
LOAD = "host"
BENCHMARK = "resnet50"


@dataclass(frozen=True, slots=True)
class Trip:
    """Which scenarios into which division, and how long each performance run is."""

    scenarios: tuple[str, ...]
    division: str
    seconds: float


SHORT = Trip(("SingleStream",), "open", 25.0)
"""One scenario with power and accuracy; alone it is no closed submission of this benchmark."""
FULL = Trip(("SingleStream", "MultiStream", "Offline"), "closed", 10.0)
"""A whole closed submission of the benchmark, compliance tests too. At one reading a second, a testing window
of this length is covered by good samples to 0.99 and more."""
IMAGES = 128
SEED = 1
MARK = "written-by-the-demo.txt"


@dataclass(frozen=True, slots=True)
class Shown:
    """What the demo has to show at its end."""

    outcomes: tuple[service.Outcome, ...]
    forgiven: dict[str, int]
    """How often each rule was forgiven."""


def run(request: RunRequest, scenarios: tuple[str, ...], say: Say, observer: Observer | None = None) -> Shown:
    """The trip; ``Failed`` when the tree is not valid as the rehearsal that it is."""
    from checker.api import check

    work = make_room(request.output)
    fixture = work / "fixture"
    say(f"fixture: {BENCHMARK}, small width, {IMAGES} images")
    benchmark(BENCHMARK).make_fixture(fixture, width="small", seed=SEED, samples=IMAGES)
    meter, port = daemon.emulator(DRIVER, LOAD, work)
    with meter:
        say(f"meter: an emulated WT310E on {port}, load: {LOAD}")
        power = PowerRequest(None, DRIVER, port, None)
        base = replace(request, fixture=fixture, power=power, demo=True)
        outcomes = tuple(_scenario(replace(base, scenario=name), say, observer) for name in scenarios)
    report = check(request.output, round_name=request.round_name, power="unofficial", rehearsal=True)
    if not report.valid:
        raise Failed(
            f"the demo's tree is not valid; see why with: {check_command(request.output, rehearsal=True)}"
        )
    return Shown(outcomes, dict(Counter(f.cause or f.rule for f in report.findings if f.forgiven)))


def _scenario(request: RunRequest, say: Say, observer: Observer | None) -> service.Outcome:
    def said(text: str) -> None:
        say(f"{request.scenario}: {text}")

    return service.run(request, said, observer)


def check_command(tree: Path, *, rehearsal: bool) -> str:
    """The line to type to have a tree judged."""
    return f"mlcheck {tree}" + (" --rehearsal --power unofficial" if rehearsal else "")


def make_room(tree: Path) -> Path:
    """Remove an earlier demo, whole or interrupted, and begin a new work folder, which is given back.

    ``UserError`` when something else lies in one of the two places.
    """
    work = tree.with_name(tree.name + ".work")
    for folder, ours in ((tree, is_demo(tree)), (work, (work / MARK).is_file())):
        if folder.exists() and not ours:
            raise UserError(f"{folder} exists and was not written by the demo; choose another --output")
    for folder in (tree, work):
        if folder.exists():
            shutil.rmtree(folder)
    work.mkdir(parents=True)
    (work / MARK).write_text("The next demo with the same --output removes this folder.\n", encoding="utf-8")
    return work


def is_demo(tree: Path) -> bool:
    """Whether a tree holds results of the demo and nothing else."""
    results = [p for p in tree.glob("*/*/results/*/*/*") if p.is_dir()]
    records = list(tree.glob(f"*/*/measurements/*/*/*/{RECORD_NAME}"))
    return bool(records) and len(records) == len(results) and all(_says_demo(r) for r in records)


def _says_demo(record: Path) -> bool:
    try:
        return json.loads(record.read_text(encoding="utf-8")).get("demo") is True
    except (OSError, ValueError, AttributeError):
        return False

"""Show what a campaign would do: its runs in order, hours, energy, disk. Nothing is run and nothing is written."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from harness.campaign import execute
from harness.campaign.execute import Prepared
from harness.campaign.file import read
from harness.campaign.steps import Step, few
from harness.campaign.values import Mistakes, Options
from harness.commands import run as run_command
from harness.estimate import size, span
from schemas.cliapp import FINE
from schemas.cliparse import Parser

NAME = "plan"
HELP = "hours, energy, disk and order of a campaign, before it begins"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The file, and what may be added to it."""
    parser.add_argument("file", type=Path, metavar="FILE", help="TOML file of a campaign")
    parser.add_argument(
        "--with",
        dest="extra",
        type=Path,
        metavar="FILE",
        help="another TOML file, of which [defaults], [systems.…], [benchmarks.…] and output count",
    )
    parser.add_argument(
        "--output", type=Path, metavar="TREE", help="in the place of the tree that the file names"
    )


def prepared_from(args: argparse.Namespace) -> Prepared:
    """The campaign that the arguments name, checked; ``UserError`` says all that is wrong with it."""
    parser = Parser(prog="mlharness run")
    run_command.add_arguments(parser)
    mistakes = Mistakes(str(args.file))
    asked = read(args.file, args.extra, args.output, Options(parser), run_command.request, mistakes)
    return execute.prepare(asked, mistakes)


def run(args: argparse.Namespace) -> int:
    """Look and print."""
    for line in lines(prepared_from(args)):
        print(line)
    return FINE


def lines(prepared: Prepared) -> Iterator[str]:
    """The plan for people."""
    ahead = prepared.forecast
    for number, (step, length) in enumerate(zip(prepared.steps, ahead.lengths, strict=True), start=1):
        word = "about" if length.whole else "at least"
        notes = [_parts(step), length.why, _state(step, prepared)]
        said = "; ".join(n for n in notes if n)
        yield f"{number:3}  {step.name}  {word} {span(length.seconds)}  ({said})"
    word = "about" if ahead.whole else "at least"
    yield f"{len(prepared.steps)} runs into {prepared.campaign.output}, {word} {span(ahead.seconds)}"
    yield _energy(prepared)
    yield f"disk: up to {size(ahead.disk_bytes)} of logs, {size(ahead.free_bytes)} free at {ahead.free_at}"


def _parts(step: Step) -> str:
    """LoadGen's runs of a step, with the calibration before them."""
    calibrated = step.mode == "performance" and step.plan.calibrate
    return ", ".join((*(("calibration",) if calibrated else ()), *step.runs))


def _state(step: Step, prepared: Prepared) -> str:
    past = prepared.past.get(step.name)
    if past is None or execute.asked_anew(step, prepared.past):
        return f"asked for: {few(step.reason)}" if step.reason else ""
    return {"finished": "finished before", "failed": "failed before"}.get(past.state, "begun before")


def _energy(prepared: Prepared) -> str:
    ahead = prepared.forecast
    if ahead.energy_j is None or ahead.draw.watts is None:
        return f"energy: unknown ({ahead.draw.why})"
    joules = ahead.energy_j
    said = f"{joules / 3.6e6:.3g} kWh" if joules >= 3.6e5 else f"{joules:,.0f} J"
    word = "about" if ahead.whole else "at least"
    return f"energy: {word} {said}, at {ahead.draw.watts:.4g} W ({ahead.draw.why})"

"""Execute a campaign: its runs one after the other, with a journal. ``--resume`` goes on where it was interrupted."""

from __future__ import annotations

import argparse
import shlex
import sys

from harness.campaign import execute
from harness.campaign.execute import Ended, Prepared
from harness.campaign.steps import Step
from harness.commands import plan as plan_command
from harness.interrupt import interruptible
from harness.live.display import showing
from harness.service import Outcome
from harness.summary import summary
from schemas.cliapp import FINE, NOT_FINE
from schemas.errors import Failed

NAME = "campaign"
HELP = "execute the runs of a file, resumable"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Those of ``plan``, and whether to go on."""
    plan_command.add_arguments(parser)
    parser.add_argument("--resume", action="store_true", help="go on with the first run that is not finished")


def run(args: argparse.Namespace) -> int:
    """Run; 0 when every run is in the tree, 1 when one is not."""
    prepared = plan_command.prepared_from(args)
    try:
        ended = _execute(prepared, args)
    except KeyboardInterrupt:
        sys.stderr.write(f"go on with: {_resume(args)}\n")
        raise
    print(f"tree: {prepared.campaign.output}")
    print(f"runs: {len(ended.done)} made, {len(ended.reused)} used again, {len(ended.failed)} failed")
    for name, why in ended.failed.items():
        print(f"failed: {name}: {why}")
    if ended.failed:
        raise Failed(
            f"{len(ended.failed)} of {len(prepared.steps)} runs are not in the tree; put right what is said above and "
            f"go on with: {_resume(args)}"
        )
    return FINE if ended.done or ended.reused else NOT_FINE


def _execute(prepared: Prepared, args: argparse.Namespace) -> Ended:
    with interruptible(), showing(quiet=args.quiet) as view:
        if not args.quiet:
            for line in plan_command.lines(prepared):
                view.say(line)
        return execute.execute(prepared, resume=args.resume, say=view.say, told=told, observer=view.observer)


def _resume(args: argparse.Namespace) -> str:
    """The line to type to go on."""
    words = ["mlharness", "campaign", str(args.file)]
    words += ["--with", str(args.extra)] if args.extra else []
    words += ["--output", str(args.output)] if args.output else []
    return shlex.join([*words, "--resume"])


def told(step: Step, outcome: Outcome) -> None:
    """The figures of a run, as soon as they stand."""
    for line in summary(outcome, holes=False):
        print(f"{step.name}: {line}", flush=True)

"""The whole trip without hardware or downloads, judged at its end."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from harness import demo
from harness.interrupt import interruptible
from harness.live.display import showing
from harness.model import RunRequest
from harness.summary import holes_line, summary
from harness.system import default_name, usable_processors
from schemas.cliparse import seconds
from schemas.rounds import load_round

NAME = "demo"
HELP = "the whole trip: emulated meter, powerd, ResNet50, tree, mlcheck"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where to and by which round."""
    parser.add_argument(
        "--output", type=Path, default=Path("demo/tree"), metavar="TREE", help="default: demo/tree"
    )
    parser.add_argument("--round", default="v4.1", metavar="R")
    parser.add_argument("--seconds", type=seconds, metavar="S", help="length of each performance run")
    parser.add_argument(
        "--short", action="store_true", help="one scenario without compliance, in the open division"
    )


def run(args: argparse.Namespace) -> int:
    """Run the demo; 0 only when the tree is valid as a rehearsal."""
    load_round(args.round)  # before anything is made for a round that is not known
    scenarios = trip(args).scenarios
    with interruptible(), showing(quiet=args.quiet, scenarios=scenarios) as view:
        shown = demo.run(request(args), scenarios, view.say, view.observer)
    print("\n".join(closing(shown)))
    return 0


def trip(args: argparse.Namespace) -> demo.Trip:
    """The full trip, or the short one."""
    return demo.SHORT if args.short else demo.FULL


def request(args: argparse.Namespace) -> RunRequest:
    """The demo as a run."""
    chosen = trip(args)
    return RunRequest(
        benchmark=demo.BENCHMARK,
        scenario=chosen.scenarios[0],
        output=args.output,
        round_name=args.round,
        mode="all",
        backend="onnxruntime",
        model=None,
        dataset=None,
        fixture=None,
        power=None,
        division=chosen.division,
        submitter="demo",
        system=default_name(),
        user_conf=None,
        target_latency_ms=None,
        target_qps=None,
        rehearsal_s=args.seconds or chosen.seconds,
        threads=usable_processors(),
        command_line=tuple(sys.argv[1:]),
    )


def closing(shown: demo.Shown) -> list[str]:
    """What the demo shows at its end."""
    tree = shown.outcomes[0].written.tree
    lines = []
    for outcome in shown.outcomes:
        lines += ["", f"{outcome.plan.scenario}", *(f"  {line}" for line in summary(outcome, holes=False))]
    forgiven = ", ".join(f"{rule} ({times})" for rule, times in sorted(shown.forgiven.items()))
    return [
        *lines,
        "",
        *holes_line(shown.outcomes[0]),
        "verdict: valid as a rehearsal with unofficial power",
        f"forgiven: {sum(shown.forgiven.values())} findings: {forgiven or 'none'}",
        f"tree: {tree}",
        "not official: the meter is emulated, the data set and the weights are synthetic, the runs are short, "
        "and powerd is not the power daemon that today's rules accept",
        f"next: {demo.check_command(tree, rehearsal=False)}",
    ]

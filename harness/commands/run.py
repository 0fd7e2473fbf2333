"""Run one scenario of a benchmark through LoadGen and write the result into a submission tree."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from harness import computing, loadgens
from harness.commands import _workload
from harness.interrupt import interruptible
from harness.live.display import showing
from harness.model import RunRequest
from harness.service import run as run_service
from harness.summary import next_line, summary
from harness.system import default_name
from schemas.errors import UserError
from schemas.rounds import load_round

NAME = "run"
HELP = "run one scenario and write the submission tree"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``contracts.md``."""
    parser.add_argument("benchmark", metavar="BENCHMARK")
    parser.add_argument("--scenario", required=True, metavar="S")
    parser.add_argument(
        "--output", required=True, type=Path, metavar="TREE", help="folder of the submission tree"
    )
    parser.add_argument("--round", default="v4.1", metavar="R")
    parser.add_argument(
        "--wheelhouse", type=Path, metavar="DIR", help="a folder with the wheel of the round's LoadGen"
    )
    parser.add_argument("--mode", default="all", help="performance, accuracy, compliance or all (default)")
    _workload.add_what(parser)
    parser.add_argument(
        "--power-mode",
        choices=("session", "guarded"),
        default="session",
        help="session: a ranging run, then a testing run (default); guarded: one run in a window whose range is "
        "watched, for an unofficial measurement",
    )
    parser.add_argument("--division", default="open", help="open (default), closed or network")
    parser.add_argument("--submitter", default="unnamed")
    parser.add_argument("--system", default=default_name(), help="name of the system (default: host name)")
    parser.add_argument(
        "--user-conf", type=Path, metavar="FILE", help="LoadGen settings; switches calibration off"
    )
    parser.add_argument(
        "--target-latency-ms",
        type=float,
        metavar="MS",
        help="expected latency, no calibration; in Server the limit of the 99th percentile",
    )
    parser.add_argument(
        "--target-qps",
        type=float,
        metavar="QPS",
        help="expected samples per second, in Server the offered load; no calibration",
    )
    parser.add_argument(
        "--rehearsal", type=float, metavar="SECONDS", help="shorten performance runs; not submittable"
    )
    _workload.add_how(parser)
    parser.add_argument(
        "--system-type",
        metavar="TYPE",
        help="edge, datacenter or datacenter,edge (default: what the tree's description says, else edge)",
    )


def run(args: argparse.Namespace) -> int:
    """Run; the exit code is 0 when everything asked for is in the tree."""
    if args.wheelhouse is not None:
        loadgens.fetch(load_round(args.round), args.wheelhouse)
    with interruptible(), showing(quiet=args.quiet) as view:
        outcome = run_service(request(args), view.say, view.observer)
    print(f"tree: {outcome.written.tree}")
    for line in (*summary(outcome), next_line(outcome)):
        print(line)
    return 0


def request(args: argparse.Namespace) -> RunRequest:
    """The command line as a record; ``UserError`` for values of a wrong form."""
    _workload.refuse_odd(args)
    if args.power_mode != "session" and args.power is None:
        raise UserError(f"--power-mode {args.power_mode} needs --power; add it or leave out --power-mode")
    return RunRequest(
        benchmark=args.benchmark,
        scenario=args.scenario,
        output=args.output,
        round_name=args.round,
        mode=args.mode,
        backend=args.backend,
        model=args.model,
        dataset=args.dataset,
        fixture=args.fixture,
        power=_workload.power_request(args.power, args.meter),
        division=args.division,
        submitter=args.submitter,
        system=args.system,
        user_conf=args.user_conf,
        target_latency_ms=args.target_latency_ms,
        target_qps=args.target_qps,
        rehearsal_s=args.rehearsal,
        threads=args.threads,
        command_line=tuple(sys.argv[1:]),
        batch=args.batch,
        system_type=args.system_type,
        power_mode=args.power_mode,
        precision=args.precision,
        options=computing.options(args),
        cores=computing.cores(args.cores),
    )

"""All that can be known before an hour of running: machine, model, data, meter, and how long it will take.

Takes less than half a minute, needs no special rights and writes nothing. 0: nothing fails; 1: something does.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from harness import computing, loadgens, preflight, preflight_text
from harness.checks.base import Verdict
from harness.commands import _workload
from harness.system_types import DEFAULT
from schemas.cliapp import FINE, NOT_FINE
from schemas.errors import UserError
from schemas.rounds import load_round

NAME = "preflight"
HELP = "all that can be known before an hour of running"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What would be run, as for ``run``."""
    parser.add_argument("benchmark", metavar="BENCHMARK")
    parser.add_argument("--scenario", metavar="S", help="default: every one that the round wants")
    parser.add_argument("--round", default="v4.1", metavar="R")
    _workload.add_what(parser)
    parser.add_argument("--output", type=Path, metavar="TREE", help="where the tree would be (default: here)")
    parser.add_argument("--target-latency-ms", type=float, metavar="MS", help="expected latency to be judged")
    parser.add_argument(
        "--target-qps", type=float, metavar="QPS", help="expected samples per second to be judged"
    )
    _workload.add_how(parser)
    parser.add_argument("--system-type", default=DEFAULT, metavar="TYPE", help="edge (default), datacenter …")
    parser.add_argument(
        "--fetch",
        action="store_true",
        help="first fetch the round's LoadGen, where it is not on this machine",
    )
    parser.add_argument(
        "--wheelhouse", type=Path, metavar="DIR", help="fetch it from a folder of wheels, without a network"
    )
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(args: argparse.Namespace) -> int:
    """Look and print."""
    _workload.refuse_odd(args)
    if args.batch is not None and args.batch < 1:
        raise UserError(f"--batch {args.batch} is not a number of samples; give 1 or more")
    if args.fetch or args.wheelhouse is not None:
        loadgens.fetch(load_round(args.round), args.wheelhouse)
    outlook = preflight.examine(preflight.situation(_request(args)))
    if args.json:
        print(json.dumps(outlook.to_json(), indent=2, ensure_ascii=False))
    else:
        preflight_text.write(outlook, sys.stdout)
    return NOT_FINE if outlook.verdict is Verdict.FAIL else FINE


def _request(args: argparse.Namespace) -> preflight.Request:
    return preflight.Request(
        benchmark=args.benchmark,
        scenario=args.scenario,
        round_name=args.round,
        backend=args.backend,
        model=args.model,
        dataset=args.dataset,
        fixture=args.fixture,
        power=_workload.power_request(args.power, args.meter),
        output=args.output,
        target_latency_ms=args.target_latency_ms,
        target_qps=args.target_qps,
        threads=args.threads,
        batch=args.batch,
        system_type=args.system_type,
        precision=args.precision,
        options=computing.options(args),
        cores=computing.cores(args.cores),
    )

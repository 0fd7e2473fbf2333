"""Make a small model and data set with the real contract of a benchmark and a planted accuracy."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from harness import practice
from harness.model import Fixture
from harness.registry import benchmark
from schemas.errors import UserError

NAME = "make-fixture"
HELP = "make a small model and data set with a known accuracy"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Benchmark, folder, width, seed, number of images."""
    parser.add_argument("benchmark", metavar="BENCHMARK")
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--width", choices=("small", "full"), default="small", help="channels of the network")
    parser.add_argument(
        "--samples",
        "--images",
        type=int,
        dest="samples",
        metavar="N",
        help="images, questions or cases (default: as many as make a quick rehearsal)",
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N")


def run(args: argparse.Namespace) -> int:
    """Write the fixture and print what runs it."""
    bench = benchmark(args.benchmark)
    samples = bench.fixture_samples if args.samples is None else args.samples
    if not bench.least_samples <= samples <= bench.full_set:
        raise UserError(
            f"--samples {samples} is out of range; give {bench.least_samples} to {bench.full_set} for {bench.name}"
        )
    if args.seed < 0:
        raise UserError(f"--seed {args.seed} is negative; give 0 or more")
    try:
        fixture = bench.make_fixture(args.folder, width=args.width, seed=args.seed, samples=samples)
    except FileNotFoundError as error:  # /proc and its like: no folder can be made there
        raise UserError(f"{args.folder} cannot be made ({error.strerror}); choose another folder") from error
    _tell(fixture, quiet=args.quiet)
    return 0


def _tell(fixture: Fixture, *, quiet: bool) -> None:
    """On a terminal a command that works as it stands there; elsewhere the arguments for ``run`` that a script builds
    its own of, and that command beside them."""
    if sys.stdout.isatty():
        print(practice.of_fixture(fixture))
        return
    arguments = [fixture.benchmark, "--model", str(fixture.model), "--dataset", str(fixture.dataset)]
    print(shlex.join(arguments), flush=True)
    if not quiet:
        print(practice.of_fixture(fixture), file=sys.stderr)

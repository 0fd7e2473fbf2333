"""What is run, with which meter, and how it is computed: options that commands share, with the same words."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness import computing
from harness.model import PowerRequest
from harness.system import usable_processors
from schemas.errors import UserError


def add_what(parser: argparse.ArgumentParser) -> None:
    """Runtime, model, data set, and meter."""
    parser.add_argument("--backend", metavar="NAME", help="the runtime (default: the benchmark's own)")
    parser.add_argument(
        "--precision", metavar="P", help="fp32, bf16 or fp16, where the runtime has a choice (pytorch)"
    )
    parser.add_argument("--model", type=Path, metavar="PATH")
    parser.add_argument("--dataset", type=Path, metavar="PATH")
    parser.add_argument("--fixture", type=Path, metavar="DIR", help="model and data set made by make-fixture")
    parser.add_argument(
        "--power", metavar="URL|spawn:DRIVER:PORT", help="a running powerd, or a meter to start one on"
    )
    parser.add_argument("--meter", metavar="NAME", help="which meter of the daemon (default: its only one)")


def add_how(parser: argparse.ArgumentParser) -> None:
    """Threads, options of the runtime, batch."""
    parser.add_argument("--threads", type=int, default=usable_processors(), help="threads of the runtime")
    computing.add_arguments(parser)
    parser.add_argument(
        "--batch", type=int, metavar="N", help="Offline and Server: most samples in one call of the runtime"
    )


def refuse_odd(args: argparse.Namespace) -> None:
    """``UserError`` for numbers that make no sense."""
    if args.threads < 1:
        raise UserError(f"--threads {args.threads} is not a number of threads; give 1 or more")
    for option, value in (("--target-latency-ms", args.target_latency_ms), ("--target-qps", args.target_qps)):
        if value is not None and not 0 < value < float("inf"):
            raise UserError(f"{option} {value} makes no sense; give a number greater than 0")


def power_request(power: str | None, meter: str | None) -> PowerRequest | None:
    """``--power``: a URL, or ``spawn:DRIVER:PORT``."""
    if power is None:
        if meter is not None:
            raise UserError("--meter needs --power with the URL of a powerd; add it or leave out --meter")
        return None
    if power.startswith(("http://", "https://", "unix:")):
        return PowerRequest(power, None, None, meter)
    kind, _, rest = power.partition(":")
    driver, _, port = rest.partition(":")
    if kind == "spawn" and driver and port:
        return PowerRequest(None, driver, port, meter)
    raise UserError(f"--power {power!r} is neither a URL such as http://127.0.0.1:8675 nor spawn:DRIVER:PORT")

"""Put an emulated meter on a pseudo-terminal and print its port; it runs until SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import logging
import random
import signal
from contextlib import nullcontext
from pathlib import Path

from powerd import lifeline
from powerd.boottime import boottime_ns

NAME = "emulate"
HELP = "a meter on a pseudo-terminal; prints the port"
log = logging.getLogger("powerd.emulate")
_FAULTS = (
    "KIND[=VALUE]@FROM[-[TO]],… in seconds: slow=S, drop=SHARE, garbage=BYTES, half, silence, stuck, echo, baud=RATE, "
    "overrange, nodata, crest=FACTOR, error=SHARE, restart, unplug; without -TO the next answer only (those of the "
    "meter, silence, echo, baud, unplug: from then on)"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``powerd emulate``."""
    parser.add_argument(
        "driver", metavar="DRIVER", help="the driver that it is to answer, e.g. yokogawa-wt300"
    )
    parser.add_argument("--link", type=Path, metavar="PATH", help="make a link to the port here")
    parser.add_argument(
        "--load",
        action="append",
        metavar="SPEC",
        help="constant:W (default: constant:100), sine:MEAN,AMPLITUDE,PERIOD_S, square:LOW,HIGH,PERIOD_S, trace:FILE "
        "or host; given several times: one for each element of the meter, and --truth writes their sum",
    )
    parser.add_argument("--faults", default="", metavar="SPEC", help=_FAULTS)
    parser.add_argument("--truth", type=Path, metavar="FILE", help="write what it really drew (JSON Lines)")
    parser.add_argument("--baud", type=int, help="rate of the line (default: as the other side sets it)")
    parser.add_argument("--seed", type=int, help="of the meter's errors, to meet the same meter again")
    parser.add_argument("--model", help="model of the series (default: the first, e.g. WT310E)")
    parser.add_argument(
        "--gpib",
        type=int,
        metavar="ADDRESS",
        help="behind a GPIB adapter of the Prologix kind, at this address",
    )
    parser.add_argument(
        "--tcp", metavar="HOST:PORT", help="on a raw TCP socket (port 0: any) instead of a terminal"
    )
    lifeline.add_argument(parser)


def _place(text: str) -> tuple[str, int]:
    """``HOST:PORT``; ``UserError`` for anything else."""
    from powerd import config_values
    from schemas.errors import UserError

    try:
        return config_values.listen(text)
    except ValueError as error:
        raise UserError(f"--tcp {error}") from None


def run(args: argparse.Namespace) -> int:
    """Serve the port; 0 after SIGTERM, 130 after Ctrl-C."""
    from powerd import emulators
    from powerd.emulators import faults, load
    from powerd.emulators.base import Instrument
    from powerd.emulators.prologix import PrologixAdapter
    from powerd.emulators.pty import Endpoint
    from powerd.emulators.socket_line import SocketLine
    from powerd.emulators.truth import TruthWriter
    from schemas.cliparse import nearest
    from schemas.errors import UserError

    emulator = emulators.find(args.driver)
    model = args.model or emulator.models[0]
    if model not in emulator.models:
        raise UserError(f"{args.driver} has no model {model!r}: {nearest(model, emulator.models)}")
    if args.baud is not None and not 300 <= args.baud <= 4_000_000:
        raise UserError(f"--baud {args.baud} is no line rate: write one such as 9600 or 57600")
    plan = faults.parse(args.faults)
    seed = args.seed if args.seed is not None else random.SystemRandom().randrange(1 << 32)
    origin_ns = boottime_ns()
    specs = args.load or ["constant:100"]
    drawn = load.parse_all(specs, lambda: boottime_ns() - origin_ns)
    if args.gpib is not None and not 0 <= args.gpib <= 30:
        raise UserError(f"--gpib {args.gpib} is no address: write one from 0 to 30")
    place = None if args.tcp is None else _place(args.tcp)
    instrument: Instrument = emulator.make(model, drawn, seed, origin_ns)
    if args.gpib is not None:
        instrument = PrologixAdapter(instrument, args.gpib)
    endpoint = Endpoint(instrument, faults.FaultPlan(plan, seed), origin_ns, link=args.link, baud=args.baud)
    ended_by: list[int] = []

    def end(number: int, frame: object) -> None:
        ended_by.append(number)
        endpoint.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    lifeline.hold(args)
    try:
        with (
            TruthWriter(args.truth, drawn, origin_ns) if args.truth else nullcontext(),
            SocketLine(endpoint.port, *place) if place is not None else nullcontext() as socket,
        ):
            port = endpoint.port if socket is None else socket.port
            print(port if args.gpib is None else f"gpib:{args.gpib}@{port}", flush=True)
            log.info("%s %s, seed %d, load %s", args.driver, model, seed, ", ".join(specs))
            endpoint.run()
    finally:
        endpoint.close()
        drawn.stop()
    if signal.SIGINT in ended_by:
        raise KeyboardInterrupt
    return 0

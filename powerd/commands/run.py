"""Run the daemon: read the meters, keep every sample, serve the API, until SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import importlib.util
from dataclasses import replace
from pathlib import Path

from powerd import config, lifeline, logs
from powerd.config import Config
from powerd.meter_config import MeterConfig
from schemas.cliapp import FINE, INTERRUPTED
from schemas.errors import UserError

NAME = "run"
HELP = "run the daemon"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="TOML with [daemon] and [[meter]]")
    parser.add_argument(
        "--meter",
        action="append",
        default=[],
        metavar="NAME=DRIVER:PORT[,key=value…]",
        help="a meter; keys: " + ", ".join(config.METER_KEYS[3:]),
    )
    parser.add_argument(
        "--record",
        type=Path,
        metavar="FILE",
        help="write every conversation with a meter down (several: FILE with the meter's name before its ending)",
    )
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="where samples are kept")
    parser.add_argument(
        "--listen", metavar="HOST:PORT", help=f"address of the API (default {config.DEFAULT_LISTEN})"
    )
    parser.add_argument(
        "--log-level",
        choices=logs.LEVELS,
        help="what is said on standard error (default: as configured, or warning)",
    )
    parser.add_argument(
        "--log-format", choices=logs.FORMATS, default="text", help="plain lines, or one JSON object a line"
    )
    parser.add_argument(
        "--patient", action="store_true", help="start although a meter does not answer yet, and go on trying"
    )
    lifeline.add_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Serve until told to stop; prints the URL on stdout when ready."""
    from powerd.server import Server
    from powerd.service import Service

    chosen = configured(args)
    logs.set_up(chosen.log_level, args.log_format)
    need_extra(chosen)
    lifeline.hold(args)
    service = Service(chosen)
    try:
        server = Server(service, chosen)
        service.start(patient=args.patient)
        interrupted = server.run(lambda: print(server.url, flush=True), lambda: configured(args))
    finally:
        service.stop()
    return INTERRUPTED if interrupted else FINE


def configured(args: argparse.Namespace) -> Config:
    """As ``gather``, with what the options say of the log."""
    base = gather(args)
    level = args.log_level or ("info" if args.verbose else "error" if args.quiet else base.log_level)
    return replace(base, log_level=level)


def gather(args: argparse.Namespace) -> Config:
    """Configuration file and options together; options win. ``UserError`` without any meter."""
    host, port = config.parse_listen(config.DEFAULT_LISTEN)
    base = (
        config.load(args.config)
        if args.config
        else Config((), args.data_dir or config.default_data_dir(), host, port)
    )
    meters = (*base.meters, *(config.parse_meter(text) for text in args.meter))
    if not meters:
        raise UserError(
            "no meter is configured, wanted --meter NAME=DRIVER:PORT or --config FILE with a [[meter]]"
        )
    names = [m.name for m in meters]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise UserError(f"found two meters named {', '.join(twice)}, wanted a name of its own for each")
    if args.record is not None:
        meters = tuple(_recorded(m, args.record, len(meters) > 1) for m in meters)
    host, port = config.parse_listen(args.listen) if args.listen else (base.host, base.port)
    chosen = replace(
        base,
        meters=meters,
        data_dir=args.data_dir or base.data_dir,
        host=host,
        port=port,
    )
    for mistake in config.exposure(chosen):
        raise UserError(mistake)
    return chosen


def _recorded(meter: MeterConfig, file: Path, named: bool) -> MeterConfig:
    """With its conversation in a file of its own, where it has none yet."""
    if meter.record is not None:
        return meter
    own = file.with_name(f"{file.stem}-{meter.name}{file.suffix}") if named else file
    return replace(meter, record=own)


def need_extra(chosen: Config | None = None) -> None:
    """``UserError`` when the packages of the API, or of what is configured, are not installed."""
    if (
        chosen is not None
        and chosen.telemetry is not None
        and importlib.util.find_spec("opentelemetry") is None
    ):
        raise UserError(
            "opentelemetry not installed, which [otel] needs; install with: pip install 'edgewatt[otel]'"
        )
    missing = [name for name in ("fastapi", "uvicorn") if importlib.util.find_spec(name) is None]
    if missing:
        raise UserError(
            f"{' and '.join(missing)} not installed, which `powerd run` needs; "
            "install with: pip install 'edgewatt[daemon]'"
        )

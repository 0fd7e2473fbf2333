"""A program that MLCommons power-dev's server can start as its ``ptd``: PTDaemon's text protocol, powerd's own name.

The meter stands in the file named by POWERD_CONFIG, or in POWERD_PTD_METER=DRIVER:PORT[,key=value…] (several separated
by spaces); else device type and device port choose driver and line. power-dev takes one path and no words behind it:
name the program powerd-ptd.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from powerd import config
from powerd.config import Config
from powerd.meter_config import MeterConfig
from powerd.model import Settings
from schemas.cliapp import FINE, INTERRUPTED
from schemas.errors import UserError

NAME = "ptd"
HELP = "a program that power-dev's server starts as its ptd"
CONFIG, METER = "POWERD_CONFIG", "POWERD_PTD_METER"
DRIVERS = {8: "yokogawa-wt200", 35: "yokogawa-wt500", 48: "yokogawa-wt500", 49: "yokogawa-wt300",
           52: "yokogawa-wt300", 77: "yokogawa-wt300"}  # fmt: skip
"""power-dev's numbers of meters and our drivers for them."""
FIRST_COUNT = frozenset({77, 59, 61})
"""Types whose ``-c`` is the first channel and how many."""
_INSTEAD = f"configure the meter in {METER}=DRIVER:PORT or in the file that {CONFIG} names"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """PTDaemon's own arguments, as power-dev gives them."""
    parser.add_argument(
        "-l", dest="samples", type=Path, metavar="FILE", help="append every sample to this file"
    )
    parser.add_argument("-p", dest="port", type=int, default=8888, metavar="PORT", help="port (default 8888)")
    parser.add_argument("-b", dest="board", type=int, metavar="N", help="GPIB board")
    parser.add_argument("-c", dest="channels", metavar="LIST", help="channels: one number, or first,count")
    parser.add_argument("-D", dest="direct_current", action="store_true", help="direct current (refused)")
    line = parser.add_mutually_exclusive_group()
    for flag, words in (("-g", "GPIB"), ("-n", "TCP/IP"), ("-y", "Yokogawa's TMCTL"), ("-U", "USB")):
        line.add_argument(
            flag, dest="interface", action="store_const", const=flag, help=f"the line is {words}"
        )
    parser.add_argument(
        "device_type", type=int, nargs="?", metavar="TYPE", help="power-dev's number of the meter"
    )
    parser.add_argument("device_port", nargs="?", metavar="DEVICE", help="where the meter is")


def run(args: argparse.Namespace) -> int:
    """Connect the meter, then listen on 127.0.0.1 until SIGTERM or Ctrl-C."""
    from powerd.protocols.lines import LineServer
    from powerd.protocols.ptd import PtdConversations, Writing
    from powerd.protocols.ptd_log import BANNER, SWALLOWED, Journal
    from powerd.service import Service

    chosen = gather(args, os.environ)
    ended = threading.Event()
    by: list[int] = []

    def end(number: int, _frame: object) -> None:
        by.append(number)
        ended.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    journal = Journal(_say, swallowed=SWALLOWED)
    journal.plain(BANNER)
    journal.plain(f"Samples are kept in {chosen.data_dir}")
    if args.samples is not None:
        journal.plain(f"Redirecting data output to file {args.samples}")
    server = LineServer(NAME, "127.0.0.1", args.port)
    sink = SampleFile(args.samples)
    service = Service(chosen)
    try:
        for meter in chosen.meters:
            journal.stamped(f"Attempting to connect to driver {meter.driver} on {meter.port}...")
        service.start()
        meters = tuple(m.name for m in chosen.meters)
        conversations = PtdConversations(service, meters, Writing(journal, sink.write, echo=True))
        conversations.introduce()
        journal.stamped(f"Establishing the listener on port {args.port}...")
        server.start(conversations)
        journal.stamped("Waiting for a connection...")
        ended.wait()
    finally:
        server.close()
        service.stop()
        sink.close()
    return INTERRUPTED if signal.SIGINT in by else FINE


def gather(args: argparse.Namespace, environment: Mapping[str, str]) -> Config:
    """The meters of this analyzer and a data directory of its own, since each analyzer is a process of its own."""
    if not 0 < args.port < 65536:
        raise UserError(f"found port {args.port}, wanted one from 1 to 65535")
    if args.direct_current or args.device_type in {508, 549, 586}:
        raise UserError(
            "found a meter for direct current, wanted one for alternating current: powerd measures AC only"
        )
    path, words = environment.get(CONFIG), environment.get(METER)
    base = config.load(Path(path)) if path else Config((), config.default_data_dir(), "127.0.0.1", 0)
    if words:
        meters = tuple(config.parse_meter(f"ptd{n}={w}") for n, w in enumerate(words.split(), start=1))
    elif base.meters:
        meters = base.meters
    else:
        meters = (from_device(args.device_type, args.device_port, args.interface),)
    same = tuple(m for m in meters if m.port == args.device_port)
    meters = tuple(_with_channels(m, args.device_type, args.channels) for m in (same or meters))
    return replace(base, meters=meters, data_dir=base.data_dir / f"ptd-{args.port}", protocols=())


def from_device(number: int | None, port: str | None, interface: str | None) -> MeterConfig:
    """Driver and line from PTDaemon's arguments; ``UserError`` where these do not say enough."""
    if number is None or port is None:
        raise UserError(f"no meter is configured: give device type and device port, or {_INSTEAD}")
    if number not in DRIVERS:
        raise UserError(
            f"found device type {number}, wanted one of {', '.join(map(str, DRIVERS))}; or {_INSTEAD}"
        )
    if interface in {"-g", "-n", "-y"} or not port.startswith("/"):
        raise UserError(f"found the line {interface or ''} {port}, which says too little: {_INSTEAD}")
    place = f"usbtmc:{port}" if "usbtmc" in port else port
    return config.parse_meter(f"ptd1={DRIVERS[number]}:{place}")


def _with_channels(meter: MeterConfig, number: int | None, text: str | None) -> MeterConfig:
    """``-c`` as power-dev means it, where the configuration says nothing of channels (ptd-protocol, section 6)."""
    if text is None or meter.settings.channels != Settings().channels:
        return meter
    words = text.split(",")
    if not all(w.isdecimal() and 0 < int(w) < 100 for w in words) or len(words) > 2:
        raise UserError(f"found -c {text}, wanted a channel, or the first channel and how many: -c 1,3")
    numbers = [int(w) for w in words]
    if len(numbers) == 2:
        channels = range(numbers[0], numbers[0] + numbers[1])
    elif number == 48:
        channels = range(1, numbers[0] + 1)
    else:
        channels = range(numbers[0], numbers[0] + 1)
    return replace(meter, settings=replace(meter.settings, channels=tuple(map(str, channels))))


class SampleFile:
    """The file of ``-l``: appended to, and on disk for readers after every line."""

    def __init__(self, path: Path | None) -> None:
        """``OSError`` (a sentence of the shell) when it cannot be opened."""
        self._file = None if path is None else path.open("a", encoding="utf-8", buffering=1)

    def write(self, line: str) -> None:
        """One more line."""
        if self._file is not None:
            self._file.write(line + "\n")

    def close(self) -> None:
        """Nothing more comes."""
        if self._file is not None:
            self._file.close()


def _say(text: str) -> None:
    """Who started us may read our output or not: measuring goes on."""
    try:
        print(text, flush=True)
    except (BrokenPipeError, ValueError):
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - for the rest of this life

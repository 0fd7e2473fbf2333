"""Run the daemon: read the meters, keep every sample, serve the API until SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import importlib.util
import os
import signal
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.errors import UserError

if TYPE_CHECKING:
    from powerd.config import Config

NAME = "run"
HELP = "run the daemon"
_KEYS = "keys: interval, baud, voltage_range, current_range, channels, crest_factor"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``powerd run``."""
    parser.add_argument(
        "--meter",
        action="append",
        default=[],
        metavar="NAME=DRIVER:PORT[,key=value…]",
        help=f"a meter, such as wall=yokogawa-wt300:/dev/ttyUSB0,interval=1s,voltage_range=300 ({_KEYS})",
    )
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="where samples are kept")
    parser.add_argument("--listen", metavar="HOST:PORT", help="default 127.0.0.1:8675; port 0: any free one")
    parser.add_argument("--config", type=Path, metavar="FILE", help="TOML with [daemon] and [[meter]]")


def run(args: argparse.Namespace) -> int:
    """Serve; 0 after SIGTERM, 130 after Ctrl-C, 2 when something cannot be had."""
    missing = [name for name in ("fastapi", "uvicorn") if importlib.util.find_spec(name) is None]
    if missing:
        raise UserError(
            f"the daemon needs {' and '.join(missing)}, not installed here: pip install 'edgewatt[daemon]'"
        )
    from powerd.config import build
    from powerd.errors import PowerdError

    config = build(args.meter, args.data_dir, args.listen, args.config)
    if not config.meters:
        raise UserError("no meter is named: give --meter NAME=DRIVER:PORT, or [[meter]] in a --config file")
    try:
        return _serve(config)
    except PowerdError as error:
        raise UserError(str(error)) from error


def _serve(config: Config) -> int:
    from powerd.api._app import create_app
    from powerd.server import Server, bind, url_of
    from powerd.service import Service

    ended = threading.Event()
    received: list[int] = []

    def on_signal(number: int, _frame: object) -> None:
        received.append(number)
        ended.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    listener = bind(config.host, config.port)
    service = Service(config)
    try:
        service.start(ended)
        server = Server(create_app(service), listener)
        server.start()
        print(f"powerd listens on {url_of(listener)}", flush=True)
        notify("READY=1")
        while not ended.wait(1.0):
            if not server.alive:
                raise RuntimeError("the HTTP server ended by itself")
        notify("STOPPING=1")
        server.stop()
    finally:
        service.stop()
        listener.close()
    return 130 if received[:1] == [signal.SIGINT] else 0


def notify(state: str) -> None:
    """Tell systemd, where it asked to be told (sd_notify datagram)."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as messenger:
        messenger.connect("\0" + address[1:] if address.startswith("@") else address)
        messenger.sendall(state.encode())

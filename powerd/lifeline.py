"""A process that must not outlive the one that started it: it ends when the pipe on its standard input does.

The kernel closes the pipe however the starter ends, SIGKILL included. The option is for programs, so ``--help`` does
not show it.
"""

from __future__ import annotations

import argparse
import os
import signal
import threading

OPTION = "--until-stdin-closes"


def add_argument(parser: argparse.ArgumentParser) -> None:
    """The option of a command that runs until it is told to stop."""
    parser.add_argument(OPTION, action="store_true", dest="until_stdin_closes", help=argparse.SUPPRESS)


def hold(args: argparse.Namespace) -> None:
    """From now on the end of standard input is a SIGTERM, where that was asked for."""
    if args.until_stdin_closes:
        threading.Thread(target=_wait, name="lifeline", daemon=True).start()


def _wait() -> None:
    try:
        while os.read(0, 4096):
            pass
    except OSError:
        pass  # a standard input that cannot be read is closed too
    os.kill(os.getpid(), signal.SIGTERM)

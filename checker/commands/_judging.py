"""How a tree is judged, whichever command wants to know: with how many processes, and with what is known already."""

from __future__ import annotations

import argparse
from typing import Any

from checker.cache import store
from checker.options import Options
from schemas.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``--jobs`` and ``--no-cache``."""
    parser.add_argument(
        "--jobs", type=int, metavar="N", help="processes to judge with (default: as many as are of use)"
    )
    parser.add_argument(
        "--no-cache", action="store_true", help="forget what is known of unchanged files, and judge them all"
    )


def options(args: argparse.Namespace, **more: Any) -> Options:
    """What is asked of the check, ``more`` by the command; ``UserError`` for what is no number of processes."""
    if args.jobs is not None and args.jobs < 1:
        raise UserError(f"--jobs {args.jobs} is no number of processes; give 1 or more")
    return Options(jobs=args.jobs or 0, cache=store.folder(), forget=args.no_cache, **more)

"""How a model is computed: options of the runtime, and the cores that it may use."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Sequence

from schemas.errors import UserError

SHORT = ("device", "provider")
"""Options of runtimes that have an option of the command line of their own."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``--device``, ``--provider``, ``--option`` and ``--cores``."""
    parser.add_argument(
        "--device", metavar="NAME", help="what the runtime computes on, where it has a choice"
    )
    parser.add_argument(
        "--provider", metavar="NAME", help="onnxruntime: the execution provider (cuda, tensorrt …)"
    )
    parser.add_argument(
        "--option",
        action="append",
        metavar="KEY=VALUE",
        help="an option of the runtime, may be repeated; mlharness list names them",
    )
    parser.add_argument("--cores", metavar="LIST", help="processors that the run is pinned to, such as 0-3,6")


def options(args: argparse.Namespace) -> dict[str, str]:
    """What is said to the runtime; ``UserError`` for a wrong form. Which keys there are, the runtime knows."""
    found = {key: value for key in SHORT if (value := getattr(args, key)) is not None}
    for text in args.option or []:
        key, mark, value = text.partition("=")
        if not mark or not key:
            raise UserError(f"--option {text!r} is not of the form KEY=VALUE")
        if key in found:
            raise UserError(f"option {key} of the runtime is given twice; leave one out")
        found[key] = value
    return found


def cores(text: str | None, usable: Iterable[int] | None = None) -> tuple[int, ...]:
    """``--cores`` as numbers, empty for all; ``UserError`` for cores that this process may not use."""
    if text is None:
        return ()
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        if not first.isdecimal() or not (last or first).isdecimal() or int(last or first) - int(first) > 4096:
            raise UserError(f"--cores {text!r} is not a list of processors; write for example 0-3,6")
        found.update(range(int(first), int(last or first) + 1))
    able = set(_usable() if usable is None else usable)
    if not found or found - able:
        strange = ", ".join(map(str, sorted(found - able)[:8])) or "none"
        raise UserError(
            f"--cores {text}: this process may not use {strange}, only {', '.join(map(str, sorted(able)))}"
        )
    return tuple(sorted(found))


def _usable() -> Iterable[int]:
    try:
        return os.sched_getaffinity(0)
    except AttributeError:
        raise UserError("--cores works on Linux only; leave it out") from None


def pin(wanted: Sequence[int]) -> None:
    """Keep this process, and every thread that it starts from now on, on some cores; none means no wish."""
    if wanted:
        os.sched_setaffinity(0, wanted)

"""The shell of our command-line programs: commands found by folder, exit codes, one-sentence errors.

A command is a module with ``NAME``, ``HELP``, ``add_arguments(parser)`` and ``run(args) -> int``. Exit codes
(common to all three programs): 0 fine, 1 the thing judged is not fine, 2 wrong usage or nothing to do,
3 internal error, 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from types import ModuleType

from schemas import __version__
from schemas.discovery import modules
from schemas.errors import Failed, UserError

FINE, NOT_FINE, USAGE, INTERNAL, INTERRUPTED = 0, 1, 2, 3, 130


def common_arguments(parser: argparse.ArgumentParser, prog: str) -> None:
    """``--version``, ``-v`` and ``-q``, the same in every program."""
    parser.add_argument("--version", action="version", version=f"{prog} {__version__}")
    volume = parser.add_mutually_exclusive_group()
    volume.add_argument("-v", "--verbose", action="store_true", help="say more, with tracebacks of faults")
    volume.add_argument("-q", "--quiet", action="store_true", help="say only what went wrong")


def build_parser(prog: str, description: str, commands: Sequence[ModuleType]) -> argparse.ArgumentParser:
    """The parser of a program with sub-commands."""
    parser = argparse.ArgumentParser(prog=prog, description=description)
    common_arguments(parser, prog)
    sub = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for module in commands:
        child = sub.add_parser(module.NAME, help=module.HELP, description=module.__doc__)
        module.add_arguments(child)
        child.set_defaults(run=module.run)
    return parser


def run_program(
    prog: str,
    description: str,
    commands_package: str,
    argv: Sequence[str] | None,
    user_errors: tuple[type[Exception], ...] = (UserError,),
) -> int:
    """Parse ``argv``, run the command, turn every outcome into an exit code.

    ``user_errors`` are the exceptions whose text is a sentence for the user; they end with exit code 2.
    """
    parser = build_parser(prog, description, modules(commands_package))
    return guarded(prog, lambda: _dispatch(parser, argv), user_errors)


def _dispatch(parser: argparse.ArgumentParser, argv: Sequence[str] | None) -> int:
    args = parser.parse_args(argv)
    set_up_logging(verbose=args.verbose, quiet=args.quiet)
    return int(args.run(args))


def set_up_logging(*, verbose: bool, quiet: bool) -> None:
    """Log to stderr: warnings, with ``-v`` also information, with ``-q`` errors only."""
    level = logging.INFO if verbose else logging.ERROR if quiet else logging.WARNING
    logging.basicConfig(level=level, stream=sys.stderr, format="%(name)s: %(message)s", force=True)


def guarded(
    prog: str, work: Callable[[], int], user_errors: tuple[type[Exception], ...] = (UserError,)
) -> int:
    """Run ``work``; every outcome becomes an exit code, and a fault of ours one line, never a bare traceback."""
    try:
        return work()
    except user_errors as error:
        return _say(prog, str(error), USAGE)
    except Failed as error:
        return _say(prog, str(error), NOT_FINE)
    except KeyboardInterrupt:
        return _say(prog, "interrupted; what was written so far is kept", INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output went away (`| head`): not a fault, and nothing more can be said to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FINE
    except Exception as error:  # noqa: BLE001 - the outermost shell: report, never swallow
        if logging.getLogger().isEnabledFor(logging.INFO):
            traceback.print_exc()
        return _say(
            prog, f"internal error: {type(error).__name__}: {error} (run with -v for details)", INTERNAL
        )


def _say(prog: str, sentence: str, code: int) -> int:
    print(f"{prog}: {sentence}", file=sys.stderr)
    return code

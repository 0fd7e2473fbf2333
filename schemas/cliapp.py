"""The shell of our command-line programs: commands found by folder, exit codes, one-sentence errors.

A command is a module with ``NAME``, ``HELP``, ``add_arguments(parser)`` and ``run(args) -> int``. Exit codes
(common to all three programs): 0 fine, 1 the thing judged is not fine, 2 wrong usage or nothing to do,
3 internal error, 130 after Ctrl-C.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import logging
import os
import signal
import sys
import traceback
from argparse import SUPPRESS, Action, ArgumentParser
from collections.abc import Callable, Sequence
from importlib import import_module
from types import ModuleType
from typing import NoReturn

import schemas
from schemas.cliparse import Parser, parse
from schemas.discovery import modules
from schemas.errors import Failed, UserError, UserErrors

FINE, NOT_FINE, USAGE, INTERNAL, INTERRUPTED = 0, 1, 2, 3, 130
_OUT_OF_REACH = {
    errno.ENOSPC: "free disk space",
    errno.EDQUOT: "free disk space",
    errno.EFBIG: "free disk space",
    errno.ENOTDIR: "choose a folder that can be made",
    errno.EISDIR: "name a file",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.EROFS: "choose a place that may be written",
    errno.EACCES: "change its rights or choose another",
    errno.EPERM: "change its rights or choose another",
}
"""Failures of the machine that a user can put right, wherever they strike, and how."""


class _Version(Action):
    """Finds the version out when it is asked for: that takes longer than many a command."""

    def __call__(self, parser: ArgumentParser, *_: object) -> NoReturn:
        print(f"{parser.prog} {schemas.__version__}")
        parser.exit()


def common_arguments(parser: ArgumentParser, prog: str) -> None:
    """``--version``, ``-v`` and ``-q``, the same in every program."""
    parser.add_argument(
        "--version", action=_Version, nargs=0, default=SUPPRESS, help="show program's version number and exit"
    )
    _volume_arguments(parser, False)


def _volume_arguments(parser: ArgumentParser, default: object) -> None:
    """They may stand before or behind the name of the command; behind it nothing is said unless they are."""
    volume = parser.add_mutually_exclusive_group()
    for short, name, words in (
        ("-v", "--verbose", "say more, with tracebacks of faults"),
        ("-q", "--quiet", "say only what went wrong"),
    ):
        volume.add_argument(short, name, action="store_true", default=default, help=words)


def build_parser(prog: str, description: str, commands: Sequence[ModuleType]) -> Parser:
    """The parser of a program with sub-commands."""
    parser = Parser(prog=prog, description=description)
    common_arguments(parser, prog)
    sub = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for module in commands:
        child = sub.add_parser(module.NAME, help=module.HELP, description=module.__doc__)
        module.add_arguments(child)
        _volume_arguments(child, SUPPRESS)
        child.set_defaults(run=module.run)
    return parser


def run_program(
    prog: str,
    description: str,
    commands_package: str,
    argv: Sequence[str] | None,
    user_errors: tuple[type[Exception], ...] = (UserError,),
    command: str | None = None,
) -> int:
    """Parse ``argv``, run the command, turn every outcome into an exit code.

    ``command`` names the one command that can be meant, where that is known; no other is imported then.
    ``user_errors`` are the exceptions whose text is a sentence for the user; they end with exit code 2.
    """

    def work() -> int:
        found = (
            modules(commands_package) if command is None else [import_module(f"{commands_package}.{command}")]
        )
        parser = build_parser(prog, description, found)
        args = parse(parser, argv)
        set_up_logging(verbose=args.verbose, quiet=args.quiet)
        return int(args.run(args))

    tolerate_output()
    atexit.unregister(_deaf)
    atexit.register(_deaf)
    return guarded(prog, work, user_errors)


def _deaf() -> None:
    """All is done and the exit code stands: Ctrl-C while the interpreter is taken down would make it that of a kill."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def tolerate_output() -> None:
    """Names of files and meters may hold anything; what the terminal cannot show is spelled out."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def set_up_logging(*, verbose: bool, quiet: bool) -> None:
    """Log to stderr: warnings, with ``-v`` also information, with ``-q`` errors only."""
    level = logging.INFO if verbose else logging.ERROR if quiet else logging.WARNING
    logging.basicConfig(level=level, stream=sys.stderr, format="%(name)s: %(message)s", force=True)


def guarded(
    prog: str, work: Callable[[], int], user_errors: tuple[type[Exception], ...] = (UserError,)
) -> int:
    """Run ``work``; every outcome becomes an exit code, and a fault of ours one line, never a bare traceback."""
    try:
        code = work()
        if sys.stdout is not None:  # closed by the caller (`>&-`)
            sys.stdout.flush()
        return code
    except user_errors as error:
        lines = error.lines if isinstance(error, UserErrors) else (str(error),)
        return _say(prog, "\n  ".join(map(one_line, lines)), USAGE)
    except Failed as error:
        return _say(prog, one_line(str(error)), NOT_FINE)
    except KeyboardInterrupt:
        return _say(prog, "interrupted; what was written so far is kept", INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output went away (`| head`): not a fault, and nothing more can be said to it.
        _give_stdout_up()
        return FINE
    except Exception as error:  # noqa: BLE001 - the outermost shell: report, never swallow
        return _fault(prog, error)


def _fault(prog: str, error: Exception) -> int:
    """What nobody caught: a failure of the machine that the user can put right, else a fault of ours."""
    if isinstance(error, OSError) and error.errno in _OUT_OF_REACH:
        if error.filename is None:
            _give_stdout_up()
        place, cure = error.filename or "the output", _OUT_OF_REACH[error.errno]
        return _say(prog, one_line(f"{place} cannot be used: {error.strerror}; {cure}"), USAGE)
    if logging.getLogger().isEnabledFor(logging.INFO):
        traceback.print_exc()
    said = one_line(f"{type(error).__name__}: {error}")
    return _say(prog, f"internal error: {said} (run with -v for details)", INTERNAL)


def _give_stdout_up() -> None:
    """Nothing of what still waits in the buffer may complain again when the interpreter ends."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(prog: str, sentence: str, code: int) -> int:
    with contextlib.suppress(OSError):  # nobody listens there either
        print(f"{prog}: {sentence}", file=sys.stderr)
    return code


def one_line(sentence: str) -> str:
    """The sentence for a terminal: names from outside may hold line ends and escape sequences."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in sentence)

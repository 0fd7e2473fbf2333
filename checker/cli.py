"""``mlcheck``: ``mlcheck TREE`` judges a tree; the other commands stand before their arguments."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from schemas.cliapp import run_program
from schemas.discovery import module_names

DESCRIPTION = "Judge an MLPerf Inference submission tree: mlcheck TREE [options], or mlcheck COMMAND."
COMMANDS = "checker.commands"
VALUED = ("--version", "-h", "--help")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; the word ``check`` may be left out."""
    _tolerate_output()
    words = list(sys.argv[1:] if argv is None else argv)
    return run_program("mlcheck", DESCRIPTION, COMMANDS, with_command(words))


def with_command(words: list[str]) -> list[str]:
    """The arguments with ``check`` put in where no command is named."""
    leading = 0
    while leading < len(words) and words[leading] in ("-v", "--verbose", "-q", "--quiet"):
        leading += 1
    rest = words[leading:]
    if not rest or rest[0] in (*module_names(COMMANDS), *VALUED):
        return words
    return [*words[:leading], "check", *rest]


def _tolerate_output() -> None:
    """Names of files may hold anything; what the terminal cannot show is spelled out."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    sys.exit(main())

"""``mlcheck``: ``mlcheck TREE`` judges a tree; the other commands stand before their arguments."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

from checker.processes import SELDOM
from schemas.cliapp import run_program
from schemas.discovery import module_names

DESCRIPTION = "Judge an MLPerf Inference submission tree: mlcheck TREE [options], or mlcheck COMMAND."
COMMANDS = "checker.commands"
LEADING = ("-v", "--verbose", "-q", "--quiet")
VALUED = ("--version", "-h", "--help")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; the word ``check`` may be left out."""
    gc.set_threshold(*SELDOM)
    words = with_command(list(sys.argv[1:] if argv is None else argv))
    named = next((w for w in words if w not in LEADING), "")
    command = named if named in module_names(COMMANDS) else None
    try:
        return run_program("mlcheck", DESCRIPTION, COMMANDS, words, command=command)
    finally:
        gc.freeze()  # the end of the interpreter would look through all that is left once more


def with_command(words: list[str]) -> list[str]:
    """The arguments with ``check`` put in where no command is named."""
    leading = 0
    while leading < len(words) and words[leading] in LEADING:
        leading += 1
    rest = words[leading:]
    if rest and (rest[0] in (*module_names(COMMANDS), *VALUED) or _is_misspelt(rest[0])):
        return words
    return [*words[:leading], "check", *rest]


def _is_misspelt(word: str) -> bool:
    """Whether a word is meant as a command: almost one, and no file of that name is there."""
    import difflib

    near = difflib.get_close_matches(word, module_names(COMMANDS), n=1, cutoff=0.75)
    return bool(near) and not os.path.exists(word)


if __name__ == "__main__":
    sys.exit(main())

"""``powerd``: arguments in, exit code out."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from powerd.errors import PowerdError
from schemas.cliapp import run_program
from schemas.errors import UserError

DESCRIPTION = "AC power meters over serial lines, samples tied to run windows, energy with an error bar."


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command of powerd."""
    return run_program("powerd", DESCRIPTION, "powerd.commands", argv, user_errors=(UserError, PowerdError))


def ptd() -> int:
    """``powerd-ptd``: as ``powerd ptd``, for starters that take a path and no words behind it."""
    return main(["ptd", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())

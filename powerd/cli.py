"""Entry of ``powerd``."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.cliapp import run_program

DESCRIPTION = "Reads AC power meters and says what energy a run window took, with an error bar."


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    return run_program("powerd", DESCRIPTION, "powerd.commands", argv)


if __name__ == "__main__":
    raise SystemExit(main())

"""``mlharness``: arguments in, exit code out."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from schemas.cliapp import run_program

DESCRIPTION = "Run MLPerf Inference edge benchmarks through the real LoadGen, inside power windows."


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit codes are those of ``schemas.cliapp``."""
    return run_program("mlharness", DESCRIPTION, "harness.commands", argv)


if __name__ == "__main__":
    sys.exit(main())

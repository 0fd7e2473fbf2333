"""Where the reports go: ``--format X --output FILE`` in pairs, read in the order of the command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from checker.model import Report
from checker.reports import forms, writer
from schemas.errors import UserError

STDOUT = "-"
DEFAULT = "text"
DEST = "outputs"


@dataclass(frozen=True, slots=True)
class Output:
    """One report: its form and its file, or standard output."""

    form: str
    target: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``--format`` and ``--output``; both may be repeated."""
    parser.add_argument(
        "--format",
        dest=DEST,
        action=_Remember,
        choices=forms(),
        help="form of the report; may be repeated",
    )
    parser.add_argument(
        "--output",
        dest=DEST,
        action=_Remember,
        metavar="FILE",
        help=f"where the form named before it goes ({STDOUT}: stdout)",
    )


class _Remember(argparse.Action):
    """Keeps both options in one list, in their order."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option: Any = None
    ) -> None:
        said = getattr(namespace, DEST) or []
        setattr(namespace, DEST, [*said, (self.metavar == "FILE", str(values))])


def pairs(said: Sequence[tuple[bool, str]] | None) -> list[Output]:
    """The reports to write. A file belongs to the form before it, or to the one after it when none is before;
    UserError when two would go to one place."""
    forms: list[str] = []
    targets: dict[int, str] = {}
    for is_file, value in said or ():
        if not is_file:
            forms.append(value)
        elif max(len(forms) - 1, 0) in targets:
            raise UserError(f"--output {value} has no --format of its own; give a form for each file")
        else:
            targets[max(len(forms) - 1, 0)] = value
    found = [Output(form, targets.get(at, STDOUT)) for at, form in enumerate(forms or [DEFAULT])]
    _refuse_collisions(found)
    return found


def _refuse_collisions(outputs: Sequence[Output]) -> None:
    places = [o.target for o in outputs]
    if places.count(STDOUT) > 1:
        raise UserError("more than one report would go to stdout; give an --output FILE for each form")
    for place in places:
        if places.count(place) > 1:
            raise UserError(f"two reports would go to {place}; give each form a file of its own")


def write_all(report: Report, outputs: Sequence[Output]) -> None:
    """Write every report; UserError when a file cannot be written."""
    for output in outputs:
        write = writer(output.form)
        if output.target == STDOUT:
            write(report, sys.stdout)
            continue
        try:
            with open(output.target, "w", encoding="utf-8", errors="backslashreplace", newline="") as file:
                write(report, file)
        except OSError as error:
            raise UserError(
                f"the report cannot be written to {output.target}: {error.strerror or error}; "
                "name a file in a folder that is there and can be written"
            ) from error

"""The runs to make as a campaign for ``mlharness``: a TOML file ``edgewatt/campaign/1``.

Every ``[[run]]`` names what is to be run and why; what is not in a tree (model, data set, meter, user.conf) is
for the one who runs it to add. The form is described in ``schemas/files/campaign.schema.json``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import schemas
from checker.model import Report
from checker.reruns import Rerun, reruns, total_seconds
from checker.wording import count, duration
from schemas.errors import UserError

SCHEMA = "edgewatt/campaign/1"


def document(report: Report) -> dict[str, Any]:
    """The campaign as plain values."""
    return {
        "schema": SCHEMA,
        "tool": f"mlcheck {schemas.__version__}",
        "tree": report.tree,
        "round": report.round,
        "run": [_run(rerun, report.round) for rerun in reruns(report)],
    }


def _run(rerun: Rerun, round_name: str) -> dict[str, Any]:
    place = rerun.place
    row: dict[str, Any] = {
        "benchmark": place.benchmark,
        "scenario": place.scenario,
        "mode": rerun.mode,
        "division": place.division,
        "submitter": place.submitter,
        "system": place.system,
        "round": round_name,
        "power": rerun.power,
        "reason": ", ".join(rerun.reasons),
    }
    if rerun.tests:
        row["tests"] = list(rerun.tests)
    if rerun.seconds is not None:
        row["expected_seconds"] = round(rerun.seconds)
    return row


def text(report: Report) -> str:
    """The campaign as TOML, with its length on top."""
    content = document(report)
    rows = content.pop("run")
    parts = ["\n".join(_comments(report)), _pairs(content)]
    if rows:
        parts += [f"[[run]]\n{_pairs(row)}" for row in rows]
    else:
        parts[1] += "\nrun = []"
    return "\n\n".join(parts) + "\n"


def _comments(report: Report) -> Iterator[str]:
    rows = reruns(report)
    seconds, unknown = total_seconds(rows)
    yield "# Runs to make before the submission is valid, found by mlcheck."
    yield f"# {count(len(rows), 'entry', 'entries')}, about {duration(seconds)} of measuring" + (
        f", {unknown} of unknown length." if unknown else "."
    )
    yield "# Model, data set and meter are yours to add."


def _pairs(row: dict[str, Any]) -> str:
    return "\n".join(f"{key} = {_value(value)}" for key, value in row.items())


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(_value(v) for v in value)}]"
    return str(value) if isinstance(value, int) else _string(str(value))


def _string(said: str) -> str:
    """A basic string: JSON's escapes are TOML's, except that TOML wants DEL escaped and no lone surrogates."""
    whole = said.encode("utf-8", "backslashreplace").decode("utf-8")
    return json.dumps(whole, ensure_ascii=False).replace("\x7f", "\\u007f")


def write(report: Report, path: Path) -> None:
    """Write the campaign; UserError when the file cannot be written."""
    try:
        path.write_text(text(report), encoding="utf-8", newline="\n")
    except OSError as error:
        raise UserError(
            f"the campaign cannot be written to {path}: {error.strerror or error}; name a file that can"
        ) from error

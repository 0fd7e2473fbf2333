"""The baseline: a former JSON report. What it held already is known and does not count; what is new does."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from checker.model import Finding
from checker.reading import read_given
from checker.wording import count
from schemas.errors import UserError
from schemas.plainfile import TooLarge

SCHEMA = "edgewatt/report/1"
MOST_VALUES = 7_000_000
"""Commas and brackets of a former report. One of 1,500 results without any file has 3.3 million of them in 70 MB;
each value takes Python up to a hundred bytes."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """How often each fingerprint occurred in the former report."""

    name: str
    fingerprints: Mapping[str, int]


def read(path: Path) -> Baseline:
    """A former report; UserError when it is none."""
    try:
        document = _parsed(read_given(path))
    except OSError as error:
        raise UserError(
            f"--baseline {path} cannot be read: {error.strerror or error}; name a former JSON report"
        ) from error
    except TooLarge as error:
        raise UserError(f"--baseline {path} {error}") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"--baseline {path} is not JSON: {error}; {_CURE}") from error
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise UserError(f"--baseline {path} is no report of mlcheck ({SCHEMA}); {_CURE}")
    rows = document.get("findings") or []
    if not isinstance(rows, list):
        raise UserError(f"--baseline {path} has no list of findings; {_CURE}")
    found = Counter(_fingerprint(row, path) for row in rows)
    return Baseline(str(path), dict(found))


def _parsed(data: bytes) -> Any:
    """The document; a whole number of any length is a floating point number, as none is looked at."""
    if data.count(b",") + data.count(b"[") + data.count(b"{") > MOST_VALUES:
        raise TooLarge(f"holds more than {MOST_VALUES} values, more than a report; {_CURE}")
    return json.loads(data, parse_int=float)


_CURE = "make one with `mlcheck TREE --format json --output FILE`"


def _fingerprint(row: Any, path: Path) -> str:
    print_ = row.get("fingerprint") if isinstance(row, dict) else None
    if not isinstance(print_, str):
        raise UserError(f"--baseline {path} has a finding without fingerprint; {_CURE}")
    return print_


def mark(
    findings: Sequence[Finding], baseline: Baseline, *, whole: bool = True
) -> tuple[list[Finding], list[str]]:
    """The findings with the known ones marked, as often as the baseline had them, and a remark on those gone."""
    left = Counter(baseline.fingerprints)
    marked = []
    for found in findings:
        known = left[found.fingerprint] > 0
        left[found.fingerprint] -= known
        marked.append(replace(found, known=known))
    gone = sum(left.values())
    if not gone or not whole:
        return marked, []
    return marked, [f"{count(gone, 'finding')} of the baseline {'is' if gone == 1 else 'are'} gone"]

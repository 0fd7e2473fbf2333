"""JSON that a text editor marked: byte order marks, UTF-16, line ends of another system.

Only descriptions that people write are touched: of systems, of measurements, the mapping of model names. Session
files, logs and whatever else lies below a result are evidence; their checksums are recorded.
"""

from __future__ import annotations

import json
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator

from checker.changes import Step, rewrite
from checker.files import join
from checker.fixes.base import read
from checker.result import RUN_RECORD
from checker.tree import Submission

ORDER = 10
RULE = "structure/readable"


def steps(submission: Submission) -> Iterator[Step]:
    """One rewrite for each marked file; none for a file that would not be JSON afterwards."""
    for path in dict.fromkeys(_paths(submission)):
        before = read(submission.tree, path)
        if before is None:
            continue
        after, reasons = cured(before)
        if reasons:
            yield rewrite(path, before, after, RULE, " and ".join(reasons))


def cured(before: bytes) -> tuple[bytes, list[str]]:
    """The bytes without marks, and what was done; nothing when the outcome is no JSON."""
    reasons: list[str] = []
    try:
        if before.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
            text = before.decode("utf-16")
            reasons.append("UTF-16 becomes UTF-8")
        else:
            text = before.removeprefix(BOM_UTF8).decode("utf-8")
            if before.startswith(BOM_UTF8):
                reasons.append("the byte order mark goes")
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
            reasons.append("line ends become those of Unix")
        json.loads(text)
    except (ValueError, RecursionError):
        return before, []
    return text.encode("utf-8"), reasons


def _paths(submission: Submission) -> Iterator[str]:
    tree = submission.tree
    for submitter in submission.submitters:
        yield submitter.model_mapping.path
        for name in tree.files(join(submitter.path, "systems")):
            if name.endswith(".json"):
                yield join(submitter.path, "systems", name)
    for result in submission.results:
        for name in tree.files(result.measurements_path):
            if name.endswith(".json") and name != RUN_RECORD:
                yield join(result.measurements_path, name)

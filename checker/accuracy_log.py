"""``mlperf_log_accuracy.json``: the answers of an accuracy run, published cut, with the hash of the whole beside it."""

from __future__ import annotations

from dataclasses import dataclass

from checker import accuracy_txt
from checker.files import join
from checker.reading import LARGEST_ACCURACY_LOG, digest
from checker.result import Result
from schemas.plainfile import FilePath

LOG = "mlperf_log_accuracy.json"
KEPT = 4096
"""Bytes that the official tool leaves at either end."""
MARK = b"\n\n...\n\n"
CUT_SIZE = 2 * KEPT + len(MARK)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A log as it lies there: SHA-256 in hex, and whether it has the form that the cut leaves."""

    sha256: str
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """The log of an accuracy run and the hash that ``accuracy.txt`` has for it, with its line."""

    log: Fingerprint
    path: str
    hash: str
    line: int


def fingerprint(path: FilePath) -> Fingerprint:
    """That of a plain file; OSError when it cannot be read, ``TooLarge`` above what a log may have."""
    found = digest(path, "sha256", LARGEST_ACCURACY_LOG)
    return Fingerprint(found.hex, found.size == CUT_SIZE and is_cut(found.begin[: KEPT + len(MARK)]))


def is_cut(head: bytes) -> bool:
    """Whether the first bytes are those of a log that was cut."""
    return head[KEPT:].startswith(MARK)


def evidence(result: Result) -> Evidence | None:
    """Both, read once; None where one of them is not there or cannot be read."""
    if "accuracy_evidence" not in result.__dict__:
        result.__dict__["accuracy_evidence"] = _evidence(result)
    found: Evidence | None = result.__dict__["accuracy_evidence"]
    return found


def _evidence(result: Result) -> Evidence | None:
    text = result.accuracy_txt
    path = join(result.accuracy_path, LOG)
    log = result.submission.source(path, "accuracy_answers", fingerprint)
    if not text.present or not text.usable or not log.present:
        return None
    told = [
        (m[1], at)
        for at, line in enumerate(text.value.splitlines(), 1)
        if (m := accuracy_txt.HASH.match(line))
    ]
    if not told or not log.usable:
        return None
    return Evidence(log.value, path, *told[-1])

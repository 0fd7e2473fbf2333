"""Our own rules on the evidence of accuracy: is the published log the one that the hash was made of."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checker import facts
from checker.accuracy_log import LOG, Evidence, evidence
from checker.facts import AnswerFacts, ResultFacts
from checker.model import Problem, Scope, Severity
from checker.result import Result
from checker.rule import SUBMISSION, rule
from checker.tree import Submission
from checker.wording import shorten

_SHA256 = re.compile(r"[0-9a-fA-F]{64}\Z")
_SHOWN = 16
"""Digits of a hash that tell it from any other in a sentence."""


@rule(
    "quality/accuracy-hash",
    title="The hash in accuracy.txt is that of the accuracy log beside it",
    fix="Put the files of one accuracy run together: the whole mlperf_log_accuracy.json as LoadGen wrote it, and the "
    "accuracy.txt that the accuracy script printed for it. Take the line hash=… out of accuracy.txt, and let "
    "`mlcheck fix TREE --apply` append the hash of the whole log and cut it. Where the whole log is gone, run accuracy "
    "again.",
    good="hash=324366b2… and a log with that SHA-256, or one that was cut",
    bad="hash=324366b2… beside a whole log with another SHA-256",
    link=SUBMISSION,
    needs=("accuracy_txt",),
    since="v0.7",
)
def accuracy_hash(result: Result) -> Iterator[Problem]:
    """The hash lets an auditor check later that the log he is sent is the one that the accuracy was computed from. One
    of another log proves that accuracy.txt and log are of two runs. It can be told where the log is whole, where the
    hash was made after the cut, and where it is no SHA-256; of a log that was cut nobody can compute it again."""
    found = evidence(result)
    said = _objection(found) if found is not None else None
    if found is None or said is None:
        return
    message, wanted = said
    severity = None if result.strict else Severity.WARNING
    shown = f"hash={shorten(found.hash, 70)}"
    yield Problem(message, result.accuracy_txt.path, shown, wanted, found.line, severity=severity)


def _objection(found: Evidence) -> tuple[str, str] | None:
    """What is wrong with a hash and what is wanted; None where nothing is, or nobody can tell."""
    own, told = found.log.sha256, found.hash
    if not _SHA256.match(told):
        wanted = "the 64 hex digits of the SHA-256 of the whole accuracy log"
        return f"the hash {shorten(told, 20)} is no SHA-256", wanted
    if found.log.is_cut:
        if told.lower() != own:
            return None
        return f"the hash is that of {LOG} after it was cut", "the SHA-256 of the log before the cut"
    if told.lower() == own:
        return None
    message = f"the hash {told[:_SHOWN]}… is of another log than {LOG} beside it, which has {own[:_SHOWN]}…"
    return message, f"hash={own}, as the log has"


@rule(
    "quality/shared-hash",
    severity=Severity.WARNING,
    scope=Scope.SUBMISSION,
    title="One hash belongs to one accuracy log",
    fix="One of the two accuracy.txt is that of the other result. Take the one that the accuracy script printed for "
    "this result, with the hash of its own log, from the machine that ran it; where it is gone, run accuracy again.",
    good="two results with two logs and two hashes",
    bad="two accuracy.txt with one hash beside two different logs",
    link=SUBMISSION,
    since="v0.7",
)
def shared_hash(submission: Submission) -> Iterator[Problem]:
    """Of a log that was cut the hash cannot be computed again. Two results with the same hash have the same log, so
    where what is left of their logs differs, one of the hashes was copied from elsewhere."""
    seen: dict[str, tuple[ResultFacts, AnswerFacts]] = {}
    for result in facts.gathered(submission):
        own = result.answers
        if own is None:
            continue
        first, other = seen.setdefault(own.told, (result, own))
        if own.log != other.log:
            shown = shorten(own.told, _SHOWN)
            message = f"the hash {shown} is also that of {first.path}, whose accuracy log is another one"
            found = f"hash={shorten(own.told, 70)}"
            yield Problem(message, own.path, found, "the hash of its own log", own.line, place=result.place)

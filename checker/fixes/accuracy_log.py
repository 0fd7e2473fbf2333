"""Accuracy logs are cut to head and tail, and the SHA-256 of the whole goes into ``accuracy.txt``.

As the official tool does it: the first 4096 bytes, a mark, the last 4096; shorter logs stay as they are; the
hash is of the log before the cut. Logs of accuracy runs and of the compliance tests that have one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

from checker.changes import Refusal, Rewrite, Step
from checker.files import Tree, join
from checker.fixes.base import read
from checker.fixes.numpy_numbers import MANGLED
from checker.tree import Submission

ORDER = 30
LOG, TEXT = "mlperf_log_accuracy.json", "accuracy.txt"
HASH_RULE, CUT_RULE = "accuracy/hash", "accuracy/log-truncated"
KEPT = 4096
"""Bytes that stay at either end."""
MARK = b"\n\n...\n\n"
TESTS = ("TEST01", "TEST07", "TEST09")
"""Compliance tests whose log is cut too; that of TEST06 is published whole."""
LARGEST = 1 << 32
_HASH = re.compile(rb"^hash=(\w+)\s*$", re.MULTILINE)


def steps(submission: Submission) -> Iterator[Step]:
    """What each log needs, and what cannot be done."""
    limit = int(submission.round.facts["limits"]["accuracy_log_max_bytes"])
    for result in submission.results:
        folders = [result.accuracy_path]
        folders += [join(result.compliance_path(test), "accuracy") for test in TESTS]
        for folder in folders:
            if submission.tree.has_file(join(folder, LOG)):
                yield from _folder(submission.tree, folder, limit)


def _folder(tree: Tree, folder: str, limit: int) -> Iterator[Step]:
    log_path, text_path = join(folder, LOG), join(folder, TEXT)
    log, text = read(tree, log_path, LARGEST), read(tree, text_path)
    if log is None:
        return
    if text is None:
        yield Refusal(text_path, HASH_RULE, "there is no accuracy.txt to take the hash; run the accuracy script")
        return
    told = _HASH.search(text)
    if told is not None and len(log) <= limit:
        return
    digest = hashlib.sha256(log).hexdigest()
    if told is None and is_cut(log):
        yield Refusal(
            log_path, HASH_RULE, "the log was cut without its hash; take the whole log of the run, or run again"
        )
        return
    if told is not None and told.group(1).decode() != digest:
        yield Refusal(log_path, CUT_RULE, "accuracy.txt has the hash of another log; run the accuracy run again")
        return
    yield from _cut(log_path, log, text_path, text, digest, told=told is not None)


def _cut(
    log_path: str, log: bytes, text_path: str, text: bytes, digest: str, *, told: bool
) -> Iterator[Step]:
    if not told:
        # The text may lose what numpy printed in the same go.
        own = MANGLED.sub(rb"\1", text)
        after = own + (b"" if own.endswith(b"\n") or not own else b"\n") + f"hash={digest}\n".encode()
        yield Rewrite(text_path, own, after, HASH_RULE, "the hash of the whole accuracy log is added")
    if len(log) >= KEPT:
        after = truncated(log)
        reason = f"cut from {len(log)} bytes to {len(after)}, SHA-256 of the whole {digest}"
        yield Rewrite(log_path, log, after, CUT_RULE, reason, hidden=True)


def truncated(log: bytes) -> bytes:
    """Head and tail of a log; a log shorter than a head as it is."""
    return log if len(log) < KEPT else log[:KEPT] + MARK + log[-KEPT:]


def is_cut(log: bytes) -> bool:
    """Whether a log has the form that the cut leaves."""
    return len(log) == 2 * KEPT + len(MARK) and log[KEPT : KEPT + len(MARK)] == MARK

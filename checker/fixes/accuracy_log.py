"""Accuracy logs are cut to head and tail, and the SHA-256 of the whole goes into ``accuracy.txt``.

As the official tool does it: the first 4096 bytes, a mark, the last 4096; shorter logs stay as they are; the
hash is of the log before the cut. Logs of accuracy runs and of the compliance tests that have one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from checker.accuracy_log import CUT_SIZE, KEPT, LOG, MARK, is_cut
from checker.changes import Content, Refusal, Rewrite, Step, rewrite
from checker.files import Tree, join
from checker.fixes.base import is_plain, read
from checker.reading import LARGEST_ACCURACY_LOG, read_end, read_start
from checker.texts import MANGLED
from checker.tree import Submission
from schemas.plainfile import TooLarge

ORDER = 30
TEXT = "accuracy.txt"
HASH_RULE, CUT_RULE = "accuracy/hash", "accuracy/log-truncated"
TESTS = ("TEST01", "TEST07", "TEST09")
"""Compliance tests whose log is cut too; that of TEST06 is published whole."""
_HASH = re.compile(rb"^hash=(\w+)\s*$", re.MULTILINE)


def steps(submission: Submission) -> Iterator[Step]:
    """What each log needs, and what cannot be done."""
    limit = int(submission.round.facts["limits"]["accuracy_log_max_bytes"])
    for result in submission.results:
        folders = [result.accuracy_path]
        folders += [join(place, "accuracy") for place in result.compliance_places(*TESTS)]
        for folder in folders:
            if submission.tree.has_file(join(folder, LOG)):
                yield from _folder(submission.tree, folder, limit)


def _folder(tree: Tree, folder: str, limit: int) -> Iterator[Step]:
    log_path, text_path = join(folder, LOG), join(folder, TEXT)
    size = tree.files(folder)[LOG]
    if size > LARGEST_ACCURACY_LOG:
        reason = f"the log is {size} bytes long, more than the {LARGEST_ACCURACY_LOG} that are read"
        yield Refusal(log_path, CUT_RULE, f"{reason}; cut it with the official tool")
        return
    log, text = Log.read(tree, log_path), read(tree, text_path)
    if log is None:
        return
    if text is None:
        yield Refusal(
            text_path, HASH_RULE, "there is no accuracy.txt to take the hash; run the accuracy script"
        )
        return
    told = _HASH.search(text)
    if told is not None and log.content.size <= limit:
        return
    if told is None and log.is_cut:
        yield Refusal(
            log_path,
            HASH_RULE,
            "the log was cut without its hash; take the whole log of the run, or run again",
        )
        return
    if told is not None and told.group(1).decode() != log.content.sha256:
        yield Refusal(
            log_path, CUT_RULE, "accuracy.txt has the hash of another log; run the accuracy run again"
        )
        return
    if told is None:
        yield _with_hash(text_path, text, log.content.sha256)
    if log.content.size >= KEPT:
        size, digest = log.content.size, log.content.sha256
        reason = f"cut from {size} bytes to {len(log.cut)}, SHA-256 of the whole {digest}"
        yield Rewrite(log_path, log.content, log.cut, CUT_RULE, reason)


def _with_hash(path: str, text: bytes, digest: str) -> Step:
    """The text with the hash at its end; it may lose what numpy printed in the same go."""
    own = MANGLED.sub(rb"\1", text)
    after = own + (b"" if own.endswith(b"\n") or not own else b"\n") + f"hash={digest}\n".encode()
    return rewrite(path, own, after, HASH_RULE, "the hash of the whole accuracy log is added")


@dataclass(frozen=True, slots=True)
class Log:
    """A log that may be too large for memory: what identifies it, its two ends."""

    content: Content
    head: bytes
    tail: bytes

    @classmethod
    def read(cls, tree: Tree, path: str) -> Log | None:
        """None for what is no plain file or cannot be read."""
        if not is_plain(tree, path):
            return None
        place = tree.root / path
        try:
            content = Content.read(place, LARGEST_ACCURACY_LOG)
            return cls(content, read_start(place, KEPT + len(MARK)), read_end(place, KEPT))
        except (OSError, TooLarge):
            return None

    @property
    def cut(self) -> bytes:
        """Head and tail with the mark between."""
        return self.head[:KEPT] + MARK + self.tail

    @property
    def is_cut(self) -> bool:
        """Whether it has the form that the cut leaves."""
        return self.content.size == CUT_SIZE and is_cut(self.head)

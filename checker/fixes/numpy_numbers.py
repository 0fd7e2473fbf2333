"""Numbers that numpy 2 prints with their type: ``np.float64(76.1)`` in accuracy texts becomes ``76.1``."""

from __future__ import annotations

from collections.abc import Iterator

from checker.changes import Step, rewrite
from checker.files import join
from checker.fixes.base import read
from checker.texts import MANGLED
from checker.tree import Submission

ORDER = 20
RULE = "accuracy/number"
NAMES = ("accuracy.txt", "baseline_accuracy.txt", "compliance_accuracy.txt")


def steps(submission: Submission) -> Iterator[Step]:
    """One rewrite for each text with such numbers, of accuracy runs and of compliance tests."""
    tree = submission.tree
    for result in submission.results:
        tests = [f.path for place in result.compliance_places() for f in tree.below(place)]
        folders = dict.fromkeys([result.accuracy_path, *tests])
        for path in (join(folder, name) for folder in folders for name in NAMES):
            before = read(tree, path)
            if before is None:
                continue
            after, times = MANGLED.subn(rb"\1", before)
            if times:
                yield rewrite(path, before, after, RULE, f"{times} numbers lose the type that numpy printed")

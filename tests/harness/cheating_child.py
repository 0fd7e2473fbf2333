"""A child whose runtime answers after a fixed time, and cheats in the way that ``EDGEWATT_TEST_CHEAT`` names.

``cached`` remembers the last answer; ``changed`` gives other answers in performance runs; ``order`` is slow on
every pair of neighbours that the first run (of which it keeps notes) did not have.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness import child, opening
from harness.backends.onnxruntime import OnnxRuntime
from harness.model import Job

USUAL_S = 0.5
"""Long enough to hide what a busy machine adds to the computing itself."""
CACHED_S = 0.28
STRANGE_S = 0.80


class Timed(OnnxRuntime):
    """ONNX Runtime with a fixed time per call."""

    def __init__(self, job: Job, cheat: str, notes: Path) -> None:
        super().__init__()
        self.job, self.cheat, self.notes = job, cheat, notes
        self.known = set(notes.read_text().split()) if notes.exists() else None
        self.last = ""
        self.remembered: Sequence[Any] = ()

    def infer(self, batch: Any) -> Sequence[Any]:
        begin = time.monotonic()
        now = hashlib.sha256(batch.tobytes()).hexdigest()[:16]
        pair, same = f"{self.last}-{now}", now == self.last
        self.last = now
        if self.known is None:
            with self.notes.open("a") as file:
                file.write(pair + "\n")
        if self.cheat == "cached" and same:
            time.sleep(CACHED_S)
            return self.remembered
        answers = self.remembered = super().infer(batch)
        wanted = USUAL_S if len(batch) > 1 else 0.0
        if self.cheat == "order" and self.known is not None and pair not in self.known:
            wanted = STRANGE_S
        if self.cheat == "changed" and self.job.mode == "performance":
            answers = [answers[0] + 1]
        time.sleep(max(0.0, begin + wanted - time.monotonic()))
        return answers


if __name__ == "__main__":
    voice = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    told = Job.from_json(json.loads(sys.stdin.readline()))
    runtime = Timed(told, os.environ["EDGEWATT_TEST_CHEAT"], Path(os.environ["EDGEWATT_TEST_NOTES"]))
    opening.configured = lambda name, options: runtime  # type: ignore[assignment]
    code = child.Child(told, sys.stdin, voice).run()
    sys.stderr.flush()
    os._exit(code)

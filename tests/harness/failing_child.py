"""A child whose runtime fails at the tenth call, in whichever thread that is."""

from __future__ import annotations

import itertools
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from harness import child, opening
from harness.backends.onnxruntime import OnnxRuntime
from harness.model import Job


class Failing(OnnxRuntime):
    """ONNX Runtime that breaks once the load has begun."""

    calls = itertools.count()
    begun = False

    def infer(self, batch: Any) -> Sequence[Any]:
        if self.begun and next(self.calls) >= 9:
            raise RuntimeError("the accelerator fell off")
        return super().infer(batch)


if __name__ == "__main__":
    voice = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    told = Job.from_json(json.loads(sys.stdin.readline()))
    runtime = Failing()
    opening.configured = lambda name, options: runtime  # type: ignore[assignment]
    run = child.loadgen.run

    def begin(*arguments: Any) -> None:
        runtime.begun = True
        run(*arguments)

    child.loadgen.run = begin
    code = child.Child(told, sys.stdin, voice).run()
    sys.stderr.flush()
    os._exit(code)

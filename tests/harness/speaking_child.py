"""A child whose benchmark and runtime are those of ``test_tokens``; as ``fails`` it breaks at its second call."""

from __future__ import annotations

import os
import sys
from typing import Any

from harness import child
from tests.harness.test_tokens import Engine, Prompts, Speaker

if __name__ == "__main__":
    told, voice = child.told()
    engine = Engine()
    if told.benchmark == "fails":
        engine.fail_at = 2  # the first call is the warm-up

    class Bench(Speaker):
        """With a data set, and without packages."""

        extra = ()

        def dataset(self, path: Any) -> Prompts:
            return Prompts()

    engine.versions = dict  # type: ignore[attr-defined]
    child.benchmark = lambda name: Bench()  # type: ignore[assignment]
    child.opened = lambda *_, **__: engine  # type: ignore[assignment]
    code = child.Child(told, sys.stdin, voice).run()
    sys.stderr.flush()
    os._exit(code)

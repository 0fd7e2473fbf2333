"""A child that tells LoadGen other tokens than it made, in the way that ``EDGEWATT_TEST_LIE`` names.

``first``: another first token than the answer's; ``count``: one token more than there are.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

from harness import child, opening
from harness.backends.remote_text import RemoteText
from harness.benchmarks.base import Counted
from harness.registry import benchmark


class Another:
    """Tells of another first token."""

    def __init__(self, first: Any) -> None:
        self._first = first

    def __getattr__(self, name: str) -> Any:
        return getattr(self._first, name)

    def __call__(self, places: Sequence[int], tokens: Sequence[int]) -> None:
        self._first(places, [token + 1 for token in tokens])


class Liar(RemoteText):
    def generate(self, batch: Any, first: Any) -> Any:
        return super().generate(batch, Another(first))


def one_more(kind: Any) -> None:
    """Have a benchmark count a token that it does not have."""
    honest = kind.responses

    def responses(self: Any, outputs: Any, indices: Any) -> Counted:
        found = honest(self, outputs, indices)
        return Counted(found.rows, [n + 1 for n in found.tokens])

    kind.responses = responses


if __name__ == "__main__":
    told, voice = child.told()
    if os.environ["EDGEWATT_TEST_LIE"] == "first":
        usual = opening.configured
        engine = Liar()
        engine.configure(told.options)
        opening.configured = lambda name, options: engine if name == engine.name else usual(name, options)
    else:
        one_more(type(benchmark(told.benchmark)))
    code = child.Child(told, sys.stdin, voice).run()
    sys.stderr.flush()
    os._exit(code)

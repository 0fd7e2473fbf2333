"""A language model on another machine, asked over HTTP by OpenAI's completions (``harness.completions``).

For benchmarks whose prompts are token ids and whose text is continued, greedily or with beams (``Continuing``). The
server must tell token ids (``return_token_ids``, as vLLM does), because they are the answer. The prompts of a batch
are asked at the same time, each over a connection of its own, so that the server can put them together. ``--model``
names the checkpoint that the server was given, so that the record says which one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from harness.backends.remote import TIMEOUT_S, seconds
from harness.benchmarks.base import Continuing
from harness.completions import Completion, Completions
from harness.httpline import HttpLine
from schemas.errors import UserError

if TYPE_CHECKING:
    from harness.benchmarks.base import Adapted, Batch, First, Outputs

MOST_AT_ONCE = 64


class RemoteText:
    """A language model behind HTTP."""

    name = "remote_text"
    compute: Literal["cpu", "accelerator"] = "cpu"
    options: Mapping[str, str] = {
        "url": "where the server is, such as http://192.168.0.7:8000",
        "served": "the model's name there (default: the only one that it has)",
        "timeout_s": f"how long it may say nothing (default {TIMEOUT_S:g})",
    }

    def __init__(self) -> None:
        self._line: HttpLine | None = None
        self._served: str | None = None
        self._completions: Completions | None = None
        self._least = self._most = 0
        self._beams = 1
        self._pool = ThreadPoolExecutor(MOST_AT_ONCE, "ask")

    def configure(self, options: Mapping[str, str]) -> None:
        """Where the server is; nothing is sent yet."""
        if "url" not in options:
            raise UserError(
                "--backend remote_text needs the server's address; give it with --option url=http://HOST:PORT"
            )
        self._line = HttpLine(options["url"], seconds(options.get("timeout_s", str(TIMEOUT_S))))
        self._served = options.get("served")

    def load(self, model: Path, *, inputs: Sequence[str], outputs: Sequence[str], threads: int) -> None:
        """Not for models of tensors."""
        raise UserError("remote_text continues texts, and this benchmark has none; take --backend remote")

    def adopt(self, bench: Adapted, model: Path, *, threads: int) -> None:
        """Ask the server what it serves; ``threads`` are its own affair."""
        if not isinstance(bench, Continuing):
            raise UserError(
                "remote_text continues texts, and this benchmark does something else; leave it out"
            )
        if self._line is None:
            self.configure({})  # says what is missing
        assert self._line is not None
        self._least, self._most = bench.continuation
        self._beams = int(getattr(bench, "beams", 1))
        self._completions = Completions(self._line, self._served)

    def infer(self, batch: Batch) -> Outputs:
        """Continue a batch of prompts."""
        return self.generate(batch, lambda places, tokens: None)

    def generate(self, batch: Batch, first: First) -> Outputs:
        """Ids [N, most tokens], and how many of them count; first tokens are told as they come."""
        import numpy as np

        assert isinstance(batch, list)
        if len(batch) == 1:
            rows = [self._one(0, batch[0], first)]
        else:
            rows = list(self._pool.map(lambda n: self._one(n, batch[n], first), range(len(batch))))
        ids = np.zeros((len(rows), max(map(len, rows))), dtype=np.int64)
        for place, row in enumerate(rows):
            ids[place, : len(row)] = row
        return [ids, np.array([len(row) for row in rows])]

    def _one(self, place: int, prompt: Any, first: First) -> list[int]:
        completions, line = self._completions, self._line
        assert completions is not None
        assert line is not None

        def begun(found: Completion) -> None:
            if found.ids:
                first([place], found.ids[:1])

        tells = getattr(first, "wanted", False)
        found = completions.complete(
            prompt.tolist(),
            most=self._most,
            least=self._least,
            first=begun if tells else None,
            beams=self._beams,
        )
        if not found.ids:
            raise UserError(
                f"{line.url} tells no token ids, and they are the answer; take a server that knows return_token_ids"
            )
        if len(found.ids) < self._least:
            raise UserError(
                f"{line.url} ended an answer after {len(found.ids)} tokens, and the benchmark wants {self._least} at "
                "least; take a server that knows min_tokens, also with beams"
            )
        return found.ids

    def close(self) -> None:
        """Close the connections."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        if self._line is not None:
            self._line.close()

    def versions(self) -> Mapping[str, str]:
        """What is served."""
        return {"remote model": "" if self._completions is None else self._completions.served[:100]}


BACKEND = RemoteText

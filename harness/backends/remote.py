"""A model that runs on another machine, asked over HTTP by the Open Inference Protocol (version 2).

The server holds the model; ``--model`` names the checkpoint that it was given, so that the record says which one. What
the network and the server take is part of a query, as it is for a user of such a system. Each thread has a connection
of its own that is kept. ``harness.completions`` asks servers of text by OpenAI's completions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from harness import oip
from harness.httpline import HttpLine
from schemas.errors import UserError

if TYPE_CHECKING:
    from harness.benchmarks.base import Array, Batch, Outputs, Tensor

TIMEOUT_S = 60.0
ENCODINGS = ("auto", "binary", "json")


class Remote:
    """A model behind HTTP."""

    name = "remote"
    compute: Literal["cpu", "accelerator"] = "cpu"
    options: Mapping[str, str] = {
        "url": "where the server is, such as http://192.168.0.7:8000",
        "served": "the model's name there (default: that of the file of --model, without its ending)",
        "encoding": "binary or json (default: binary where the server says that it has that extension)",
        "timeout_s": f"how long an answer may take (default {TIMEOUT_S:g})",
    }

    def __init__(self) -> None:
        self._line: HttpLine | None = None
        self._served: str | None = None
        self._encoding = "auto"
        self._path = ""
        self._binary = False
        self._tensors: list[Tensor] = []
        self._inputs: tuple[str, ...] = ()
        self._outputs: tuple[str, ...] = ()
        self._about = ""

    def configure(self, options: Mapping[str, str]) -> None:
        """Where the server is and how it is spoken to; nothing is sent yet."""
        if "url" not in options:
            raise UserError(
                "--backend remote needs the server's address; give it with --option url=http://HOST:PORT"
            )
        self._line = HttpLine(options["url"], seconds(options.get("timeout_s", str(TIMEOUT_S))))
        self._served = options.get("served")
        self._encoding = options.get("encoding", "auto")
        if self._encoding not in ENCODINGS:
            raise UserError(f"--option encoding={self._encoding}: wanted one of {', '.join(ENCODINGS)}")

    def load(self, model: Path, *, inputs: Sequence[str], outputs: Sequence[str], threads: int) -> None:
        """Ask the server what it serves and hold that to the names of the benchmark; ``threads`` are its own affair."""
        line = self._open()
        self._path = f"/v2/models/{quote(self._served or model.stem, safe='')}"
        server = line.get("/v2")
        extensions = server.get("extensions", []) if isinstance(server, dict) else []
        self._binary = self._encoding == "binary" or (self._encoding == "auto" and oip.BINARY in extensions)
        described = line.get(self._path)
        self._tensors = oip.described(described)
        self._check("input", inputs)
        self._check("output", outputs)
        self._inputs, self._outputs = tuple(inputs), tuple(outputs)
        self._about = _about(server, described)

    def _open(self) -> HttpLine:
        if self._line is None:
            self.configure({})  # says what is missing
        assert self._line is not None
        return self._line

    def _check(self, kind: Literal["input", "output"], wanted: Sequence[str]) -> None:
        found = [t.name for t in self._tensors if t.kind == kind]
        missing = [name for name in wanted if name not in found]
        if missing:
            raise UserError(
                f"{self._open().url}{self._path} has the {kind}s {', '.join(found) or 'none'}, but the benchmark needs "
                f"{', '.join(missing)}; name another model with --option served=NAME"
            )

    def tensors(self) -> list[Tensor]:
        """Inputs and outputs, as the server describes them."""
        return list(self._tensors)

    def infer(self, batch: Batch) -> Outputs:
        """Ask for one batch."""
        named: Mapping[str, Array] = batch if isinstance(batch, dict) else {self._inputs[0]: batch}  # type: ignore[dict-item]
        count = len(next(iter(named.values())))
        asked = oip.request(named, self._outputs, binary=self._binary)
        said = self._open().ask("POST", f"{self._path}/infer", asked.body, asked.headers)
        return oip.answer(said.body, said.headers.get(oip.HEADER_LENGTH.lower()), self._outputs, count)

    def close(self) -> None:
        """Close the connection."""
        if self._line is not None:
            self._line.close()

    def versions(self) -> Mapping[str, str]:
        """What the server says of itself."""
        return {"remote server": self._about}


def seconds(text: str) -> float:
    """``timeout_s``; ``UserError`` for what is no length of time."""
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0 < found < 86400:
        raise UserError(f"--option timeout_s={text}: wanted seconds, more than 0 and less than a day")
    return found


def _about(server: object, model: object) -> str:
    """Name and version of the server, and its platform for the model, as far as it tells them; printable, and short."""
    words = [
        *(str(server.get(k, "")) for k in ("name", "version") if isinstance(server, dict)),
        *(str(model.get(k, "")) for k in ("platform",) if isinstance(model, dict)),
    ]
    text = " ".join(w for w in words if w) or "unnamed"
    return "".join(c if c.isprintable() else "?" for c in text)[:100]


BACKEND = Remote

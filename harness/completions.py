"""Text from a server that speaks OpenAI's completions (``POST /v1/completions``), as vLLM and others do.

Source: OpenAI API reference, *Completions* (legacy): ``prompt`` is a text or a list of token ids, ``stream`` sends
Server-Sent Events ``data: {…}`` and ends with ``data: [DONE]``, ``usage`` counts the tokens and with
``stream_options.include_usage`` comes last in a stream. Token ids are not part of it; ``return_token_ids`` asks for
them where a server knows that word (vLLM), and others pass it over. Confidence: high for the form, medium for the ids;
tested against a server of ours and no other. Nothing is sampled: ``temperature`` is 0.

Beams are vLLM's ``use_beam_search`` with ``n`` beams, of which the first of ``choices`` is the best (its source,
``BeamSearchParams``; medium). Its beams know no ``min_tokens`` and no early stopping. A server that passes the word
over gives one answer, or the same one ``n`` times, and is found out by that.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.httpline import HttpLine
from schemas.errors import UserError

Prompt = str | Sequence[int]
PATH = "/v1/completions"
DONE = "[DONE]"
LONGEST_LINE = 1 << 20


@dataclass(slots=True)
class Completion:
    """What was generated: text, number of tokens (None: not told), their ids (None: the server does not tell them)."""

    text: str = ""
    tokens: int | None = None
    ids: list[int] | None = None
    reason: str | None = None

    @property
    def begun(self) -> bool:
        """Whether anything is there."""
        return bool(self.text) or bool(self.ids)


class Completions:
    """A model of a server."""

    def __init__(self, line: HttpLine, served: str | None = None) -> None:
        """``served`` None: the only one that the server has. ``UserError`` when that is not there."""
        self._line = line
        names = self._names()
        if served is None and len(names) != 1:
            raise UserError(
                f"{line.url} serves {', '.join(names) or 'no model'}; name one with --option served=NAME"
            )
        if served is not None and served not in names:
            raise UserError(f"{line.url} does not serve {served!r}, only {', '.join(names) or 'nothing'}")
        self.served = served or names[0]

    def _names(self) -> list[str]:
        document = self._line.get("/v1/models")
        try:
            return [str(row["id"]) for row in document["data"]]
        except (KeyError, TypeError):
            raise UserError(
                f"{self._line.url}/v1/models is no list of models; is it a server of OpenAI's API?"
            ) from None

    def complete(
        self,
        prompt: Prompt,
        *,
        most: int,
        first: Callable[[Completion], None] | None = None,
        stop_ids: Sequence[int] = (),
        least: int = 0,
        beams: int = 1,
    ) -> Completion:
        """Continue a prompt by at most ``most`` tokens, greedily, or with the best of several ``beams`` (unstreamed).

        ``first`` is told as soon as there is something: then the answer is streamed. ``least`` tokens before it may
        end (``min_tokens``) and ``stop_ids`` (``stop_token_ids``) are words of vLLM. ``UserError`` for a server that
        refuses, is silent, or answers something else.
        """
        asked: dict[str, Any] = {
            "model": self.served,
            "prompt": prompt if isinstance(prompt, str) else [int(token) for token in prompt],
            "max_tokens": most,
            "temperature": 0,
            "return_token_ids": True,
        }
        if least:
            asked["min_tokens"] = least
        if beams > 1:
            asked |= {"use_beam_search": True, "n": beams}
        if stop_ids:
            asked["stop_token_ids"] = [int(token) for token in stop_ids]
        found = Completion()
        try:
            if first is None or beams > 1:
                document = self._line.post(PATH, asked)
                self._refuse_without_beams(document, beams)
                _take(found, document)
            else:
                asked |= {"stream": True, "stream_options": {"include_usage": True}}
                for document in self._streamed(asked):
                    before = found.begun
                    _take(found, document)
                    if found.begun and not before:
                        first(found)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise UserError(
                f"{self._line.url} answered something that is no completion ({type(error).__name__}: "
                f"{str(error)[:100]}); look at the server"
            ) from error
        if found.tokens is None and found.ids is not None:
            found.tokens = len(found.ids)
        return found

    def _refuse_without_beams(self, document: Any, beams: int) -> None:
        """``UserError`` for an answer that did not come of so many beams: they end in different answers."""
        if beams > 1 and "error" not in document:
            different = {str(row.get("token_ids") or row["text"]) for row in document["choices"]}
            if len(different) != beams:
                raise UserError(
                    f"{self._line.url} gave {len(different)} different answers to a prompt with {beams} beams, so it "
                    "searches without them; take a server that knows use_beam_search and n, as vLLM does"
                )

    def _streamed(self, asked: Mapping[str, Any]) -> Iterator[Any]:
        """The documents of a stream; ``UserError`` for one that breaks off."""
        headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
        with self._line.exchange("POST", PATH, json.dumps(asked).encode(), headers) as response:
            while line := response.readline(LONGEST_LINE):
                text = line.decode("utf-8").strip()
                if not text.startswith("data:"):
                    continue  # an empty line ends an event, one with a colon in front is a comment
                data = text.removeprefix("data:").strip()
                if data == DONE:
                    response.read()
                    return
                yield json.loads(data)
        raise UserError(f"{self._line.url} broke off its answer before {DONE}; look at the server")


def _take(found: Completion, document: Any) -> None:
    """Add what one document says: a whole answer, or a piece of a stream (the last one has no choices)."""
    if "error" in document:
        said = document["error"]
        raise UserError(
            f"the server gave up ({said.get('message', said) if isinstance(said, dict) else said})"
        )
    for choice in document["choices"][:1]:
        found.text += str(choice["text"])
        if choice.get("token_ids") is not None:
            found.ids = [*(found.ids or []), *(int(token) for token in choice["token_ids"])]
        found.reason = choice.get("finish_reason") or found.reason
    if document.get("usage"):
        found.tokens = int(document["usage"]["completion_tokens"])

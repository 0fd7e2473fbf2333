"""Llama behind a server of OpenAI's completions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.backends.remote_text import RemoteText
from harness.benchmarks.gptj import BENCHMARK as GPTJ
from harness.benchmarks.llama31_8b import BENCHMARK as LLAMA
from harness.handback import FirstTokens
from schemas.errors import UserError
from tests.harness.model_server import Server, serving

PROMPTS: list[Any] = [np.array([5, 6]), np.array([7])]


def opened(server: Server) -> RemoteText:
    engine = RemoteText()
    engine.configure({"url": server.url, "timeout_s": "5"})
    engine.adopt(LLAMA, Path("model"), threads=1)
    return engine


def test_answers_are_the_ids_that_the_server_tells() -> None:
    with serving() as server:
        answers = LLAMA.responses(opened(server).infer(PROMPTS), range(2))
    assert [row.tolist() for row in answers.rows] == [[100, 101, 102, 103]] * 2
    assert answers.tokens == [4, 4]
    assert sorted(row["prompt"] for row in server.asked) == [[5, 6], [7]]
    assert {row["max_tokens"] for row in server.asked} == {128}
    assert {row["min_tokens"] for row in server.asked} == {1}
    assert not any(row.get("stream") for row in server.asked), "nobody wants to hear of first tokens"


def test_first_tokens_are_told_for_their_queries() -> None:
    told: list[int] = []
    first = FirstTokens(lambda rows: told.extend(row[0] for row in rows), [41, 42])
    with serving() as server:
        opened(server).generate(PROMPTS, first)
    assert sorted(told) == [41, 42]
    assert all(row["stream"] for row in server.asked)


def test_what_it_cannot_do_is_said() -> None:
    with serving() as server:
        engine = opened(server)
        with pytest.raises(UserError, match="continues texts greedily, and this benchmark does not"):
            engine.adopt(GPTJ, Path("model"), threads=1)
        with pytest.raises(UserError, match="take --backend remote"):
            engine.load(Path("model"), inputs=(), outputs=(), threads=1)
    with pytest.raises(UserError, match="needs the server's address"):
        RemoteText().configure({})

"""Llama and GPT-J behind a server of OpenAI's completions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness import service
from harness.backends.remote_text import RemoteText
from harness.benchmarks.base import Adapted
from harness.benchmarks.gptj import BENCHMARK as GPTJ
from harness.benchmarks.llama31_8b import BENCHMARK as LLAMA
from harness.benchmarks.stable_diffusion_xl import BENCHMARK as SDXL
from harness.handback import FirstTokens
from harness.model import Fixture, RunRequest
from schemas.errors import UserError
from tests.harness.conftest import plain_request
from tests.harness.model_server import Server, serving

PROMPTS: list[Any] = [np.array([5, 6]), np.array([7])]


def opened(server: Server, bench: Adapted = LLAMA) -> RemoteText:
    engine = RemoteText()
    engine.configure({"url": server.url, "timeout_s": "5"})
    engine.adopt(bench, Path("model"), threads=1)
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
        with pytest.raises(UserError, match="continues texts, and this benchmark does something else"):
            engine.adopt(SDXL, Path("model"), threads=1)
        with pytest.raises(UserError, match="take --backend remote"):
            engine.load(Path("model"), inputs=(), outputs=(), threads=1)
    with pytest.raises(UserError, match="needs the server's address"):
        RemoteText().configure({})


# --- beams


def four(prompt: list[int], beams: int) -> list[list[int]]:
    """Answers of forty tokens that begin with the last one of the prompt, the best of them with itself again."""
    return [[prompt[-1]] + [prompt[-1] + n] * 39 for n in range(beams)]


def test_the_best_of_four_beams_is_the_answer() -> None:
    with serving() as server:
        server.search = four
        answers = GPTJ.responses(opened(server, GPTJ).infer(PROMPTS), range(2))
    assert [row.tolist() for row in answers] == [[6] * 40, [7] * 40]
    (asked, _) = server.asked
    wanted = {"use_beam_search": True, "n": 4, "min_tokens": 30, "max_tokens": 128}
    assert wanted.items() <= asked.items()
    assert "stream" not in asked


@pytest.mark.parametrize(
    ("search", "said"),
    [
        (None, "gave 1 different answers to a prompt with 4 beams, so it searches without them"),
        (lambda prompt, beams: [[1] * 40] * beams, "gave 1 different answers to a prompt with 4 beams"),
        (lambda prompt, beams: four(prompt, beams - 1), "gave 3 different answers"),
        (
            lambda prompt, beams: [ids[:12] for ids in four(prompt, beams)],
            "ended an answer after 12 tokens, and the benchmark wants 30 at least; take a server that knows min_tokens",
        ),
    ],
    ids=["greedy", "alike", "three", "short"],
)
def test_a_server_that_generates_otherwise_is_found_out(search: Any, said: str) -> None:
    with serving() as server:
        server.search = search
        with pytest.raises(UserError, match=said):
            opened(server, GPTJ).infer(PROMPTS)


def test_gptj_behind_a_server_scores_what_is_planted(tmp_path: Path) -> None:
    """The checkpoint of the fixture, served: accuracy and speed through LoadGen, over HTTP."""
    torch = pytest.importorskip("torch", reason="the extra torch is not installed")
    transformers = pytest.importorskip("transformers", reason="the extra generative is not installed")
    made = GPTJ.make_fixture(tmp_path / "fixture", width="small", seed=3, samples=4)
    net = transformers.AutoModelForCausalLM.from_pretrained(made.model, local_files_only=True).eval()
    end = net.config.eos_token_id

    def search(prompt: list[int], beams: int) -> list[list[int]]:
        with torch.inference_mode():
            rows = net.generate(
                torch.tensor([prompt]), **GPTJ.generation, num_return_sequences=beams, pad_token_id=end
            )
        found = [row[len(prompt) :] for row in rows.tolist()]
        return [ids[: ids.index(end) + 1] if end in ids else ids for ids in found]

    with serving() as server:
        server.search = search
        outcome = service.run(request_of(made, tmp_path / "tree", server), lambda text: None)
    assert outcome.accuracy is not None
    assert (outcome.accuracy.metric, outcome.accuracy.value) == (made.metric, made.value)
    assert all(row["n"] == 4 for row in server.asked)


def request_of(made: Fixture, tree: Path, server: Server) -> RunRequest:
    plain = plain_request(made, tree)
    return replace(
        plain,
        benchmark="gptj",
        scenario="Offline",
        backend="remote_text",
        options={"url": server.url},
        target_qps=20.0,
        rehearsal_s=0.3,
    )

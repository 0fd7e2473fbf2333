"""TEST06 from end to end: LoadGen times the tokens of a server over HTTP, and our verifier reads its log.

No round asks it of an edge system, so it is asked for by name. The model is a real server that says the same tokens to
every prompt; what each check must find is planted one at a time: by the server, or by a child that tells LoadGen
something else than it has.
"""

from __future__ import annotations

import functools
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from harness import runner, service
from harness.accuracy_log import ACCURACY_LOG
from harness.compliance.test06 import QUERIES
from harness.datasets.cnn_dailymail import TOKENIZER
from harness.extras import need
from harness.model import Fixture, RunRequest
from harness.process import ChildProcess
from harness.registry import benchmark
from schemas.errors import Failed
from schemas.rounds import load_round
from tests.harness.conftest import fetched, plain_request
from tests.harness.model_server import Server, serving

pytest.importorskip("torch", reason="the extra torch is not installed")
pytest.importorskip("transformers", reason="the extra generative is not installed")

NAME, ROUND = "llama3.1-8b-edge", "v6.1"
END = "<|eot_id|>"


@dataclass(frozen=True)
class Place:
    """A result that TEST06 is compared with, the server that made it, and what it says."""

    request: RunRequest
    server: Server
    said: list[int]
    end: int

    @property
    def test(self) -> Path:
        return next(self.request.output.rglob("TEST06"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Fixture:
    folder = tmp_path_factory.mktemp("test06") / "fixture"
    return benchmark(NAME).make_fixture(folder, width="small", seed=5, samples=4)


@pytest.fixture(scope="module")
def place(
    request: pytest.FixtureRequest, made: Fixture, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """Performance and accuracy of a server that says three syllables and the end."""
    fetched(load_round(ROUND))
    vocabulary: dict[str, int] = (
        need("tokenizers").Tokenizer.from_file(str(made.dataset / TOKENIZER)).get_vocab()
    )
    said = [*sorted(n for word, n in vocabulary.items() if word.isalpha())[:3], vocabulary[END]]
    with serving() as server:
        server.ids = said
        asked = replace(
            plain_request(made, tmp_path_factory.mktemp("place") / "tree"),
            benchmark=NAME,
            round_name=ROUND,
            scenario=request.param,
            division="closed",
            backend="remote_text",
            options={"url": server.url},
            fixture=None,
            model=made.model,
            dataset=made.dataset,
            rehearsal_s=0.3,
            # More than any machine answers over HTTP, so that none runs out of queries.
            target_latency_ms=0.5 if request.param == "SingleStream" else None,
            target_qps=1500.0 if request.param == "Offline" else None,
            tests=(),
        )
        service.run(asked, lambda text: None)
        settled = replace(asked, mode="compliance", tests=("TEST06",), rehearsal_s=None)
        settled = replace(settled, target_latency_ms=None, target_qps=None)
        yield Place(settled, server, said, vocabulary[END])


@pytest.fixture
def lying(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """``lying("first")``: children tell another first token."""

    def lie(how: str) -> None:
        monkeypatch.setenv("EDGEWATT_TEST_LIE", how)
        entry = functools.partial(ChildProcess, entry="tests.harness.lying_child")
        monkeypatch.setattr(runner, "ChildProcess", entry)

    return lie


def verdict(place: Place) -> dict[str, str]:
    """The lines of the verify file: what was looked at, and what was found."""
    lines = (place.test / "verify_accuracy.txt").read_text().splitlines()
    rows = dict(line.split(": ") for line in lines if ": " in line)
    return {**rows, "": lines[-1]}


def run(place: Place) -> None:
    """Make the test anew."""
    for old in place.request.output.rglob("TEST06"):
        shutil.rmtree(old)
    service.run(place.request, lambda text: None)


@pytest.mark.parametrize("place", ["SingleStream", "Offline"], indirect=True)
def test_an_honest_server_passes(place: Place) -> None:
    place.server.ids = place.said
    run(place)
    streams = place.request.scenario != "Offline"
    found = verdict(place)
    log: list[dict[str, Any]] = json.loads((place.test / "accuracy" / ACCURACY_LOG).read_text())
    assert int(found.pop("outputs in the log")) == len(log) >= QUERIES
    assert found == {
        "First token check pass": "True" if streams else "Skipped",
        "EOS check pass": "True",
        "Sample length check pass": "True",
        "": "TEST PASS",
    }
    assert {row["token_count"] for row in log} == {len(place.said)}


@pytest.mark.parametrize("place", ["SingleStream"], indirect=True)
@pytest.mark.parametrize(
    ("plant", "check"), [("first", "First token"), ("ends", "EOS"), ("count", "Sample length")]
)
def test_each_check_finds_what_it_is_for(
    plant: str, check: str, place: Place, lying: Callable[[str], None]
) -> None:
    """And the others find nothing."""
    place.server.ids = [*place.said, place.end] if plant == "ends" else place.said
    if plant != "ends":
        lying(plant)
    with pytest.raises(Failed, match=r"compliance did not pass: TEST06 accuracy"):
        run(place)
    wrong = {name for name, found in verdict(place).items() if found == "False"}
    assert wrong == {f"{check} check pass"}
    assert verdict(place)[""] == "TEST FAIL"

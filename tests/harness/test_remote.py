"""A model behind HTTP: the same answers as here, and every way in which a server may fail as one sentence."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from harness import oip, service
from harness.backends.remote import Remote
from harness.benchmarks.base import Tensor
from harness.completions import Completion, Completions
from harness.httpline import TOKEN_VARIABLE, HttpLine
from harness.model import Fixture, RunRequest
from schemas.errors import UserError
from tests.harness.model_server import Server, int64s, serving

INPUTS, OUTPUTS = ("input_tensor:0",), ("ArgMax:0",)
SAMPLES = np.array([[3, 1, 2, 0], [0, 0, 9, 1], [-1, 5, 4, 3]], dtype=np.float32)
CLASSES = [0, 2, 1]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``argmax`` with the names of ResNet50."""
    import onnx
    from onnx import TensorProto, helper

    node = helper.make_node("ArgMax", list(INPUTS), list(OUTPUTS), axis=1, keepdims=0)
    inputs = [helper.make_tensor_value_info(INPUTS[0], TensorProto.FLOAT, ["N", 4])]
    outputs = [helper.make_tensor_value_info(OUTPUTS[0], TensorProto.INT64, ["N"])]
    graph = helper.make_graph([node], "argmax", inputs, outputs)
    path = tmp_path_factory.mktemp("served") / "classes.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))
    return path


def remote(server: Server, **options: str) -> Remote:
    engine = Remote()
    engine.configure({"url": server.url, **options})
    engine.load(Path("classes.onnx"), inputs=INPUTS, outputs=OUTPUTS, threads=1)
    return engine


@pytest.fixture
def server(model: Path) -> Iterator[Server]:
    with serving(model) as found:
        yield found


# --- the Open Inference Protocol


@pytest.mark.parametrize("encoding", ["auto", "binary", "json"])
def test_the_answers_are_those_of_the_model(server: Server, encoding: str) -> None:
    engine = remote(server, encoding=encoding)
    for places in (slice(0, 3), slice(0, 1), slice(1, 3)):
        found = engine.infer(SAMPLES[places])
        assert [a.dtype for a in found] == [np.int64]
        assert found[0].tolist() == CLASSES[places]
    assert engine.infer({INPUTS[0]: SAMPLES})[0].tolist() == CLASSES
    assert ("parameters" in server.asked[0]["inputs"][0]) == (encoding != "json")
    assert server.connections == 1, "the connection is kept"
    engine.close()


def test_a_server_without_the_extension_is_asked_in_json(model: Path) -> None:
    with serving(model, binary=False) as server:
        assert remote(server).infer(SAMPLES)[0].tolist() == CLASSES
        assert server.asked[0]["inputs"][0]["data"] == SAMPLES.ravel().tolist()


def test_what_the_server_says_of_itself(server: Server) -> None:
    engine = remote(server)
    assert engine.tensors() == [
        Tensor("input", "input_tensor:0", "float32", (None, 4)),
        Tensor("output", "ArgMax:0", "int64", (None,)),
    ]
    assert engine.versions() == {"remote server": "small? server 1.0 onnx"}


def test_a_request_byte_for_byte() -> None:
    """By the binary tensor data extension: JSON of the given length, then the tensors one after the other."""
    found = oip.request({"a": np.array([[1, 2]]), "b": np.array([[True]])}, ("o",), binary=True)
    head = (
        b'{"inputs": [{"name": "a", "shape": [1, 2], "datatype": "INT64", "parameters": {"binary_data_size": 16}}, '
        b'{"name": "b", "shape": [1, 1], "datatype": "BOOL", "parameters": {"binary_data_size": 1}}], '
        b'"outputs": [{"name": "o", "parameters": {"binary_data": true}}]}'
    )
    assert found.body == head + int64s([1, 2]) + b"\x01"
    assert found.headers["Inference-Header-Content-Length"] == str(len(head))


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("refusal", "with status 500 (the accelerator fell off); look at the server"),
        ("silence", "did not answer POST /v2/models/classes/infer within 0.3 s"),
        ("garbage", "the server's answer is none of the Open Inference Protocol"),
        ("hang up", "cannot be asked (Remote end closed connection without response)"),
        ("rows", "answered ArgMax:0 with the shape [2] for 3 samples, wanted 3 rows"),
        ("name", "answered with the outputs other, but the benchmark needs ArgMax:0"),
        ("short", "ArgMax:0 has 23 bytes, its header speaks of 24"),
    ],
)
def test_a_server_that_fails_is_one_sentence(model: Path, fault: str, said: str) -> None:
    with serving(model, fault=fault) as server:
        engine = remote(server, timeout_s="0.3")
        with pytest.raises(UserError) as raised:
            engine.infer(SAMPLES)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_server_that_is_started_again_is_asked_again(model: Path) -> None:
    """A kept connection that the server has closed meanwhile is no error."""
    with serving(model) as server:
        engine = remote(server)
        engine._line._own.connection.sock.shutdown(socket.SHUT_WR)  # type: ignore[union-attr]
        assert engine.infer(SAMPLES)[0].tolist() == CLASSES
        assert server.connections == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "needs the server's address; give it with --option url=http://HOST:PORT"),
        ({"url": "ftp://x"}, "found the URL 'ftp://x', wanted one such as http://"),
        ({"url": "http://[x"}, "found the URL 'http://[x'"),
        ({"url": "http://h", "timeout_s": "soon"}, "timeout_s=soon: wanted seconds"),
        ({"url": "http://h", "timeout_s": "nan"}, "timeout_s=nan: wanted seconds"),
        ({"url": "http://h", "encoding": "xml"}, "encoding=xml: wanted one of auto, binary, json"),
    ],
)
def test_wrong_options(options: dict[str, str], said: str) -> None:
    with pytest.raises(UserError) as raised:
        Remote().configure(options)
    assert said in str(raised.value)


def test_loading_refuses_what_is_not_there(server: Server, model: Path) -> None:
    with pytest.raises(UserError, match=r"status 404 \(no such thing: /v2/models/a%2Fb\)"):
        remote(server, served="a/b")
    engine = Remote()
    engine.configure({"url": server.url})
    with pytest.raises(UserError, match=r"has the outputs ArgMax:0, but the benchmark needs softmax"):
        engine.load(model, inputs=INPUTS, outputs=("softmax",), threads=1)
    with (
        serving(model, fault="description") as other,
        pytest.raises(UserError, match="description of the model"),
    ):
        remote(other)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        engine.configure({"url": f"http://127.0.0.1:{nobody.getsockname()[1]}"})
        with pytest.raises(
            UserError, match=r"cannot be asked \(Connection refused\); is the server running there"
        ):
            engine.load(model, inputs=INPUTS, outputs=OUTPUTS, threads=1)


# --- completions


def line(server: Server) -> HttpLine:
    return HttpLine(server.url, 2.0)


def test_a_text_is_continued_with_its_tokens() -> None:
    with serving() as server:
        found = Completions(line(server)).complete([5, 6], most=3)
    assert (found.text, found.tokens, found.ids) == (" one two three", 3, [100, 101, 102])
    assert found.reason == "length"
    assert server.asked == [
        {"model": "writer", "prompt": [5, 6], "max_tokens": 3, "temperature": 0, "return_token_ids": True}
    ]


def test_the_first_token_is_told_before_the_others_are_there() -> None:
    told: list[tuple[float, str, list[int] | None]] = []

    def first(found: Completion) -> None:
        told.append((time.monotonic(), found.text, found.ids and list(found.ids)))

    with serving() as server:
        found = Completions(line(server), "writer").complete(
            "Say:", most=4, first=first, least=2, stop_ids=[7]
        )
        end = time.monotonic()
    assert [row[1:] for row in told] == [(" one", [100])]
    assert end - told[0][0] > 0.1, "three more came after it"
    assert (found.text, found.tokens, found.ids) == (" one two three four", 4, [100, 101, 102, 103])
    assert server.asked[0]["min_tokens"] == 2
    assert server.asked[0]["stop_token_ids"] == [7]


def test_a_stream_that_breaks_off() -> None:
    with (
        serving(fault="break") as server,
        pytest.raises(UserError, match=r"broke off its answer before \[DONE\]"),
    ):
        Completions(line(server)).complete("x", most=4, first=lambda found: None)


def test_models_are_asked_for_by_name() -> None:
    with serving() as server, pytest.raises(UserError, match="does not serve 'reader', only writer"):
        Completions(line(server), "reader")


def test_a_token_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(token="secret") as server:
        monkeypatch.delenv(TOKEN_VARIABLE, raising=False)
        with pytest.raises(
            UserError, match=f"status 401 .who are you.*set the environment variable {TOKEN_VARIABLE}"
        ):
            Completions(line(server))
        monkeypatch.setenv(TOKEN_VARIABLE, "secret")
        assert Completions(line(server)).complete("x", most=1).text == " one"


# --- a run


def test_a_run_on_a_served_model(fixture: Fixture, request_for: Callable[..., RunRequest]) -> None:
    """The fixture's own model behind HTTP: its planted accuracy comes out."""
    with serving(fixture.model) as server:
        options = {"url": server.url, "served": "classes"}
        outcome = service.run(
            request_for(backend="remote", options=options, rehearsal_s=0.5), lambda text: None
        )
    assert outcome.accuracy is not None
    assert outcome.accuracy.value == fixture.value
    record = json.loads(outcome.written.record.read_text())
    assert record["runs"]["performance"]["computing"]["options"] == options
    assert record["runs"]["performance"]["versions"]["remote server"] == "small? server 1.0 onnx"


def test_a_server_that_fails_in_a_run_ends_it_with_its_sentence(
    fixture: Fixture, request_for: Callable[..., RunRequest]
) -> None:
    with serving(fixture.model, fault="refusal") as server:
        request = request_for(backend="remote", options={"url": server.url, "served": "classes"})
        with pytest.raises(
            UserError, match=r"with status 500 \(the accelerator fell off\); look at the server"
        ):
            service.run(request, lambda text: None)
    assert not request.output.exists()

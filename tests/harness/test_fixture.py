"""The generated model and data set: the real contract, deterministic, with a planted accuracy."""

from __future__ import annotations

import filecmp
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from harness.datasets.imagenet import ImageNet, read_labels
from harness.fixtures import description
from harness.fixtures.resnet50_graph import Graph
from harness.model import Fixture
from harness.registry import backend, benchmark
from schemas import documents
from schemas.errors import UserError


def test_same_bytes_twice(fixture: Fixture, tmp_path: Path) -> None:
    again = benchmark("resnet50").make_fixture(
        tmp_path / "again", width="small", seed=fixture.seed, samples=fixture.samples
    )
    names = sorted(p.relative_to(fixture.path) for p in fixture.path.rglob("*") if p.is_file())
    assert len(names) == fixture.samples + 3
    assert filecmp.cmpfiles(fixture.path, again.path, names, shallow=False)[0] == names


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("batch", [1, 5])
def test_planted_accuracy_comes_out_with_any_threads_and_batch(
    fixture: Fixture, threads: int, batch: int
) -> None:
    bench, engine = benchmark("resnet50"), backend("onnxruntime")
    engine.load(fixture.model, inputs=bench.inputs, outputs=bench.outputs, threads=threads)
    data, labels = ImageNet(fixture.dataset), read_labels(fixture.dataset)
    answers = []
    for begin in range(0, len(data), batch):
        images = np.stack([data.load(i) for i in range(begin, min(begin + batch, len(data)))])
        answers += np.asarray(bench.responses(engine.infer(images), [])).astype(int)[:, 0].tolist()
    good = sum(a == label for a, (_, label) in zip(answers, labels, strict=True))
    assert 100.0 * good / len(labels) == fixture.value
    assert len(set(answers)) > len(answers) // 2, "the network must answer diverse classes"
    assert min(answers) >= 0


def test_names_and_shapes_are_those_of_the_benchmark(fixture: Fixture) -> None:
    import onnx

    graph = onnx.load(fixture.model).graph
    onnx.checker.check_model(str(fixture.model))

    def shape(value: onnx.ValueInfoProto) -> list[object]:
        return [d.dim_value or d.dim_param for d in value.type.tensor_type.shape.dim]

    assert [(i.name, shape(i)) for i in graph.input] == [("input_tensor:0", ["N", 3, 224, 224])]
    outputs = {o.name: (o.type.tensor_type.elem_type, shape(o)) for o in graph.output}
    assert outputs == {
        "ArgMax:0": (onnx.TensorProto.INT64, ["N"]),
        "softmax_tensor:0": (onnx.TensorProto.FLOAT, ["N", 1001]),
    }


def test_full_width_has_the_real_number_of_parameters() -> None:
    graph = Graph(64, np.random.default_rng(0))
    graph.set_last_layer(np.random.default_rng(1).normal(size=(40, graph.channels)), np.random.default_rng(2))
    assert graph.channels == 2048
    assert graph.parameters == 25_559_081


def test_description_is_read_back_and_keeps_its_schema(fixture: Fixture) -> None:
    assert description.read(fixture.path) == fixture
    document = json.loads((fixture.path / "fixture.json").read_text())
    assert list(documents.violations("fixture", document)) == []
    assert 76.46 <= document["accuracy"]["value"] < 100.0


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"benchmark": 1}'])
def test_garbled_description(tmp_path: Path, text: str) -> None:
    (tmp_path / "fixture.json").write_text(text)
    with pytest.raises(UserError, match="is not a fixture description"):
        description.read(tmp_path)


def test_make_fixture_refuses_a_full_folder(
    program: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    (tmp_path / "mine.txt").write_text("keep me")
    code, out, err = program("make-fixture", "resnet50", tmp_path)
    assert (code, out) == (2, "")
    assert "is not empty" in err
    assert (tmp_path / "mine.txt").read_text() == "keep me"


def test_make_fixture_where_no_folder_can_be_made_is_one_sentence(
    program: Callable[..., tuple[int, str, str]],
) -> None:
    code, out, err = program("make-fixture", "resnet50", "/proc/fixture")
    assert (code, out) == (2, "")
    assert "/proc/fixture cannot be made" in err


def test_make_fixture_prints_the_arguments_for_run(
    program: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    code, out, err = program("make-fixture", "resnet50", tmp_path / "f", "--images", 8)
    assert code == 0
    assert shlex.split(err)[:3] == ["mlharness", "run", "resnet50"]
    assert out.split() == [
        "resnet50",
        "--model",
        str(tmp_path / "f" / "resnet50_v1.onnx"),
        "--dataset",
        str(tmp_path / "f" / "imagenet"),
    ]


def test_make_fixture_prints_on_a_terminal_a_command_that_can_be_pasted(tmp_path: Path) -> None:
    """Narrower than the command: a terminal breaks lines itself, and they are copied in one piece."""
    ours, theirs = os.openpty()
    subprocess.run(
        [sys.executable, "-m", "harness.cli", "make-fixture", "mobilenet", "my fixture", "--images", "8"],
        check=True, cwd=tmp_path, stdout=theirs, env={**os.environ, "COLUMNS": "40"},
    )  # fmt: skip
    os.close(theirs)
    said = os.read(ours, 65536).decode()
    assert said == (
        "mlharness run mobilenet --scenario SingleStream --fixture 'my fixture' --rehearsal 5 "
        "--output 'my fixture-practice'\r\n"
    )

"""LiteRT by hand: layouts, scales, batches and names, on TFLite files written here; then whole runs of classifiers."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from checker.api import check
from harness import extras, service
from harness.backends.base import Describing
from harness.backends.litert import LiteRt
from harness.datasets.imagenet import read_labels
from harness.fixtures.mobilenet import MODEL_NAME
from harness.fixtures.tflite import Classifier, Graph, Scale
from harness.model import Fixture, RunRequest
from harness.registry import backend, benchmark
from schemas.errors import UserError
from tests.harness.conftest import plain_request

pytest.importorskip("ai_edge_litert", reason="LiteRT is not installed (make .venv/.runtimes)")


def tiny() -> Classifier:
    """4×4 images in four fields: class 1 for red on the upper left, class 2 for blue on the lower right."""
    weight = np.zeros((3, 12), dtype=np.float32)
    weight[1, 0], weight[2, 11] = 1.0, 2.0
    return Classifier(4, 2, weight, np.array([0.25, 0.0, 0.0], dtype=np.float32))


def image(row: int, column: int, colour: int, value: float = 1.0) -> np.ndarray:
    """Black but for one field in one colour, colours first."""
    made = np.zeros((3, 4, 4), dtype=np.float32)
    made[colour, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2] = value
    return made


def opened(
    path: Path, data: bytes, inputs: tuple[str, ...] = ("x:0",), outputs: tuple[str, ...] = ("y:0",)
) -> LiteRt:
    path.write_bytes(data)
    engine = LiteRt()
    engine.load(path, inputs=inputs, outputs=outputs, threads=1)
    return engine


@pytest.mark.parametrize("quantised", [False, True])
def test_colours_first_and_scales(tmp_path: Path, quantised: bool) -> None:
    """Logits by hand: 0.25, red of the first field, twice blue of the last; the softmax of them comes out as real
    numbers, to a 256th where it is stored in one byte."""
    data = tiny().to_bytes("x", "y", most=4.0 if quantised else None)
    engine = opened(tmp_path / "m.tflite", data)
    batch = np.stack([image(0, 0, 0), image(1, 1, 2, 0.5), image(0, 1, 0), image(0, 0, 2)])
    (made,) = engine.infer(batch)
    assert made.dtype == np.float32
    logits = np.array([[0.25, 1, 0], [0.25, 0, 1], [0.25, 0, 0], [0.25, 0, 0]])
    wanted = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert np.abs(made - wanted).max() < (0.01 if quantised else 1e-6)
    assert np.array_equal(engine.infer(batch.transpose(0, 2, 3, 1))[0], made), (
        "colours last are taken as they are"
    )
    assert isinstance(engine, Describing)
    assert [str(t) for t in engine.tensors()] == ["x:0 float32 [N,4,4,3]", "y:0 float32 [N,3]"]


def test_any_batch(tmp_path: Path) -> None:
    engine = opened(tmp_path / "m.tflite", tiny().to_bytes("x", "y"))
    images = np.stack([image(n % 2, n // 2 % 2, n % 3) for n in range(7)])
    single = np.concatenate([engine.infer(images[n : n + 1])[0] for n in range(7)])
    for size in (7, 2, 5, 1):
        assert np.array_equal(engine.infer(images[:size])[0], single[:size])


def test_a_model_of_one_sample_is_called_for_each(tmp_path: Path) -> None:
    """Its reshape says one row, as converters write it when the batch was fixed."""
    graph = Graph()
    start = graph.tensor("x", "float32", (1, 2, 3))
    form = graph.tensor("form", "int32", (2,), data=np.array([1, 6]))
    graph.operator(
        "RESHAPE", [start, form], graph.tensor("y", "float32", (1, 6)), {0: np.array([1, 6], np.int32)}
    )
    engine = opened(tmp_path / "m.tflite", graph.to_bytes())
    batch = np.arange(18, dtype=np.float32).reshape(3, 2, 3)
    assert np.array_equal(engine.infer(batch)[0], batch.reshape(3, 6))
    assert np.array_equal(engine.infer(batch[:1])[0], batch[:1].reshape(1, 6))
    assert np.array_equal(engine.infer(batch)[0], batch.reshape(3, 6))


def test_names(tmp_path: Path) -> None:
    """The only input and output are taken whatever their names; of several, the names count without ``:0``."""
    data = tiny().to_bytes("serving_default_image", "StatefulPartitionedCall")
    engine = opened(tmp_path / "m.tflite", data, ("image:0",), ("classes:0",))
    assert [t.name for t in engine.tensors()] == ["image:0", "classes:0"]
    with pytest.raises(
        UserError, match=r"has the outputs StatefulPartitionedCall, but the benchmark needs a:0, b:0"
    ):
        opened(tmp_path / "m.tflite", data, ("image:0",), ("a:0", "b:0"))


def test_stored_values_by_hand() -> None:
    scale = Scale(0.5, 10)
    values = np.array([0.0, 0.2, 0.26, 1.0, 200.0, -200.0], dtype=np.float32)
    assert scale.stored(values, "uint8").tolist() == [10, 10, 11, 12, 255, 0]


def test_data_types_are_read_from_the_file(tmp_path: Path) -> None:
    for most, kind in ((None, "fp32"), (4.0, "uint8")):
        path = tmp_path / f"{kind}.tflite"
        path.write_bytes(tiny().to_bytes("x", "y", most=most))
        assert LiteRt().data_types(path) == {"input_data_types": kind, "weight_data_types": kind}


def test_what_is_no_model(tmp_path: Path) -> None:
    data = tiny().to_bytes("x", "y")
    with pytest.raises(UserError, match=r"m\.tflite is not a TFLite file"):
        opened(tmp_path / "m.tflite", b"\x08\x07" + bytes(200))
    with pytest.raises(UserError, match="is not a TFLite file"):
        opened(tmp_path / "m.tflite", b"")
    with pytest.raises(UserError, match=r"m\.tflite cannot be opened by LiteRT"):
        opened(tmp_path / "m.tflite", data[: len(data) // 2])
    engine = opened(tmp_path / "m.tflite", data)
    with pytest.raises(UserError, match=r"the model takes x of \[4, 4, 3\], and a sample is \[3, 8, 8\]"):
        engine.infer(np.zeros((1, 3, 8, 8), dtype=np.float32))


@pytest.fixture(scope="module")
def mobilenet(tmp_path_factory: pytest.TempPathFactory) -> Fixture:
    folder = tmp_path_factory.mktemp("litert") / "mobilenet"
    return benchmark("mobilenet").make_fixture(folder, width="small", seed=5, samples=24)


@pytest.mark.parametrize("width", ["small", "full"])
def test_the_three_forms_of_a_fixture_answer_alike(mobilenet: Fixture, tmp_path: Path, width: str) -> None:
    bench = benchmark("mobilenet")
    made = mobilenet
    if width == "full":
        made = bench.make_fixture(tmp_path / "f", width=width, seed=5, samples=24)
    data = bench.dataset(made.dataset)
    batch: Any = np.stack([np.asarray(data.load(n)) for n in range(len(data))])
    found = []
    for name, runtime in ((".onnx", "onnxruntime"), (".tflite", "litert"), ("_quant.tflite", "litert")):
        engine = backend(runtime)
        engine.load(made.path / f"{MODEL_NAME}{name}", inputs=bench.inputs, outputs=bench.outputs, threads=1)
        found.append(np.asarray(bench.responses(engine.infer(batch), range(len(data)))))
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[0], found[2])
    assert len(np.unique(found[0])) == 12


def litert_request(made: Fixture, model: Path, tree: Path, **changes: Any) -> RunRequest:
    return replace(
        plain_request(made, tree),
        benchmark=made.benchmark,
        backend="litert",
        model=model,
        rehearsal_s=0.3,
        scenario="Offline",
        **changes,
    )


def test_quantised_run_gives_the_planted_accuracy(mobilenet: Fixture, tmp_path: Path) -> None:
    """In the open division, in a directory that the round reads as ``resnet``, synthetic as the record says."""
    tree, model = tmp_path / "tree", mobilenet.path / f"{MODEL_NAME}_quant.tflite"
    outcome = service.run(litert_request(mobilenet, model, tree), lambda text: None)
    assert outcome.accuracy is not None
    assert outcome.accuracy.value == mobilenet.value
    record = json.loads(outcome.written.record.read_text())
    assert record["synthetic"]["dataset"] == "24 generated samples (seed 5)"
    measurements = json.loads(next(outcome.written.record.parent.glob("bench_*.json")).read_text())
    assert measurements["starting_weights_filename"] == model.name
    assert (measurements["input_data_types"], measurements["weight_data_types"]) == ("uint8", "uint8")
    report = check(tree, rehearsal=True)
    assert report.valid
    assert [(r.place.benchmark, r.place.scenario) for r in report.results] == [("mobilenet", "Offline")]


def test_resnet50_runs_with_litert(tmp_path: Path) -> None:
    """A network with ResNet50's names in TFLite form; the pixels are those of ResNet50, so its labels are planted from
    its own answers, and one of them is wrong."""
    bench, folder = benchmark("resnet50"), tmp_path / "data"
    made = benchmark("mobilenet").make_fixture(tmp_path / "f", width="small", seed=5, samples=8)
    made.dataset.rename(folder)
    rng = np.random.default_rng(1)
    weight, bias = rng.normal(size=(1001, 147)).astype(np.float32), np.zeros(1001, dtype=np.float32)
    model = tmp_path / "resnet50.tflite"
    model.write_bytes(Classifier(224, 32, weight, bias).to_bytes("input_tensor", "ArgMax", places=True))
    engine = backend("litert")
    engine.load(model, inputs=bench.inputs, outputs=bench.outputs, threads=1)
    data = bench.dataset(folder)
    batch: Any = np.stack([np.asarray(data.load(n)) for n in range(8)])
    answers = np.asarray(bench.responses(engine.infer(batch), range(8)))[:, 0].astype(int).tolist()
    names = sorted(p.name for p in folder.glob("*.JPEG"))
    labels = [999 - a if n == 3 else a for n, a in enumerate(answers)]
    (folder / "val_map.txt").write_text("".join(f"{n} {a}\n" for n, a in zip(names, labels, strict=True)))
    read_labels.cache_clear()
    request = replace(
        litert_request(replace(made, benchmark="resnet50"), model, tmp_path / "tree"),
        fixture=None,
        dataset=folder,
        mode="accuracy",
    )
    outcome = service.run(request, lambda text: None)
    assert outcome.accuracy is not None
    assert (outcome.accuracy.value, outcome.accuracy.total) == (87.5, 8)


def test_only_the_models_of_a_fixture(
    mobilenet: Fixture, tmp_path: Path, program: Callable[..., Any]
) -> None:
    arguments = [
        "run",
        "mobilenet",
        "--scenario",
        "Offline",
        "--fixture",
        mobilenet.path,
        "--output",
        tmp_path / "t",
    ]
    code, _, said = program(*arguments, "--model", tmp_path / "other.onnx")
    assert code == 2
    assert (
        f"one of the fixture's own models: {MODEL_NAME}.onnx, {MODEL_NAME}.tflite, {MODEL_NAME}_quant.tflite"
        in said
    )
    code, _, said = program(*arguments, "--dataset", tmp_path)
    assert code == 2
    assert "leave out --model and --dataset" in said


def test_an_onnx_file_is_refused_before_a_run(
    mobilenet: Fixture, tmp_path: Path, program: Callable[..., Any]
) -> None:
    arguments = [
        "--fixture",
        mobilenet.path,
        "--backend",
        "litert",
        "--output",
        tmp_path / "t",
        "--rehearsal",
        1,
    ]
    code, _, said = program("run", "mobilenet", "--scenario", "Offline", *arguments)
    assert code == 2
    assert ".onnx is not a TFLite file; give one with --model" in said
    assert not (tmp_path / "t").exists()


def test_without_litert_nothing_begins(
    mobilenet: Fixture, tmp_path: Path, program: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    there = extras.is_there
    monkeypatch.setattr(extras, "is_there", lambda module: module != "ai_edge_litert" and there(module))
    arguments = ["--fixture", mobilenet.path, "--backend", "litert", "--output", tmp_path / "t"]
    code, _, said = program("run", "mobilenet", "--scenario", "Offline", *arguments)
    assert code == 2
    assert "ai-edge-litert is not installed; install it with: pip install 'edgewatt[litert]'" in said
    assert not list(tmp_path.iterdir())

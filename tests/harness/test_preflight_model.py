"""What preflight finds of model and data: spoilt ones, and the fixture itself."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness import run_times
from harness.checks import (
    dataset,
    model,
    run_length,
)
from harness.checks.base import Situation
from harness.model import Fixture
from harness.probe import Probe
from harness.registry import benchmark
from tests.harness.situations import found, only, says, with_work


@pytest.fixture
def data(fixture: Fixture, tmp_path: Path) -> Path:
    """A copy of the fixture's data set, to be spoilt."""
    copy = tmp_path / "data"
    shutil.copytree(fixture.dataset, copy)
    return copy


def test_whole_fixture(bare: Situation, fixture: Fixture) -> None:
    situation = replace(with_work(bare, fixture.model, fixture.dataset), fixture=fixture)
    opened, number = found(dataset, situation)
    says(opened, "ok", "all 32 files open")
    says(number, "warn", "32 synthetic samples", "rehearsal")


def test_a_part_of_the_set(bare: Situation, fixture: Fixture) -> None:
    number = found(dataset, with_work(bare, fixture.model, fixture.dataset))[-1]
    says(number, "fail", "32 samples, less than the 1024", "50000 samples")


def test_missing_image(bare: Situation, fixture: Fixture, data: Path) -> None:
    (data / "ILSVRC2012_val_00000005.JPEG").unlink()
    says(
        only(dataset, with_work(bare, fixture.model, data)),
        "fail",
        "1 of the 32 images",
        "ILSVRC2012_val_00000005.JPEG",
        "copy them there",
    )


def test_empty_image(bare: Situation, fixture: Fixture, data: Path) -> None:
    (data / "ILSVRC2012_val_00000005.JPEG").write_bytes(b"")
    says(found(dataset, with_work(bare, fixture.model, data))[0], "fail", "00000005.JPEG is empty", "again")


def test_no_data_set(bare: Situation, fixture: Fixture, tmp_path: Path) -> None:
    says(only(dataset, bare), "warn", "--dataset")
    says(only(dataset, with_work(bare, fixture.model, tmp_path / "nowhere")), "fail", "val_map.txt")


def test_image_that_is_no_image_shows_when_it_is_decoded(
    bare: Situation, fixture: Fixture, data: Path
) -> None:
    for path in data.glob("*.JPEG"):
        path.write_bytes(b"not an image")
    says(only(model, with_work(bare, fixture.model, data)), "fail", "cannot be decoded", "copy the image")


def test_model_that_fits(bare: Situation, fixture: Fixture) -> None:
    situation = with_work(bare, fixture.model, fixture.dataset, "SingleStream", "Offline")
    says(only(model, situation), "ok", "those of the benchmark", "onnxruntime")
    assert situation.probe is not None
    assert set(situation.probe.measured) == {1, 32}
    assert situation.probe.sample_bytes == 3 * 224 * 224 * 4


def test_a_large_model_is_not_waited_for(bare: Situation, fixture: Fixture) -> None:
    """24 GB take longer to open than this look may last; that is no fault of the model."""
    situation = with_work(bare, fixture.model, fixture.dataset)
    slow = replace(situation, benchmark=benchmark("gptj"))
    slow.__dict__["broken"] = None
    slow.__dict__["probe"] = Probe(fault="nothing was completed for 18 s", late=True)
    command = (
        f"mlharness run gptj --scenario SingleStream --model {fixture.model} --dataset {fixture.dataset} "
    )
    command += "--backend onnxruntime --rehearsal 60 --output practice"
    says(only(model, slow), "warn", "not opened within the 18 s", f"measure it by `{command}`")
    situation.__dict__["probe"] = Probe(fault="nothing was completed for 18 s", late=True)
    says(only(model, situation), "fail", "nothing was completed")


def test_truncated_model(bare: Situation, fixture: Fixture, tmp_path: Path) -> None:
    broken = tmp_path / "broken.onnx"
    content = fixture.model.read_bytes()
    broken.write_bytes(content[: len(content) // 2])
    situation = with_work(bare, broken, fixture.dataset)
    says(only(model, situation), "fail", "broken.onnx cannot be opened by ONNX Runtime", "give an ONNX file")
    says(only(run_length, situation), "warn", "nothing was measured", "put right")
    assert run_times.runs(situation) == ()


def test_no_model_file(bare: Situation, fixture: Fixture, tmp_path: Path) -> None:
    says(only(model, bare), "warn", "--model")
    says(
        only(model, with_work(bare, tmp_path / "none.onnx", fixture.dataset)),
        "fail",
        "there is no model file",
        "--model",
    )


def reshaped(fixture: Fixture, path: Path, change: Callable[[object], None]) -> Path:
    import onnx

    graph = onnx.load(fixture.model)
    change(graph.graph)
    onnx.save(graph, path)
    return path


def test_wrong_input_shape(bare: Situation, fixture: Fixture, tmp_path: Path) -> None:
    def larger(graph: object) -> None:
        for dim in graph.input[0].type.tensor_type.shape.dim[2:]:  # type: ignore[attr-defined]
            dim.dim_value = 256
        del graph.value_info[:]  # type: ignore[attr-defined]

    path = reshaped(fixture, tmp_path / "large.onnx", larger)
    first = found(model, with_work(bare, path, fixture.dataset))[0]
    says(first, "fail", "input_tensor:0 float32 [N,3,256,256]", "input_tensor:0 float32 [N,3,224,224]")


def test_fixed_batch_shows_in_the_scenarios_that_need_a_larger_one(
    bare: Situation, fixture: Fixture, tmp_path: Path
) -> None:
    def one(graph: object) -> None:
        graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1  # type: ignore[attr-defined]

    path = reshaped(fixture, tmp_path / "one.onnx", one)
    says(only(model, with_work(bare, path, fixture.dataset, "SingleStream")), "ok")
    says(only(model, with_work(bare, path, fixture.dataset, "MultiStream")), "fail", "could not be run")


def test_differences_of_type_and_name(bare: Situation) -> None:
    wanted = bare.benchmark.tensors  # type: ignore[attr-defined]
    image, answer = wanted
    other = (replace(image, dtype="float16"), replace(answer, name="softmax_tensor:0"))
    first, second = model.differences(wanted, other)
    assert "float16" in first[0]
    assert second == ("the outputs are softmax_tensor:0", "an output ArgMax:0 int64 [N]")
    assert list(model.differences(wanted, (*wanted, replace(answer, name="more")))) == []

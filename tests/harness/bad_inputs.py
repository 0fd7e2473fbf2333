"""What can be wrong with a model and a data set, whichever benchmark they are for: copies with one thing spoilt."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from harness.benchmarks.base import Benchmark, OfFiles, Tensor
from harness.model import Fixture

DTYPES = {"float32": "FLOAT", "int64": "INT64", "int32": "INT32", "uint8": "UINT8", "float16": "FLOAT16"}


def copied(source: Path, place: Path) -> Path:
    """A file or a folder with all that is in it."""
    if source.is_dir():
        shutil.copytree(source, place)
    else:
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, place)
    return place


def samples(bench: Benchmark, dataset: Path) -> list[Path]:
    """The files of the samples, as the data set names them."""
    found = bench.dataset(dataset)
    assert isinstance(found, OfFiles)
    return [p for p in found.files() if p.is_relative_to(dataset)]


def without_a_sample(bench: Benchmark, made: Fixture, place: Path) -> Path:
    """The data set without one of its samples."""
    data = copied(made.dataset, place)
    samples(bench, data)[0].unlink()
    return data


def annotations(bench: Benchmark, made: Fixture) -> list[Path]:
    """Files of a data set that tell of its samples, by their path in it; a file read for all samples is one of them."""
    own = samples(bench, made.dataset)
    single = {p for p in own if own.count(p) == 1} if len(set(own)) > 1 else set()
    files = [p for p in sorted(made.dataset.rglob("*")) if p.is_file() and p not in single]
    return [p.relative_to(made.dataset) for p in files]


def is_table(path: Path) -> bool:
    """A JSON object of texts, of which none at all is a lawful one, such as the spellings of a normaliser."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return False
    return isinstance(found, dict) and all(isinstance(v, str) for v in found.values())


def spoilt(made: Fixture, name: Path, content: bytes, place: Path) -> Path:
    """The data set with other words in one of its files."""
    data = copied(made.dataset, place)
    (data / name).write_bytes(content)
    return data


def cut(made: Fixture, place: Path) -> Path:
    """The model with its largest file cut in half."""
    model = copied(made.model, place / made.model.name)
    files = [p for p in model.rglob("*") if p.is_file()] if model.is_dir() else [model]
    largest = max(files, key=lambda p: p.stat().st_size)
    largest.write_bytes(largest.read_bytes()[: largest.stat().st_size // 2])
    return model


def misshapen(tensors: tuple[Tensor, ...], path: Path) -> Path:
    """A model with the names and types of a contract and one more length in each tensor."""
    import onnx
    from onnx import TensorProto, helper

    path.parent.mkdir(parents=True, exist_ok=True)

    def info(tensor: Tensor) -> onnx.ValueInfoProto:
        shape = ["N" if n is None else n + 1 for n in tensor.shape] + [2]
        return helper.make_tensor_value_info(tensor.name, getattr(TensorProto, DTYPES[tensor.dtype]), shape)

    inputs = [t for t in tensors if t.kind == "input"]
    outputs = [t for t in tensors if t.kind == "output"]
    ends = [info(t) for t in inputs], [info(t) for t in outputs]
    graph = helper.make_graph(list(_nodes(inputs, outputs)), "misshapen", *ends)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))
    return path


def _nodes(inputs: list[Tensor], outputs: list[Tensor]) -> Iterator[object]:
    """Each output is something with its own number of dimensions: a runtime refuses a graph that cannot be."""
    from onnx import TensorProto, helper

    for number, tensor in enumerate(outputs):
        kind = getattr(TensorProto, DTYPES[tensor.dtype])
        shape = [1 if n is None else n + 1 for n in tensor.shape] + [2]
        length = f"shape{number}"
        value = helper.make_tensor(f"v{number}", TensorProto.INT64, [len(shape)], shape)
        yield helper.make_node("Constant", [], [length], value=value)
        zero = helper.make_tensor(f"z{number}", kind, [1], [0])
        yield helper.make_node("ConstantOfShape", [length], [tensor.name], value=zero)


def kinds(made: Fixture) -> list[Path]:
    """One file of each kind of a data set (folder, and name without digits), by its path in it: the first of each."""
    found: dict[str, Path] = {}
    for path in sorted(p.relative_to(made.dataset) for p in made.dataset.rglob("*") if p.is_file()):
        found.setdefault(re.sub(r"\d+", "", str(path)), path)
    return list(found.values())


EDITS: dict[str, Callable[[bytes], bytes | None]] = {
    "gone": lambda content: None,
    "empty": lambda content: b"",
    "cut": lambda content: content[: len(content) // 2],
    "garbage": lambda content: b"\x00\xff nothing of use",
    "other": lambda content: b"{}",
}
"""What one file may hold instead; None: it is not there."""


def edited(dataset: Path, name: Path, edit: str, place: Path) -> Path:
    """The data set with one of these edits; its other files are the same ones, because some are large."""
    shutil.copytree(dataset, place, copy_function=os.link)
    content = EDITS[edit]((place / name).read_bytes())
    (place / name).unlink()
    if content is not None:
        (place / name).write_bytes(content)
    return place

"""What the user gave as model and data set: is it there, and of the form that the benchmark wants."""

from __future__ import annotations

from pathlib import Path

from harness.benchmarks.base import Adapted, Benchmark, traits
from schemas.errors import UserError

_PLACE = {"file": "FILE", "folder": "FOLDER", "either": "PATH"}


def options(bench: Benchmark) -> str:
    """The options that name model and data set, each with what it wants."""
    forms = traits(bench)
    return f"--model {_PLACE[forms.model]} and --dataset {_PLACE[forms.dataset]}"


def refuse_model(bench: Benchmark, model: Path) -> None:
    """``UserError`` for a model that is not there, is of the wrong form, or is seen to be broken at a glance."""
    form, about = traits(bench).model, traits(bench).model_about or "a checkpoint"
    if form == "file" and not model.is_file():
        raise UserError(f"there is no model file {model}; give the path of an ONNX file with --model")
    if form == "folder" and not model.is_dir():
        raise UserError(f"there is no folder {model}; give {about} with --model")
    if not model.exists():
        raise UserError(f"there is no {model}; give {about} with --model")
    if isinstance(bench, Adapted):
        bench.refuse(model)


def refuse_dataset(bench: Benchmark, dataset: Path) -> None:
    """``UserError`` for a data set that is not there or of the wrong form."""
    form = traits(bench).dataset
    if form == "folder" and not dataset.is_dir():
        raise UserError(f"there is no folder {dataset}; give the folder of the data set with --dataset")
    if form == "file" and not dataset.is_file():
        raise UserError(f"there is no file {dataset}; give the file of the data set with --dataset")
    if not dataset.exists():
        raise UserError(f"there is no {dataset}; give the data set with --dataset")

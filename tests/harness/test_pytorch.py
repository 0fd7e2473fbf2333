"""PyTorch as a runtime of tensors in and out: TorchScript and torch.export, and what it says of other files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from harness.backends.pytorch import PyTorch
from harness.registry import backend, needs_of, precision_for
from schemas.errors import UserError

pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")  # people have such files


class Line(torch.nn.Module):
    """Twice the first input plus the second, and their sum."""

    def __init__(self) -> None:
        super().__init__()
        self.twice = torch.nn.Parameter(torch.tensor(2.0))

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.twice * x + y, (x + y).sum(dim=1)


X = np.array([[1.0, 2.0], [3.0, 4.0]], dtype=np.float32)
Y = np.array([[10.0, 20.0], [30.0, 40.0]], dtype=np.float32)


@pytest.fixture(params=["script.pt", "exported.pt2"])
def model(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path: Path = tmp_path / request.param
    example = (torch.zeros(2, 2), torch.zeros(2, 2))
    if path.suffix == ".pt2":
        free = {0: torch.export.Dim("N", min=1, max=64)}
        torch.export.save(torch.export.export(Line(), example, dynamic_shapes=(free, free)), path)
    else:
        torch.jit.save(torch.jit.trace(Line(), example), str(path))
    return path


def loaded(model: Path, precision: str = "fp32") -> Any:
    engine = PyTorch()
    engine.precision = precision
    engine.load(model, inputs=("x", "y"), outputs=("line", "sum"), threads=1)
    return engine


def test_arrays_go_in_by_name_and_come_out_in_order(model: Path) -> None:
    line, total = loaded(model).infer({"y": Y, "x": X})
    assert line.tolist() == [[12.0, 24.0], [36.0, 48.0]]
    assert total.tolist() == [33.0, 77.0]


def test_a_batch_of_another_size(model: Path) -> None:
    line, _ = loaded(model).infer({"x": np.vstack([X, X, X]), "y": np.vstack([Y, Y, Y])})
    assert line.shape == (6, 2)


def test_half_precision_rounds_and_gives_single_precision(model: Path) -> None:
    x = np.array([[1.001, 0.0]], dtype=np.float32)
    line, _ = loaded(model, "bf16").infer({"x": x, "y": np.zeros_like(x)})
    assert line.dtype == np.float32
    assert line[0, 0] == 2.0


@pytest.mark.parametrize("name", ["no.pt", "no.pt2"])
def test_a_file_that_is_none_of_its(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"not a model")
    with pytest.raises(UserError, match=r"cannot be opened by PyTorch .*; give a file of TorchScript"):
        loaded(tmp_path / name)


def test_a_gpu_that_is_not_there(model: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has one")
    with pytest.raises(UserError, match="finds no CUDA device"):
        backend("pytorch_cuda").load(model, inputs=("x", "y"), outputs=("line", "sum"), threads=1)


def test_what_it_needs_and_offers() -> None:
    from harness.benchmarks.bert import BENCHMARK as BERT
    from harness.benchmarks.llama31_8b import BENCHMARK as LLAMA

    assert needs_of("pytorch") == ("torch",)
    assert precision_for(LLAMA, "pytorch", None) == "bf16"
    assert precision_for(BERT, "pytorch", None) == "fp32"
    assert precision_for(BERT, "onnxruntime", None) is None
    with pytest.raises(UserError, match="computes as the model says; leave out --precision"):
        precision_for(BERT, "onnxruntime", "fp16")

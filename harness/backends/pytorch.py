"""PyTorch on the processor: files of TorchScript and ``torch.export``, and models that a benchmark opens itself.

A file must give its outputs in the order of the benchmark (a tensor, a tuple or list of tensors, or a mapping with the
benchmark's names). A checkpoint in the form of ``save_pretrained`` is opened by the benchmark (``Adapted``). Nothing
here or there asks a network: the libraries are told to be offline.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.benchmarks.base import Setting
from harness.extras import need
from schemas.errors import UserError

if TYPE_CHECKING:
    from harness.benchmarks.base import Adapted, Batch, First, Outputs, Program

DTYPES = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "DIFFUSERS_OFFLINE")
EXPORTED = ".pt2"
"""Ending of a file of ``torch.export``; everything else is read as TorchScript."""


class PyTorch:
    """A model executed by PyTorch."""

    name = "pytorch"
    compute = "cpu"
    needs = ("torch",)
    precisions = tuple(DTYPES)
    device = "cpu"

    def __init__(self) -> None:
        self.precision = "fp32"
        self._program: Program | None = None

    def load(self, model: Path, *, inputs: Sequence[str], outputs: Sequence[str], threads: int) -> None:
        """Open a file of TorchScript or ``torch.export``."""
        torch = self._prepare(threads)
        dtype = getattr(torch, DTYPES[self.precision])
        try:
            if model.suffix == EXPORTED:
                module = torch.export.load(model).module()
            else:
                module = torch.jit.load(str(model), map_location=self.device).eval()
            if self.precision != "fp32":
                module = module.to(dtype)
        except Exception as error:
            raise UserError(
                f"{model} cannot be opened by PyTorch ({_reason(error)}); give a file of TorchScript, "
                f"or one of torch.export that ends with {EXPORTED}"
            ) from error
        self._program = _calling(torch, module, tuple(inputs), tuple(outputs), self.device, dtype)

    def adopt(self, bench: Adapted, model: Path, *, threads: int) -> None:
        """Have the benchmark open its model."""
        self._prepare(threads)
        try:
            self._program = bench.program(model, Setting(DTYPES[self.precision], self.device))
        except UserError:
            raise
        except MemoryError:
            raise UserError(f"there is not enough memory to open {model}; take --precision bf16") from None
        except Exception as error:
            raise UserError(
                f"{model} cannot be opened by PyTorch ({_reason(error)}); copy the checkpoint again"
            ) from error

    def _prepare(self, threads: int) -> Any:
        """PyTorch with its threads set, and every library that comes after it offline."""
        for name in OFFLINE:
            os.environ[name] = "1"
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        torch = need("torch")
        torch.set_num_threads(threads)
        torch.set_grad_enabled(False)
        if self.device != "cpu" and not torch.cuda.is_available():
            raise UserError("PyTorch finds no CUDA device; look at nvidia-smi, or take another --backend")
        return torch

    def infer(self, batch: Batch) -> Outputs:
        """Run one batch."""
        return self.generate(batch, lambda places, tokens: None)

    def generate(self, batch: Batch, first: First) -> Outputs:
        """Run one batch; ``first`` is told of first tokens as soon as they are there."""
        assert self._program is not None
        need("torch").set_grad_enabled(False)  # a setting of each thread
        return self._program(batch, first)

    def close(self) -> None:
        """Let go of the model."""
        self._program = None

    def versions(self) -> Mapping[str, str]:
        """The runtime's version."""
        return {"torch": str(need("torch").__version__)}


def _calling(
    torch: Any, module: Any, inputs: tuple[str, ...], outputs: tuple[str, ...], device: str, dtype: Any
) -> Program:
    """A module of tensors as a program of arrays."""
    import numpy as np

    def tensor(array: Any) -> Any:
        made = torch.from_numpy(np.ascontiguousarray(array)).to(device)
        return made.to(dtype) if made.is_floating_point() else made

    def array(made: Any) -> Any:
        plain = made.detach().cpu()
        return (plain.float() if plain.dtype in (torch.bfloat16, torch.float16) else plain).numpy()

    def program(batch: Batch, first: First) -> Outputs:
        feed = [batch[name] for name in inputs] if isinstance(batch, dict) else [batch]
        found = module(*(tensor(each) for each in feed))
        if isinstance(found, Mapping):
            found = [found[name] for name in outputs]
        rows = found if isinstance(found, tuple | list) else (found,)
        return [array(each) for each in rows]

    return program


def _reason(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:160]}" if lines else type(error).__name__


BACKEND = PyTorch

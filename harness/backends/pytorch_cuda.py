"""PyTorch on an NVIDIA GPU: as on the processor, with the model and its arrays on the device."""

from __future__ import annotations

from harness.backends.pytorch import PyTorch


class PyTorchCuda(PyTorch):
    """A model executed by PyTorch with CUDA."""

    name = "pytorch_cuda"
    compute = "accelerator"
    device = "cuda"


BACKEND = PyTorchCuda

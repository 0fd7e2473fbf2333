"""OpenVINO: Intel processors, graphics and NPUs, by the device plugins of the installed package.

Reads ONNX, OpenVINO IR (``.xml`` beside ``.bin``), TFLite, TensorFlow and Paddle files. Each thread has an inference
request of its own (OpenVINO documentation, *OpenVINO Inference Request*: a request serves one inference at a time), so
Server may answer from several. Inputs are not copied. The precision is always set: left alone, the processor plugin
takes bfloat16 where the machine has it (documentation of the CPU device, *Floating Point Data Types Specifics*).
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from harness.benchmarks.base import Tensor
from harness.extras import need
from schemas.errors import UserError

if TYPE_CHECKING:
    from harness.benchmarks.base import Batch, Outputs

PRECISIONS = {"fp32": "f32", "bf16": "bf16", "fp16": "f16"}
PROCESSOR = "CPU"


class OpenVino:
    """A model executed by OpenVINO."""

    name = "openvino"
    needs = ("openvino",)
    precisions = tuple(PRECISIONS)
    options: Mapping[str, str] = {
        "device": "CPU (default), GPU, GPU.1, NPU, AUTO, HETERO:GPU,CPU …; all but CPU untested here",
    }

    def __init__(self) -> None:
        self.precision = "fp32"
        self.compute: Literal["cpu", "accelerator"] = "cpu"
        self._device = PROCESSOR
        self._compiled: Any = None
        self._inputs: tuple[str, ...] = ()
        self._outputs: tuple[Any, ...] = ()
        self._own = threading.local()

    def configure(self, options: Mapping[str, str]) -> None:
        """Which device; ``load`` asks whether it is there."""
        self._device = options.get("device", PROCESSOR).upper()
        self.compute = "cpu" if self._device.partition(":")[0] == PROCESSOR else "accelerator"

    def load(self, model: Path, *, inputs: Sequence[str], outputs: Sequence[str], threads: int) -> None:
        """Open and compile the model, and hold it to the names of the benchmark."""
        core = need("openvino").Core()
        self._refuse_absent(core.available_devices)
        try:
            read = core.read_model(str(model))
        except Exception as error:
            raise UserError(
                f"{model} cannot be opened by OpenVINO ({_reason(error)}); give a whole ONNX, IR or TFLite file"
            ) from error
        self._check(model, "inputs", inputs, read.inputs)
        self._check(model, "outputs", outputs, read.outputs)
        config = {"INFERENCE_PRECISION_HINT": PRECISIONS[self.precision]}
        if self.compute == "cpu":
            config |= {"INFERENCE_NUM_THREADS": str(threads), "NUM_STREAMS": "1"}
        try:
            self._compiled = core.compile_model(read, self._device, config)
        except Exception as error:
            raise UserError(
                f"{model} cannot be compiled for OpenVINO's {self._device} ({_reason(error)}); take another "
                "--device or --precision"
            ) from error
        self._inputs = tuple(inputs)
        self._outputs = tuple(self._compiled.output(name) for name in outputs)

    def _refuse_absent(self, present: Sequence[str]) -> None:
        """Every device that is named must be there, alone or as one of several (``GPU`` for ``GPU.0``)."""
        kind, _, listed = self._device.partition(":")
        known = {p.partition(".")[0] for p in present} | set(present)
        for wanted in listed.split(",") if listed else ([] if kind == "AUTO" else [kind]):
            if wanted.lstrip("-").partition("(")[0] not in known:
                raise UserError(
                    f"OpenVINO finds no device {wanted} here, only {', '.join(present)}; take one of these with "
                    "--device, or install the driver"
                )

    def _check(self, model: Path, what: str, wanted: Sequence[str], ports: Sequence[Any]) -> None:
        found = [name for port in ports for name in port.get_names()]
        missing = [name for name in wanted if name not in found]
        if missing:
            raise UserError(
                f"{model} has the {what} {', '.join(sorted(found))}, but the benchmark needs {', '.join(missing)}"
            )

    def tensors(self) -> list[Tensor]:
        """Inputs and outputs of the loaded model; lengths that are dynamic are free."""
        inputs = [_tensor("input", port) for port in self._compiled.inputs]
        return [*inputs, *(_tensor("output", port) for port in self._compiled.outputs)]

    def infer(self, batch: Batch) -> Outputs:
        """Run one batch."""
        request = getattr(self._own, "request", None)
        if request is None:
            request = self._own.request = self._compiled.create_infer_request()
        feed = batch if isinstance(batch, dict) else {self._inputs[0]: batch}
        found = request.infer(feed, share_inputs=True)
        return [found[port] for port in self._outputs]

    def close(self) -> None:
        """Let go of the model."""
        self._own = threading.local()
        self._compiled = None

    def versions(self) -> Mapping[str, str]:
        """The runtime's version, and its device where that is not the processor."""
        found = {"openvino": str(need("openvino").__version__)}
        return found if self.compute == "cpu" else {**found, "openvino device": self._device}


def _tensor(kind: Literal["input", "output"], port: Any) -> Tensor:
    shape = tuple(None if n.is_dynamic else n.get_length() for n in port.get_partial_shape())
    return Tensor(kind, port.get_any_name(), str(port.get_element_type().to_dtype()), shape)


def _reason(error: Exception) -> str:
    """The last line that says something: OpenVINO puts the place in its sources first."""
    lines = [x.strip() for x in str(error).splitlines() if x.strip()]
    return lines[-1][:200] if lines else type(error).__name__


BACKEND = OpenVino

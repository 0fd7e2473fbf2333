"""ONNX Runtime: on the processor, or by another execution provider of the installed build.

An execution provider takes the parts of a model that it can; the rest runs on the processor. ONNX Runtime goes on
without a provider that does not start (a driver is missing, say), with no more than a line on standard error: then
``load`` refuses, since such a run would be measured under a wrong name.

Threads do not spin while they wait (``allow_spinning`` off): on a small machine the meter's reader and the
load generator share the cores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from harness.benchmarks.base import Tensor
from harness.extras import need
from harness.registry import unknown
from schemas.errors import UserError

if TYPE_CHECKING:
    from harness.benchmarks.base import Batch, Outputs

_DTYPES = {"float": "float32", "double": "float64", "float16": "float16", "bool": "bool"}
"""Types that ONNX Runtime and numpy name differently; whole numbers have the same names in both."""


USUAL = "cpu"
PROVIDERS: Mapping[str, tuple[str, Literal["cpu", "accelerator"]]] = {
    "cpu": ("CPUExecutionProvider", "cpu"),
    "acl": ("ACLExecutionProvider", "cpu"),
    "armnn": ("ArmNNExecutionProvider", "cpu"),
    "cann": ("CANNExecutionProvider", "accelerator"),
    "coreml": ("CoreMLExecutionProvider", "accelerator"),
    "cuda": ("CUDAExecutionProvider", "accelerator"),
    "directml": ("DmlExecutionProvider", "accelerator"),
    "dnnl": ("DnnlExecutionProvider", "cpu"),
    "migraphx": ("MIGraphXExecutionProvider", "accelerator"),
    "nnapi": ("NnapiExecutionProvider", "accelerator"),
    "openvino": ("OpenVINOExecutionProvider", "cpu"),
    "qnn": ("QNNExecutionProvider", "accelerator"),
    "rocm": ("ROCMExecutionProvider", "accelerator"),
    "tensorrt": ("TensorrtExecutionProvider", "accelerator"),
    "vitisai": ("VitisAIExecutionProvider", "accelerator"),
    "xnnpack": ("XnnpackExecutionProvider", "cpu"),
}
"""Our name to ONNX Runtime's, and what it computes on. All but ``cpu`` are untested here."""
_FIRST = {"tensorrt": ("cuda",)}
"""Providers that take what another one leaves, before the processor does (documentation of TensorRT's provider)."""


class OnnxRuntime:
    """A model in ONNX form, executed by ONNX Runtime."""

    name = "onnxruntime"
    options: Mapping[str, str] = {
        "provider": f"{', '.join(PROVIDERS)}; all but cpu untested here",
        "device": "number of the device (cuda, tensorrt, rocm, migraphx), or its type (openvino: CPU, GPU, NPU)",
    }

    def __init__(self) -> None:
        self.compute: Literal["cpu", "accelerator"] = "cpu"
        self._provider = USUAL
        self._device: str | None = None
        self._session: Any = None
        self._inputs: tuple[str, ...] = ()
        self._outputs: list[str] = []

    def configure(self, options: Mapping[str, str]) -> None:
        """Which execution provider; ``load`` asks whether the installed build has it."""
        self._provider = options.get("provider", USUAL).lower()
        self._device = options.get("device")
        if self._provider not in PROVIDERS:
            raise UserError(unknown("execution provider", self._provider, PROVIDERS))
        if self._device is not None and self._provider == USUAL:
            raise UserError("--device is for another --provider than cpu; add one or leave --device out")
        self.compute = PROVIDERS[self._provider][1]
        if self._provider == "openvino" and self._device not in (None, "CPU"):
            self.compute = "accelerator"

    def load(self, model: Path, *, inputs: Sequence[str], outputs: Sequence[str], threads: int) -> None:
        """Open the model and hold it to the names of the benchmark."""
        ort = need("onnxruntime")
        providers = self._providers(ort)
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = ort.InferenceSession(str(model), options, providers=providers)
        except Exception as error:
            reason = str(error).splitlines()[0][:200]
            raise UserError(
                f"{model} cannot be opened by ONNX Runtime ({reason}); give an ONNX file"
            ) from error
        self._refuse_another(model)
        self._check(model, "inputs", inputs, [i.name for i in self._session.get_inputs()])
        self._check(model, "outputs", outputs, [o.name for o in self._session.get_outputs()])
        self._inputs, self._outputs = tuple(inputs), list(outputs)

    def _providers(self, ort: Any) -> list[Any]:
        """What is asked for, in ONNX Runtime's words; ``UserError`` for what the installed build lacks."""
        present = list(ort.get_available_providers())
        wanted = PROVIDERS[self._provider][0]
        if wanted not in present:
            ours = [name for name, (theirs, _) in PROVIDERS.items() if theirs in present]
            raise UserError(
                f"the installed onnxruntime {ort.__version__} has no provider {self._provider} ({wanted}), only "
                f"{', '.join(ours)}; install a build that has it, or give another --provider"
            )
        if self._provider == USUAL:
            return [wanted]
        between = [p for name in _FIRST.get(self._provider, ()) if (p := PROVIDERS[name][0]) in present]
        return [(wanted, self._settings()), *between, PROVIDERS[USUAL][0]]

    def _settings(self) -> dict[str, str]:
        if self._device is None:
            return {}
        return {"device_type" if self._provider == "openvino" else "device_id": self._device}

    def _refuse_another(self, model: Path) -> None:
        running = self._session.get_providers()
        if PROVIDERS[self._provider][0] not in running:
            raise UserError(
                f"onnxruntime could not start the provider {self._provider} for {model} and would use "
                f"{', '.join(running)}; look at its driver, or give another --provider"
            )

    def _check(self, model: Path, what: str, wanted: Sequence[str], found: Sequence[str]) -> None:
        missing = [name for name in wanted if name not in found]
        if missing:
            raise UserError(
                f"{model} has the {what} {', '.join(found)}, but the benchmark needs {', '.join(missing)}"
            )

    def tensors(self) -> list[Tensor]:
        """Inputs and outputs of the loaded model; lengths that it names or leaves open are free."""
        inputs = [_tensor("input", node) for node in self._session.get_inputs()]
        return [*inputs, *(_tensor("output", node) for node in self._session.get_outputs())]

    def infer(self, batch: Batch) -> Outputs:
        """Run one batch."""
        feed = batch if isinstance(batch, dict) else {self._inputs[0]: batch}
        answers: Outputs = self._session.run(self._outputs, feed)
        return answers

    def close(self) -> None:
        """Let go of the session."""
        self._session = None

    def versions(self) -> Mapping[str, str]:
        """The runtime's version, and its provider where that is not the processor."""
        found = {"onnxruntime": str(need("onnxruntime").__version__)}
        if self._provider == USUAL:
            return found
        device = "" if self._device is None else f" {self._device}"
        return {**found, "execution provider": f"{self._provider}{device}"}


def _tensor(kind: Literal["input", "output"], node: Any) -> Tensor:
    dtype = str(node.type).removeprefix("tensor(").removesuffix(")")
    shape = tuple(n if isinstance(n, int) else None for n in node.shape)
    return Tensor(kind, node.name, _DTYPES.get(dtype, dtype), shape)


BACKEND = OnnxRuntime

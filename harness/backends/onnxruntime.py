"""ONNX Runtime on the processor.

Threads do not spin while they wait (``allow_spinning`` off): on a small machine the meter's reader and the
load generator share the cores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from harness.benchmarks.base import Tensor
from harness.extras import need
from schemas.errors import UserError

if TYPE_CHECKING:
    from harness.benchmarks.base import Batch, Outputs

_DTYPES = {"float": "float32", "double": "float64", "float16": "float16", "bool": "bool"}
"""Types that ONNX Runtime and numpy name differently; whole numbers have the same names in both."""


class OnnxRuntime:
    """A model in ONNX form, executed by the CPU provider."""

    name = "onnxruntime"
    compute = "cpu"

    def __init__(self) -> None:
        self._session: Any = None
        self._inputs: tuple[str, ...] = ()
        self._outputs: list[str] = []

    def load(self, model: Path, *, inputs: Sequence[str], outputs: Sequence[str], threads: int) -> None:
        """Open the model and hold it to the names of the benchmark."""
        ort = need("onnxruntime")
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        except Exception as error:
            reason = str(error).splitlines()[0][:200]
            raise UserError(
                f"{model} cannot be opened by ONNX Runtime ({reason}); give an ONNX file"
            ) from error
        self._check(model, "inputs", inputs, [i.name for i in self._session.get_inputs()])
        self._check(model, "outputs", outputs, [o.name for o in self._session.get_outputs()])
        self._inputs, self._outputs = tuple(inputs), list(outputs)

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
        """The runtime's version."""
        return {"onnxruntime": str(need("onnxruntime").__version__)}


def _tensor(kind: Literal["input", "output"], node: Any) -> Tensor:
    dtype = str(node.type).removeprefix("tensor(").removesuffix(")")
    shape = tuple(n if isinstance(n, int) else None for n in node.shape)
    return Tensor(kind, node.name, _DTYPES.get(dtype, dtype), shape)


BACKEND = OnnxRuntime

"""LiteRT (TensorFlow Lite) on the processor, with XNNPACK where the model allows it.

Models of this form differ from those of the other runtimes in three ways, which are settled here, so that a benchmark
sees one contract: colours come last (NHWC), so images [N,3,H,W] are turned where the model's own shape wants that;
inputs and outputs may be quantised, real = scale · (stored - zero point), so they are brought to and from float32; and
a batch is fixed in the file, so the model is resized for another one, or called once a sample where it cannot be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from harness.benchmarks.base import Tensor
from harness.extras import need
from schemas.errors import UserError

if TYPE_CHECKING:
    from harness.benchmarks.base import Array, Batch, Outputs

IDENTIFIER = b"TFL3"
"""Bytes 4 to 7 of every file of this form (schema of TensorFlow Lite, ``file_identifier``)."""
PACKAGE = "ai-edge-litert"
DATA_TYPES = {0: "fp32", 1: "fp16", 3: "uint8", 7: "int16", 9: "int8", 17: "int4", 18: "bf16"}
"""``TensorType`` of the schema in the words of MLPerf; numbers of 32 bits and more are biases and shapes."""


class LiteRt:
    """A model in TFLite form, executed by LiteRT's interpreter."""

    name = "litert"
    compute = "cpu"
    needs = ("ai_edge_litert",)

    def __init__(self) -> None:
        self._interpreter: Any = None
        self._inputs: dict[str, Mapping[str, Any]] = {}
        self._outputs: list[Mapping[str, Any]] = []
        self._names: dict[int, str] = {}
        self._batch = 0
        self._lone = False

    def load(self, model: Path, *, inputs: Sequence[str], outputs: Sequence[str], threads: int) -> None:
        """Open the model and hold it to the names of the benchmark.

        A name counts without TensorFlow's ``:0``; where one input (or output) is wanted and the model has one, it is
        that one whatever its name, because converters rename them.
        """
        need("ai_edge_litert")
        from ai_edge_litert.interpreter import Interpreter

        _refuse_other_forms(model)
        try:
            self._interpreter = Interpreter(model_path=str(model), num_threads=threads)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError, OSError) as error:
            reason = (str(error).splitlines() or ["no reason given"])[0][:200]
            raise UserError(
                f"{model} cannot be opened by LiteRT ({reason}); give a TFLite file of built-in operators"
            ) from error
        found = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        self._inputs = dict(zip(inputs, _named(model, "inputs", inputs, found[0]), strict=True))
        self._outputs = _named(model, "outputs", outputs, found[1])
        wanted = zip((*inputs, *outputs), (*self._inputs.values(), *self._outputs), strict=True)
        self._names = {int(detail["index"]): name for name, detail in wanted}
        self._batch = int(next(iter(self._inputs.values()))["shape"][0])

    def tensors(self) -> list[Tensor]:
        """Inputs and outputs, float where quantised, by the names of the benchmark where it wants them."""
        rows = [_tensor("input", d, self._names) for d in self._interpreter.get_input_details()]
        return [*rows, *(_tensor("output", d, self._names) for d in self._interpreter.get_output_details())]

    def infer(self, batch: Batch) -> Outputs:
        """Run one batch; quantised outputs as float32."""
        import numpy as np

        if isinstance(batch, list):
            raise UserError(
                "LiteRT takes samples of one shape, and those of this benchmark differ; choose another --backend"
            )
        named = batch if isinstance(batch, Mapping) else {next(iter(self._inputs)): batch}
        fed = {name: _as_wanted(array, self._inputs[name]) for name, array in named.items()}
        count = len(next(iter(fed.values())))
        if not self._lone and count != self._batch:
            self._resize(fed, count)
        if not self._lone:
            return self._run(fed)
        parts = [self._run({name: a[i : i + 1] for name, a in fed.items()}) for i in range(count)]
        return [np.concatenate(rows) for rows in zip(*parts, strict=True)]

    def _resize(self, fed: Mapping[str, Array], count: int) -> None:
        """Make room for a batch; a model that cannot grow is called sample by sample from now on."""
        if self._try(fed, count) and all(len(o) == count for o in self._run(fed)):
            self._batch = count
            return
        self._lone, self._batch = True, 1
        if not self._try(fed, 1):
            raise UserError("the model cannot be run by LiteRT with one sample; convert it with a free batch")

    def _try(self, fed: Mapping[str, Array], count: int) -> bool:
        try:
            for name, array in fed.items():
                self._interpreter.resize_tensor_input(self._inputs[name]["index"], [count, *array.shape[1:]])
            self._interpreter.allocate_tensors()
            if count > 1:  # shapes that depend on each other show themselves only in a call
                self._run(fed)
        except (RuntimeError, ValueError):
            return False
        return True

    def _run(self, fed: Mapping[str, Array]) -> list[Array]:
        for name, array in fed.items():
            self._interpreter.set_tensor(self._inputs[name]["index"], array)
        self._interpreter.invoke()
        return [_real(self._interpreter.get_tensor(d["index"]), d) for d in self._outputs]

    def data_types(self, model: Path) -> Mapping[str, str]:
        """Of input and weights, as ``measurements`` has them, read from the file: the type that most bytes of the
        constants have. Nothing is run."""
        need("ai_edge_litert")
        from ai_edge_litert.schema_py_generated import Model

        file = Model.GetRootAs(model.read_bytes())
        graph = file.Subgraphs(0)
        bytes_of: dict[str, int] = {}
        for tensor in (graph.Tensors(n) for n in range(graph.TensorsLength())):
            kind = DATA_TYPES.get(tensor.Type())
            if kind is not None:
                bytes_of[kind] = bytes_of.get(kind, 0) + file.Buffers(tensor.Buffer()).DataLength()
        first = DATA_TYPES.get(graph.Tensors(graph.Inputs(0)).Type(), "")
        weights = max(bytes_of, key=lambda kind: bytes_of[kind], default="")
        return {"input_data_types": first, "weight_data_types": weights}

    def close(self) -> None:
        """Let go of the interpreter."""
        self._interpreter = None

    def versions(self) -> Mapping[str, str]:
        """The runtime's version."""
        return {PACKAGE: metadata.version(PACKAGE)}


def _refuse_other_forms(model: Path) -> None:
    """The interpreter says little about a file of another form."""
    with model.open("rb") as file:
        if file.read(8)[4:] != IDENTIFIER:
            raise UserError(
                f"{model} is not a TFLite file; give one with --model, or choose another --backend"
            )


def _plain(name: str) -> str:
    return name.partition(":")[0]


def _named(
    model: Path, what: str, wanted: Sequence[str], found: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """The model's tensors in the order of the names that are wanted."""
    if len(wanted) == len(found) == 1:
        return [found[0]]
    by_name = {_plain(d["name"]): d for d in found}
    missing = [name for name in wanted if _plain(name) not in by_name]
    if missing:
        raise UserError(
            f"{model} has the {what} {', '.join(d['name'] for d in found)}, but the benchmark needs "
            f"{', '.join(missing)}"
        )
    return [by_name[_plain(name)] for name in wanted]


def _tensor(kind: Literal["input", "output"], detail: Mapping[str, Any], own: Mapping[int, str]) -> Tensor:
    import numpy as np

    scale, _ = detail["quantization"]
    dtype = "float32" if scale else np.dtype(detail["dtype"]).name
    signature = detail["shape_signature"] if len(detail["shape_signature"]) else detail["shape"]
    shape = tuple(None if n < 0 else int(n) for n in signature)
    return Tensor(kind, own.get(detail["index"], detail["name"]), dtype, shape)


def _as_wanted(array: Array, detail: Mapping[str, Any]) -> Array:
    """A batch in the model's layout and type."""
    import numpy as np

    shape = tuple(int(n) for n in detail["shape"])
    turned = array.ndim == len(shape) == 4 and array.shape[1:] != shape[1:]
    if turned and (array.shape[2], array.shape[3], array.shape[1]) == shape[1:]:
        array = array.transpose(0, 2, 3, 1)
    if array.shape[1:] != shape[1:]:
        raise UserError(
            f"the model takes {detail['name']} of {list(shape[1:])}, and a sample is {list(array.shape[1:])}; "
            "give a model of the benchmark"
        )
    scale, zero = detail["quantization"]
    kind = np.dtype(detail["dtype"])
    if scale and array.dtype.kind == "f":
        limits = np.iinfo(kind)
        steps = np.rint(array.astype(np.float32, copy=False) / np.float32(scale))
        array = np.clip(steps + np.float32(zero), limits.min, limits.max)
    return np.ascontiguousarray(array, dtype=kind)


def _real(array: Array, detail: Mapping[str, Any]) -> Array:
    """What an output means."""
    import numpy as np

    scale, zero = detail["quantization"]
    if not scale or array.dtype.kind == "f":
        return array
    made: Array = (array.astype(np.float32) - np.float32(zero)) * np.float32(scale)
    return made


BACKEND = LiteRt

"""RNN-T's three parts as ONNX files, from its weights: what runtimes without PyTorch open.

PyTorch has the rows of an LSTM's weights in the order input, forget, cell, output gate; ONNX wants input, output,
forget, cell (operator LSTM of the ONNX specification).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.extras import need
from harness.mel import FEATURES
from harness.networks.rnnt import BLANK, EMBEDDING, LAYERS, LINEAR, PARTS, PREDICTION
from schemas.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.networks.rnnt import Weights

OPSET, IR = 13, 8


class _Graph:
    """Nodes and constants of a graph under way."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def node(self, kind: str, inputs: list[str], outputs: list[str], **attributes: Any) -> str:
        """Add a node; the name of its first output."""
        from onnx import helper

        self.nodes.append(helper.make_node(kind, inputs, outputs, **attributes))
        return outputs[0]

    def constant(self, name: str, values: Any, dtype: str = "float32") -> str:
        """Add a constant; its name."""
        import numpy as np
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values, dtype=dtype), name))
        return name


def write(weights: Weights, folder: Path) -> int:
    """``encoder.onnx``, ``prediction.onnx`` and ``joint.onnx`` in a folder; how many weights they have."""
    need("onnx")
    encoder = _hidden(weights, "encoder.post_rnn.lstm")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _save(folder, "encoder", _encoder(weights), [[1, None, FEATURES]], [[1, None, encoder]])
        state: list[int | None] = [LAYERS["prediction.dec_rnn.lstm"], 1, PREDICTION]
        _save(
            folder, "prediction", _prediction(weights), [[1], state, state], [[1, PREDICTION], state, state]
        )
        _save(folder, "joint", _joint(weights), [[1, encoder], [1, PREDICTION]], [[1, BLANK + 1]])
    except OSError as error:
        raise UserError(
            f"the parts cannot be written into {folder} ({error.strerror or error}); make room there"
        ) from error
    return sum(int(array.size) for array in weights.values())


def _encoder(weights: Weights) -> _Graph:
    graph = _Graph()
    at = graph.node("Transpose", ["features"], ["frames"], perm=[1, 0, 2])
    at = _stack(graph, weights, "encoder.pre_rnn.lstm", at)
    # A frame of zeros after an odd number, then pairs side by side.
    length = graph.node("Shape", [at], ["length3"])
    first = graph.node("Gather", [length, graph.constant("zero", [0], "int64")], ["length"], axis=0)
    odd = graph.node("Mod", [first, graph.constant("two", [2], "int64")], ["odd"])
    none = graph.constant("none", [0, 0, 0], "int64")
    pads = graph.node("Concat", [none, odd, graph.constant("rest", [0, 0], "int64")], ["pads"], axis=0)
    even = graph.node("Pad", [at, pads], ["even"])
    width = 2 * weights["encoder.pre_rnn.lstm.weight_hh_l0"].shape[1]
    at = graph.node("Reshape", [even, graph.constant("pair", [-1, 1, width], "int64")], ["pairs"])
    at = _stack(graph, weights, "encoder.post_rnn.lstm", at)
    graph.node("Transpose", [at], ["encoded"], perm=[1, 0, 2])
    return graph


def _stack(graph: _Graph, weights: Weights, stack: str, at: str) -> str:
    """LSTM layers one after another over [T,1,width]."""
    for layer in range(LAYERS[stack]):
        given = f"{stack}.{layer}"
        graph.node("LSTM", [at, *_lstm(graph, weights, stack, layer)], [f"{given}.y"],
                   hidden_size=_hidden(weights, stack))  # fmt: skip
        at = graph.node("Squeeze", [f"{given}.y", graph.constant(f"{given}.axis", [1], "int64")], [given])
    return at


def _prediction(weights: Weights) -> _Graph:
    import numpy as np

    graph, stack = _Graph(), "prediction.dec_rnn.lstm"
    embedding = np.pad(weights[EMBEDDING], ((0, 1), (0, 0)))  # zeros before the first symbol
    at = graph.node("Gather", [graph.constant("embedding", embedding), "symbol"], ["embedded2"], axis=0)
    at = graph.node("Unsqueeze", [at, graph.constant("axis0", [0], "int64")], ["embedded"])
    axis = graph.constant("axis1", [1], "int64")
    for layer in range(LAYERS[stack]):
        own = []
        for name in ("hidden", "cell"):
            place = graph.constant(f"{name}.{layer}", [layer], "int64")
            own.append(graph.node("Gather", [name, place], [f"{name}_{layer}"], axis=0))
        names = [f"{kind}{layer}" for kind in "yhc"]
        graph.node("LSTM", [at, *_lstm(graph, weights, stack, layer), "", *own], names,
                   hidden_size=_hidden(weights, stack))  # fmt: skip
        at = graph.node("Squeeze", [f"y{layer}", axis], [f"said{layer}"])
    graph.node("Squeeze", [at, "axis0"], ["predicted"])
    for kind, name in (("h", "next_hidden"), ("c", "next_cell")):
        graph.node("Concat", [f"{kind}{n}" for n in range(LAYERS[stack])], [name], axis=0)
    return graph


def _joint(weights: Weights) -> _Graph:
    graph = _Graph()
    at = graph.node("Concat", ["encoded_step", "predicted_step"], ["both"], axis=1)
    for name, made in zip(LINEAR, ("inner", "logits"), strict=True):
        given = [graph.constant(f"{name}.{kind}", weights[f"{name}.{kind}"]) for kind in ("weight", "bias")]
        at = graph.node("Gemm", [at, *given], [made], transB=1)
        at = at if made == "logits" else graph.node("Relu", [at], ["active"])
    return graph


def _hidden(weights: Weights, stack: str) -> int:
    return int(weights[f"{stack}.weight_hh_l0"].shape[1])


def _lstm(graph: _Graph, weights: Weights, stack: str, layer: int) -> list[str]:
    """The constants W, R and B of a layer."""
    import numpy as np

    def given(name: str) -> NDArray[np.float32]:
        into, forget, cell, out = np.split(weights[f"{stack}.{name}_l{layer}"], 4)
        return np.concatenate((into, out, forget, cell))

    both = np.concatenate((given("bias_ih"), given("bias_hh")))
    rows = {"w": given("weight_ih"), "r": given("weight_hh"), "b": both}
    return [graph.constant(f"{stack}.{layer}.{kind}", array[None]) for kind, array in rows.items()]


def _save(
    folder: Path, part: str, graph: _Graph, inputs: list[list[int | None]], outputs: list[list[int | None]]
) -> None:
    from onnx import TensorProto, helper

    def info(name: str, shape: list[int | None]) -> Any:
        kind = TensorProto.INT64 if name == "symbol" else TensorProto.FLOAT
        return helper.make_tensor_value_info(name, kind, ["n" if n is None else n for n in shape])

    given = [info(n, s) for n, s in zip(PARTS[part][0], inputs, strict=True)]
    made = [info(n, s) for n, s in zip(PARTS[part][1], outputs, strict=True)]
    whole = helper.make_graph(graph.nodes, f"rnnt_{part}", given, made, graph.constants)
    model = helper.make_model(whole, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
    (folder / f"{part}.onnx").write_bytes(model.SerializeToString())

"""The network of RNN-T: names and shapes of its weights, and its three parts as PyTorch computes them.

Facts of the reference implementation (names of its modules; ``rnnt.toml``): the encoder is two LSTM layers, then pairs
of frames side by side, then three LSTM layers; the prediction is an embedding of 28 symbols and two LSTM layers, from
zeros before the first symbol; the joint is two linear layers with a ReLU between, over both side by side. The
prediction is 320 wide; encoder and joint are 1024 and 512 wide, here whatever the weights have.

A part is called by the names of its inputs. All have one recording, none a batch.

========== ====================================================== ===================================================
part       inputs                                                 outputs
========== ====================================================== ===================================================
encoder    ``features`` [1,T,240]                                 ``encoded`` [1,ceil(T/2),E]
prediction ``symbol`` int64 [1] (28: none yet), ``hidden`` and    ``predicted`` [1,320], ``next_hidden``, ``next_cell``
           ``cell`` [2,1,320]
joint      ``encoded_step`` [1,E], ``predicted_step`` [1,320]      ``logits`` [1,29]
========== ====================================================== ===================================================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.extras import need
from harness.mel import FEATURES
from schemas.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Weights = Mapping[str, NDArray[np.float32]]
    """Arrays by their names in the checkpoint of the reference."""

BLANK = 28
"""The number after the last symbol: nothing is said in this step. As an input: nothing was said yet."""
PREDICTION = 320
"""Width of the prediction."""
PARTS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "encoder": (("features",), ("encoded",)),
    "prediction": (("symbol", "hidden", "cell"), ("predicted", "next_hidden", "next_cell")),
    "joint": (("encoded_step", "predicted_step"), ("logits",)),
}
"""Inputs and outputs of each part."""
LAYERS = {"encoder.pre_rnn.lstm": 2, "encoder.post_rnn.lstm": 3, "prediction.dec_rnn.lstm": 2}
"""LSTM layers of each stack."""
EMBEDDING = "prediction.embed.weight"
LINEAR = ("joint.net.0", "joint.net.3")
"""Between them in the reference: ReLU, and dropout, which does nothing at inference."""
_RENAMED = ("joint_net", "joint.net")
"""How the published checkpoint names the joint, and how the network does."""
_DROPPED = "audio_preprocessor."
"""Names of the feature extraction, whose filters and window are computed."""


def read_checkpoint(path: Path) -> Weights:
    """The weights of a checkpoint of the reference; only arrays are read from it, no code.

    ``UserError`` for a file that is cut off, holds anything else, or whose weights are not those of the network.
    """
    torch = need("torch")
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise UserError(f"there is no {path}; give the checkpoint with --model") from None
    except Exception as error:
        reason = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
        raise UserError(
            f"{path} cannot be read as weights ({reason}); copy it again, or save its state_dict alone"
        ) from error
    state = found.get("state_dict", found) if isinstance(found, Mapping) else None
    if not isinstance(state, Mapping) or not all(isinstance(v, torch.Tensor) for v in state.values()):
        raise UserError(f"{path} holds no state_dict of arrays; give the checkpoint of the reference")
    kept = {str(k).replace(*_RENAMED): v for k, v in state.items() if not str(k).startswith(_DROPPED)}
    weights = {name: value.to(torch.float32).numpy() for name, value in kept.items()}
    checked(weights, path)
    return weights


def checked(weights: Weights, path: Path) -> None:
    """``UserError`` when weights are missing, unknown or do not fit each other."""
    encoder = _rows(weights, path, "encoder.pre_rnn.lstm.weight_ih_l0") // 4
    wanted = shapes(encoder, _rows(weights, path, f"{LINEAR[0]}.weight"))
    for name, shape in wanted.items():
        if _rows(weights, path, name) and weights[name].shape != shape:
            raise UserError(
                f"{path}: {name} has the shape {list(weights[name].shape)}, wanted {list(shape)}; give a checkpoint of "
                "RNN-T's network"
            )
    unknown = sorted(set(weights) - set(wanted))
    if unknown:
        raise UserError(
            f"{path} has weights that RNN-T has not: {', '.join(unknown[:3])}; give its checkpoint"
        )


def shapes(encoder: int, joint: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of all weights, for an encoder and a joint of these widths."""
    found: dict[str, tuple[int, ...]] = {EMBEDDING: (BLANK, PREDICTION)}
    inputs = {"encoder.pre_rnn.lstm": FEATURES, "encoder.post_rnn.lstm": 2 * encoder}
    for stack, layers in LAYERS.items():
        width = PREDICTION if stack.startswith("prediction") else encoder
        for layer in range(layers):
            entering = inputs.get(stack, width) if layer == 0 else width
            found[f"{stack}.weight_ih_l{layer}"] = (4 * width, entering)
            found[f"{stack}.weight_hh_l{layer}"] = (4 * width, width)
            found[f"{stack}.bias_ih_l{layer}"] = found[f"{stack}.bias_hh_l{layer}"] = (4 * width,)
    for name, (rows, columns) in zip(
        LINEAR, ((joint, encoder + PREDICTION), (BLANK + 1, joint)), strict=True
    ):
        found[f"{name}.weight"], found[f"{name}.bias"] = (rows, columns), (rows,)
    return found


def _rows(weights: Weights, path: Path, name: str) -> int:
    if name not in weights:
        raise UserError(f"{path} has no {name}; give a checkpoint of RNN-T's network")
    return int(weights[name].shape[0])


def parts(weights: Weights, device: str, dtype: str) -> Callable[[Mapping[str, Any]], Sequence[Any]]:
    """The network in PyTorch: arrays by the names of a part's inputs to the arrays of its outputs."""
    torch = need("torch")
    kind = getattr(torch, dtype)

    def placed(array: Any) -> Any:
        return torch.from_numpy(array).to(device, kind)

    held = {name: placed(array) for name, array in weights.items()}
    stacks = {stack: _lstm(torch, held, stack).to(device, kind) for stack in LAYERS}
    embedding = torch.cat([held[EMBEDDING], torch.zeros_like(held[EMBEDDING][:1])])

    def encoder(features: Any) -> tuple[Any, ...]:
        first, _ = stacks["encoder.pre_rnn.lstm"](features.transpose(0, 1))
        odd = torch.zeros_like(first[: first.shape[0] % 2])
        pairs = torch.cat([first, odd]).reshape(-1, 1, 2 * first.shape[2])
        return (stacks["encoder.post_rnn.lstm"](pairs)[0].transpose(0, 1),)

    def prediction(symbol: Any, hidden: Any, cell: Any) -> tuple[Any, ...]:
        said, (after, kept) = stacks["prediction.dec_rnn.lstm"](embedding[symbol][None], (hidden, cell))
        return said[0], after, kept

    def joint(encoded_step: Any, predicted_step: Any) -> tuple[Any, ...]:
        both = torch.cat([encoded_step, predicted_step], dim=1)
        for number, name in enumerate(LINEAR):
            both = torch.nn.functional.linear(both, held[f"{name}.weight"], held[f"{name}.bias"])
            both = both if number else torch.relu(both)
        return (both,)

    known: dict[frozenset[str], Callable[..., tuple[Any, ...]]] = {
        frozenset(PARTS["encoder"][0]): encoder,
        frozenset(PARTS["prediction"][0]): prediction,
        frozenset(PARTS["joint"][0]): joint,
    }

    def call(batch: Mapping[str, Any]) -> Sequence[Any]:
        given = {name: torch.from_numpy(array) for name, array in batch.items()}
        moved = {n: t.to(device, kind if t.is_floating_point() else None) for n, t in given.items()}
        with torch.inference_mode():
            return [t.float().cpu().numpy() for t in known[frozenset(batch)](**moved)]

    return call


def _lstm(torch: Any, held: Mapping[str, Any], stack: str) -> Any:
    """PyTorch's own LSTM of a stack."""
    rows, columns = held[f"{stack}.weight_ih_l0"].shape
    made = torch.nn.LSTM(columns, rows // 4, LAYERS[stack])
    own = {name.removeprefix(f"{stack}."): v for name, v in held.items() if name.startswith(f"{stack}.")}
    made.load_state_dict(own)
    return made.eval()

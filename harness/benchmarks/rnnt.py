"""RNN-T on LibriSpeech: speech in, letters out, word error rate.

Contract of the reference implementation: features of the recording (``harness.mel``) go through the encoder once;
then, step by step, the joint is asked what is said after what was said so far, up to 30 times, until it answers the
blank; what is not the blank is written down and goes through the prediction. The answer that is logged is the numbers
of the symbols, int64, and may have none. Feature extraction belongs to the measured time, as in the reference.

The checkpoint of the reference is weights without a graph (``harness.networks.rnnt``). PyTorch runs it as it is; other
runtimes want its three parts as files of their own, which ``mlharness export`` makes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness import audio, mel
from harness.accuracy_log import answers
from harness.benchmarks.base import Setting, Tensor, Traits, as_published
from harness.datasets.librispeech import LibriSpeech
from harness.metrics import wer
from harness.model import Accuracy, Fixture
from harness.networks import rnnt
from harness.networks.rnnt import BLANK, LAYERS, PARTS, PREDICTION
from harness.parts import refuse_missing
from schemas.errors import Failed, UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.benchmarks.base import Array, Batch, Infer, Outputs, Program

MANIFESTS = ("dev-clean-wav.json",)
LONGEST_S = 15.0
MOST_SYMBOLS = 30
"""How often the joint is asked in one step."""
STATE = LAYERS["prediction.dec_rnn.lstm"]


class Rnnt:
    """The benchmark ``rnnt`` of the rounds up to v4.0."""

    name = "rnnt"
    official = ("rnnt",)
    help = "speech recognition, LibriSpeech dev-clean, word error rate"
    inputs = tuple(name for given, _ in PARTS.values() for name in given)
    outputs = tuple(name for _, made in PARTS.values() for name in made)
    parts = PARTS
    most = 1
    extra = ()
    fixture_samples = 16
    least_samples = 4
    implementation = "edgewatt"
    full_set = 2513
    tensors = (
        Tensor("input", "features", "float32", (1, None, mel.FEATURES)),
        Tensor("input", "symbol", "int64", (1,)),
        Tensor("input", "hidden", "float32", (STATE, 1, PREDICTION)),
        Tensor("input", "cell", "float32", (STATE, 1, PREDICTION)),
        Tensor("input", "encoded_step", "float32", (1, None)),
        Tensor("input", "predicted_step", "float32", (1, PREDICTION)),
        Tensor("output", "encoded", "float32", (1, None, None)),
        Tensor("output", "predicted", "float32", (1, PREDICTION)),
        Tensor("output", "next_hidden", "float32", (STATE, 1, PREDICTION)),
        Tensor("output", "next_cell", "float32", (STATE, 1, PREDICTION)),
        Tensor("output", "logits", "float32", (1, BLANK + 1)),
    )
    traits = Traits(
        model="either",
        precision="fp32",
        model_about="a folder with encoder.onnx, prediction.onnx and joint.onnx (made by: mlharness export rnnt) or, "
        "for PyTorch, the checkpoint of the reference",
    )
    dataset_form = "a folder with dev-clean-wav.json of LibriSpeech and the recordings that it names"
    response_bytes = 100 * 8
    measurements = as_published()

    def dataset(self, path: Path) -> LibriSpeech:
        """A folder with manifest and recordings."""
        return LibriSpeech(path, MANIFESTS, LONGEST_S)

    def refuse(self, model: Path) -> None:
        """A folder has every part, a file is not empty; which of the two a runtime wants, it says itself."""
        if model.is_dir():
            refuse_missing(model, self)
        elif not model.stat().st_size:
            raise UserError(f"{model} is empty; copy the checkpoint again")

    def program(self, model: Path, setting: Setting) -> Program:
        """The checkpoint of the reference in PyTorch; a part is called by the names of its inputs."""
        if model.is_dir():
            raise UserError(
                f"{model} is a folder, and PyTorch runs the checkpoint of the reference; give that file with --model, "
                "or leave out --backend"
            )
        call = rnnt.parts(rnnt.read_checkpoint(model), setting.device, setting.dtype)
        return lambda batch, first: call(batch)  # type: ignore[arg-type]  # one part's inputs by name

    def export(self, checkpoint: Path, folder: Path) -> int:
        """The three parts as ONNX files."""
        from harness.networks import rnnt_onnx

        return rnnt_onnx.write(rnnt.read_checkpoint(checkpoint), folder)

    def responses(self, outputs: Outputs, indices: Sequence[int]) -> list[Array]:
        """The symbols of one recording."""
        return [outputs[0]]

    def answer(self, infer: Infer, batch: Batch, indices: Sequence[int]) -> list[Array]:
        """What is heard in one recording, int64 [symbols]."""
        import numpy as np

        sound = audio.floats(np.asarray(batch)[0])
        (encoded,) = infer({"features": mel.rnnt_features(sound)[None]})
        return self.responses([np.array(greedy(infer, encoded), dtype=np.int64)], indices)

    def accuracy(self, log: Path, dataset: Path) -> Accuracy:
        """Right words in percent (the official name is WER), over the recordings in the log."""
        import numpy as np

        right = self.dataset(dataset).transcripts(wer.plain)
        answered = answers(log)
        pairs = [
            (text_of(np.frombuffer(data, dtype="<i8")), right[n]) for n, data in sorted(answered.items())
        ]
        wrong, total = wer.rate(pairs)
        value, line = wer.line(wrong, total)
        return Accuracy("WER", value, len(answered), line, {"errors": wrong, "words": total})

    def refuse_unscorable(self, dataset: Path) -> None:
        """Every transcript can be made what answers are held against."""
        self.dataset(dataset).transcripts(wer.plain)

    def make_fixture(self, folder: Path, *, width: str, seed: int, samples: int) -> Fixture:
        """A network that hears tones, recordings that spell words in tones, and transcripts that plant a WER."""
        from harness.fixtures.rnnt import make

        return make(folder, width=width, seed=seed, samples=samples)


def greedy(infer: Infer, encoded: Array) -> list[int]:
    """The symbols of one recording [1,steps,E]: the best one at every turn, at most 30 turns a step.

    The prediction is asked only after a new symbol: between two of them it would say the same again.
    """
    import numpy as np

    nothing = np.zeros((STATE, 1, PREDICTION), dtype=np.float32)
    predicted, hidden, cell = infer({"symbol": _one(BLANK), "hidden": nothing, "cell": nothing})
    symbols: list[int] = []
    for step in encoded[0]:
        for _ in range(MOST_SYMBOLS):
            (logits,) = infer({"encoded_step": step[None], "predicted_step": predicted})
            symbol = int(np.argmax(logits))
            if symbol == BLANK:
                break
            symbols.append(symbol)
            predicted, hidden, cell = infer({"symbol": _one(symbol), "hidden": hidden, "cell": cell})
    return symbols


def _one(symbol: int) -> NDArray[np.int64]:
    import numpy as np

    return np.array([symbol], dtype=np.int64)


def text_of(symbols: NDArray[np.int64]) -> str:
    """An answer as text; ``Failed`` for numbers that are no symbols."""
    if len(symbols) and not 0 <= int(symbols.min()) <= int(symbols.max()) < BLANK:
        raise Failed("the accuracy log holds numbers that are no symbols of RNN-T; run it again")
    return "".join(wer.ALPHABET[s] for s in symbols)


BENCHMARK = Rnnt()

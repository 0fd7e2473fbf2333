"""Whisper-large-v3 on LibriSpeech: half a minute of speech in, text out, word error rate.

Contract of the reference implementation: recordings of dev-clean and dev-other, put together to at most 30 s; the
answer that is logged is the text in small letters, as int64 numbers of 42 symbols, other characters left out; LoadGen
is told how many tokens were generated, and reports tokens per second. Feature extraction belongs to the measured time.
Both texts go through Whisper's English normaliser before they are compared, whose spellings (``normalizer.json``) come
with the checkpoint.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import checkpoints, transcription
from harness.accuracy_log import answers
from harness.benchmarks.base import Counted, Setting, as_published
from harness.datasets.librispeech import LibriSpeech
from harness.extras import need
from harness.families.text_generator import TextGenerator, folder_of
from harness.metrics import wer
from harness.model import Accuracy, Fixture
from schemas.errors import Failed, UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.benchmarks.base import Outputs, Program

MANIFESTS = ("dev-all-repack.json",)
SPELLINGS = "normalizer.json"
LONGEST_S = 30.0
ALPHABET = " abcdefghijklmnopqrstuvwxyz'0123456789$%+-"
"""Symbols of an answer by their number."""
NUMBER_OF = {symbol: number for number, symbol in enumerate(ALPHABET)}


class Whisper(TextGenerator):
    """The benchmark ``whisper`` of the rounds from v5.1 on."""

    name = "whisper"
    official = ("whisper",)
    help = "speech recognition by Whisper-large-v3, LibriSpeech, word error rate"
    inputs = ("sound",)
    outputs = ("symbols", "lengths", "tokens")
    traits = folder_of("whisper-large-v3", precision="fp32", stall_s=900.0)
    measurements = as_published(changed="none")
    dataset_form = f"a folder with {MANIFESTS[0]}, the recordings it names, and {SPELLINGS} of the checkpoint"
    full_set = 1633
    response_bytes = 400 * 8

    def dataset(self, path: Path) -> LibriSpeech:
        """A folder with manifest, recordings and spellings."""
        found = LibriSpeech(path, MANIFESTS, LONGEST_S)
        spellings(path)
        return found

    def refuse(self, model: Path) -> None:
        """Configuration, tokenizer, feature extractor and weights are whole."""
        checkpoints.refuse(model, tokenizer=(transcription.TOKENIZER,))
        if not (model / transcription.FEATURES).is_file():
            raise UserError(f"{model} has no {transcription.FEATURES}; copy it from the checkpoint")

    def program(self, model: Path, setting: Setting) -> Program:
        """Open the checkpoint."""
        return transcription.program(model, setting, NUMBER_OF)

    def responses(self, outputs: Outputs, indices: Sequence[int]) -> Counted:
        """The symbols of each text, int64, with its number of tokens."""
        import numpy as np

        symbols, lengths, tokens = outputs
        rows: list[Any] = [
            np.ascontiguousarray(row[: int(n)]) for row, n in zip(symbols, lengths, strict=True)
        ]
        return Counted(rows, [int(n) for n in tokens])

    def accuracy(self, log: Path, dataset: Path) -> Accuracy:
        """Right words in percent over the recordings in the log; up to three words may be written as one."""
        import numpy as np

        normal = normaliser(dataset)
        right = self.dataset(dataset).transcripts(lambda text: normal(spoken(text)))
        answered = answers(log)
        pairs = [
            (normal(text_of(np.frombuffer(data, dtype="<i8"))), right[n])
            for n, data in sorted(answered.items())
        ]
        wrong, total = wer.rate(pairs, wer.errors_but_joined)
        value, line = wer.line(wrong, total)
        return Accuracy("ACCURACY", value, len(answered), line, {"errors": wrong, "words": total})

    def refuse_unscorable(self, dataset: Path) -> None:
        """Every transcript can be made what answers are held against."""
        normal = normaliser(dataset)
        self.dataset(dataset).transcripts(lambda text: normal(spoken(text)))

    def make_fixture(self, folder: Path, *, width: str, seed: int, samples: int) -> Fixture:
        """A seeded network that answers in made-up words, and transcripts that plant a word error rate."""
        from harness.fixtures.whisper import make

        return make(folder, width=width, seed=seed, samples=samples)


def spoken(transcript: str) -> str:
    """A transcript in the symbols of an answer."""
    return "".join(c for c in transcript.lower() if c in NUMBER_OF)


def text_of(symbols: NDArray[np.int64]) -> str:
    """An answer as text; ``Failed`` for numbers that are no symbols."""
    if len(symbols) and not 0 <= int(symbols.min()) <= int(symbols.max()) < len(ALPHABET):
        raise Failed("the accuracy log holds numbers that are no symbols of Whisper's answers; run it again")
    return "".join(ALPHABET[s] for s in symbols)


def spellings(folder: Path) -> dict[str, str]:
    """British spellings and what they become; ``UserError`` when they are missing."""
    path = folder / SPELLINGS
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(found, dict) or not all(isinstance(v, str) for v in found.values()):
            raise ValueError("it is no list of spellings")
    except FileNotFoundError:
        raise UserError(
            f"{folder} has no {SPELLINGS}; copy it there from the checkpoint of Whisper"
        ) from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}); copy it again from the checkpoint") from error
    return found


def normaliser(folder: Path) -> Any:
    """Whisper's own English normaliser, with the spellings of the data set's folder."""
    return need("transformers.models.whisper.english_normalizer").EnglishTextNormalizer(spellings(folder))


BENCHMARK = Whisper()

"""Whisper of Hugging Face transformers as a program: recordings in, symbols of what is said out.

Greedy without any suppressed token, as the reference generates (temperature 0, at most 200 tokens); the first tokens
are given: start of transcript, English, transcribe, no timestamps. Recordings are padded to 30 s by the checkpoint's
own feature extractor. The end token counts as one.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import audio
from harness.benchmarks.base import Setting
from harness.extras import need
from schemas.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.benchmarks.base import Batch, First, Outputs, Program

RATE_HZ = 16_000
MOST_TOKENS = 200
PROMPT = ("<|startoftranscript|>", "<|en|>", "<|transcribe|>", "<|notimestamps|>")
END = "<|endoftext|>"
TOKENIZER = "tokenizer.json"
FEATURES = "preprocessor_config.json"


def program(model: Path, setting: Setting, number_of: Mapping[str, int]) -> Program:
    """Open a checkpoint. ``number_of`` are the symbols of an answer; other characters are left out.

    The program takes a list of recordings (``harness.audio``, [samples] at 16 kHz) and gives three outputs: symbols
    int64 [N, longest], how many of them count, and how many tokens were generated.
    """
    torch, transformers = need("torch"), need("transformers")
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    tokens = need("tokenizers").Tokenizer.from_file(str(model / TOKENIZER))
    prompt, (end,) = numbers(tokens, PROMPT, model), numbers(tokens, (END,), model)
    features = transformers.WhisperFeatureExtractor.from_pretrained(model, local_files_only=True)
    net = transformers.WhisperForConditionalGeneration.from_pretrained(
        model, dtype=getattr(torch, setting.dtype), local_files_only=True
    )
    net = net.to(setting.device).eval()

    def run(batch: Batch, first: First) -> Outputs:
        sound = [audio.floats(each) for each in batch]  # type: ignore[arg-type]  # ragged: a list of recordings
        mels = features(sound, sampling_rate=RATE_HZ, return_tensors="pt").input_features
        rows = greedy(torch, net, mels.to(setting.device, net.dtype), prompt, end, first)
        texts = [tokens.decode(row, skip_special_tokens=True) for row in rows]
        symbols, counts = spelled(texts, number_of)
        return [symbols, counts, _array([len(row) for row in rows])]

    return run


def numbers(tokens: Any, names: Sequence[str], model: Path) -> list[int]:
    """The numbers of tokens; ``UserError`` for one that the tokenizer has not."""
    found = [tokens.token_to_id(name) for name in names]
    missing = [name for name, number in zip(names, found, strict=True) if number is None]
    if missing:
        raise UserError(
            f"{model / TOKENIZER} has no {', '.join(missing)}; give a multilingual checkpoint of Whisper"
        )
    return [int(n) for n in found]


def greedy(torch: Any, net: Any, mels: Any, prompt: Sequence[int], end: int, first: First) -> list[list[int]]:
    """The best token at every turn, until the end token (which is kept) or 200 of them; one list per recording."""
    heard = net.get_encoder()(mels)
    count = len(mels)
    ids = torch.tensor([list(prompt)] * count, device=mels.device)
    rows: list[list[int]] = [[] for _ in range(count)]
    open_, cache = set(range(count)), _cache(net)
    for turn in range(MOST_TOKENS):
        made = net(encoder_outputs=heard, decoder_input_ids=ids, use_cache=True, **cache)
        best = made.logits[:, -1].argmax(dim=-1)
        said = best.tolist()
        for place in sorted(open_):
            rows[place].append(said[place])
        if turn == 0:
            first(range(count), said)
        open_ = {place for place in open_ if said[place] != end}
        if not open_:
            break
        ids = best[:, None]
    return rows


def _cache(net: Any) -> dict[str, Any]:
    """Where the network keeps keys and values from turn to turn; the argument has another name since 2026."""
    transformers = need("transformers")
    kept = transformers.EncoderDecoderCache(transformers.DynamicCache(), transformers.DynamicCache())
    named = inspect.signature(net.forward).parameters
    return {"cache" if "cache" in named else "past_key_values": kept}


def spelled(
    texts: Sequence[str], number_of: Mapping[str, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Texts in small letters without blanks at their ends, as numbers [N, longest], and how many of each count."""
    import numpy as np

    rows = [[number_of[c] for c in text.lower().strip() if c in number_of] for text in texts]
    made = np.full((len(rows), max(map(len, rows), default=0)), -1, dtype=np.int64)
    for place, row in enumerate(rows):
        made[place, : len(row)] = row
    return made, _array([len(row) for row in rows])


def _array(values: Sequence[int]) -> NDArray[np.int64]:
    import numpy as np

    return np.array(values, dtype=np.int64)

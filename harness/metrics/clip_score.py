"""CLIP score: a hundred times the cosine between a picture and its caption, by CLIP ViT-B/32 of OpenAI.

The reference implementation uses open_clip (``ViT-B/32``, ``openai``); ``transformers`` reads the same weights from the
folder ``openai/clip-vit-base-patch32`` of Hugging Face. Pre-processing is CLIP's own: the shorter side to 224 by
Pillow's bicubic, the middle cut out, divided by 255, normalised per colour; captions cut at 77 tokens. It
computes in double precision, so that a score does not hang on the number of threads.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.extras import need
from schemas.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MEAN = (0.48145466, 0.4578275, 0.40821073)
DEVIATION = (0.26862954, 0.26130258, 0.27577711)
"""Of the colours red, green and blue, source: ``clip.py`` of openai/CLIP."""
TOKENS = 77


class ClipScore:
    """A CLIP and its tokenizer."""

    def __init__(self, model: Any, tokens: Any) -> None:
        """A ``CLIPModel`` and a ``CLIPTokenizer`` of transformers."""
        self._torch = need("torch")
        self._model = model.eval().double()
        self._tokens = tokens
        self.size = int(model.config.vision_config.image_size)

    def score(self, picture: NDArray[np.uint8], caption: str) -> float:
        """A hundred times the cosine; ``picture`` uint8 [H,W,3]."""
        return self.between(self.picture(picture), self.caption(caption))

    def between(self, seen: Any, said: Any) -> float:
        """The score of two embeddings."""
        return 100.0 * float((seen * said).sum() / (seen.norm() * said.norm()))

    def picture(self, picture: NDArray[np.uint8]) -> Any:
        """Its embedding, a tensor [1,E]."""
        pixels = self._torch.from_numpy(prepared(picture, self.size))[None].double()
        with self._torch.inference_mode():
            found = self._model.vision_model(pixel_values=pixels).pooler_output
            return self._model.visual_projection(found)

    def caption(self, caption: str) -> Any:
        """Its embedding, a tensor [1,E]."""
        words = self._tokens(caption, truncation=True, max_length=TOKENS, return_tensors="pt")
        with self._torch.inference_mode():
            found = self._model.text_model(**words).pooler_output
            return self._model.text_projection(found)


def read(folder: Path) -> ClipScore:
    """From a folder that ``save_pretrained`` has written; ``UserError`` when it holds no CLIP with its tokenizer."""
    transformers = need("transformers")
    try:
        model = transformers.CLIPModel.from_pretrained(folder, local_files_only=True)
        tokens = transformers.CLIPTokenizer.from_pretrained(folder, local_files_only=True)
        return ClipScore(model, tokens)
    except Exception as error:
        reason = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
        raise UserError(
            f"{folder} holds no CLIP ({reason}); it wants the files of openai/clip-vit-base-patch32: "
            "config.json, model.safetensors, vocab.json, merges.txt, tokenizer_config.json"
        ) from error


def prepared(picture: NDArray[np.uint8], size: int) -> NDArray[np.float32]:
    """A picture as CLIP takes it: uint8 [H,W,3] to float32 [3,size,size]."""
    import numpy as np

    image = need("PIL.Image").fromarray(picture)
    width, height = image.size
    shorter = min(width, height)
    wide, high = (int(size * n / shorter) for n in (width, height))
    if (wide, high) != (width, height):
        image = image.resize((wide, high), need("PIL.Image").Resampling.BICUBIC)
    left, top = round((wide - size) / 2), round((high - size) / 2)
    cut = np.asarray(image.crop((left, top, left + size, top + size)), dtype=np.float32) / 255
    scaled = (cut - np.array(MEAN, dtype=np.float32)) / np.array(DEVIATION, dtype=np.float32)
    return np.ascontiguousarray(scaled.transpose(2, 0, 1))

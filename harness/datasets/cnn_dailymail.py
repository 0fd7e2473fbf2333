"""CNN/DailyMail as the language benchmarks use it: an article in, its highlights as the right answer.

A folder with the JSON file of the round (a list of records) and ``tokenizer.json`` of the checkpoint. Two forms are
known (reference implementations of GPT-J and of Llama 3.1 8B):

- ``cnn_eval.json``: ``instruction``, ``input`` (the article), ``output`` (the highlights), 13 368 records. The prompt
  is put together from both in the form that the model was trained on, and its first 1919 tokens count.
- ``sample_cnn_eval_5000.json``: ``input``, ``tok_input`` (the token ids of the prompt, made beforehand), ``output``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.accuracy_log import answers
from harness.extras import need
from harness.model import Accuracy
from schemas.errors import Failed, UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TOKENIZER = "tokenizer.json"
LONGEST = 1919
"""Tokens of a prompt that is put together here: 2048 places of GPT-J less 128 for the answer, less one."""
PROMPT = (
    "Below is an instruction that describes a task, paired with an input that provides further context. "
    "Write a response that appropriately completes the request.\n\n"
    "### Instruction:\n{instruction}\n\n### Input:\n{input}\n\n### Response:"
)
"""The words that GPT-J was fine-tuned with; another text is another benchmark."""
ENDS = ("<|endoftext|>", "<|end_of_text|>", "<|eom_id|>", "<|eot_id|>")
"""Names of end tokens: of GPT-2's tokenizer, and of Llama 3.1's (its ``generation_config.json`` names all three)."""
TIDIED = (
    (" .", "."),
    (" ?", "?"),
    (" !", "!"),
    (" ,", ","),
    (" ' ", "'"),
    (" n't", "n't"),
    (" 'm", "'m"),
    (" 's", "'s"),
    (" 've", "'ve"),
    (" 're", "'re"),
)
"""Blanks that the tokenizer of the reference (transformers 4, ``clean_up_tokenization_spaces``) takes out of a text."""


class CnnDailymail:
    """The data set; records are read at once, a prompt becomes tokens when it is loaded."""

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        """Read the first file of ``names`` that is there; ``UserError`` names what is missing or garbled."""
        self._path = _first(folder, names)
        self._tokenizer_path = folder / TOKENIZER
        if not self._tokenizer_path.is_file():
            raise UserError(f"there is no {self._tokenizer_path}; copy {TOKENIZER} of the checkpoint there")
        self._records = _records(self._path)

    def __len__(self) -> int:
        """Number of articles."""
        return len(self._records)

    def files(self) -> list[Path]:
        """The records and the tokenizer."""
        return [self._path, self._tokenizer_path]

    def load(self, index: int) -> NDArray[np.int64]:
        """The token ids of one prompt, int64 [tokens]."""
        import numpy as np

        record = self._records[index]
        ids = record.get("tok_input")
        if ids is None:
            ids = self._tokenizer.encode(PROMPT.format_map(record)).ids[:LONGEST]
        found: NDArray[np.int64] = np.array(ids, dtype=np.int64)
        if found.ndim != 1 or not found.size:
            raise UserError(f"record {index} of {self._path} has no tokens in tok_input; copy the file again")
        return found

    def right(self, index: int) -> str:
        """The highlights of an article."""
        return str(self._records[index]["output"])

    def text(self, ids: Sequence[int]) -> str:
        """What token ids say, without special tokens, with blanks as the reference has them."""
        found: str = self._tokenizer.decode(list(ids), skip_special_tokens=True)
        for loose, tidy in TIDIED:
            found = found.replace(loose, tidy)
        return found

    @property
    def ends(self) -> frozenset[int]:
        """The ids of the tokens that end an answer, as far as the tokenizer has them."""
        found = (self._tokenizer.token_to_id(name) for name in ENDS)
        return frozenset(number for number in found if number is not None)

    @cached_property
    def _tokenizer(self) -> Any:
        try:
            return need("tokenizers").Tokenizer.from_file(str(self._tokenizer_path))
        except UserError:
            raise
        except Exception as error:
            raise UserError(
                f"{self._tokenizer_path} is no tokenizer ({str(error)[:120]}); copy it from the checkpoint again"
            ) from error


def refuse_unscorable(data: CnnDailymail) -> None:
    """The tokenizer opens, and what ROUGE needs is there: an answer without words gets its scores."""
    from harness.metrics import rouge

    rouge.score([data.text(sorted(data.ends))], [data.right(0)])


def scored(log: Path, data: CnnDailymail, dtype: str) -> Accuracy:
    """ROUGE-1 in percent, and the other figures beside it, of an accuracy log of token ids of a numpy type.

    ``Failed`` for a log that is not of such ids.
    """
    import numpy as np

    from harness.metrics import rouge

    answered = answers(log)
    order = sorted(answered)
    try:
        given = [data.text(np.frombuffer(answered[i], dtype=dtype).tolist()) for i in order]
    except (ValueError, OverflowError) as error:
        raise Failed(f"{log} holds answers that are no token ids ({error}); run it again") from error
    scores = rouge.score(given, [data.right(i) for i in order])
    further = {
        "rouge2": scores.rouge2,
        "rougeL": scores.rougeL,
        "rougeLsum": scores.rougeLsum,
        "gen_len": scores.gen_len,
    }
    return Accuracy("ROUGE1", scores.rouge1, len(order), scores.line, further)


def _first(folder: Path, names: Sequence[str]) -> Path:
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise UserError(f"{folder} has no {' or '.join(names)}; put the file of the round there")


def _records(path: Path) -> list[dict[str, Any]]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}); copy it again") from error
    if not isinstance(found, list) or not found:
        raise UserError(f"{path} holds no records; it must be a list of articles, copy it again")
    for number, row in enumerate(found):
        if not isinstance(row, dict) or not _whole(row):
            raise UserError(
                f"record {number} of {path} lacks output, or tok_input, or instruction and input; copy it again"
            )
    return found


def _whole(row: dict[str, Any]) -> bool:
    texts = ("instruction", "input", "output")
    if isinstance(row.get("tok_input"), list):
        return isinstance(row.get("output"), str)
    return all(isinstance(row.get(name), str) for name in texts)

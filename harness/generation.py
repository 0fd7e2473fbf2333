"""A causal language model of Hugging Face transformers as a program: prompts of token ids in, generated ids out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.benchmarks.base import Setting
from harness.extras import need
from schemas.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.benchmarks.base import Batch, First, Outputs, Program


def causal(model: Path, setting: Setting, *, arguments: dict[str, Any], tells: bool) -> Program:
    """Open a checkpoint; ``arguments`` are those of ``generate``.

    The program takes a list of prompts (int64 [tokens] each) and gives two outputs: ids [N, most tokens], and how many
    of them count. An answer ends with its first end token, which counts, or with the last token that is allowed.
    ``tells``: the first token of each answer is said as soon as it is there (without beams only).
    """
    torch, transformers = need("torch"), need("transformers")
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    net, found = transformers.AutoModelForCausalLM.from_pretrained(
        model, dtype=getattr(torch, setting.dtype), local_files_only=True, output_loading_info=True
    )
    if found["missing_keys"]:  # the library would fill them with random numbers
        first = sorted(found["missing_keys"])[0]
        raise UserError(
            f"{model} lacks {len(found['missing_keys'])} of the model's weights ({first}); copy the checkpoint again"
        )
    net = net.to(setting.device).eval()
    ends = _ends(net)

    def program(batch: Batch, first: First) -> Outputs:
        assert isinstance(batch, list)
        ids, mask = padded(batch, ends[0])  # type: ignore[arg-type]
        made = net.generate(
            torch.from_numpy(ids).to(setting.device),
            attention_mask=torch.from_numpy(mask).to(setting.device),
            pad_token_id=ends[0],
            stopping_criteria=[_listener(torch, first, tells=tells)],
            **arguments,
        )
        tokens = made[:, ids.shape[1] :].cpu().numpy()
        return [tokens, counts(tokens, ends)]

    return program


def _ends(net: Any) -> list[int]:
    """The tokens that end an answer, as the checkpoint says."""
    found = net.generation_config.eos_token_id
    found = net.config.eos_token_id if found is None else found
    return [int(n) for n in (found if isinstance(found, list) else [found])]


def _listener(torch: Any, first: First, *, tells: bool) -> Any:
    """What ``generate`` asks after every step whether to stop: it hears of the first token; it stops for nobody."""
    heard = not tells
    over = getattr(first, "over", lambda: False)

    def listen(ids: Any, scores: Any, **_: Any) -> Any:
        nonlocal heard
        if not heard:
            heard = True
            first(range(len(ids)), [int(n) for n in ids[:, -1]])
        return torch.full((len(ids),), over(), dtype=torch.bool, device=ids.device)

    return listen


def padded(prompts: Sequence[NDArray[np.int64]], pad: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Prompts of different lengths as [N, longest], filled up at their left, and a mask that is 1 where they stand."""
    import numpy as np

    longest = max(len(p) for p in prompts)
    ids = np.full((len(prompts), longest), pad, dtype=np.int64)
    mask = np.zeros_like(ids)
    for row, prompt in enumerate(prompts):
        ids[row, longest - len(prompt) :] = prompt
        mask[row, longest - len(prompt) :] = 1
    return ids, mask


def counts(tokens: NDArray[np.int64], ends: Sequence[int]) -> NDArray[np.int64]:
    """How many tokens of each row count: up to its first end token, with it."""
    import numpy as np

    is_end = np.isin(tokens, list(ends))
    found: NDArray[np.int64] = np.where(is_end.any(axis=1), is_end.argmax(axis=1) + 1, tokens.shape[1])
    return found

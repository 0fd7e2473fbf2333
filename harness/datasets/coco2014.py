"""Captions of COCO 2014 for Stable Diffusion XL, the latents that all pictures begin with, and what scores them.

A folder as the scripts of the reference implementation make it, with ``captions/captions.tsv`` (a row per sample, the
columns ``id`` and ``caption`` among others) and ``latents/latents.npy`` or ``latents.pt`` (float [1,4,128,128], the
same for every caption); and ``scoring/`` with what turns pictures into numbers: ``val2014.npz`` (mean and covariance
of the real pictures' features), the Inception weights of pytorch-fid (one ``.pth``) and ``clip/``, a CLIP for
transformers.
"""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from harness import checkpoints
from harness.extras import need
from harness.metrics import inception
from schemas.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CAPTIONS = Path("captions/captions.tsv")
LATENTS = Path("latents/latents.npy")
LATENTS_TORCH = Path("latents/latents.pt")
SCORING = Path("scoring")
STATISTICS = SCORING / "val2014.npz"
CLIP = SCORING / "clip"
CLIP_WEIGHTS = ("model.safetensors", "pytorch_model.bin")
INPUTS = ("prompt", "latents")
SPARE = Path("captions/captions_source.tsv")
"""The name of the captions in the reference's repository."""


class Captions:
    """The captions in the order of the table, and the latents."""

    def __init__(self, root: Path) -> None:
        """Read the table; ``UserError`` says what is missing, the files that score included."""
        self.root = root
        self._table = next((p for p in (root / CAPTIONS, root / SPARE) if p.is_file()), None)
        if self._table is None:
            raise UserError(
                f"there is no {root / CAPTIONS}; --dataset wants a folder with captions and latents"
            )
        self.captions = tuple(_captions(self._table))
        self._latents_file = next((p for p in (root / LATENTS, root / LATENTS_TORCH) if p.is_file()), None)
        if self._latents_file is None:
            raise UserError(
                f"there is no {root / LATENTS} and no {root / LATENTS_TORCH}; take the latents of the reference "
                "implementation, results must begin with them"
            )
        self.weights = scoring(root)
        self._latents: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.captions)

    def load(self, index: int) -> Mapping[str, NDArray[np.generic]]:
        """One caption, an array of no axis, and the latents [4,H,W]."""
        import numpy as np

        if self._latents is None:
            assert self._latents_file is not None
            self._latents = _latents(self._latents_file)
        return dict(zip(INPUTS, (np.array(self.captions[index]), self._latents), strict=True))

    def files(self) -> list[Path]:
        """The table, the latents, and what scores."""
        assert self._table is not None
        assert self._latents_file is not None
        clip = sorted(p for p in (self.root / CLIP).iterdir() if p.is_file())
        return [self._table, self._latents_file, self.weights["statistics"], self.weights["inception"], *clip]


def scoring(root: Path) -> dict[str, Path]:
    """What scores, by ``statistics``, ``inception`` and ``clip`` (the weights); ``UserError`` for what is missing.

    Also for what is seen to be damaged at a glance: a run may take days before it is read.
    """
    cure = "docs/benchmarks/stable-diffusion-xl.md says where it comes from; without it no run can be scored"
    statistics = root / STATISTICS
    if not statistics.is_file():
        raise UserError(f"there is no {statistics}; {cure}")
    found = sorted((root / SCORING).glob("*.pth"))
    if len(found) != 1:
        names = ", ".join(p.name for p in found) or "none"
        raise UserError(
            f"{root / SCORING} wants one .pth with the weights of Inception, it has {names}; {cure}"
        )
    clip = next((p for name in CLIP_WEIGHTS if (p := root / CLIP / name).is_file()), None)
    if clip is None:
        raise UserError(f"there is no {root / CLIP / CLIP_WEIGHTS[0]}; {cure}")
    if not zipfile.is_zipfile(statistics):
        raise UserError(f"{statistics} is no whole file of numpy; copy it again")
    inception.refuse(found[0])
    checkpoints.refuse(root / CLIP, tokenizer=("tokenizer.json", "vocab.json"))
    return {"statistics": statistics, "inception": found[0], "clip": clip}


def _captions(table: Path) -> list[str]:
    """The column ``caption``; ``UserError`` for a table that has none, or rows without one."""
    try:
        with table.open(encoding="utf-8", newline="") as file:
            found = [row.get("caption") for row in csv.DictReader(file, delimiter="\t")]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{table} cannot be read ({error}); copy it again") from error
    if not found:
        raise UserError(f"{table} has no captions; it wants a table with tabs, a row per sample")
    empty = next((n for n, text in enumerate(found, 2) if not text), None)
    if empty is not None:
        raise UserError(
            f"{table} has no caption in line {empty}; it wants a column caption that is never empty"
        )
    return [text for text in found if text]


def _latents(path: Path) -> NDArray[np.float32]:
    """The latents without their first axis; ``UserError`` for a file that does not hold them."""
    import numpy as np

    try:
        if path.suffix == ".npy":
            found = np.load(path, allow_pickle=False)
        else:
            found = need("torch").load(path, map_location="cpu", weights_only=True).float().numpy()
    except UserError:
        raise
    except Exception as error:
        reason = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
        raise UserError(f"{path} holds no latents ({reason}); it wants one array [1,4,128,128]") from error
    if found.ndim != 4 or found.shape[:2] != (1, 4) or not np.issubdtype(found.dtype, np.floating):
        raise UserError(f"{path} holds {found.dtype} {list(found.shape)}; it wants float [1,4,128,128]")
    return np.ascontiguousarray(found[0], dtype=np.float32)

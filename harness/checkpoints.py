"""A checkpoint in the form of ``save_pretrained``, looked at without the library that opens it.

The layout is that of the Hugging Face libraries: ``config.json``, weights as ``model.safetensors`` or in several files
that ``*.safetensors.index.json`` names (also ``pytorch_model.bin``), a tokenizer as ``tokenizer.json``. A safetensors
file begins with the length of its header (eight bytes, little endian) and a JSON header whose ``data_offsets`` end
where the file does (format description of safetensors), so a file that was cut off is found without reading it.
"""

from __future__ import annotations

import json
import math
import struct
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.errors import UserError

LONGEST_HEADER = 100_000_000
BYTES = {"fp32": 4, "bf16": 2, "fp16": 2}
"""Of one number at a precision."""
WEIGHTS = ("model", "diffusion_pytorch_model", "pytorch_model")


def refuse(folder: Path, *, tokenizer: Sequence[str] = (), config: str = "config.json") -> None:
    """``UserError`` for a checkpoint with something missing or cut off.

    ``tokenizer``: files of which one must be there. Takes milliseconds, whatever the size of the weights.
    """
    _json(
        folder / config, f"it is part of every checkpoint in the form of save_pretrained; copy {folder} whole"
    )
    if tokenizer and not any((folder / name).is_file() for name in tokenizer):
        raise UserError(
            f"{folder} has no {' or '.join(tokenizer)}, so there is no tokenizer; copy it from the checkpoint"
        )
    found = list(weights(folder))
    if not found:
        raise UserError(
            f"{folder} has no weights; give a folder with model.safetensors, or with the files that its index names"
        )
    for path in found:
        _refuse_cut(path)


def weights(folder: Path) -> Iterator[Path]:
    """The files of weights of a checkpoint; ``UserError`` for one that an index names and that is not there."""
    for name in WEIGHTS:
        for ending in ("safetensors", "bin"):
            if (folder / f"{name}.{ending}").is_file():
                yield folder / f"{name}.{ending}"
                return
            index = folder / f"{name}.{ending}.index.json"
            if index.is_file():
                yield from _indexed(index)
                return


@dataclass(frozen=True, slots=True)
class Weights:
    """What the headers of a checkpoint say: how many numbers, of which kinds (``F32``, ``BF16`` …), how many bytes."""

    numbers: int
    kinds: tuple[str, ...]
    size: int

    def __str__(self) -> str:
        """For people."""
        return f"{self.numbers / 1e9:.3g} billion weights ({', '.join(self.kinds)}, {self.size / 1e9:.3g} GB)"

    def opened(self, precision: str) -> int:
        """Bytes in memory at a precision."""
        return self.numbers * BYTES[precision]


def counted(model: Path) -> Weights | None:
    """The weights of a folder and of its parts, by the headers alone; None where a part has no safetensors."""
    numbers, size, kinds = 0, 0, set()
    parts = [model, *sorted(p.parent for p in model.rglob("config.json") if p.parent != model)]
    for path in dict.fromkeys(p for part in parts for p in weights(part)):
        header = _header(path)
        if header is None:
            return None
        for row in header.values():
            numbers += math.prod(row["shape"])
            size += row["data_offsets"][1] - row["data_offsets"][0]
            kinds.add(str(row["dtype"]))
    return Weights(numbers, tuple(sorted(kinds)), size) if numbers else None


def _indexed(index: Path) -> Iterator[Path]:
    try:
        names = sorted(set(_json(index, "copy it again")["weight_map"].values()))
    except (KeyError, TypeError, AttributeError):
        raise UserError(f"{index} names no files of weights; copy it again") from None
    for name in names:
        path = index.parent / str(name)
        if not path.is_file():
            raise UserError(f"{path} is not there, and {index.name} names it; copy it too")
        yield path


def _json(path: Path, cure: str) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"there is no {path}; {cure}") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}); copy it again") from error


def _refuse_cut(path: Path) -> None:
    wanted = _end(path) if path.suffix == ".safetensors" else None
    size = path.stat().st_size
    if wanted is not None and size != wanted:
        raise UserError(f"{path} has {size} bytes and its header speaks of {wanted}; copy it again")
    if wanted is None and (path.suffix == ".safetensors" or not zipfile.is_zipfile(path)):
        raise UserError(f"{path} is no whole file of weights; copy it again")


def _end(path: Path) -> int | None:
    """Where a safetensors file must end; None when its header cannot be read."""
    header = _header(path)
    if header is None:
        return None
    return _begin(path) + max((int(row["data_offsets"][1]) for row in header.values()), default=0)


def _begin(path: Path) -> int:
    """Where the weights begin, behind the header and its length."""
    with path.open("rb") as file:
        return 8 + int(struct.unpack("<Q", file.read(8))[0])


def _header(path: Path) -> dict[str, Any] | None:
    """Tensors by name, each with ``dtype``, ``shape`` and ``data_offsets``; None for what is no safetensors file."""
    try:
        length = _begin(path) - 8
        if length > LONGEST_HEADER:
            return None
        with path.open("rb") as file:
            file.seek(8)
            found: dict[str, Any] = json.loads(file.read(length))
        found.pop("__metadata__", None)
        for row in found.values():
            begin, end = (int(n) for n in row["data_offsets"])
            if begin > end or min(map(int, row["shape"]), default=1) < 0 or not row["dtype"]:
                return None
    except (OSError, ValueError, struct.error, KeyError, TypeError, AttributeError):
        return None
    return found

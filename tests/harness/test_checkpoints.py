"""Checkpoints in the form of save_pretrained, looked at without the library that opens them."""

from __future__ import annotations

import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.checkpoints import Weights, counted, refuse, weights
from schemas.errors import UserError


def safetensors(path: Path, size: int = 8) -> Path:
    header = json.dumps({"__metadata__": {}, "w": {"dtype": "F32", "shape": [2], "data_offsets": [0, size]}})
    path.write_bytes(struct.pack("<Q", len(header)) + header.encode() + bytes(size))
    return path


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    (tmp_path / "tokenizer.json").write_text("{}", encoding="utf-8")
    safetensors(tmp_path / "model.safetensors")
    return tmp_path


def split(folder: Path) -> None:
    """Two files and their index, in the place of one."""
    (folder / "model.safetensors").unlink()
    names = {f"w{n}": f"model-0000{n}-of-00002.safetensors" for n in (1, 2)}
    for name in names.values():
        safetensors(folder / name)
    index = {"weight_map": names}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")


def test_whole_ones_are_taken(checkpoint: Path) -> None:
    refuse(checkpoint, tokenizer=("tokenizer.json",))
    split(checkpoint)
    refuse(checkpoint)
    assert len(list(weights(checkpoint))) == 2


def test_a_whole_archive_of_pytorch_is_taken(checkpoint: Path) -> None:
    (checkpoint / "model.safetensors").unlink()
    with zipfile.ZipFile(checkpoint / "pytorch_model.bin", "w") as archive:
        archive.writestr("data.pkl", b"")
    refuse(checkpoint)
    data = (checkpoint / "pytorch_model.bin").read_bytes()
    (checkpoint / "pytorch_model.bin").write_bytes(data[:-10])
    with pytest.raises(UserError, match="no whole file of weights; copy it again"):
        refuse(checkpoint)


def test_weights_are_counted_by_headers_alone(checkpoint: Path) -> None:
    """Of a folder and of its parts; nothing is said where a part has another form."""
    assert counted(checkpoint) == Weights(2, ("F32",), 8)
    split(checkpoint)
    part = checkpoint / "vae"
    part.mkdir()
    (part / "config.json").write_text("{}", encoding="utf-8")
    safetensors(part / "diffusion_pytorch_model.safetensors")
    found = counted(checkpoint)
    assert found == Weights(6, ("F32",), 24)
    assert found.opened("bf16") == 12
    assert str(Weights(6_050_000_000, ("F32",), 24_200_000_000)) == "6.05 billion weights (F32, 24.2 GB)"
    (part / "diffusion_pytorch_model.safetensors").write_bytes(b"\x00" * 20)
    assert counted(checkpoint) is None


def cut(folder: Path) -> None:
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(data[:-3])


def without(*names: str) -> Callable[[Path], None]:
    return lambda folder: [(folder / name).unlink() for name in names] and None


def second_gone(folder: Path) -> None:
    split(folder)
    (folder / "model-00002-of-00002.safetensors").unlink()


def written(name: str, text: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_text(text, encoding="utf-8") and None


def nameless(folder: Path) -> None:
    split(folder)
    (folder / "model.safetensors.index.json").write_text("[]", encoding="utf-8")


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (cut, "header speaks of"),
        (without("model.safetensors"), "has no weights"),
        (without("config.json"), "there is no .*config.json"),
        (without("tokenizer.json"), "has no tokenizer.json, so there is no tokenizer"),
        (written("config.json", "{"), "config.json cannot be read"),
        (written("model.safetensors", "not weights"), "no whole file of weights"),
        (written("model.safetensors", ""), "no whole file of weights"),
        (second_gone, "model-00002-of-00002.safetensors is not there"),
        (nameless, "names no files of weights"),
    ],
)
def test_what_is_missing_or_cut_off_is_one_sentence(
    checkpoint: Path, harm: Callable[[Path], None], said: str
) -> None:
    harm(checkpoint)
    with pytest.raises(UserError, match=said):
        refuse(checkpoint, tokenizer=("tokenizer.json",))

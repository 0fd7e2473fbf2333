"""Captions, latents and what scores pictures: read as they lie on disk, and missed in one sentence."""

from __future__ import annotations

import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from harness.datasets.coco2014 import Captions
from schemas.errors import UserError

HEAD = "id\timage_id\tcaption\theight\twidth\tfile_name\tcoco_url\n"
ROW = "{}\t7\t{}\t480\t640\ta.jpg\thttp://example.org/a.jpg\n"
SAID = ("A dog's ball.", "Two \u00fcber-bikes, \u201cred\u201d", "one;  two")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three captions, latents of 2 x 2, and files in the places of those that score."""
    for place in ("captions", "latents", "scoring/clip"):
        (tmp_path / place).mkdir(parents=True)
    table = HEAD + "".join(ROW.format(n, text) for n, text in enumerate(SAID))
    (tmp_path / "captions/captions.tsv").write_text(table, encoding="utf-8")
    np.save(tmp_path / "latents/latents.npy", np.arange(16, dtype=np.float64).reshape(1, 4, 2, 2))
    np.savez(tmp_path / "scoring/val2014.npz", mu=np.zeros(2), sigma=np.eye(2))
    (tmp_path / "scoring/pt_inception.pth").write_bytes(b"x")
    for name in ("config.json", "tokenizer.json"):
        (tmp_path / "scoring/clip" / name).write_text("{}")
    (tmp_path / "scoring/clip/model.safetensors").write_bytes(struct.pack("<Q", 2) + b"{}")
    return tmp_path


def test_samples_in_the_order_of_the_table(folder: Path) -> None:
    data = Captions(folder)
    assert (len(data), data.captions) == (3, SAID)
    sample = data.load(1)
    assert sample["prompt"].item() == SAID[1]
    assert (sample["latents"].dtype, sample["latents"].shape) == (np.dtype("float32"), (4, 2, 2))
    assert sample["latents"][3].tolist() == [[12, 13], [14, 15]]
    scoring = {"val2014.npz", "pt_inception.pth", "model.safetensors", "config.json", "tokenizer.json"}
    assert {p.name for p in data.files()} == {"captions.tsv", "latents.npy", *scoring}


def test_latents_of_pytorch_and_the_captions_of_the_repository(folder: Path) -> None:
    torch = pytest.importorskip("torch", reason="the extra torch is not installed")
    (folder / "latents/latents.npy").unlink()
    torch.save(torch.ones(1, 4, 2, 2).half(), folder / "latents/latents.pt")
    (folder / "captions/captions.tsv").rename(folder / "captions/captions_source.tsv")
    assert Captions(folder).load(2)["latents"].tolist() == np.ones((4, 2, 2)).tolist()


def gone(name: str) -> Callable[[Path], None]:
    return lambda root: shutil.rmtree(root / name) if (root / name).is_dir() else (root / name).unlink()


def cut(name: str) -> Callable[[Path], None]:
    return lambda root: (root / name).write_bytes((root / name).read_bytes()[:-1]) and None


def text(content: str) -> Callable[[Path], None]:
    return lambda root: (root / "captions/captions.tsv").write_text(content, encoding="utf-8") and None


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (gone("captions"), r"there is no .*captions\.tsv; --dataset wants a folder"),
        (
            gone("latents"),
            r"there is no .*latents\.npy and no .*latents\.pt; take the latents of the reference",
        ),
        (gone("scoring/val2014.npz"), r"there is no .*val2014\.npz; .* without it no run can be scored"),
        (gone("scoring/pt_inception.pth"), "wants one .pth with the weights of Inception, it has none"),
        (gone("scoring/clip"), r"there is no .*clip/model\.safetensors"),
        (lambda r: (r / "scoring/b.pth").write_bytes(b"x"), r"it has b\.pth, pt_inception\.pth"),
        (gone("scoring/clip/tokenizer.json"), r"has no tokenizer\.json or vocab\.json"),
        (cut("scoring/clip/model.safetensors"), r"copy it again"),
        (cut("scoring/val2014.npz"), "is no whole file of numpy; copy it again"),
        (
            lambda r: (r / "scoring/pt_inception.pth").rename(r / "scoring/x-6726825d.pth"),
            "its name says 6726825d…",
        ),
        (text(""), "has no captions"),
        (text(HEAD), "has no captions"),
        (text("id\ttext\n1\ta dog\n"), "has no caption in line 2; it wants a column caption"),
        (text(HEAD + ROW.format(1, "a dog") + ROW.format(2, "")), "has no caption in line 3"),
        (lambda r: (r / "captions/captions.tsv").write_bytes(b"id\tcaption\n1\t\xff\n"), "cannot be read"),
    ],
)
def test_what_is_missing(edit: Callable[[Path], None], message: str, folder: Path) -> None:
    edit(folder)
    with pytest.raises(UserError, match=message):
        Captions(folder)


@pytest.mark.parametrize(
    ("latents", "message"),
    [
        (np.zeros((4, 2, 2), dtype=np.float32), r"holds float32 \[4, 2, 2\]; it wants float \[1,4,128,128\]"),
        (np.zeros((1, 4, 2, 2), dtype=np.int64), "holds int64"),
        (np.array([{"a": 1}], dtype=object), "holds no latents"),
        (None, "holds no latents"),
    ],
)
def test_latents_that_are_none(latents: np.ndarray | None, message: str, folder: Path) -> None:  # type: ignore[type-arg]
    path = folder / "latents/latents.npy"
    if latents is None:
        path.write_bytes(path.read_bytes()[:40])
    else:
        np.save(path, latents, allow_pickle=True)
    with pytest.raises(UserError, match=message):
        Captions(folder).load(0)

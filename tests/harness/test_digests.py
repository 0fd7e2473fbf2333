"""The hash of a model: a file's own, or that of a folder with all its files and their names."""

from __future__ import annotations

import hashlib
from pathlib import Path

from harness.campaign.contents import Hashes
from harness.digests import sha256_of


def test_a_file_has_its_own(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"weights")
    assert sha256_of(path) == hashlib.sha256(b"weights").hexdigest()


def test_a_folder_changes_with_contents_and_names(tmp_path: Path) -> None:
    model = tmp_path / "model"
    (model / "deep").mkdir(parents=True)
    (model / "config.json").write_bytes(b"{}")
    (model / "deep" / "weights").write_bytes(b"abc")
    memory = tmp_path / "memory.json"
    seen = [Hashes(memory).of(model)]
    assert seen == [sha256_of(model)]
    (model / "deep" / "weights").write_bytes(b"abd")
    seen.append(Hashes(memory).of(model))
    (model / "deep" / "weights").rename(model / "deep" / "other")
    seen.append(Hashes(memory).of(model))
    (model / "more").write_bytes(b"")
    seen.append(Hashes(memory).of(model))
    assert len(set(seen)) == 4

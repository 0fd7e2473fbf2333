"""A TOML file of a user: its tables, or one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.errors import UserError
from schemas.toml_file import read_toml


def test_tables_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text("[lab]\nname = 'é'\n", encoding="utf-8")
    assert read_toml(path, "the file", "name one") == {"lab": {"name": "é"}}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (None, "cannot be read: No such file or directory; name one"),
        (b"= 3", "is not TOML"),
        (b"x = '\xff'", "is not TOML"),
        (b"x = " + b"[" * 100_000, "is nested deeper"),
    ],
)
def test_what_is_none_is_one_sentence(data: bytes | None, said: str, tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(UserError, match=r"the file .*a\.toml") as told:
        read_toml(path, "the file", "name one")
    assert said in str(told.value)
    assert "\n" not in str(told.value)

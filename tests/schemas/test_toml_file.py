"""A TOML file of a user: its tables, or one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.errors import UserError
from schemas.toml_file import LARGEST, read_toml


def test_tables_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text("[lab]\nname = 'é'\n", encoding="utf-8")
    assert read_toml(path, "the file", "name one") == {"lab": {"name": "é"}}


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(b"\xef\xbb\xbfx = 1\r\n")
    assert read_toml(path, "the file", "name one") == {"x": 1}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (None, "cannot be read: No such file or directory; name one"),
        (b"= 3", "is not TOML"),
        (b"x = '\xff'", "is not TOML"),
        (b"x = " + b"[" * 100_000, "is nested deeper"),
        (b"a." * 60 + b"x = 1", "is nested deeper"),
        (b"a = 1\n" + b"a." * 5_000 + b"x = 1", "line 2 holds more than 100 dots"),
        (b"x = " + b"9" * 5_000, "a number has more digits"),
        (b"#" * (LARGEST + 1), "is longer than the 2097152 bytes that are read"),
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

"""Texts as the one door gives them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checker.reading import read_lenient, read_text


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("texts") / "text"


@settings(deadline=None)
@given(text=st.lists(st.sampled_from(["a", "\n", "\r\n", "\r", "\x85", "ü"])).map("".join))
def test_line_ends_become_those_of_unix_and_no_others(path: Path, text: str) -> None:
    path.write_bytes(text.encode())
    wanted = path.read_text(encoding="utf-8")  # "universal newlines" do the same
    assert read_text(path) == wanted
    assert read_lenient(path) == wanted


@pytest.mark.parametrize("end", [b"\r\n", b"\r"])
def test_what_is_no_utf8_is_replaced_and_takes_no_line_end_with_it(path: Path, end: bytes) -> None:
    path.write_bytes(b"a\xe2\x80" + end + b"b" + end)
    assert read_lenient(path) == "a\ufffd\nb\n"

"""Lines that hold a word, found in either way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checker.lines import FEW, OTHER_ENDS, holding, spans, with_line_feeds


@pytest.mark.parametrize("times", [1, FEW])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\u2028"])
@pytest.mark.parametrize("last", ["", "\n"])
def test_lines_with_a_word(times: int, end: str, last: str) -> None:
    text = end.join(["ERROR one", "", "nothing", "a WARNING and an ERROR", "two ERROR ERROR"] * times) + last
    lines = text.splitlines()
    wanted = [(at, line) for at, line in enumerate(lines, start=1) if "WARNING" in line or "ERROR" in line]
    assert holding(text, ("WARNING", "ERROR")) == wanted


def test_no_line_holds_it() -> None:
    assert holding("", ("x",)) == []
    assert holding("a\nb", ("x",)) == []


TEXTS = st.lists(st.sampled_from(["aa", "b", "ab", " ", "\n", *OTHER_ENDS])).map("".join)


@given(text=TEXTS, words=st.lists(st.sampled_from(["a", "aa", "b", "ba"]), max_size=3))
def test_lines_are_those_of_splitlines(text: str, words: list[str]) -> None:
    wanted = [
        (at, line) for at, line in enumerate(text.splitlines(), 1) if any(word in line for word in words)
    ]
    assert holding(text, words) == wanted


@given(text=TEXTS)
def test_line_feeds_at_all_ends(text: str) -> None:
    same = with_line_feeds(text)
    assert same.splitlines() == text.splitlines()
    assert not set(same) & set(OTHER_ENDS)


def test_spans_from_a_place_on() -> None:
    text = "one x\ntwo\nthree x x\nx"
    assert [text[begin:end] for begin, end in spans(text, "x")] == ["one x", "three x x", "x"]
    assert [text[begin:end] for begin, end in spans(text, "x", len("one x"))] == ["three x x", "x"]

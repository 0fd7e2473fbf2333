"""Lines that hold a word, and the ends of lines."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from checker.lines import OTHER_ENDS, holding, spans, with_line_feeds


def test_lines_with_a_word_and_their_numbers() -> None:
    text = "ERROR one\n\nnothing\r\na WARNING and an ERROR\u2028two ERROR ERROR"
    wanted = [(1, "ERROR one"), (4, "a WARNING and an ERROR"), (5, "two ERROR ERROR")]
    assert holding(text, ("WARNING", "ERROR")) == wanted
    assert holding("a\nb", ("x",)) == []


@settings(deadline=None)
@given(text=st.lists(st.sampled_from(["a", "b", " ", "\n", *OTHER_ENDS])).map("".join))
def test_line_feeds_at_all_ends(text: str) -> None:
    same = with_line_feeds(text)
    assert same.splitlines() == text.splitlines()
    assert not set(same) & set(OTHER_ENDS)


def test_spans_from_a_place_on() -> None:
    text = "one x\ntwo\nthree x x\nx"
    assert [text[begin:end] for begin, end in spans(text, "x")] == ["one x", "three x x", "x"]
    assert [text[begin:end] for begin, end in spans(text, "x", len("one x"))] == ["three x x", "x"]

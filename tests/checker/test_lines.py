"""Lines that hold a word, found in either way."""

from __future__ import annotations

import pytest

from checker.lines import FEW, holding


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

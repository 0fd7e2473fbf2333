"""JSON of one value a line, written row by row: the same characters as the standard library's."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from checker.reports import _json_text

TEXTS = st.text(st.characters(codec=None), max_size=6) | st.sampled_from(
    ["\ud800", 'a\n "b": [1, {}]', "\\u0000"]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
DOCUMENTS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4)
)


def written(document: Any, depth: int) -> str:
    stream = io.StringIO()
    _json_text.write(document, stream, depth)
    return stream.getvalue()


@given(DOCUMENTS, st.integers(0, 4))
@example({"rows": [], "more": [{}], "last": {"a": [[]]}}, 2)
@example(["\ud800", {"\udfff": 1e-7}], 1)
def test_the_layout_is_that_of_the_standard_library(document: Any, depth: int) -> None:
    assert written(document, depth) == json.dumps(document, indent=1) + "\n"


def test_rows_may_come_one_by_one() -> None:
    rows = [{"at": at} for at in range(3)]
    assert (
        written({"rows": iter(rows), "none": iter(())}, 2)
        == json.dumps({"rows": rows, "none": []}, indent=1) + "\n"
    )


@pytest.mark.parametrize("depth", [0, 1])
def test_numbers_that_json_does_not_have_are_refused(depth: int) -> None:
    with pytest.raises(ValueError, match="Out of range"):
        written([float("nan")], depth)

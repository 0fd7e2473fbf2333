"""The part of YAML that is read, and what is refused."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.yaml_subset import LONGEST, parse_yaml, read_yaml

NAMEPLATE = """\
# supplies of the system
rack 1:
  - node A:
      Min PSUs Needed: 1   # of two
      PSUs:
        - {Name: left, PowerCapacityWatts: 800}
        - Name: "right: #2"
          PowerCapacityWatts: 750.5
  - node B: {min psus needed: 2, psus: [{PowerCapacityWatts: 500}, {PowerCapacityWatts: 500}]}
"""


def test_a_nameplate_file() -> None:
    assert parse_yaml(NAMEPLATE) == {
        "rack 1": [
            {
                "node A": {
                    "Min PSUs Needed": 1,
                    "PSUs": [
                        {"Name": "left", "PowerCapacityWatts": 800},
                        {"Name": "right: #2", "PowerCapacityWatts": 750.5},
                    ],
                }
            },
            {
                "node B": {
                    "min psus needed": 2,
                    "psus": [{"PowerCapacityWatts": 500}, {"PowerCapacityWatts": 500}],
                }
            },
        ]
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("---\n# nothing\n", None),
        ("a: 1\nb: -2.5e3\nc: ~\nd: yes\ne: 1_000", {"a": 1, "b": -2500.0, "c": None, "d": True, "e": 1000}),
        ("type: online # as served", {"type": "online"}),
        ("url: http://host:80/v1#x", {"url": "http://host:80/v1#x"}),
        ("99.9: 5\n50: 6", {"99.9": 5, "50": 6}),
        ("a:\n- 1\n- - 2\n  - 3\n-\n  b: c", {"a": [1, [2, 3], {"b": "c"}]}),
        (
            "a: [1,\n  'it''s', \"two\\n\"]\nb: {c: [], d: {}}",
            {"a": [1, "it's", "two\n"], "b": {"c": [], "d": {}}},
        ),
        ("a: |\n  one\n   two\nb: >-\n  three\n  four\n", {"a": "one\n two\n", "b": "three four"}),
        ("a: one\n  two\nb:\nc: x", {"a": "one two", "b": None, "c": "x"}),
        ('"quoted key": v', {"quoted key": "v"}),
        ("just a text", "just a text"),
    ],
)
def test_what_is_read(text: str, value: object) -> None:
    assert parse_yaml(text) == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: &x 1", "an anchor"),
        ("a: *x", "an alias"),
        ("a: !!python/object:os.system x", "a tag"),
        ("? a\n: b", "a complex key"),
        ("a: 1\na: 2", "repeats the key 'a'"),
        ("a:\n\tb: 1", "indented with a tab"),
        ("a: [1, 2", "inside brackets"),
        ("a: [1 2: 3}", "comma or ]"),
        ("a: 'x' y", "behind"),
        ('a: {b": c, d: "}', "a quote that is not closed"),
        ("a: 1\n   b: 2", "where a value goes on"),
        ("a: 1\n---\nb: 2", "no key"),
        ("[" * 60 + "]" * 60, "levels deep"),
        ("\n".join(" " * n + f"k{n}:" for n in range(60)), "levels deep"),
    ],
)
def test_what_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        parse_yaml(text)
    assert reason in str(caught.value)


def test_a_long_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "long.yaml"
    path.write_text("a: " + "x" * LONGEST)
    with pytest.raises(ValueError, match="longer than"):
        read_yaml(path)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=5), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(VALUES)
def test_json_is_read_as_json(value: object) -> None:
    assert parse_yaml(json.dumps({"value": value})) == {"value": value}


@given(st.text(alphabet="ab:- \n#'\"[]{},|>&*!?%\t1.", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(ValueError):
        json.dumps(parse_yaml(text))

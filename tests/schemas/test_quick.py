"""The fast answer whether a document fits is the answer of jsonschema."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from schemas import documents, quick
from schemas.rounds import known_rounds, load_round

NAMES = st.sampled_from(["a", "b", "c"])
SCALARS = (
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.5, 1.0, 2.0, "", "a", "ab", "1"])
)
VALUES = st.recursive(SCALARS, lambda x: st.lists(x, max_size=2) | st.dictionaries(NAMES, x, max_size=3))
LEAVES = st.one_of(
    st.builds(lambda t: {"type": t}, st.sampled_from(sorted(quick.TYPES))),
    st.builds(lambda v: {"const": v}, SCALARS),
    st.builds(lambda v: {"enum": v}, st.lists(SCALARS, min_size=1, max_size=3)),
    st.builds(lambda n: {"minimum": n}, st.integers(-2, 2)),
    st.builds(lambda n: {"maximum": n}, st.integers(-2, 2)),
    st.builds(lambda n: {"minLength": n}, st.integers(0, 2)),
    st.builds(lambda n: {"required": n}, st.lists(NAMES, max_size=2, unique=True)),
    st.just({"pattern": "^a"}),
)
SCHEMAS = st.recursive(
    LEAVES,
    lambda s: st.one_of(
        st.builds(lambda p: {"properties": p}, st.dictionaries(NAMES, s, max_size=2)),
        st.builds(lambda p: {"allOf": p}, st.lists(s, min_size=1, max_size=2)),
        st.builds(lambda i, t, e: {"if": i, "then": t, "else": e}, s, s, s),
        st.builds(lambda i, t: {"if": i, "then": t, "title": "x"}, s, s),
    ),
    max_leaves=6,
)


@given(SCHEMAS, VALUES)
def test_both_answer_alike(schema: dict[str, Any], value: Any) -> None:
    check = quick.compiled(schema)
    assert check is not None
    assert check(value) == Draft202012Validator(schema).is_valid(value)


def test_what_it_does_not_know_it_leaves_to_jsonschema() -> None:
    for schema in (
        {"oneOf": [{}]},
        {"properties": {"a": {"items": {}}}},
        {"const": [1]},
        {"type": ["object"]},
        True,
    ):
        assert quick.compiled(schema) is None


def test_the_schemas_of_many_documents_are_answered_in_every_round() -> None:
    for name in known_rounds():
        facts = load_round(name).facts
        own = dict(facts) | {"status_pattern": "^a$"}
        assert quick.compiled(documents.resolve(documents.load("system"), own)) is not None


def test_names_at_any_depth() -> None:
    schema = {
        "properties": {"a": {}},
        "allOf": [{"if": {"required": ["b"]}, "then": {"properties": {"c": {}}}}],
    }
    assert quick.property_names(schema) == {"a", "b", "c"}

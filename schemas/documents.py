"""JSON Schemas of the files that pass between the parts, and how their violations are read.

One schema per kind of file in ``schemas/files``; ``{"$ref": "schema:NAME"}`` names another one of the folder. Two
additions of ours:

``x-rule``
    the id of the rule that a constraint belongs to. It stands in the (sub)schema that fails; where it is
    missing the nearest enclosing one counts.
``{"$fact": "/limits/min_duration_ms"}``
    stands for a value of the round, found by JSON pointer in the facts that the caller gives. A constraint
    whose fact is null is left out, because that round does not have it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from schemas import quick

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError
    from referencing import Registry, Resource

UNRULED = "schema/form"
"""Rule of a constraint that names none."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One constraint that an instance breaks.

    ``pointer`` is the JSON pointer of the offending place, ``keyword`` the schema keyword (``required``,
    ``minimum``, …), ``found`` and ``wanted`` short texts.
    """

    rule: str
    pointer: str
    keyword: str
    message: str
    found: str
    wanted: str


def names() -> tuple[str, ...]:
    """Kinds of file that have a schema."""
    here = resources.files("schemas") / "files"
    return tuple(
        sorted(f.name.removesuffix(".schema.json") for f in here.iterdir() if f.name.endswith(".json"))
    )


@cache
def load(name: str) -> Mapping[str, Any]:
    """The schema as written, with its ``$fact`` places unfilled; KeyError when there is no such schema."""
    path = resources.files("schemas") / "files" / f"{name}.schema.json"
    if not path.is_file():
        raise KeyError(f"no schema named {name!r}; there are: {', '.join(names())}")
    document: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


class _Absent:
    """Marks a constraint whose fact the round does not have."""


_ABSENT = _Absent()


def resolve(schema: Any, facts: Mapping[str, Any]) -> Any:
    """The schema with every ``$fact`` replaced; constraints whose fact is null are dropped.

    KeyError when a pointer leads nowhere, which is a fault of the schema or of the round's file.
    """
    if isinstance(schema, Mapping):
        if set(schema) == {"$fact"}:
            value = _follow(facts, str(schema["$fact"]))
            return _ABSENT if value is None else value
        pairs = ((key, resolve(value, facts)) for key, value in schema.items())
        return {key: value for key, value in pairs if value is not _ABSENT}
    if isinstance(schema, list):
        return [v for v in (resolve(item, facts) for item in schema) if v is not _ABSENT]
    return schema


def _follow(facts: Mapping[str, Any], pointer: str) -> Any:
    at: Any = facts
    for part in pointer.removeprefix("/").split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        if at is None:
            return None
        at = at.get(key) if pointer.endswith("?") else at[key]
    return at


def validator(name: str, facts: Mapping[str, Any] | None = None) -> Draft202012Validator:
    """A compiled validator; ``facts`` fills the ``$fact`` places."""
    compiled = prepared(name, facts)
    if compiled.validator is None:
        from jsonschema import Draft202012Validator

        compiled.validator = Draft202012Validator(compiled.schema, registry=_registry())
    return compiled.validator


def fits(name: str, instance: Any, facts: Mapping[str, Any] | None = None) -> bool:
    """Whether ``instance`` certainly has no violation; False where only ``violations`` can tell."""
    quick = prepared(name, facts).quick
    return quick is not None and quick(instance)


@dataclass(slots=True)
class Prepared:
    """A schema with its facts filled in, and what was made of it. ``quick`` tells of most documents that they
    certainly have no violation; ``names`` are the properties that it looks at, and others make no difference where it
    allows them."""

    schema: Mapping[str, Any]
    quick: quick.Check | None
    names: frozenset[str]
    validator: Draft202012Validator | None = None


def prepared(name: str, facts: Mapping[str, Any] | None = None) -> Prepared:
    """The schema for many documents with the same facts."""
    used = "" if facts is None else repr([_follow(facts, pointer) for pointer in pointers(name)])
    found = _compiled.get((name, used))
    if found is None:
        schema = load(name) if facts is None else resolve(load(name), facts)
        found = Prepared(schema, quick.compiled(schema), quick.property_names(schema))
        _compiled[name, used] = found
        while len(_compiled) > KEPT_VALIDATORS:
            del _compiled[next(iter(_compiled))]
    return found


KEPT_VALIDATORS = 256
_compiled: dict[tuple[str, str], Prepared] = {}
"""Schemas by name and by the facts that fill their places."""


@cache
def pointers(name: str) -> tuple[str, ...]:
    """The facts that a schema asks for, in order of place."""
    return tuple(_pointers(load(name)))


def _pointers(schema: Any) -> Iterator[str]:
    if isinstance(schema, Mapping):
        if set(schema) == {"$fact"}:
            yield str(schema["$fact"])
            return
        for value in schema.values():
            yield from _pointers(value)
    elif isinstance(schema, list):
        for item in schema:
            yield from _pointers(item)


@cache
def _registry() -> Registry[Any]:
    """Where ``{"$ref": "schema:NAME"}`` leads: to another schema of the folder, also by its ``$id``."""
    from referencing import Registry, Resource

    def other(uri: str) -> Resource[Any]:
        return Resource.from_contents(
            load(uri.removeprefix("schema:") if uri.startswith("schema:") else uri.split("/")[1])
        )

    return Registry(retrieve=other)  # type: ignore[call-arg]


def violations(name: str, instance: Any, facts: Mapping[str, Any] | None = None) -> Iterator[Violation]:
    """Every constraint of schema ``name`` that ``instance`` breaks, in order of place."""
    if fits(name, instance, facts):
        return
    compiled = validator(name, facts)
    errors = compiled.iter_errors(instance)
    for error in sorted(
        errors, key=lambda e: ([str(p) for p in e.absolute_path], str(e.validator), e.message)
    ):
        yield Violation(
            rule=_rule_of(error, compiled.schema),
            pointer=_pointer(error.absolute_path),
            keyword=str(error.validator),
            message=error.message,
            found="nothing" if error.validator == "required" else _short(error.instance),
            wanted=_wanted(error),
        )


def _pointer(path: Iterable[Any]) -> str:
    return "".join("/" + str(p).replace("~", "~0").replace("/", "~1") for p in path)


def _rule_of(error: ValidationError, schema: Any) -> str:
    """The nearest ``x-rule`` on the way from the root of the schema to the constraint that failed."""
    keyword = str(error.validator)
    rule, at = UNRULED, schema
    for part in _steps(list(error.absolute_schema_path)):
        own = at.get("x-rule") if isinstance(at, Mapping) else None
        if isinstance(own, Mapping):  # one rule per keyword of the same (sub)schema
            own = own.get(keyword)
        rule = rule if own is None else str(own)
        at = _step(at, part, schema)
    return rule


def _step(at: Any, part: Any, schema: Any) -> Any:
    """One step down a schema; the paths of errors lead through a ``$ref`` without naming it, or name it."""
    if isinstance(at, Mapping) and "$ref" in at and (part == "$ref" or part not in at):
        target = _follow(schema, str(at["$ref"]).removeprefix("#"))
        return target if part == "$ref" else target[part]
    return at[part]


def _steps(path: list[Any]) -> list[Any]:
    """The path as it stands in the schema: errors of a branch come under ``if``, beside which it stands."""
    return [p for p, after in zip(path, [*path[1:], None], strict=True) if (p, after) not in _BRANCHES]


_BRANCHES = (("if", "then"), ("if", "else"))


def missing_name(error_message: str) -> str:
    """The property that a ``required`` message names."""
    return error_message.split("'")[1]


def _wanted(error: ValidationError) -> str:
    if error.validator == "required":
        return missing_name(error.message)
    value = _short(error.validator_value)
    return _WORDS.get(str(error.validator), f"{error.validator} {{}}").format(value)


_WORDS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
    "const": "{}",
    "enum": "one of {}",
    "type": "a value of type {}",
    "minItems": "{} or more in the list",
    "maxItems": "no more than {} in the list",
    "minLength": "a text of {} or more characters",
    "minProperties": "{} or more keys",
    "uniqueItems": "each once",
    "additionalProperties": "only keys that are known here",
}
"""What a constraint wants, in the place of its keyword, with its value."""


def _short(value: Any, limit: int = 120) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= limit else text[: limit - 1] + "…"

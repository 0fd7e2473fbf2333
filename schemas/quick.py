"""Whether a document fits its schema, answered fast; why not is answered by jsonschema.

Most documents fit, and jsonschema takes half a millisecond and some megabytes of modules to say so. Here the same
schema, with its facts filled in, is turned into small functions once. They know the keywords of the schemas that are
held against many documents; a schema with any other one is not answered here. Meaning of the keywords: JSON Schema
2020-12, "Validation", as the library reads them (``1.0`` is an integer, ``true`` is not 1, patterns search).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Check = Callable[[Any], bool]
SAYINGS = frozenset({"$schema", "$id", "title", "description", "x-rule"})
"""Keywords that allow everything."""
BRANCHES = frozenset({"if", "then", "else"})


class Unknown(Exception):
    """A keyword, or a form of one, that is not answered here."""


def compiled(schema: Any) -> Check | None:
    """The schema as a function that says whether a document fits; None when it cannot be answered here."""
    try:
        return _all(schema)
    except Unknown:
        return None


def _all(schema: Any) -> Check:
    if not isinstance(schema, dict):
        raise Unknown
    checks = [
        _KEYWORDS[k](v) if k in _KEYWORDS else _unknown(k) for k, v in schema.items() if k not in _ASIDE
    ]
    if "if" in schema:
        checks.append(_branch(schema))
    if len(checks) == 1:
        return checks[0]
    return _every(checks)


def _every(checks: Sequence[Check]) -> Check:
    """Whether all of the checks say yes."""

    def fits(x: Any) -> bool:
        for check in checks:  # noqa: SIM110 - all() takes twice as long, and most of the time is spent here
            if not check(x):
                return False
        return True

    return fits


def _unknown(keyword: str) -> Check:
    raise Unknown(keyword)


def _number(x: Any) -> bool:
    return isinstance(x, int | float) and not isinstance(x, bool)


TYPES: Mapping[str, Check] = {
    "object": lambda x: isinstance(x, dict),
    "array": lambda x: isinstance(x, list),
    "string": lambda x: isinstance(x, str),
    "boolean": lambda x: isinstance(x, bool),
    "null": lambda x: x is None,
    "number": _number,
    "integer": lambda x: _number(x) and (isinstance(x, int) or x.is_integer()),
}


def _type(names: Any) -> Check:
    if not isinstance(names, str) or names not in TYPES:
        raise Unknown
    return TYPES[names]


def _const(wanted: Any) -> Check:
    if isinstance(wanted, dict | list):
        raise Unknown
    if _number(wanted):
        return lambda x: _number(x) and x == wanted
    return lambda x: type(x) is type(wanted) and x == wanted


def _enum(choices: Any) -> Check:
    checks = [_const(choice) for choice in choices]
    return lambda x: any(check(x) for check in checks)


def _minimum(least: Any) -> Check:
    return lambda x: not _number(x) or not x < least


def _maximum(most: Any) -> Check:
    return lambda x: not _number(x) or not x > most


def _min_length(least: Any) -> Check:
    return lambda x: not isinstance(x, str) or len(x) >= least


def _pattern(text: Any) -> Check:
    search = re.compile(text).search
    return lambda x: not isinstance(x, str) or search(x) is not None


def _required(names: Any) -> Check:
    if not isinstance(names, list):
        raise Unknown
    return lambda x: not isinstance(x, dict) or all(name in x for name in names)


def _properties(schemas: Any) -> Check:
    checks = [(name, _all(schema)) for name, schema in schemas.items()]

    def fits(x: Any) -> bool:
        if isinstance(x, dict):
            for name, check in checks:
                if name in x and not check(x[name]):
                    return False
        return True

    return fits


def _all_of(schemas: Any) -> Check:
    return _every([_all(schema) for schema in schemas])


def _branch(schema: Mapping[str, Any]) -> Check:
    condition, yes, no = (_all(schema.get(name, {})) for name in ("if", "then", "else"))
    return lambda x: yes(x) if condition(x) else no(x)


_ASIDE = SAYINGS | BRANCHES
_KEYWORDS: Mapping[str, Callable[[Any], Check]] = {
    "type": _type,
    "const": _const,
    "enum": _enum,
    "minimum": _minimum,
    "maximum": _maximum,
    "minLength": _min_length,
    "pattern": _pattern,
    "required": _required,
    "properties": _properties,
    "allOf": _all_of,
}


def property_names(schema: Any) -> frozenset[str]:
    """Every property that a schema names at any depth."""
    if isinstance(schema, list):
        return frozenset().union(*map(property_names, schema))
    if not isinstance(schema, Mapping):
        return frozenset()
    own = schema.get("properties")
    required = schema.get("required")
    found = frozenset(own) if isinstance(own, Mapping) else frozenset()
    found |= (
        frozenset(n for n in required if isinstance(n, str)) if isinstance(required, list) else frozenset()
    )
    return found.union(*map(property_names, schema.values()))

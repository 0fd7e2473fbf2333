"""Dataclasses out of JSON that anybody may have written: every value of the kind that its field names.

A text in the place of a number would otherwise be repeated as often as the number that it is multiplied by.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")
_Field = tuple[str, tuple[type, ...], bool]
_SCALARS = (int, float, str, bool, NoneType)


_KNOWN: dict[type, tuple[_Field, ...]] = {}


def made(kind: type[T], values: Mapping[str, Any]) -> T:
    """An object of a dataclass; TypeError where a field is missing, unknown, or of another kind than it says.

    Looked at are the fields of numbers, texts, flags and their tuples; a whole number is good for a floating point
    one.
    """
    fields = _KNOWN.get(kind) or _KNOWN.setdefault(kind, _fields(kind))
    for name, wanted, several in fields:
        if name in values:
            value = values[name]
            for one in value if several else (value,):
                if type(one) not in wanted:
                    raise TypeError(f"{name} is {type(one).__name__}, wanted {wanted[0].__name__}")
    return kind(**values)


def _fields(kind: type) -> tuple[_Field, ...]:
    """Name, kinds of a value, and whether it is a tuple of such, of each field of scalars."""
    found = []
    for name, hint in get_type_hints(kind).items():
        several = get_origin(hint) is tuple
        wanted = _kinds(get_args(hint)[0] if several else hint)
        if wanted:
            found.append((name, wanted, several))
    return tuple(found)


def _kinds(hint: Any) -> tuple[type, ...]:
    parts = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    if any(part not in _SCALARS for part in parts):
        return ()
    return (*parts, int) if float in parts else parts

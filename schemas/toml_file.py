"""A TOML file that a user wrote, or one sentence on why it cannot be read.

``tomllib`` itself needs time and memory that grow with the square of the parts of a dotted key, and a second for
some hundred kilobytes: limits stand before it.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from schemas.errors import UserError

LARGEST = 2 << 20
"""Bytes: some ten thousand entries of a ledger."""
MOST_DOTS = 100
"""Dots in one line, and so parts of a key."""
DEEPEST = 50
"""Tables and lists in each other."""


class TooDeep(ValueError):
    """Tables or lists in each other beyond the limit."""


def read_toml(path: Path, what: str, wanted: str) -> dict[str, Any]:
    """The tables of ``path``. ``UserError`` calls it ``what`` and says with ``wanted`` which file to name."""
    try:
        with path.open("rb") as file:  # may be a pipe (``<(…)`` of a shell)
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise UserError(f"{what} {path} cannot be read: {error.strerror or error}; {wanted}") from error
    if len(data) > LARGEST:
        raise UserError(f"{what} {path} is longer than the {LARGEST} bytes that are read: {wanted}")
    try:
        return parse_toml(data)
    except TooDeep as error:
        raise UserError(f"{what} {path} {error}: {wanted}") from None
    except ValueError as error:
        raise UserError(f"{what} {path} is not TOML: {error}; put that place right") from error


def parse_toml(data: bytes) -> dict[str, Any]:
    """The tables of a text, with or without byte order mark; ``ValueError`` with what is wrong with it."""
    text = data.decode("utf-8-sig")
    for number, line in enumerate(text.split("\n"), start=1):
        if line.count(".") > MOST_DOTS:
            raise ValueError(f"line {number} holds more than {MOST_DOTS} dots, more than any such file")
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except RecursionError as error:
        raise TooDeep("is nested deeper than any such file") from error
    except ValueError as error:  # Python's own words advise to change Python's settings
        raise ValueError("a number has more digits than any such file needs") from error
    _refuse_depth(document)
    return document


def _refuse_depth(document: dict[str, Any]) -> None:
    level: list[Any] = [document]
    for _ in range(DEEPEST):
        inner = [n.values() if isinstance(n, dict) else n for n in level]
        level = [item for items in inner for item in items if isinstance(item, dict | list)]
        if not level:
            return
    raise TooDeep("is nested deeper than any such file")

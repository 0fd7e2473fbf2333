"""Single values of a campaign file, read as the options of ``run`` that they stand for; all mistakes at once."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from schemas.cliparse import nearest
from schemas.errors import UserErrors

_KINDS = {int: "a whole number", float: "a number", Path: "a path", str: "a text"}


class Mistakes:
    """Collects what is wrong, so that a user is told once."""

    def __init__(self, source: str) -> None:
        """``source`` is the file."""
        self._source = source
        self.found: list[str] = []

    def add(self, text: str) -> None:
        """One more; the same one is said once."""
        if text not in self.found:
            self.found.append(text)

    def keys(self, place: str, row: Mapping[str, Any], known: Iterable[str]) -> None:
        """Every key that nobody reads, with the nearest one that somebody does."""
        names = tuple(known)
        for key in row:
            if key not in names:
                self.add(f"{place}: unknown key {key!r}; {nearest(key, names)}")

    def check(self) -> None:
        """``UserErrors`` with all of them, when there are any."""
        if self.found:
            raise UserErrors(self._source, self.found)


class Options:
    """The options of ``run``, as its parser has them."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        """Nothing is parsed; the parser is only looked at."""
        self._actions = {a.dest: a for a in parser._actions if not isinstance(a, argparse._HelpAction)}

    @property
    def names(self) -> tuple[str, ...]:
        """Their names, with underscores."""
        return tuple(self._actions)

    def namespace(self, values: Mapping[str, Any]) -> argparse.Namespace:
        """The arguments of a command line with these values and every other option left out."""
        return argparse.Namespace(**{**{n: a.default for n, a in self._actions.items()}, **values})

    def words(self, values: Mapping[str, Any]) -> tuple[str, ...]:
        """The command line that these values stand for."""
        found = []
        for name, action in self._actions.items():
            value = values.get(name)
            if value is None or value is False:
                continue
            own = (
                [str(v) for v in value] if isinstance(value, list) else [] if value is True else [str(value)]
            )
            found += [*action.option_strings[-1:], *own]
        return tuple(found)

    def read(self, name: str, value: Any, folder: Path) -> Any:
        """A value as its option wants it, paths as seen from ``folder``; ``ValueError`` says what was wanted."""
        action = self._actions[name]
        if action.nargs == 0:
            if not isinstance(value, bool):
                raise ValueError(f"found {value!r}, wanted true or false")
            return value
        many = action.nargs in ("+", "*") or isinstance(action, argparse._AppendAction)
        if many:
            if not isinstance(value, list):
                raise ValueError(f"found {value!r}, wanted a list")
            return [self._one(action, each, folder) for each in value]
        return self._one(action, value, folder)

    def _one(self, action: argparse.Action, value: Any, folder: Path) -> Any:
        kind: Any = action.type or str
        fits = isinstance(value, (int, float) if kind is float else int if kind is int else str)
        if isinstance(value, bool) or (kind in _KINDS and not fits):
            raise ValueError(f"found {value!r}, wanted {_KINDS.get(kind, 'a value')}")
        if kind is Path:
            return folder / Path(value).expanduser()
        try:
            read = kind(value if kind in _KINDS else str(value))
        except (ValueError, TypeError, argparse.ArgumentTypeError) as error:
            raise ValueError(str(error)) from None
        if action.choices is not None and read not in action.choices:
            raise ValueError(f"found {value!r}; {nearest(str(value), map(str, action.choices))}")
        return read

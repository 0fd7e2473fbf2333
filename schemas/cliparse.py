"""Arguments as our programs take them: what is wrong with them is one sentence with the nearest known name."""

from __future__ import annotations

import argparse
import difflib
import math
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn

from schemas.errors import UserError

_INVALID = re.compile(r"argument (?P<name>.+?): invalid (?P<kind>\w+) value: (?P<found>.+)", re.DOTALL)
_CHOICE = re.compile(
    r"argument (?P<name>.+?): invalid choice: (?P<found>.+?) \(choose from (?P<known>.+)\)", re.DOTALL
)
_BARE = re.compile(r"argument (?P<name>.+?): expected (?P<wanted>.+?) arguments?")
_PAIR = re.compile(r"argument (?P<name>.+?): not allowed with argument (?P<other>.+)")
_MISSING = "the following arguments are required: "
_KINDS = {"int": "a whole number", "float": "a number"}
_ALMOST = 0.6


class Parser(argparse.ArgumentParser):
    """An ``ArgumentParser`` whose errors are ``UserError`` with one sentence; so are those of its sub-commands."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        """Never prints the usage: it would bury the sentence."""
        raise UserError(f"{self._sentence(message)} (see `{self.prog} --help`)")

    def _sentence(self, message: str) -> str:
        if found := _INVALID.fullmatch(message):
            return (
                f"{found['name']}: found {found['found']}, wanted {_KINDS.get(found['kind'], found['kind'])}"
            )
        if found := _CHOICE.fullmatch(message):
            known = tuple(name.strip("' ") for name in found["known"].split(","))
            hint = nearest(found["found"].strip("'"), known)
            return f"{found['name']} {found['found']} is not known; {hint}"
        if found := _BARE.fullmatch(message):
            return f"{found['name']}: found too few values behind it, wanted {found['wanted']}"
        if found := _PAIR.fullmatch(message):
            return f"found {found['name']} and {found['other']} together, wanted one of them; leave the other out"
        if message.startswith(_MISSING):
            return f"found no {message.removeprefix(_MISSING)}; {self._offer()}"
        return message.removeprefix("argument ")

    def _offer(self) -> str:
        """What may stand at the place that is empty: the commands, else the shortest line that is whole."""
        commands = self.commands()
        if commands:
            return f"choose one of {', '.join(commands)}"
        words = [self.prog]
        for action in self._actions:
            value = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
            if action.required:
                words += [action.option_strings[-1], value] if action.option_strings else [value]
        return f"write {' '.join(words)}"

    def commands(self) -> dict[str, Parser]:
        """The parsers of the sub-commands by their names."""
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                return dict(action.choices)
        return {}

    def options(self) -> tuple[str, ...]:
        """Every option that starts with two dashes."""
        return tuple(o for a in self._actions for o in a.option_strings if o.startswith("--"))

    def chosen(self, args: argparse.Namespace) -> Parser:
        """The parser of the (innermost) sub-command that was named."""
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                found = action.choices.get(str(getattr(args, action.dest, "")))
                return found.chosen(args) if isinstance(found, Parser) else self
        return self


def parse(parser: Parser, argv: Sequence[str] | None) -> argparse.Namespace:
    """The arguments; ``UserError`` with the nearest option for one that is not known."""
    args, strange = parser.parse_known_args(argv)
    if not strange:
        return args
    chosen, first = parser.chosen(args), strange[0]
    if first.startswith("-"):
        near = _near(first.partition("=")[0], (*chosen.options(), *parser.options()))
        hint = f"; did you mean {near}?" if near else ""
        raise UserError(f"option {first!r} is not known{hint} (see `{chosen.prog} --help`)")
    raise UserError(f"found {first!r}, wanted nothing more; leave it out (see `{chosen.prog} --help`)")


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint for a name that is not known: the nearest one, or all of them."""
    names = list(dict.fromkeys(known))
    near = _near(name, names)
    return f"did you mean {near}?" if near else f"there are {', '.join(names)}"


def _near(name: str, known: Iterable[str]) -> str | None:
    """The nearest name, if one is near. The dashes of options are alike in all of them and say nothing."""
    bare = {one.lstrip("-"): one for one in known}
    near = difflib.get_close_matches(name.lstrip("-"), bare, n=1, cutoff=_ALMOST)
    return bare[near[0]] if near else None


def whole(low: int, high: int) -> Callable[[str], int]:
    """A reader of whole numbers from ``low`` to ``high``, for ``add_argument(type=…)``."""

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"found {text!r}, wanted a whole number from {low} to {high}")
        return value

    return read


def seconds(text: str) -> float:
    """A reader of lengths of time above 0, for ``add_argument(type=…)``."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"found {text!r}, wanted seconds above 0")
    return value

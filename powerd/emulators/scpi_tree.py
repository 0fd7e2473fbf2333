"""Program messages of IEEE 488.2 instruments, seen from the instrument: units, headers, error queue."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass

_UNIT = re.compile(r"(\*?[A-Za-z:][A-Za-z0-9:]*)(\?)?\s*(.*)\Z", re.DOTALL)
ERRORS = {
    0: "No error",
    102: "Syntax error",
    104: "Data type error",
    108: "Parameter not allowed",
    109: "Missing parameter",
    113: "Undefined header",
    114: "Header suffix out of range",
    120: "Numeric data error",
    131: "Invalid suffix",
    141: "Invalid character data",
    221: "Setting conflict",
    222: "Data out of range",
    350: "Queue overflow",
    410: "Query INTERRUPTED",
    813: "Not possible while integrating",
    842: "Integration was started before",
    844: "Integration was not started",
    845: "Integration cannot be reset while started",
}
"""Codes and words of IM 760201-17 appendix 2 that are emulated; from 813 on only the codes are known (programs)."""


class CommandError(Exception):
    """A unit cannot be obeyed; ``code`` goes to the error queue."""

    def __init__(self, code: int) -> None:
        super().__init__(ERRORS[code])
        self.code = code


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit: the path in short forms without optional nodes, its numeric suffix, and what follows."""

    path: str
    suffix: int | None
    query: bool
    argument: str


class ErrorQueue:
    """Sixteen errors; when it overflows the last one says so."""

    def __init__(self) -> None:
        self._entries: deque[int] = deque()

    def add(self, code: int) -> None:
        """Queue an error."""
        if len(self._entries) >= 16:
            self._entries[-1] = 350
        else:
            self._entries.append(code)

    def next(self) -> str:
        """The oldest entry as the instrument prints it."""
        code = self._entries.popleft() if self._entries else 0
        return f'{code},"{ERRORS[code]}"'

    def clear(self) -> None:
        """``*CLS``."""
        self._entries.clear()

    def __len__(self) -> int:
        return len(self._entries)


class Grammar:
    """Reads messages of a command tree; ``words`` are its nodes, written ``VOLTage`` with the short form big."""

    def __init__(self, words: tuple[str, ...], optional: frozenset[str]) -> None:
        self._short: dict[str, str] = {}
        for word in words:
            short = re.sub(r"[a-z]+", "", word)
            self._short[short] = short
            self._short[word.upper()] = short
        self._optional = optional

    def units(self, message: str) -> list[Unit | CommandError]:
        """The units of a message; after an error the rest of the message is dropped."""
        found: list[Unit | CommandError] = []
        group: list[str] = []
        for text in message.split(";"):
            if not text.strip():
                continue
            try:
                unit, group = self._unit(text.strip(), group)
            except CommandError as error:
                found.append(error)
                break
            found.append(unit)
        return found

    def _unit(self, text: str, group: list[str]) -> tuple[Unit, list[str]]:
        match = _UNIT.match(text)
        if match is None:
            raise CommandError(102)
        header, query, argument = match.group(1), match.group(2) is not None, match.group(3).strip()
        if header.startswith("*"):
            return Unit(header.upper(), None, query, argument), group
        nodes = header.lstrip(":").split(":")
        base = [] if header.startswith(":") else group
        known: list[str] = []
        suffix: int | None = None
        for node in nodes:
            name, number = self._node(node)
            known.append(name)
            suffix = number if number is not None else suffix
        path = [n for n in [*base, *known] if n not in self._optional]
        return Unit(":".join(path), suffix, query, argument), [*base, *known[:-1]]

    def _node(self, node: str) -> tuple[str, int | None]:
        match = re.fullmatch(r"([A-Za-z]+)(\d+)?", node)
        short = self._short.get(match.group(1).upper()) if match else None
        if match is None or short is None:
            raise CommandError(113)
        return short, int(match.group(2)) if match.group(2) else None

"""What every emulated instrument of the IEEE 488.2 / SCPI kind shares: messages, answers, errors and their timing.

A subclass gives the grammar and obeys single units. Answers to all queries of a message are joined by ``;`` into
one line, sent after the time that the instrument needs; a message that comes before the answer to the one before
was sent costs that answer (error 410).
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Generator, Sequence
from typing import ClassVar

from powerd.emulators.base import EmulatedMeter
from powerd.emulators.scpi_tree import CommandError, ErrorQueue, Grammar, Unit
from powerd.emulators.wattmeter import Wattmeter


class ScpiInstrument(EmulatedMeter, ABC):
    """``powerd.emulators.base.Instrument`` for messages of units.

    Processing takes ``latency_ns`` (drawn per start) and up to ``jitter_ns`` more per message.
    """

    grammar: ClassVar[Grammar]
    answer_end: ClassVar[bytes] = b"\r\n"
    latency_ns: ClassVar[tuple[int, int]] = (5_000_000, 25_000_000)
    jitter_ns: ClassVar[int] = 3_000_000

    def __init__(self, meters: Sequence[Wattmeter], seed: int) -> None:
        super().__init__(meters)
        self._random = random.Random(seed + 1)
        self._latency_ns = self._random.randint(*self.latency_ns)
        self.errors = ErrorQueue()

    @abstractmethod
    def obey(self, unit: Unit, at_ns: int) -> str | None:
        """One unit's answer, None for a command; ``CommandError`` for what is none."""

    def held_until(self, unit: Unit, at_ns: int) -> int | None:
        """For a unit that holds the parser until an event: its instant. None for every other unit."""
        return None

    def handle(self, message: bytes, at_ns: int) -> Generator[int, None, bytes]:
        """Obey one message."""
        try:
            text = message.decode("ascii").strip("\r\n \0")
        except UnicodeDecodeError:
            self.errors.add(102)
            return b""
        answers: list[str] = []
        for unit in self.grammar.units(text):
            try:
                if isinstance(unit, CommandError):
                    raise unit
                until = self.held_until(unit, at_ns)
                if until is not None:
                    at_ns = until
                    yield at_ns
                answer = self.obey(unit, at_ns)
            except CommandError as error:
                self.errors.add(error.code)
                continue
            if answer is not None:
                answers.append(answer)
        if not answers:
            return b""
        yield at_ns + self._latency_ns + self._random.randint(0, self.jitter_ns)
        return ";".join(answers).encode("ascii") + self.answer_end

    def interrupted(self) -> None:
        """The answer was overwritten by a new message."""
        self.errors.add(410)

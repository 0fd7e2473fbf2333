"""Questions about all meters while a reload takes one away."""

from __future__ import annotations

import pytest

from powerd.errors import NotThere
from powerd.meters import settled


class Lab:
    """Meters of which some go while they are asked about."""

    def __init__(self, *states: tuple[str, ...]) -> None:
        self.states = list(states)

    @property
    def names(self) -> tuple[str, ...]:
        return self.states[0]

    def ask(self) -> list[str]:
        """An answer for each meter; between two of them the next state comes."""
        asked = self.names
        if len(self.states) > 1:
            self.states.pop(0)
        if gone := set(asked) - set(self.names):
            raise NotThere(f"there is no meter {min(gone)!r}")
        return list(asked)


@pytest.mark.parametrize(
    ("states", "answer"),
    [
        ([("wall", "rack")], ["wall", "rack"]),
        ([("wall", "rack"), ("wall",)], ["wall"]),
        ([("wall", "rack"), ("wall",), ()], []),
        ([("wall",), ("wall", "rack")], ["wall"]),
    ],
)
def test_the_answer_is_about_meters_that_are_there(states: list[tuple[str, ...]], answer: list[str]) -> None:
    lab = Lab(*states)
    assert settled(lambda: lab.names, lab.ask) == answer


def test_a_meter_that_nobody_took_away_is_missed() -> None:
    def ask() -> None:
        raise NotThere("there is no meter 'x'")

    with pytest.raises(NotThere, match="no meter 'x'"):
        settled(lambda: ("wall",), ask)

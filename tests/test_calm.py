"""What fails on a calm machine fails at once; what fails on a busy one is tried again, and not for ever."""

from __future__ import annotations

import pytest

from tests import calm
from tests.calm import Pulse, calmly


class Fixed:
    """A machine that keeps everybody waiting for as long as it is told to."""

    worst_s = 0.0

    def __enter__(self) -> Fixed:
        return self

    def __exit__(self, *_: object) -> None:
        return


class Busy(Fixed):
    """One that keeps everybody waiting for a second."""

    worst_s = 1.0


@pytest.mark.parametrize(("machine", "tries"), [(Fixed, 1), (Busy, calm.TRIES)])
def test_what_fails_always_fails(monkeypatch: pytest.MonkeyPatch, machine: type[Fixed], tries: int) -> None:
    monkeypatch.setattr(calm, "Pulse", machine)
    made = []

    def trial() -> None:
        made.append(1)
        assert not made

    with pytest.raises(AssertionError):
        calmly(trial)
    assert len(made) == tries


def test_what_fails_while_the_machine_is_busy_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calm, "Pulse", Busy)
    made = []

    def trial() -> int:
        made.append(1)
        if len(made) < 3:
            raise TimeoutError
        return len(made)

    assert calmly(trial, TimeoutError) == 3


def test_a_process_that_was_not_run_sees_it() -> None:
    with Pulse() as pulse:
        sum(range(30_000_000))  # one step of the interpreter, in which no other thread runs
    assert pulse.worst_s > 0.1

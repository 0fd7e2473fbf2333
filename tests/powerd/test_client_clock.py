"""The client's side of the exchange of clocks, on a machine that is too busy and a clock that somebody sets."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from powerd import client as client_module
from powerd.client import ClientError, PowerdClient
from powerd.clock import boot_id
from powerd.errors import Refused
from powerd.exchange import Exchange, Exchanges

S = 1_000_000_000


class Times:
    """``time`` whose wall clock can be set, and is read after a pause at one look."""

    def __init__(self, pause_at: int = 0) -> None:
        self._looks = itertools.count(1)
        self._pause_at = pause_at
        self.ahead_ns = 0

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()

    def time_ns(self) -> int:
        if next(self._looks) == self._pause_at:
            time.sleep(0.02)
        return time.time_ns() + self.ahead_ns


class Near(PowerdClient):
    """A client of a table of exchanges without a line between them."""

    def __init__(self, times: Times, set_in_rounds: Iterable[int] = ()) -> None:
        super().__init__("http://127.0.0.1:1")
        self._times, self._set_in, self._round = times, set(set_in_rounds), 0
        self.kept: list[Exchange] = []
        self._table = Exchanges(boot_id(), self.kept.append)

    def _json(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        assert body is not None
        if "t1_ns" in body:
            ident, begun = self._table.begin(body["clock"], body["t1_ns"], body["t1_mono_ns"])
            self._times.ahead_ns += 5 * S if self._round in self._set_in else 0
            self._round += 1
            return {"clock": begun.clock, "exchange_id": ident}
        try:
            tie = self._table.finish(body["clock"], body["exchange_id"], body["t4_ns"], body["t4_mono_ns"])
        except Refused as error:
            raise ClientError(str(error), 422) from error
        return {name: getattr(tie, name) for name in ("clock", "offset_s", "u95_s", "drift_ppm", "exchanges")}


@pytest.fixture
def times(monkeypatch: pytest.MonkeyPatch) -> Times:
    times = Times(pause_at=2)
    monkeypatch.setattr(client_module, "time", times)
    return times


def test_a_look_that_the_scheduler_interrupts_is_taken_again(times: Times) -> None:
    near = Near(times)
    tie = near.sync_clock(rounds=1)
    assert abs(tie.offset_s) <= tie.u95_s
    assert len(near.kept) == 1


def test_a_round_in_which_the_clock_was_set_is_left_out(times: Times) -> None:
    near = Near(times, set_in_rounds=[0])
    tie = near.sync_clock(rounds=4)
    assert tie.offset_s == pytest.approx(-5, abs=0.05)
    assert len(near.kept) == 3


def test_a_clock_that_is_set_all_the_time_is_an_error(times: Times) -> None:
    with pytest.raises(ClientError, match="was set between"):
        Near(times, range(10)).sync_clock(rounds=3)

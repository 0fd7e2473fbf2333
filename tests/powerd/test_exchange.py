"""The four-timestamp exchange against planted offsets and delays."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from powerd.clock import boot_id
from powerd.errors import Refused
from powerd.exchange import PENDING_LIMIT, Exchange, Exchanges, check, narrowest
from tests.powerd.made import S, exchange


@given(
    ahead=st.integers(-10 * S, 10 * S),
    out=st.integers(0, S // 10),
    back=st.integers(0, S // 10),
    work=st.integers(0, S),
)
def test_the_true_offset_lies_within_half_the_path(ahead: int, out: int, back: int, work: int) -> None:
    sent = 1_000 * S
    made = Exchange(
        "sut", "b", sent + ahead, sent + out, sent + out, sent + out + work, sent + out + work,
        sent + out + work + back + ahead,
    )  # fmt: skip
    check(made)
    assert made.delay_ns == out + back
    assert abs(made.offset_ns - -ahead) <= made.tie().u95_ns + 1
    assert abs(made.tie().offset_ns - ahead) <= made.tie().u95_ns + 1


def test_a_negative_path_delay_is_refused() -> None:
    made = exchange(1, 0)
    with pytest.raises(Refused, match="negative delay"):
        check(replace(made, t4_ns=made.t1_ns - 1))


def test_a_clock_set_between_t1_and_t4_is_refused() -> None:
    made = replace(exchange(1, 0), t1_mono_ns=0, t4_mono_ns=1_000_000)
    check(made)
    with pytest.raises(Refused, match="was set between"):
        check(replace(made, t4_ns=made.t4_ns + 2_000_000))


def test_the_narrowest_of_a_burst_stands_for_it() -> None:
    ties = [exchange(1 + i / 100, 0.5, delay_s=d).tie() for i, d in enumerate((0.02, 0.001, 0.01))]
    assert [t.u95_ns for t in narrowest([*ties, exchange(30, 0.5, delay_s=0.04).tie()])] == [
        500_000,
        20_000_000,
    ]


def test_the_narrowest_of_a_burst_stands_for_it_wherever_the_burst_begins() -> None:
    for begin in (4.5, 4.9, 5.0):
        ties = [
            exchange(begin + i / 10, 0.5, delay_s=d).tie() for i, d in enumerate((0.002, 0.05, 0.04, 0.06))
        ]
        assert [t.u95_ns for t in narrowest(ties)] == [1_000_000]


def test_a_clock_that_was_set_within_a_burst_keeps_both_sides() -> None:
    ties = [exchange(1.0, 0.5, delay_s=0.002).tie(), exchange(1.2, 3.5, delay_s=0.004).tie()]
    assert len(narrowest(ties)) == 2


def live(kept: list[Exchange]) -> Exchanges:
    return Exchanges(boot_id(), kept.append)


def test_an_exchange_with_a_clock_five_seconds_behind() -> None:
    kept: list[Exchange] = []
    table = live(kept)
    for _ in range(4):
        import time

        ident, begun = table.begin("sut", time.time_ns() - 5 * S, None)
        tie = table.finish("sut", ident, time.time_ns() - 5 * S, None)
    assert begun.t2_ns <= begun.t3_ns
    assert tie.offset_s == pytest.approx(5, abs=0.02)
    assert abs(tie.offset_s - 5) <= tie.u95_s
    assert tie.exchanges == len(kept) == 4


def test_each_exchange_closes_once_and_for_its_own_clock() -> None:
    table = live([])
    ident, begun = table.begin(None, 0, 0)
    with pytest.raises(Refused, match="belongs to clock"):
        table.finish("other", ident, 10 * S, 10 * S)
    with pytest.raises(Refused, match="not under way"):
        table.finish(begun.clock, ident, 10 * S, 10 * S)


def test_pending_exchanges_are_bounded() -> None:
    table = live([])
    first, begun = table.begin(None, 0, 0)
    for _ in range(PENDING_LIMIT):
        table.begin(None, 0, 0)
    with pytest.raises(Refused, match="not under way"):
        table.finish(begun.clock, first, 10 * S, 10 * S)

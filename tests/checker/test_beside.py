"""Which sample a line of the daemon's log belongs to, whether or not the stamps of the power log rise."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from checker.rules.quality_meter import NEAR_NS, _beside
from schemas.power_samples import PowerLine, PowerSamples
from schemas.units import UnixNs

STAMPS = st.integers(-3 * NEAR_NS, 12 * NEAR_NS)


@given(st.lists(STAMPS, max_size=9) | st.sets(STAMPS, max_size=9).map(sorted), STAMPS)
@example([0, NEAR_NS], 2 * NEAR_NS - 1)
@example([0], NEAR_NS)
def test_the_last_sample_around_a_time(stamps: list[int], time_ns: int) -> None:
    samples = PowerSamples.of(PowerLine(1, UnixNs(at), 1.0, 1.0, 1.0, 1.0, "") for at in stamps)
    around = [row for row, at in enumerate(stamps) if abs(at // NEAR_NS - time_ns // NEAR_NS) <= 1]
    near = around and abs(stamps[around[-1]] - time_ns) <= NEAR_NS
    assert _beside(samples, [time_ns]) == [around[-1] if near else None]

"""What tells power logs apart, whatever year they name."""

from __future__ import annotations

from checker.facts import digest_of_samples
from schemas.power_samples import PowerLine, PowerSamples
from schemas.units import parse_log_time


def log(*times: str) -> PowerSamples:
    return PowerSamples.of(PowerLine(1, parse_log_time(t), 5.0, 230.0, 0.1, 0.5, "mark") for t in times)


def test_years_beyond_64_bits_of_nanoseconds() -> None:
    digests = {digest_of_samples(log(f"01-01-{year} 00:00:00.000")) for year in (2024, 2300, 9999)}
    assert len(digests) == 3
    assert digest_of_samples(log()) == ""

"""What tells power logs apart, whatever year they name."""

from __future__ import annotations

from checker.facts import digest_of_samples
from schemas.powerlog import PowerLine
from schemas.units import parse_log_time


def sample(time: str) -> PowerLine:
    return PowerLine(1, parse_log_time(time), 5.0, 230.0, 0.1, 0.5, "mark")


def test_years_beyond_64_bits_of_nanoseconds() -> None:
    digests = {digest_of_samples([sample(f"01-01-{year} 00:00:00.000")]) for year in (2024, 2300, 9999)}
    assert len(digests) == 3
    assert digest_of_samples([]) == ""

"""The calibration: when it was, and whether it is warm enough and not too warm for the specification."""

from __future__ import annotations

import time
from collections.abc import Iterator

from powerd.checks.base import Finding, Level, Subject
from schemas.calibration import age_days
from schemas.metrology import AMBIENT_C, VALID_DAYS


def check(subject: Subject) -> Iterator[Finding]:
    """Of every meter that was named with the day of its calibration or the temperature around it."""
    for meter in subject.meters:
        said = meter.calibration
        if said.calibrated is not None:
            age = age_days(said.calibrated, time.time_ns())
            found, wanted = f"{age} days ago ({said.calibrated})", f"{VALID_DAYS} days ago at most"
            level, advice = (Level.OK, "") if age <= VALID_DAYS else (Level.WARN, "have it calibrated again")
            yield Finding(level, f"{meter.name}: calibration", found, wanted, advice)
        if said.ambient_c is not None:
            low, high = AMBIENT_C
            fine = low <= said.ambient_c <= high
            yield Finding(
                Level.OK if fine else Level.WARN,
                f"{meter.name}: ambient",
                f"{said.ambient_c:g} °C",
                f"{low:g} to {high:g} °C",
                "" if fine else "the specification says nothing outside; cool or warm the room",
            )

"""What the age of a calibration and the temperature mean for the limits of a specification.

The limits hold for some months after a calibration and around one temperature (``schemas.metrology``). Beyond that the
makers give no figure that could be a term of the budget, so a note says it and nothing is made up.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

from schemas.measured import MeterInfo
from schemas.metrology import AMBIENT_C, VALID_DAYS
from schemas.units import NS_PER_S


def age_days(calibrated: str, unix_ns: int) -> int:
    """Whole days from the day of the calibration to an instant; negative when it came later."""
    return (datetime.fromtimestamp(unix_ns // NS_PER_S, UTC).date() - date.fromisoformat(calibrated)).days


def age_of(info: MeterInfo | None, unix_ns: int) -> int | None:
    """Days since the calibration of a meter, None where nobody said when it was."""
    said = None if info is None else info.calibration.calibrated
    return None if said is None else age_days(said, unix_ns)


def notes(info: MeterInfo | None, unix_ns: int) -> list[str]:
    """What is to be known beside the budget, each ``name: detail``; nothing of a meter that is simulated."""
    if info is None or info.simulated:
        return []
    said, found = info.calibration, []
    if said.calibrated is None:
        found.append(
            "calibration-unknown: nobody said when the meter was calibrated; the limits count from that day"
        )
    else:
        age = age_days(said.calibrated, unix_ns)
        if age > VALID_DAYS:
            found.append(f"calibration-old: {age} days old, the limits hold for {VALID_DAYS}")
        elif age < 0:
            found.append(f"calibration-later: the meter was calibrated {-age} days after this window")
    low, high = AMBIENT_C
    if said.ambient_c is not None and not low <= said.ambient_c <= high:
        found.append(f"ambient: {said.ambient_c:g} °C, the limits hold from {low:g} to {high:g} °C")
    return found

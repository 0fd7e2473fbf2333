"""Numbers and little graphs as text, for every panel and for plain lines."""

from __future__ import annotations

from collections.abc import Sequence

_BARS = " ▁▂▃▄▅▆▇█"


def plain(text: str) -> str:
    """Text from outside without control characters, so that it cannot steer a terminal."""
    return "".join(c if c.isprintable() else "�" for c in text)


def quantity(value: float | None, unit: str, digits: int = 5) -> str:
    """A number with its unit, or a dash where there is none."""
    return f"-- {unit}" if value is None else f"{value:.{digits}g} {unit}"


def watts(value: float | None) -> str:
    """Power with the decimals that fit its size."""
    if value is None:
        return "--"
    decimals = 3 if abs(value) < 10 else 2 if abs(value) < 100 else 1
    return f"{value:.{decimals}f}"


def duration(seconds: float | None) -> str:
    """Seconds as ``1:02:03`` or ``2:03`` or ``3.4 s``."""
    if seconds is None:
        return "--"
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = int(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{left:02d}" if hours else f"{minutes}:{left:02d}"


def sparkline(values: Sequence[float], width: int) -> str:
    """The latest ``width`` values as bars between their own minimum and maximum."""
    shown = list(values)[-width:]
    if not shown:
        return ""
    low, high = min(shown), max(shown)
    span = high - low
    if span <= 1e-9 * max(1.0, abs(high)):
        return _BARS[4] * len(shown)
    return "".join(_BARS[1 + round((v - low) / span * (len(_BARS) - 2))] for v in shown)

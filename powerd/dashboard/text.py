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


def energy(joules: float | None, watt_hours: bool, u95_j: float | None = None) -> str:
    """Joules or watt-hours, with its error bar where there is one."""
    if joules is None:
        return "--"
    scale, unit = (3600.0, "Wh") if watt_hours else (1.0, "J")
    bar = "" if u95_j is None else f" ± {u95_j / scale:.2g}"
    return f"{joules / scale:.6g}{bar} {unit}"


def bar(share: float | None, width: int) -> str:
    """A share of one as a bar."""
    if share is None:
        return "·" * width
    filled = round(min(1.0, max(0.0, share)) * width)
    return "█" * filled + "░" * (width - filled)


def sampled(trace: Sequence[tuple[float, float]], span_s: float, width: int) -> list[float]:
    """The last ``span_s`` seconds of (time, value) as at most ``width`` means; the right end is now."""
    if not trace or width <= 0:
        return []
    end = trace[-1][0]
    rows: list[list[float]] = [[] for _ in range(width)]
    for at, value in trace:
        age = end - at
        if 0 <= age < span_s:
            rows[width - 1 - int(age / span_s * width)].append(value)
    found: list[float] = []
    for row in rows:
        if row:
            found.append(sum(row) / len(row))
        elif found:
            found.append(found[-1])
    return found


def chart(values: Sequence[float], width: int, height: int) -> list[str]:
    """The latest ``width`` values as bars over ``height`` lines, between their own minimum and maximum."""
    if height <= 1:
        return [sparkline(values, width)]
    shown = list(values)[-width:]
    if not shown:
        return []
    low, high = min(shown), max(shown)
    span = high - low
    flat = span <= 1e-9 * max(1.0, abs(high))
    steps = len(_BARS) - 1
    levels = [
        steps * height // 2 if flat else 1 + round((v - low) / span * (steps * height - 1)) for v in shown
    ]
    return [
        "".join(_BARS[min(steps, max(0, n - steps * row))] for n in levels) for row in reversed(range(height))
    ]

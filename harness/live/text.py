"""Numbers as short text, for the panel and for plain lines."""

from __future__ import annotations

_PREFIXES = ((1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ"))


def printable(text: str) -> str:
    """Text from outside without control characters, so that it cannot steer a terminal."""
    return "".join(c if c.isprintable() else "�" for c in text)


def quantity(value: float | None, unit: str, digits: int = 4) -> str:
    """``13.42 kJ``, ``590.3 mJ``: so many digits with the prefix that fits; a dash where there is nothing."""
    if value is None:
        return f"-- {unit}"
    scale, prefix = _fitting(value)
    return f"{fixed(value / scale, digits)} {prefix}{unit}"


def with_bound(value: float, u95: float, unit: str) -> str:
    """``28.63 J ± 0.29 J (u95)``: both with the prefix that fits the value, the bound to two digits."""
    scale, prefix = _fitting(value)
    bound = u95 / scale
    said = f"{bound:.0f}" if bound >= 99.5 else f"{bound:.2g}"
    return f"{value / scale:.4g} {prefix}{unit} ± {said} {prefix}{unit} (u95)"


def _fitting(value: float) -> tuple[float, str]:
    return next(((s, p) for s, p in _PREFIXES if abs(value) >= s), _PREFIXES[-1] if value else (1.0, ""))


def fixed(value: float, digits: int = 4) -> str:
    """A number with so many digits and as many decimals as that leaves, so that it does not change its width."""
    whole = len(str(int(abs(value))))
    return f"{value:.{max(0, digits - whole)}f}"


def watts(value: float | None) -> str:
    """Power in watts, never with a prefix: it is compared with what the meter shows."""
    if value is None:
        return "-- W"
    return f"{value:.{3 if abs(value) < 10 else 2 if abs(value) < 1000 else 1}f} W"


def duration(seconds: float) -> str:
    """``0:07``, ``4:18``, ``1:02:03``."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"


def rough(seconds: float) -> str:
    """A time that is only known roughly: ``40 s``, ``6 min``, ``1 h 25 min``."""
    if seconds < 90:
        return f"{max(5, 5 * round(seconds / 5))} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {5 * (minutes % 60 // 5)} min"


def offset(seconds: float) -> str:
    """The difference of two clocks with its sign, in ms, or in s where it is large."""
    if abs(seconds) >= 1:
        return f"{seconds:+.3f} s"
    return f"{seconds * 1e3:+.3f} ms"

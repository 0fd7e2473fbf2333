"""Words for people: texts that are cut where it makes sense, and numbers of things."""

from __future__ import annotations

from collections.abc import Sequence

SHOWN = 160
"""Characters of a foreign text that a reader can take in at once."""


def shorten(text: str, limit: int = SHOWN) -> str:
    """The text, or its beginning up to a comma or a blank and how much was left out (a little more may stay)."""
    if len(text) <= limit * 5 // 4:
        return text
    cut = text[:limit]
    at = max(cut.rfind(", "), cut.rfind(" "))
    kept = cut[:at].rstrip(", ") if at > limit // 2 else cut
    return f"{kept} … ({len(text) - len(kept)} more characters)"


def listing(names: Sequence[str], most: int = 6) -> str:
    """Names with commas; beyond ``most`` only how many there are."""
    if len(names) <= most + 1:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most} more"


def count(number: int, one: str, many: str = "") -> str:
    """``1 error``, ``2 errors``."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def duration(seconds: float) -> str:
    """``45 s``, ``12 min``, ``2 h 10 min``."""
    if round(seconds) <= 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def pointer_to(name: str) -> str:
    """The JSON pointer of a member of a document (RFC 6901)."""
    return "/" + name.replace("~", "~0").replace("/", "~1")

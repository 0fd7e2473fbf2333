"""What a window measures with: ``METER[/CHANNEL[+CHANNEL…]]``, several joined by ``,``.

``wall`` is a meter with all the channels that it is asked for, ``wall/2`` one of them, ``wall/1+3`` two, ``wall/sum``
all, and ``wall/1,rack`` a channel of one meter with all of another. Names of meters and channels hold none of these
characters (``powerd.config_values``).
"""

from __future__ import annotations

from collections.abc import Callable

from powerd.errors import Refused

ALL = "sum"
"""In place of channels: all of them."""


def channels_of(text: str, channels: Callable[[str], tuple[str, ...]]) -> str:
    """The channels of each meter in ``text``, as ``StoredWindow.channel`` has them: ``1+2,1``.

    ``channels`` names a meter's channels. Raises ``NotThere`` for a meter that there is not, ``Refused`` for a channel
    that the meter is not asked for and for anything that is named twice.
    """
    found: dict[str, tuple[str, ...]] = {}
    for part in text.split(","):
        meter, slash, wanted = part.partition("/")
        known = channels(meter)
        if meter in found:
            raise Refused(
                f"{text[:80]!r} names meter {meter} twice: write {meter}/1+2 for channels of one meter"
            )
        chosen = known if not slash or wanted == ALL else tuple(wanted.split("+"))
        strange = [c for c in chosen if c not in known]
        if strange or len(set(chosen)) < len(chosen):
            raise Refused(
                f"{part[:80]!r} names no channels of meter {meter}: it is asked for {', '.join(known)}; "
                f"write {meter}/{known[0]}, or {meter} for all"
            )
        found[meter] = tuple(c for c in known if c in chosen)
    return ",".join("+".join(own) for own in found.values())

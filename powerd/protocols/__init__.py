"""Languages of other programs that powerd speaks, found by this folder: one module each with an object ``PROTOCOL``."""

from __future__ import annotations

from functools import cache
from typing import cast

from powerd.protocols.base import ForeignProtocol
from schemas.discovery import collect


@cache
def all_protocols() -> dict[str, ForeignProtocol]:
    """Every protocol by its name, which is that of its section in the configuration."""
    found = (cast(ForeignProtocol, item) for item in collect("powerd.protocols", "PROTOCOL"))
    return {protocol.name: protocol for protocol in found}

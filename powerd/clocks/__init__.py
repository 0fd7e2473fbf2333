"""Who keeps the clock of this machine right: one file per time service, asked in order of their ``RANK``."""

from __future__ import annotations

from powerd.clocks.base import SourceState
from schemas.discovery import modules

__all__ = ["SourceState", "ask"]


def ask() -> SourceState | None:
    """The first service that has the clock synchronised, else the first that runs; None where nobody tells anything."""
    found: list[SourceState] = []
    for module in sorted(modules("powerd.clocks"), key=lambda m: int(m.RANK)):
        state: SourceState | None = module.ask()
        if state is not None and state.synchronised:
            return state
        if state is not None:
            found.append(state)
    return found[0] if found else None

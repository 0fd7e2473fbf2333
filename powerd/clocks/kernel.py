"""The kernel's own word: some program (ntpd, or one that is not known here) keeps the clock and renews its error.

Source: adjtimex(2), ``maxerror``: the kernel lets it grow by 500 ppm until the program renews it. Confidence: high.
"""

from __future__ import annotations

from powerd import kernel_clock
from powerd.boottime import boottime_ns
from powerd.clocks.base import SourceState

RANK = 90


def ask() -> SourceState | None:
    """What adjtimex says; None where this system has none."""
    state = kernel_clock.read()
    if state is None:
        return None
    bound = abs(state.offset_s) + state.maximum_error_s if state.synchronised else None
    detail = "kept by a program that is not known here" if state.synchronised else "nobody keeps it right"
    return SourceState(
        "kernel", detail, state.synchronised, boottime_ns(), bound, state.offset_s, state.pending_leap
    )

"""The clock: what the kernel counts with, and whether somebody keeps UTC right."""

from __future__ import annotations

from collections.abc import Iterator

from powerd import clocks, kernel_clock
from powerd.checks.base import Finding, Level, Subject

GOOD_SOURCES = {"tsc", "arch_sys_counter", "kvm-clock", "hyperv_clocksource_tsc_page", "xen"}


def check(subject: Subject) -> Iterator[Finding]:
    """Clock source and synchronisation."""
    path = subject.sysfs / "devices/system/clocksource/clocksource0/current_clocksource"
    if path.is_file():
        source = path.read_text(encoding="ascii", errors="replace").strip()
        if source in GOOD_SOURCES:
            yield Finding(Level.OK, "clock source", source)
        else:
            advice = "reading it is slow or coarse; see available_clocksource beside it and the kernel's log"
            yield Finding(Level.WARN, "clock source", source, "tsc or arch_sys_counter", advice)
    state = kernel_clock.read()
    if state is None:
        yield Finding(
            Level.WARN,
            "UTC",
            "the kernel does not tell",
            "a synchronised clock",
            "check chrony or ntpd by hand",
        )
    elif state.synchronised:
        keeper = clocks.ask()
        bound_s = state.maximum_error_s if keeper is None or keeper.bound_s is None else keeper.bound_s
        who = "" if keeper is None else f" by {keeper.name} ({keeper.detail})"
        yield Finding(Level.OK, "UTC", f"synchronised{who}, error at most {1e3 * bound_s:.3f} ms")
    else:
        yield Finding(
            Level.WARN,
            "UTC",
            "not synchronised",
            "a clock that chrony or ntpd keeps right",
            "windows of clients on other machines stay right by the clock exchange, but stamps in UTC may be off",
        )

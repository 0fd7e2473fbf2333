"""Memory: how much, and of which kind where the memory controller tells it without special rights (EDAC)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from harness.machine import Machine, number, text
from harness.system.words import HOLE


def fields(machine: Machine) -> dict[str, str]:
    """Two fields of the round."""
    total = machine.meminfo().get("MemTotal")
    return {
        "host_memory_capacity": f"{total / 2**30:.1f} GiB" if total else f"{HOLE}: size of the memory",
        "host_memory_configuration": _modules(machine)
        or f"{HOLE}: number, size and kind of the memory modules",
    }


def _modules(machine: Machine) -> str:
    """Number, size and kind of equal modules, such as ``2x 16 GiB Unbuffered-DDR4``."""
    return " + ".join(f"{n}x {kind}" for kind, n in Counter(_each(machine)).most_common())


def _each(machine: Machine) -> Iterator[str]:
    controllers = machine.sys / "devices/system/edac/mc"
    # Older kernels call a module a rank.
    for place in sorted([*controllers.glob("mc*/dimm*"), *controllers.glob("mc*/rank*")]):
        size, kind = number(place / "size"), text(place / "dimm_mem_type")
        if size:
            yield f"{size / 1024:g} GiB {kind or 'of unknown kind'}"

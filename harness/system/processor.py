"""The processors: name, number, cores, frequency, caches.

An Arm core tells numbers only; their names stand in ``arm_cores.json``. The name of the chip comes from the
device tree.
"""

from __future__ import annotations

import json
import platform
from collections import Counter
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from harness.machine import Machine, number, text
from harness.system.words import HOLE, NONE


def fields(machine: Machine) -> dict[str, str]:
    """Six fields of the round."""
    sockets, cores = count(machine)
    several = f"{HOLE}: link between the {sockets} processors"
    return {
        "host_processor_model_name": model_name(machine),
        "host_processors_per_node": str(sockets),
        "host_processor_core_count": str(max(1, cores // sockets)),
        "host_processor_frequency": _frequency(machine),
        "host_processor_caches": _caches(machine),
        "host_processor_interconnect": NONE if sockets == 1 else several,
    }


def count(machine: Machine) -> tuple[int, int]:
    """Processors (sockets) and cores of all of them; threads of one core count once."""
    places = set()
    for folder in machine.processors():
        package = number(folder / "topology/physical_package_id")
        core = text(folder / "topology/core_cpus_list") or text(folder / "topology/thread_siblings_list")
        if core:
            places.add((max(0, package or 0), core))
    if places:
        return len({package for package, _ in places}), len(places)
    rows = cpuinfo(machine)
    return len(set(rows.get("physical id", []))) or 1, max(1, len(rows.get("processor", [])))


def cpuinfo(machine: Machine) -> dict[str, list[str]]:
    """Every key of /proc/cpuinfo with its values in order."""
    found: dict[str, list[str]] = {}
    for line in text(machine.proc / "cpuinfo").splitlines():
        key, mark, value = line.partition(":")
        if mark:
            found.setdefault(key.strip(), []).append(value.strip())
    return found


def model_name(machine: Machine) -> str:
    """What people call it: on Arm the chip and its kinds of cores."""
    info = cpuinfo(machine)
    cores, chip = arm_cores(info), _chip(machine)
    if cores:
        return f"{chip} ({cores})" if chip else cores
    named = next((info[key][0] for key in ("model name", "Hardware") if info.get(key)), "")
    return named or chip or f"{HOLE}: name of the processor ({platform.machine()})"


def arm_cores(info: Mapping[str, list[str]]) -> str:
    """Number and name of each kind of core, such as ``4x Arm Cortex-A76 + 4x Arm Cortex-A55``; empty elsewhere."""
    pairs = zip(info.get("CPU implementer", []), info.get("CPU part", []), strict=False)
    kinds = Counter(_core(maker.lower(), part.lower()) for maker, part in pairs)
    return " + ".join(f"{n}x {name}" for name, n in kinds.most_common())


@cache
def _table() -> dict[str, Any]:
    source = resources.files("harness.system") / "arm_cores.json"
    found: dict[str, Any] = json.loads(source.read_text(encoding="utf-8"))
    return found


def _core(maker: str, part: str) -> str:
    name = _table()["parts"].get(maker, {}).get(part)
    known = _table()["implementers"].get(maker)
    if name is None:
        return f"{known or f'implementer {maker}'} core {part} ({HOLE}: its name)"
    return f"{known} {name}"


def _chip(machine: Machine) -> str:
    """The last and most general name in the device tree, such as ``brcm,bcm2712``, without its maker's prefix."""
    names = [n for n in text(machine.proc / "device-tree/compatible").split("\0") if n]
    return names[-1].rpartition(",")[2].upper() if names else ""


def _frequency(machine: Machine) -> str:
    """Lowest and highest of all processors that tell it; else as seen now."""
    folders = [p / "cpufreq" for p in machine.processors()]
    low = [n for f in folders if (n := number(f / "cpuinfo_min_freq"))]
    high = [n for f in folders if (n := number(f / "cpuinfo_max_freq"))]
    if low and high:
        return f"{min(low) / 1000:.0f} MHz (min); {max(high) / 1000:.0f} MHz (max)"
    now = cpuinfo(machine).get("cpu MHz", [])
    if now:
        return f"{max(float(n) for n in now):.0f} MHz (as seen while describing)"
    return f"{HOLE}: base and boost frequency"


def _caches(machine: Machine) -> str:
    rows = []
    for index in sorted((machine.sys / "devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size = (text(index / name) for name in ("level", "type", "size"))
        letter = {"Data": "d", "Instruction": "i"}.get(kind, "")
        rows.append(f"L{level}{letter}: {size}")
    return "; ".join(rows) or f"{HOLE}: sizes of the caches"

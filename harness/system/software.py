"""Operating system, kernel, Python; the form of the system; and what its control group allows."""

from __future__ import annotations

import platform

from harness.machine import Machine, limits, text
from harness.system.words import HOLE

CHASSIS = {
    3: "desktop", 4: "desktop", 5: "desktop", 6: "tower", 7: "tower", 8: "laptop", 9: "laptop", 10: "laptop",
    13: "all in one", 14: "laptop", 17: "rack server", 23: "rack server", 28: "blade server", 30: "tablet",
    31: "convertible", 34: "embedded computer", 35: "mini computer", 36: "stick computer",
}  # fmt: skip
"""Forms of a system by number (DMTF DSP0134, System Enclosure or Chassis Types)."""


def fields(machine: Machine, framework: str) -> dict[str, str]:
    """Five fields of the round."""
    return {
        "framework": framework,
        "operating_system": f"{_os_name()} (Linux {platform.release()} {platform.machine()})",
        "other_software_stack": f"Python {platform.python_version()}",
        "system_type_detail": board(machine) or f"{HOLE}: form of the system, such as single board computer",
        "sw_notes": _notes(machine),
    }


def board(machine: Machine) -> str:
    """The board by its device tree, or the machine by its maker's table; empty where neither tells."""
    named = text(machine.proc / "device-tree/model")
    if named:
        return f"board: {named}"
    folder = machine.sys / "class/dmi/id"
    number = text(folder / "chassis_type")
    form = CHASSIS.get(int(number)) if number.isdigit() else None
    name = " ".join(w for w in (text(folder / "sys_vendor"), text(folder / "product_name")) if w)
    return f"{form} ({name})" if form and name else form or ""


def _notes(machine: Machine) -> str:
    """A group that may use all of the machine is not worth a note."""
    found = limits(machine)
    parts = []
    if found.processors is not None:
        parts.append(f"{found.processors:g} processors")
    if found.memory is not None:
        parts.append(f"{found.memory / 2**30:.1f} GiB of memory")
    return f"limited by its control group to {' and '.join(parts)}" if parts else ""


def _os_name() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    except OSError:
        return platform.system()

"""Accelerators: which are there, which does the computing, and what the fields say of it.

A way of finding one is a function of ``harness/system/accelerators.py``.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.machine import Machine
from harness.system.accelerators import Accelerator, search
from harness.system.words import HOLE, NONE
from schemas.errors import UserError

FIELDS = {
    "accelerator_model_name": "name of the accelerator",
    "accelerator_memory_capacity": "its memory, such as 8 GB or 'shared with host'",
    "accelerator_frequency": "its frequency",
    "accelerator_host_interconnect": "its link to the processors, such as PCIe 3.0 x4",
    "accelerator_interconnect": "link between the accelerators",
    "accelerator_interconnect_topology": "how the accelerators are connected",
    "accelerator_memory_configuration": "kind of its memory, such as LPDDR5",
    "accelerator_on-chip_memories": "sizes of its caches and memories on the chip",
}
"""Fields of the round beside the number, and what a person must find out."""


def found(machine: Machine) -> tuple[Accelerator, ...]:
    """All that are there, those that are made for computing first."""
    return tuple(sorted(search(machine), key=lambda a: not a.for_computing))


def computing(all_of_them: Sequence[Accelerator], compute: str) -> Accelerator | None:
    """The one that does most of the computing; None: the processors do.

    ``auto`` takes an accelerator that is made for computing; a graphics unit drives a screen first.
    """
    if compute not in ("auto", "cpu", "accelerator"):
        raise UserError(f"--compute {compute!r} is not known; give auto, cpu or accelerator")
    if compute == "cpu":
        return None
    if compute == "accelerator":
        return all_of_them[0] if all_of_them else Accelerator(f"{HOLE}: name of the accelerator", 0)
    return next((a for a in all_of_them if a.for_computing), None)


def no_fields() -> dict[str, str]:
    """The processors compute: nothing to tell, in the words the forms use; no field may be empty text."""
    return {"accelerators_per_node": "0", **dict.fromkeys(FIELDS, NONE)}


def fields(used: Accelerator) -> dict[str, str]:
    """Nine fields of the round; the link between accelerators is none where there is one."""
    known = {
        "accelerator_model_name": used.name,
        "accelerator_memory_capacity": used.memory,
        "accelerator_frequency": used.frequency,
        "accelerator_host_interconnect": used.link,
        "accelerator_interconnect": NONE if used.count == 1 else "",
        "accelerator_interconnect_topology": NONE if used.count == 1 else "",
    }
    texts = {name: known.get(name) or f"{HOLE}: {what}" for name, what in FIELDS.items()}
    number = str(used.count) if used.count else f"{HOLE}: number of accelerators"
    return {"accelerators_per_node": number, **texts}


def notes(all_of_them: Sequence[Accelerator], used: Accelerator | None) -> str:
    """Accelerators that are there and do not compute."""
    idle = [f"{a.count}x {a.name}" for a in all_of_them if a is not used]
    return f"present and not used: {', '.join(idle)}" if idle else ""

"""The system description of this machine, from what /sys, /proc and /dev tell every user.

What the machine does not tell is a hole and says so in the text: a person must fill it before submitting.
Numbers are written as text, because the checkers count a number 0 as empty.

``compute`` says what does most of the computing. The public page of results shows the processors only where
they do, and the accelerators only where those do; a description always has both, because the official checker
demands that the fields of the processors are not empty. ``schemas.system_columns`` draws the page's view of it.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping, Sequence
from typing import Literal

from harness.machine import Machine
from harness.system import accelerator, memory, network, processor, software, storage
from harness.system.words import HOLE, NONE
from schemas.rounds import Round

__all__ = ["HOLE", "NONE", "Compute", "default_name", "describe", "holes", "usable_processors"]

Compute = Literal["auto", "cpu", "accelerator"]


def default_name() -> str:
    """The host's name, in a form that can be the name of a folder."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", platform.node()).strip("-") or "system"


def usable_processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0))


def describe(
    round_: Round,
    *,
    division: str,
    submitter: str,
    system_name: str,
    framework: str,
    system_type: str = "edge",
    compute: Compute = "auto",
    machine: Machine | None = None,
) -> dict[str, str]:
    """All fields that the round requires, in its order; holes carry ``HOLE``.

    With ``auto`` an accelerator that was found is taken to do the computing.
    """
    machine = machine or Machine()
    found = accelerator.found(machine)
    used = accelerator.computing(found, compute)
    known = {
        **_names(division, submitter, system_name, system_type),
        **processor.fields(machine),
        **memory.fields(machine),
        **storage.fields(machine),
        **network.fields(machine),
        **(accelerator.no_fields() if used is None else accelerator.fields(used)),
        **software.fields(machine, framework),
        "hw_notes": accelerator.notes(found, used),
    }
    wanted: Sequence[str] = round_.facts["system_fields"]["required"]
    return {name: known.get(name, HOLE) for name in wanted}


def holes(description: Mapping[str, str]) -> tuple[str, ...]:
    """Fields that a person must still fill in."""
    return tuple(name for name, value in description.items() if HOLE in str(value))


def _names(division: str, submitter: str, system_name: str, system_type: str) -> dict[str, str]:
    return {
        "division": division,
        "submitter": submitter,
        "status": "available",
        "system_name": system_name,
        "system_type": system_type,
        "number_of_nodes": "1",
        "cooling": f"{HOLE}: air, passive, liquid",
    }

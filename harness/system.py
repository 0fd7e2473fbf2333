"""The system description of this machine, from /proc, /sys and psutil.

What the machine does not tell is a hole and says so in the text: a person must fill it before submitting.
Numbers are written as text, because the checkers count a number 0 as empty.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from schemas.rounds import Round

HOLE = "TO BE FILLED IN"
NONE = "N/A"


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
) -> dict[str, str]:
    """All fields that the round requires, in its order; holes carry ``HOLE``."""
    known = {
        **_names(division, submitter, system_name),
        "system_type": system_type,
        **_processor(),
        **_memory_and_disk(),
        **_network(),
        **_no_accelerator(),
        **_software(framework),
    }
    wanted: Sequence[str] = round_.facts["system_fields"]["required"]
    return {name: known.get(name, HOLE) for name in wanted}


def holes(description: Mapping[str, str]) -> tuple[str, ...]:
    """Fields that a person must still fill in."""
    return tuple(name for name, value in description.items() if HOLE in str(value))


def _names(division: str, submitter: str, system_name: str) -> dict[str, str]:
    return {
        "division": division,
        "submitter": submitter,
        "status": "available",
        "system_name": system_name,
        "system_type_detail": f"{HOLE}: form of the system, such as single board computer",
        "number_of_nodes": "1",
        "hw_notes": "",
        "sw_notes": "",
        "cooling": f"{HOLE}: air, passive, liquid",
    }


def _processor() -> dict[str, str]:
    import psutil

    info = _cpuinfo()
    sockets = len(set(info.get("physical id", []))) or 1
    cores = psutil.cpu_count(logical=False) or psutil.cpu_count() or 1
    return {
        "host_processor_model_name": _model_name(info),
        "host_processors_per_node": str(sockets),
        "host_processor_core_count": str(max(1, cores // sockets)),
        "host_processor_frequency": _frequency(),
        "host_processor_caches": _caches(),
        "host_processor_interconnect": NONE
        if sockets == 1
        else f"{HOLE}: link between the {sockets} processors",
    }


def _cpuinfo() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in _text("/proc/cpuinfo").splitlines():
        key, mark, value = line.partition(":")
        if mark:
            found.setdefault(key.strip(), []).append(value.strip())
    return found


def _model_name(info: Mapping[str, Sequence[str]]) -> str:
    for key in ("model name", "Model", "Hardware"):
        if info.get(key):
            return info[key][0]
    board = _text("/proc/device-tree/model").strip("\0 \n")
    return board or f"{HOLE}: name of the processor ({platform.machine()})"


def _frequency() -> str:
    import psutil

    frequency = psutil.cpu_freq()
    if frequency is None:
        return f"{HOLE}: base and boost frequency"
    if frequency.max:
        return f"{frequency.min:.0f} MHz (min); {frequency.max:.0f} MHz (max)"
    return f"{frequency.current:.0f} MHz (as seen while describing)"


def _caches() -> str:
    rows = []
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size = (_text(index / name).strip() for name in ("level", "type", "size"))
        letter = {"Data": "d", "Instruction": "i"}.get(kind, "")
        rows.append(f"L{level}{letter}: {size}")
    return "; ".join(rows) or f"{HOLE}: sizes of the caches"


def _memory_and_disk() -> dict[str, str]:
    import psutil

    memory = psutil.virtual_memory().total
    return {
        "host_memory_capacity": f"{memory / 2**30:.1f} GiB",
        "host_memory_configuration": f"{HOLE}: number, size and kind of the memory modules",
        "host_storage_capacity": f"{shutil.disk_usage('/').total / 1e9:.0f} GB",
        "host_storage_type": _disk_kind(),
    }


def _disk_kind() -> str:
    kinds = []
    for block in sorted(Path("/sys/block").glob("*")):
        if block.name.startswith(("loop", "ram", "zram", "dm-", "sr")):
            continue
        turning = _text(block / "queue/rotational").strip() == "1"
        bus = next((label for start, label in _BUSES if block.name.startswith(start)), "disk")
        kinds.append(f"{bus} {'hard disk' if turning else 'SSD'}" if bus == "disk" else bus)
    return ", ".join(dict.fromkeys(kinds)) or f"{HOLE}: kind of the storage"


_BUSES = (("nvme", "NVMe SSD"), ("mmcblk", "eMMC or SD card"), ("vd", "virtual disk"))


def _network() -> dict[str, str]:
    cards = [p for p in sorted(Path("/sys/class/net").glob("*")) if (p / "device").exists()]
    speeds = [_text(card / "speed").strip() for card in cards]
    named = [f"{c.name}: {s} Mbit/s" for c, s in zip(cards, speeds, strict=True) if s.isdigit()]
    return {
        "host_network_card_count": str(len(cards)),
        "host_networking": "; ".join(named) or (NONE if not cards else f"{HOLE}: kind of the network cards"),
        "host_networking_topology": NONE,
    }


def _no_accelerator() -> dict[str, str]:
    """The processors compute: the accelerator column stays empty, in the words the forms use."""
    names = (
        "accelerator_model_name",
        "accelerator_memory_capacity",
        "accelerator_frequency",
        "accelerator_host_interconnect",
        "accelerator_interconnect",
        "accelerator_interconnect_topology",
        "accelerator_memory_configuration",
        "accelerator_on-chip_memories",
    )
    return {"accelerators_per_node": "0", **dict.fromkeys(names, NONE)}


def _software(framework: str) -> dict[str, str]:
    return {
        "framework": framework,
        "operating_system": f"{_os_name()} (Linux {platform.release()} {platform.machine()})",
        "other_software_stack": f"Python {platform.python_version()}",
    }


def _os_name() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    except OSError:
        return platform.system()


def _text(path: str | os.PathLike[str]) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""

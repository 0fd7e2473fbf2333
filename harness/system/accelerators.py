"""The ways in which an accelerator shows itself without special rights. Names that are not told are holes.

Numbers of makers and devices: the PCI and USB ids that the makers' own drivers name.
"""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.machine import Machine, text
from harness.system.words import HOLE

TIMEOUT_S = 10.0
SHARED = "shared with host"


@dataclass(frozen=True, slots=True)
class Accelerator:
    """One kind of accelerator and how many of it. Empty text is not known.

    ``for_computing`` is false for a graphics unit that may only drive a screen.
    """

    name: str
    count: int
    memory: str = ""
    link: str = ""
    frequency: str = ""
    for_computing: bool = True


def search(machine: Machine) -> Iterator[Accelerator]:
    """Every kind that is there."""
    for way in WAYS:
        yield from way(machine)


def _jetson(machine: Machine) -> Iterator[Accelerator]:
    if _is_jetson(machine):
        board = text(machine.proc / "device-tree/model")
        yield Accelerator(board or "NVIDIA Tegra GPU", 1, memory=SHARED, link="on the chip")


def _is_jetson(machine: Machine) -> bool:
    folder = machine.proc / "device-tree"
    return "jetson" in text(folder / "model").lower() or "nvidia,tegra" in text(folder / "compatible")


def _nvidia(machine: Machine) -> Iterator[Accelerator]:
    """Cards by the driver's files; memory and frequency by its own program where there is one."""
    if _is_jetson(machine):
        return  # the same unit, by its other name
    folders = sorted((machine.proc / "driver/nvidia/gpus").glob("*"))
    models = Counter(_value(text(f / "information"), "Model") or f"NVIDIA ({HOLE}: model)" for f in folders)
    told = _nvidia_smi() if machine.is_this_one and (folders or (machine.dev / "nvidiactl").exists()) else {}
    if not models:
        models = Counter({name: rows for name, (rows, _, _) in told.items()})
    for name, count in models.items():
        _, memory, frequency = told.get(name, (0, "", ""))
        link = _pcie(machine.sys / "bus/pci/devices" / folders[0].name) if folders else ""
        yield Accelerator(name, count, memory=memory, frequency=frequency, link=link)


def _nvidia_smi() -> dict[str, tuple[int, str, str]]:
    """Number, memory and highest frequency by name of card; empty where the program does not answer."""
    if shutil.which("nvidia-smi") is None:
        return {}
    query = ["nvidia-smi", "--query-gpu=name,memory.total,clocks.max.sm", "--format=csv,noheader"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, check=True, timeout=TIMEOUT_S)
    except (OSError, subprocess.SubprocessError):
        return {}
    found: dict[str, tuple[int, str, str]] = {}
    for line in done.stdout.splitlines():
        parts = [p.strip() for p in line.split(",")]
        if len(parts) == 3:
            memory, frequency = (p if p[:1].isdigit() else "" for p in parts[1:])
            found[parts[0]] = (found.get(parts[0], (0, "", ""))[0] + 1, memory, frequency)
    return found


PCI_NAMES = {
    ("0x1e60", "0x2864"): "Hailo-8",
    ("0x1e60", "0x45c4"): "Hailo-10H",
    ("0x1ac1", "0x089a"): "Google Coral Edge TPU",
    ("0x17cb", "0xa100"): "Qualcomm Cloud AI 100",
    ("0x1da3", "0x1000"): "Habana Gaudi",
}
"""Maker and device: name."""
DRIVERS = {
    "intel_vpu": "Intel NPU",
    "amdxdna": "AMD NPU (XDNA)",
    "habanalabs": "Habana Gaudi",
    "qaic": "Qualcomm Cloud AI",
    "rocket": "Rockchip NPU",
}
"""Drivers of the kernel's class ``accel``."""


def _cards(machine: Machine) -> Iterator[Accelerator]:
    """Cards that the PCI bus shows: known ones by their numbers."""
    seen: dict[str, list[Path]] = {}
    for card in sorted((machine.sys / "bus/pci/devices").glob("*")):
        name = PCI_NAMES.get((text(card / "vendor"), text(card / "device")))
        if name is not None:
            seen.setdefault(name, []).append(card)
    for name, places in seen.items():
        yield Accelerator(name, len(places), link=_pcie(places[0]))


def _nodes(machine: Machine) -> Iterator[Accelerator]:
    """Device files of drivers whose card the bus does not show."""
    on_bus = {a.name for a in _cards(machine)}
    for pattern, name in (("hailo*", "Hailo"), ("apex_*", "Google Coral Edge TPU")):
        count = len(list(machine.dev.glob(pattern)))
        if count and not any(n.startswith(name) for n in on_bus):
            yield Accelerator(f"{name} ({HOLE}: model)" if name == "Hailo" else name, count)


def _accel(machine: Machine) -> Iterator[Accelerator]:
    """The kernel's class of accelerators, by driver."""
    on_bus = {a.name for a in _cards(machine)}
    found: Counter[str] = Counter()
    for entry in sorted((machine.sys / "class/accel").glob("accel*")):
        driver = (entry / "device/driver").resolve().name if (entry / "device/driver").exists() else ""
        found[DRIVERS.get(driver, f"{driver or 'accelerator'} ({HOLE}: model)")] += 1
    if not found:
        count = len([*machine.dev.glob("accel/accel*"), *machine.dev.glob("accel[0-9]*")])
        found.update({f"accelerator ({HOLE}: model)": count} if count else {})
    for name, count in found.items():
        if not any(n.startswith(name) for n in on_bus):
            inside = name.endswith("NPU") or "XDNA" in name
            yield Accelerator(
                name, count, memory=SHARED if inside else "", link="on the chip" if inside else ""
            )


def _usb(machine: Machine) -> Iterator[Accelerator]:
    """The Coral stick: one number before its firmware is loaded, another after."""
    ids = [(text(d / "idVendor"), text(d / "idProduct")) for d in (machine.sys / "bus/usb/devices").glob("*")]
    count = ids.count(("1a6e", "089a")) + ids.count(("18d1", "9302"))
    if count:
        yield Accelerator("Google Coral USB Accelerator", count, link="USB")


GRAPHICS = {"amdgpu": "AMD GPU", "i915": "Intel GPU", "xe": "Intel GPU", "panfrost": "Arm Mali GPU (Panfrost)",
            "panthor": "Arm Mali GPU (Panthor)", "lima": "Arm Mali GPU (Lima)", "v3d": "Broadcom VideoCore GPU",
            "msm": "Qualcomm Adreno GPU", "etnaviv": "Vivante GPU", "nouveau": "NVIDIA GPU"}  # fmt: skip
"""Drivers of graphics units that can compute."""


def _graphics(machine: Machine) -> Iterator[Accelerator]:
    """Graphics units by driver; AMD's count as made for computing where its compute driver is up."""
    found: Counter[str] = Counter()
    for card in sorted((machine.sys / "class/drm").glob("card[0-9]*")):
        driver = card / "device/driver"
        if "-" not in card.name and driver.exists() and driver.resolve().name in GRAPHICS:
            found[driver.resolve().name] += 1
    for driver_name, count in found.items():
        computes = driver_name == "amdgpu" and (machine.dev / "kfd").exists()
        yield Accelerator(f"{GRAPHICS[driver_name]} ({HOLE}: model)", count, for_computing=computes)


def _pcie(card: Path) -> str:
    """Link of a card at its fastest, such as ``PCIe 16.0 GT/s x8``."""
    speed, width = text(card / "max_link_speed"), text(card / "max_link_width")
    return f"PCIe {speed.removesuffix(' PCIe')} x{width}" if speed and width else ""


def _value(information: str, key: str) -> str:
    """The value behind ``key:`` in a text of such lines."""
    rows = (line.partition(":") for line in information.splitlines())
    return next((value.strip() for name, _, value in rows if name.strip() == key), "")


WAYS: tuple[Callable[[Machine], Iterator[Accelerator]], ...] = (
    _jetson, _nvidia, _cards, _nodes, _accel, _usb, _graphics,
)  # fmt: skip

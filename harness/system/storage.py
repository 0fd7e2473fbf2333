"""Storage: the size of all disks and what they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness.machine import Machine, number, text
from harness.system.words import HOLE

SECTOR = 512
"""``size`` in /sys/block counts these, whatever the disk's own sectors are."""
NO_DISKS = ("loop", "ram", "zram", "dm-", "md", "sr", "nbd", "fd")


def fields(machine: Machine) -> dict[str, str]:
    """Two fields of the round."""
    disks = list(_disks(machine))
    total = sum(SECTOR * (number(d / "size") or 0) for d in disks)
    kinds = dict.fromkeys(_kind(d) for d in disks)
    return {
        "host_storage_capacity": f"{total / 1e9:.0f} GB" if total else f"{HOLE}: size of the storage",
        "host_storage_type": ", ".join(kinds) or f"{HOLE}: kind of the storage",
    }


def _disks(machine: Machine) -> Iterator[Path]:
    for block in sorted((machine.sys / "block").glob("*")):
        # The start-up areas of an eMMC are devices of their own.
        if not block.name.startswith(NO_DISKS) and "boot" not in block.name and number(block / "size"):
            yield block


def _kind(block: Path) -> str:
    if block.name.startswith("nvme"):
        return "NVMe SSD"
    if block.name.startswith("mmcblk"):
        return {"MMC": "eMMC", "SD": "SD card"}.get(text(block / "device/type"), "eMMC or SD card")
    if block.name.startswith(("vd", "xvd")):
        return "virtual disk"
    return "hard disk" if number(block / "queue/rotational") == 1 else "SSD"

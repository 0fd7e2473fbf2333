"""Where a machine tells about itself: the roots of /sys, /proc, /dev and /run, and how their files are read.

The roots are values, so that another machine's files can be read as well as this one's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Machine:
    """The four roots. What is not there or may not be read is empty text, never an error."""

    sys: Path = Path("/sys")
    proc: Path = Path("/proc")
    dev: Path = Path("/dev")
    run: Path = Path("/run")

    @property
    def is_this_one(self) -> bool:
        """Whether these are the roots of the running system, whose programs and system calls may be asked too."""
        return self == Machine()

    def meminfo(self) -> dict[str, int]:
        """/proc/meminfo in bytes."""
        found = {}
        for line in text(self.proc / "meminfo").splitlines():
            name, _, rest = line.partition(":")
            words = rest.split()
            if words and words[0].isdigit():
                found[name] = int(words[0]) * (1024 if words[-1] == "kB" else 1)
        return found

    def processors(self) -> Iterator[Path]:
        """The folder of every processor, in the order of their numbers."""
        found = (self.sys / "devices/system/cpu").glob("cpu[0-9]*")
        yield from sorted(found, key=lambda p: int(p.name.removeprefix("cpu")))


def text(path: Path) -> str:
    """A file of the kernel without the white space and the zero byte at its end; empty when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip("\0 \n\t")
    except OSError:
        return ""


def number(path: Path) -> int | None:
    """A file that holds one whole number; None when it does not."""
    try:
        return int(text(path))
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Limits:
    """What a control group allows: processors (a fraction of one counts), bytes, bytes in use; None: no limit."""

    processors: float | None
    memory: int | None
    memory_used: int | None


def limits(machine: Machine) -> Limits:
    """Limits of this process's control group, version 2 or 1, nearest first."""
    folders = [*_own_groups(machine), machine.sys / "fs/cgroup"]
    for folder in folders:
        found = _second_version(folder)
        if found.processors is not None or found.memory is not None:
            return found
    return _first_version(machine.sys / "fs/cgroup")


def available_memory(machine: Machine) -> int | None:
    """Bytes that may still be taken, within the control group; None where the system does not tell."""
    available = machine.meminfo().get("MemAvailable")
    bound = limits(machine)
    if bound.memory is None:
        return available
    room = max(0, bound.memory - (bound.memory_used or 0))
    return room if available is None else min(available, room)


def _own_groups(machine: Machine) -> list[Path]:
    for line in text(machine.proc / "self/cgroup").splitlines():
        if line.startswith("0::/"):
            own = machine.sys / "fs/cgroup" / line.removeprefix("0::/").lstrip("/")
            return [own, *(p for p in own.parents if p.is_relative_to(machine.sys / "fs/cgroup"))]
    return []


def _second_version(folder: Path) -> Limits:
    quota, _, period = text(folder / "cpu.max").partition(" ")
    share = int(quota) / int(period) if quota.isdigit() and period.isdigit() else None
    return Limits(share, number(folder / "memory.max"), number(folder / "memory.current"))


def _first_version(folder: Path) -> Limits:
    quota, period = (number(folder / f"cpu/cpu.cfs_{name}_us") for name in ("quota", "period"))
    share = quota / period if quota and quota > 0 and period else None
    memory = number(folder / "memory/memory.limit_in_bytes")
    used = number(folder / "memory/memory.usage_in_bytes")
    # Without a limit the first version shows a huge number, which is larger than any memory.
    return Limits(share, memory if memory is not None and memory < 1 << 60 else None, used)


def throttle_events(machine: Machine) -> int | None:
    """Throttling events of all processors since the system started; None where nobody counts them.

    A package's count stands at each of its processors, so the largest counts; core counts are added up.
    """
    folders = [p / "thermal_throttle" for p in machine.processors()]
    cores = [n for f in folders if (n := number(f / "core_throttle_count")) is not None]
    packages = [n for f in folders if (n := number(f / "package_throttle_count")) is not None]
    return sum(cores) + max(packages, default=0) if cores or packages else None

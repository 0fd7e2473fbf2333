"""What is examined, and what is found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from powerd.meter_config import MeterConfig


class Level(StrEnum):
    """``ok``; ``warn``: a run will do, but not as well as it could; ``fail``: a run would be spoilt."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, what was found, what was wanted, and what to do where they differ."""

    level: Level
    what: str
    found: str
    wanted: str = ""
    advice: str = ""

    def __str__(self) -> str:
        """For people."""
        wanted = f", wanted {self.wanted}" if self.wanted else ""
        advice = f": {self.advice}" if self.advice else ""
        return f"{self.level.value:<4}  {self.what}: {self.found}{wanted}{advice}"


@dataclass(frozen=True, slots=True)
class Subject:
    """``served`` are the meters of a running daemon as its API gives them; ``sysfs`` is where the kernel tells."""

    meters: Sequence[MeterConfig]
    served: Sequence[Mapping[str, Any]]
    data_dir: Path
    sysfs: Path = Path("/sys")

    def is_served(self, meter: MeterConfig) -> bool:
        """Whether a running daemon holds the port of this meter."""
        return any(document["port"] == meter.port for document in self.served)

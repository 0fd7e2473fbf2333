"""``MeterConfig``: what is said of one meter before it is opened."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from powerd.model import Calibration, Settings
from powerd.transports import LineSettings


@dataclass(frozen=True, slots=True)
class MeterConfig:
    """One ``[[meter]]`` or ``--meter``."""

    name: str
    driver: str
    port: str
    settings: Settings = field(default_factory=Settings)
    line: LineSettings = field(default_factory=LineSettings)
    record: Path | None = None
    calibration: Calibration = field(default_factory=Calibration)

"""The forms of a report, found by this folder: a module with ``FORMAT`` and ``write(report, stream)``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TextIO

from checker.model import Report
from schemas.discovery import modules

Writer = Callable[[Report, TextIO], None]


def writers() -> dict[str, Writer]:
    """Every form by name."""
    return {m.FORMAT: m.write for m in modules(__name__)}

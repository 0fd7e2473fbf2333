"""The forms of a report, found by this folder: a module with ``FORMAT`` and ``write(report, stream)``."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TextIO

from checker.model import Report
from schemas.discovery import module_names, modules

Writer = Callable[[Report, TextIO], None]


def forms() -> list[str]:
    """The names of all forms, which are those of their files; none of them is read for it."""
    return [name for name in module_names(__name__) if name != "base"]


def writer(form: str) -> Writer:
    """The one form of a name; KeyError for another one."""
    if form not in forms():
        raise KeyError(form)
    found: Writer = importlib.import_module(f"{__name__}.{form}").write
    return found


def writers() -> dict[str, Writer]:
    """Every form by name."""
    return {m.FORMAT: m.write for m in modules(__name__)}

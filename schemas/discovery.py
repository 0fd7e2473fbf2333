"""Find the modules of a folder: the one way in which drivers, rules, benchmarks and commands are collected."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType


def module_names(package: str) -> list[str]:
    """Names (without the package) of the modules in the folder of ``package``, sorted, private ones left out."""
    found = importlib.import_module(package)
    return sorted(m.name for m in pkgutil.iter_modules(found.__path__) if not m.name.startswith("_"))


def modules(package: str, *, skip: frozenset[str] = frozenset({"base"})) -> list[ModuleType]:
    """Import every module in the folder of ``package``, sorted by name; names in ``skip`` are left out."""
    return [
        importlib.import_module(f"{package}.{name}") for name in module_names(package) if name not in skip
    ]


def collect(package: str, attribute: str, *, skip: frozenset[str] = frozenset({"base"})) -> list[object]:
    """The object named ``attribute`` of every module in ``package`` that has one, in order of module names."""
    return [getattr(m, attribute) for m in modules(package, skip=skip) if hasattr(m, attribute)]

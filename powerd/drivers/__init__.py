"""Drivers of meters, found by this folder: one module per instrument series with an object ``DRIVER``."""

from __future__ import annotations

import difflib
from functools import cache
from importlib import import_module
from typing import cast

from powerd.drivers.base import Driver
from powerd.errors import NotThere
from powerd.model import MeterInfo
from schemas.discovery import collect
from schemas.metrology import Specification


@cache
def _all() -> dict[str, Driver]:
    found: dict[str, Driver] = {}
    for item in collect("powerd.drivers", "DRIVER"):
        driver = cast(Driver, item)
        if driver.name in found:
            raise ValueError(f"two drivers are named {driver.name}")
        found[driver.name] = driver
    return found


def names() -> tuple[str, ...]:
    """Names of all drivers, sorted."""
    return tuple(sorted(_all()))


def find(name: str) -> Driver:
    """The driver of this name, ``NAME@FILE`` for one that a table tells; ``NotThere`` naming the known ones."""
    known = _all()
    series, told_by, _ = name.partition("@")
    if told_by and series in known:
        tell = getattr(import_module(type(known[series]).__module__), "told", None)
        if tell is not None:
            return cast(Driver, tell(name))
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known drivers: {', '.join(sorted(known))}"
    raise NotThere(f"there is no driver {name!r}: {hint}")


def specification(info: MeterInfo) -> Specification:
    """Accuracy and ranges of the meter that answered so; ``NotThere`` when its driver is gone."""
    return find(info.driver).specification(info)


def integrates(name: str) -> bool:
    """Whether a driver starts and reads the integrator of its meters when asked to."""
    return bool(getattr(find(name), "integrates", False))


def for_model(maker: str, model: str) -> str | None:
    """Name of the driver whose series holds this maker and model as ``*IDN?`` gives them, None if no one's."""
    for name, driver in sorted(_all().items()):
        accepts = getattr(driver, "accepts", None)
        if accepts is not None and accepts(maker, model):
            return name
    return None

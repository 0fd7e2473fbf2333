"""What a window's document says otherwise than one that was computed again from the same facts."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any


def differences(window: Mapping[str, Any], again: Mapping[str, Any]) -> list[str]:
    """Paths of what a window's document says otherwise than one computed again, each with both values.

    Numbers of floating point may differ by rounding, as other processors and libraries round (1 in 10^9); the version
    of the program and the hash are left out.
    """
    found: list[str] = []
    for key in window:
        if key not in ("daemon", "sha256", "revision"):
            _compare(key, window[key], again.get(key), found)
    return found


def _compare(path: str, a: Any, b: Any, found: list[str]) -> None:
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        for key in {**a, **b}:
            _compare(f"{path}/{key}", a.get(key), b.get(key), found)
    elif isinstance(a, list | tuple) and isinstance(b, list | tuple) and len(a) == len(b):
        for index, (x, y) in enumerate(zip(a, b, strict=True)):
            _compare(f"{path}/{index}", x, y, found)
    elif not _alike(a, b):
        found.append(f"{path}: {_text(a)} in the window, {_text(b)} computed again")


def _alike(a: Any, b: Any) -> bool:
    if isinstance(a, float) and isinstance(b, float | int):
        return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)
    return type(a) is type(b) and bool(a == b)


def _text(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else text[:79] + "…"

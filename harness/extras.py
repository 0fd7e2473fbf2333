"""Optional packages: imported when used, and missed in one sentence."""

from __future__ import annotations

import importlib
import importlib.util
from importlib import metadata
from typing import Any

from schemas.errors import UserError

PACKAGES = {
    "mlperf_loadgen": "mlcommons-loadgen",
    "onnxruntime": "onnxruntime",
    "onnx": "onnx",
    "cv2": "opencv-python-headless",
}
"""Import name to distribution, for what the extra ``harness`` brings."""


def need(module: str) -> Any:
    """Import an optional module; ``UserError`` with the command that installs it when it is not there."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        name = PACKAGES.get(module, module)
        raise UserError(
            f"{name} is not installed; install it with: pip install 'edgewatt[harness]'"
        ) from None


def missing() -> tuple[str, ...]:
    """Distributions of the extra ``harness`` that are not installed; nothing is imported."""
    return tuple(name for module, name in PACKAGES.items() if not _is_there(module))


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def version(distribution: str) -> str | None:
    """The installed version of a distribution; None when it, or its module, is not there. Nothing is imported."""
    if distribution in missing():
        return None
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None

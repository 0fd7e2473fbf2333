"""Optional packages: imported when used, and missed in one sentence."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterable
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
FURTHER = {
    "pycocotools": ("pycocotools", "vision"),
    "scipy": ("scipy", "medical"),
    "nibabel": ("nibabel", "medical"),
    "torch": ("torch", "torch"),
    "transformers": ("transformers", "generative"),
    "tokenizers": ("tokenizers", "generative"),
    "rouge_score": ("rouge-score", "generative"),
    "nltk": ("nltk", "generative"),
    "diffusers": ("diffusers", "images"),
    "PIL": ("pillow", "images"),
    "soundfile": ("soundfile", "speech"),
    "openvino": ("openvino", "openvino"),
    "ai_edge_litert": ("ai-edge-litert", "litert"),
}
"""Import name to distribution and extra, for what single benchmarks need besides."""


def need(module: str) -> Any:
    """Import an optional module; ``UserError`` with the command that installs it when it is not there."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        raise UserError(sentence(module)) from None


def distribution(module: str) -> str:
    """The distribution that brings a module."""
    return PACKAGES.get(module) or FURTHER.get(module, (module, ""))[0]


def sentence(module: str) -> str:
    """What to say of a module that is not there."""
    extra = FURTHER[module][1] if module in FURTHER else "harness"
    return f"{distribution(module)} is not installed; install it with: pip install 'edgewatt[{extra}]'"


def cure(distributions: Iterable[str]) -> str:
    """The command that installs what single benchmarks need besides."""
    owners = dict(FURTHER.values())
    return f"pip install 'edgewatt[{','.join(dict.fromkeys(owners[d] for d in distributions))}]'"


def missing() -> tuple[str, ...]:
    """Distributions of the extra ``harness`` that are not installed; nothing is imported."""
    return tuple(name for module, name in PACKAGES.items() if not is_there(module))


def is_there(module: str) -> bool:
    """Whether a module can be imported; nothing is imported."""
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

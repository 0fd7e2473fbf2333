"""The arrows of the house: who may import whom. See docs/architecture.md."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("schemas", "powerd", "harness", "checker")
MAY_IMPORT = {
    "schemas": (),
    "powerd": ("schemas",),
    "checker": ("schemas",),
    "harness": ("schemas", "powerd.client", "checker.api"),
}
# Packages that only one extra brings, or that are slow to import: never at the top of a module.
LATE = {
    "fastapi",
    "uvicorn",
    "mlperf_loadgen",
    "onnxruntime",
    "onnx",
    "cv2",
    "pycocotools",
    "scipy",
    "nibabel",
    "rich",
    "torch",
    "cryptography",
    "pyarrow",
    "PIL",
    "opentelemetry",
}
# Modules that are only ever imported late themselves: what they are made of may stand at their top.
LATE_ROOMS = (
    "powerd/api/",
    "powerd/server.py",
    "powerd/dashboard/",
    "harness/live/panel.py",
    "harness/live/screen.py",
)
# A part never imports the module that puts the parts together.
COMPOSERS = {
    "powerd.service",
    "powerd.server",
    "harness.runner",
    "harness.service",
    "checker.engine",
    "checker.share",
}
MAY_COMPOSE = ("cli", "commands", "service", "server", "api", "demo", "share", "summary", "campaign")


def modules() -> Iterator[tuple[str, Path]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = list(path.relative_to(ROOT).with_suffix("").parts)
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


NAMES = dict(modules())


def imports(path: Path, *, top_only: bool = False) -> set[str]:
    """Absolute names that a module imports; ``from a import b`` counts as a.b where that is a module."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: set[str] = set()
    for node in tree.body if top_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            module = node.module or ""
            found |= {f"{module}.{a.name}" if f"{module}.{a.name}" in NAMES else module for a in node.names}
    return found


@pytest.mark.parametrize("name", sorted(NAMES))
def test_arrows_point_one_way(name: str) -> None:
    package = name.split(".", maxsplit=1)[0]
    for target in imports(NAMES[name]):
        top = target.split(".")[0]
        if top not in PACKAGES or top == package:
            assert top not in ("tests", "tools"), f"{name} imports {target}"
            continue
        allowed = MAY_IMPORT[package]
        assert any(target == a or target.startswith(a + ".") for a in allowed), f"{name} imports {target}"


@pytest.mark.parametrize("name", sorted(NAMES))
def test_heavy_imports_are_late(name: str) -> None:
    path = NAMES[name]
    if path.relative_to(ROOT).as_posix().startswith(LATE_ROOMS):
        return
    heavy = {target for target in imports(path, top_only=True) if target.split(".")[0] in LATE}
    assert not heavy, f"{name} imports {heavy} at its top"


@pytest.mark.parametrize("name", sorted(NAMES))
def test_parts_do_not_import_what_puts_them_together(name: str) -> None:
    parts = name.split(".")
    if len(parts) > 1 and parts[1] in MAY_COMPOSE:
        return
    own = {c for c in COMPOSERS if c == name}
    assert not (imports(NAMES[name]) & COMPOSERS) - own


def test_no_import_cycles() -> None:
    graph = {
        name: {t for t in imports(path, top_only=True) if t in NAMES and t != name}
        for name, path in NAMES.items()
    }
    done: set[str] = set()

    def walk(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, "import cycle: " + " -> ".join([*trail[trail.index(name) :], name])
        if name in done:
            return
        for target in sorted(graph[name]):
            walk(target, (*trail, name))
        done.add(name)

    for name in sorted(graph):
        walk(name, ())


def test_every_module_says_what_it_is() -> None:
    silent = [
        name for name, path in NAMES.items() if not ast.get_docstring(ast.parse(path.read_text("utf-8")))
    ]
    assert not silent

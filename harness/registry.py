"""Benchmarks, runtimes and compliance tests, found by their folders and asked for by name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Literal, cast

from harness.backends.base import Backend, Configurable
from harness.benchmarks.base import Benchmark, traits
from harness.compliance.base import ComplianceTest
from schemas.discovery import collect, module_names
from schemas.errors import UserError


def benchmarks() -> dict[str, Benchmark]:
    """Every benchmark by the name of the command line."""
    found = cast("list[Benchmark]", collect("harness.benchmarks", "BENCHMARK"))
    return {b.name: b for b in found}


def benchmark(name: str) -> Benchmark:
    """One benchmark, by our name or the official one; ``UserError`` names the nearest."""
    known = benchmarks()
    for found in known.values():
        if name == found.name or name in found.official:
            return found
    raise UserError(unknown("benchmark", name, known))


GROUP = "edgewatt.backends"
"""Entry points of other distributions under which runtimes are found; see docs/backends.md."""


def backend_names() -> list[str]:
    """Names of the runtimes, our own and those of other distributions; none is imported."""
    return sorted({*_own_backends(), *(e.name for e in entry_points(group=GROUP))})


def _own_backends() -> list[str]:
    return [n for n in module_names("harness.backends") if n != "base"]


def backend(name: str) -> Backend:
    """A runtime that has not been loaded yet; ``UserError`` names the nearest."""
    if name not in backend_names():
        raise UserError(unknown("backend", name, backend_names()))
    if name not in _own_backends():
        return _foreign(name)
    kinds = cast("list[type[Backend]]", collect("harness.backends", "BACKEND"))
    return next(kind for kind in kinds if kind.name == name)()


def _foreign(name: str) -> Backend:
    """A runtime of another distribution; ``UserError`` says which one is broken, and how."""
    entry = next(e for e in entry_points(group=GROUP) if e.name == name)
    source = "its distribution" if entry.dist is None else f"{entry.dist.name} {entry.dist.version}"
    try:
        found = entry.load()()
    except UserError:
        raise
    except Exception as error:
        raise UserError(
            f"backend {name} of {source} cannot be started ({type(error).__name__}: {str(error)[:160]}); ask its maker"
        ) from error
    if not isinstance(found, Backend):
        lacks = [m for m in ("name", "load", "infer", "close", "versions") if not hasattr(found, m)]
        raise UserError(f"backend {name} of {source} has no {', '.join(lacks)}; ask its maker")
    return found


def distribution_of(name: str) -> dict[str, str]:
    """Name and version of the distribution that brings a runtime; empty for our own."""
    found = [e.dist for e in entry_points(group=GROUP) if e.name == name and name not in _own_backends()]
    return {dist.name: dist.version for dist in found if dist is not None}


def configured(name: str, options: Mapping[str, str]) -> Backend:
    """A runtime that has been told its options and not been loaded; ``UserError`` for one that it does not have."""
    engine = backend(name)
    known = tuple(getattr(engine, "options", {}))
    for key in options:
        if key not in known:
            has = f"it has {', '.join(known)}" if known else "it has none"
            raise UserError(f"{name} has no option {key}; {has}")
    if isinstance(engine, Configurable):
        engine.configure(options)
    return engine


USUAL = "onnxruntime"
"""The runtime of a benchmark that names none."""


def backend_for(bench: Benchmark, asked: str | None) -> str:
    """The runtime that was asked for, else the benchmark's first; ``UserError`` for one that cannot run it."""
    able = traits(bench).backends
    if asked is None:
        return able[0] if able else USUAL
    if asked not in backend_names():
        raise UserError(unknown("backend", asked, backend_names()))
    if able and asked not in able:
        raise UserError(
            f"{asked} cannot run {bench.name}; give --backend {' or '.join(able)}, or leave it out"
        )
    return asked


def data_types_of(name: str, model: Path) -> Mapping[str, str]:
    """Which types a model file has, where the runtime can tell: fields of ``measurements``."""
    tell = getattr(backend(name), "data_types", None)
    return {} if tell is None else cast("Mapping[str, str]", tell(model))


def needs_of(name: str) -> tuple[str, ...]:
    """Import names of the packages that a runtime needs besides those of every run; nothing is imported."""
    return tuple(getattr(backend(name), "needs", ()))


def precision_for(bench: Benchmark, name: str, asked: str | None) -> str | None:
    """The precision that a runtime computes in; None where it has no choice. ``UserError`` for one it has not."""
    offered: tuple[str, ...] = tuple(getattr(backend(name), "precisions", ()))
    if asked is None:
        own = traits(bench).precision
        return own if own in offered else next(iter(offered), None)
    if not offered:
        raise UserError(f"{name} computes as the model says; leave out --precision")
    if asked not in offered:
        raise UserError(unknown("precision", asked, offered))
    return asked


def compute_of(name: str, options: Mapping[str, str]) -> Literal["cpu", "accelerator"]:
    """What a runtime computes on; the processors, unless its ``compute`` says otherwise."""
    engine = configured(name, options)
    return "accelerator" if getattr(engine, "compute", "cpu") == "accelerator" else "cpu"


def compliance_tests() -> dict[str, ComplianceTest]:
    """Every compliance test by its name."""
    found = cast("list[ComplianceTest]", collect("harness.compliance", "TEST"))
    return {t.name: t for t in found}


def compliance_test(name: str) -> ComplianceTest:
    """One compliance test; ``UserError`` names the nearest."""
    known = compliance_tests()
    if name not in known:
        raise UserError(unknown("compliance test", name, known))
    return known[name]


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """One sentence about a name that is not known, with the nearest one."""
    names = sorted(known)
    folded = {n.lower(): n for n in names}
    near = difflib.get_close_matches(name.lower(), folded, n=1, cutoff=0.5)
    hint = f"did you mean {folded[near[0]]}? " if near else ""
    return f"{what} {name!r} is not known; {hint}known: {', '.join(names)}"

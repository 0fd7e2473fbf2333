"""Make model files that a runtime can open from a checkpoint that is weights without a graph."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from harness.benchmarks.base import Exporting
from harness.registry import benchmark, benchmarks
from schemas.errors import UserError

NAME = "export"
HELP = "make ONNX files from a checkpoint of weights (rnnt)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Benchmark, checkpoint and folder."""
    parser.add_argument("benchmark", metavar="BENCHMARK")
    parser.add_argument("checkpoint", type=Path, metavar="FILE", help="the checkpoint of the reference")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="a new or empty folder for the files")


def run(args: argparse.Namespace) -> int:
    """Write all files or none, and say where they lie."""
    bench, folder = benchmark(args.benchmark), args.folder
    if not isinstance(bench, Exporting):
        raise UserError(
            f"{bench.name} has a model that runtimes open as it is; export is for {', '.join(_able())}"
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder} is not empty; give a new folder for the files")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".new-", dir=folder.resolve().parent) as new:
            made = Path(new) / "made"
            count = bench.export(args.checkpoint, made)
            made.rename(folder)
    except OSError as error:
        raise UserError(
            f"{folder} cannot be written ({error.strerror or error}); make room, or give another folder"
        ) from error
    names = ", ".join(sorted(p.name for p in folder.iterdir()))
    print(f"{count} weights in {folder}: {names}")
    return 0


def _able() -> list[str]:
    return sorted(name for name, bench in benchmarks().items() if isinstance(bench, Exporting))

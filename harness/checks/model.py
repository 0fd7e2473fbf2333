"""The checkpoint: does the runtime open it, and are its inputs and outputs those of the benchmark's contract."""

from __future__ import annotations

from collections.abc import Iterator

from harness.benchmarks.base import PLAIN, Contract, Tensor, traits
from harness.checks.base import Line, Situation, fail, ok, told, warn
from harness.probe import LIMIT_S

SUBJECT = "model"
CURE = "give the checkpoint of the reference implementation, or one exported with the same names, shapes and types"


def check(situation: Situation) -> Iterator[Line]:
    """It opens; names, shapes and types fit; a query of each scenario can be answered."""
    work, bench = situation.workload, situation.benchmark
    if work is None:
        cure = "give --model and --dataset, or --fixture"
        yield warn(SUBJECT, "none was given, so it was not looked at", "a model", cure)
        return
    if situation.broken is not None:
        cure = "give the path of the checkpoint with --model"
        yield told(SUBJECT, situation.broken, traits(bench).model_about or "a checkpoint", cure)
        return
    probe = situation.probe
    assert probe is not None
    if probe.late and traits(bench).stall_s > PLAIN.stall_s:
        step = "answered" if probe.opened else "opened"
        cure = (
            "measure it by a run: mlharness run … --rehearsal 60; then give its latency or rate to this look"
        )
        yield warn(
            SUBJECT, f"not {step} within the {LIMIT_S:.0f} s that are given to it here", "a look at it", cure
        )
        return
    if not probe.opened:
        yield told(SUBJECT, probe.fault or "it could not be opened", "a checkpoint of the benchmark", CURE)
        return
    wrong: tuple[tuple[str, str], ...] = ()
    if isinstance(bench, Contract) and probe.tensors is not None:
        wrong = tuple(differences(bench.tensors, probe.tensors))
        for found, wanted in wrong:
            yield fail(SUBJECT, found, wanted, CURE)
    if probe.fault is not None:
        yield told(SUBJECT, probe.fault, "an answer to a query", CURE)
    elif not wrong:
        versions = ", ".join(f"{name} {version}" for name, version in probe.versions.items())
        fits = "its inputs and outputs are those of the benchmark; " if probe.tensors is not None else ""
        yield ok(SUBJECT, f"{fits}answered by {versions}")


def differences(wanted: tuple[Tensor, ...], found: tuple[Tensor, ...]) -> Iterator[tuple[str, str]]:
    """What the contract demands and the model has otherwise, as found and wanted; further tensors are no fault."""
    by_name = {(t.kind, t.name): t for t in found}
    for tensor in wanted:
        own = by_name.get((tensor.kind, tensor.name))
        if own is None:
            names = ", ".join(t.name for t in found if t.kind == tensor.kind) or "none"
            yield f"the {tensor.kind}s are {names}", f"an {tensor.kind} {tensor}"
        elif own.dtype != tensor.dtype or not (_fits(tensor.shape, own.shape) or _turned(tensor, own)):
            yield f"{tensor.kind} {own}", f"{tensor.kind} {tensor}"


def _turned(wanted: Tensor, found: Tensor) -> bool:
    """Images with colours last where the benchmark has them first: a runtime of such models turns them, and one that
    does not fails when it is asked."""
    if wanted.kind != "input" or len(wanted.shape) != 4 or len(found.shape) != 4:
        return False
    batch, colours, height, width = wanted.shape
    return _fits((batch, height, width, colours), found.shape)


def _fits(wanted: tuple[int | None, ...], found: tuple[int | None, ...]) -> bool:
    """A free length of the model takes any; a fixed one must be the contract's, or stand where that is free.

    Whether a fixed batch is large enough shows when queries are answered.
    """
    if len(wanted) != len(found):
        return not found  # a model may leave the number of dimensions of an output open
    return all(have is None or want is None or have == want for want, have in zip(wanted, found, strict=True))

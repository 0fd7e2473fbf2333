"""Whether the tensors of a model are those that a benchmark's contract names."""

from __future__ import annotations

from collections.abc import Iterator

from harness.benchmarks.base import Tensor


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

"""The samples that LoadGen has in memory (its QSL), ready to be put into batches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from harness.benchmarks.base import traits

if TYPE_CHECKING:
    from harness.benchmarks.base import Array, Batch, Benchmark, Dataset, Sample

ONLY = ""
"""The name of the array of a sample that is one array."""


class Samples:
    """The loaded samples, found by index: one array per input, and every sample as a batch of one."""

    def __init__(self, dataset: Dataset, *, stacked: bool = True, ragged: bool = False) -> None:
        """Nothing is loaded yet. ``stacked`` False: samples are only taken one by one and may differ in shape.

        ``ragged``: they may differ in shape, and a batch is a list of them as they are.
        """
        self._dataset = dataset
        self._stacked = stacked
        self._ragged = ragged
        self._place: dict[int, int] = {}
        self._arrays: dict[str, Array] = {}
        self._single: list[Batch] = []
        self._whole: list[Sample] = []
        self.ready: dict[int, Batch] = {}
        """Every loaded sample as a batch of one, by its index."""

    @classmethod
    def of(cls, benchmark: Benchmark, dataset: Dataset) -> Samples:
        """As the benchmark wants its samples."""
        return cls(dataset, stacked=benchmark.most != 1, ragged=traits(benchmark).ragged)

    def load(self, indices: Sequence[int], on_sample: Callable[[], None]) -> None:
        """Read and pre-process samples; LoadGen may name one twice."""
        unique = list(dict.fromkeys(indices))
        self._single, self._arrays, self._whole = [], {}, []
        for place, index in enumerate(unique):
            self._keep(place, len(unique), self._dataset.load(index))
            on_sample()
        self._place = {index: place for place, index in enumerate(unique)}
        self.ready = {} if self._ragged else dict(zip(unique, self._single, strict=True))

    def _keep(self, place: int, count: int, sample: Sample) -> None:
        """Store one sample; the first one of a load settles names, shapes and types."""
        if self._ragged:
            self._whole.append(sample)
            return
        named: Mapping[str, Array] = sample if isinstance(sample, Mapping) else {ONLY: sample}
        if not self._stacked:
            single = {name: array[None] for name, array in named.items()}
        else:
            if place == 0:
                self._arrays = {name: _room(count, array) for name, array in named.items()}
            for name, array in named.items():
                self._arrays[name][place] = array
            single = {name: array[place : place + 1] for name, array in self._arrays.items()}
        self._single.append(single if isinstance(sample, Mapping) else single[ONLY])

    def unload(self) -> None:
        """Let go of all samples."""
        self._place, self._arrays, self._single, self._whole, self.ready = {}, {}, [], [], {}

    def batch(self, indices: Sequence[int]) -> Batch:
        """Samples as one batch; a single one is a view without a copy."""
        if self._ragged:
            return [self._whole[self._place[i]] for i in indices]
        if len(indices) == 1:
            return self._single[self._place[indices[0]]]
        places = [self._place[i] for i in indices]
        if ONLY in self._arrays:
            return self._arrays[ONLY][places]
        return {name: array[places] for name, array in self._arrays.items()}


def _room(count: int, sample: Array) -> Array:
    import numpy as np

    return np.empty((count, *sample.shape), dtype=sample.dtype)

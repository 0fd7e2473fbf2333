"""Files of numpy with bytes changed, lost or put in: read as they are or refused in one sentence, never a traceback."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.datasets import coco2014, criteo
from harness.metrics import fid
from schemas.errors import UserError


def saved(save: Any, *arrays: Any, **named: Any) -> bytes:
    file = io.BytesIO()
    save(file, *arrays, **named)
    return file.getvalue()


STATISTICS = {"mu": np.zeros(4), "sigma": np.eye(4)}
IDS = {str(n): np.zeros((5, hot), dtype=np.int32) for n, hot in enumerate(criteo.HOT)}


def ids(path: Path) -> None:
    criteo._refuse_archive(path)
    criteo._member(path, "5.npy", (5, criteo.HOT[5]))


READERS: dict[str, tuple[bytes, Callable[[Path], object]]] = {
    "statistics.npz": (saved(np.savez, **STATISTICS), fid.read_statistics),
    "packed.npz": (saved(np.savez_compressed, **STATISTICS), fid.read_statistics),
    "latents.npy": (saved(np.save, np.zeros((1, 4, 2, 2), dtype=np.float32)), coco2014._latents),
    "dense.npy": (
        saved(np.save, np.zeros((5, 13), dtype=np.float32)),
        lambda path: criteo._array(path, (None, 13), "float32"),
    ),
    "ids.npz": (saved(np.savez, **IDS), ids),
}
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["set", "cut", "insert"]),
        st.floats(0, 1, exclude_max=True),
        st.binary(min_size=1, max_size=3),
    ),
    min_size=1,
    max_size=4,
)


def changed(data: bytes, changes: list[tuple[str, float, bytes]]) -> bytes:
    for kind, where, what in changes:
        place = int(where * len(data))
        rest = {"set": data[place + len(what) :], "cut": b"", "insert": data[place:]}[kind]
        data = data[:place] + (b"" if kind == "cut" else what) + rest
    return data


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=CHANGES)
def test_damaged_files(name: str, changes: list[tuple[str, float, bytes]], tmp_path: Path) -> None:
    data, read = READERS[name]
    path = tmp_path / name
    path.write_bytes(data)
    read(path)
    path.write_bytes(changed(data, changes))
    with contextlib.suppress(UserError):
        read(path)

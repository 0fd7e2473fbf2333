"""Day 23 of Criteo's click logs for DLRM-DCNv2, in groups of pairs of a user and an item.

A folder with the arrays that the scripts of the reference implementation make: ``day_23_dense.npy`` float32 [R,13],
``day_23_labels.npy`` int32 [R,1] and ``day_23_sparse_multi_hot.npz`` (stored, not compressed; ``0.npy`` to ``25.npy``,
each int32 [R,k] with the k of that feature). The benchmark uses the first half of the rows (rounded up). A sample is a
group of 100 to 700 rows. Where groups end is said by ``dlrm_trace_of_aggregated_samples.txt`` of the reference (a line
a group: begin, end, number), or drawn from ``dist_quantile.txt`` (whole numbers on one line, each as likely) with the
reference's seed. Source: ``recommendation/dlrm_v2/pytorch/python/multihot_criteo.py`` of mlcommons/inference.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.damaged import DAMAGED, reason
from schemas.errors import UserError

if TYPE_CHECKING:
    from numpy.typing import NDArray

DENSE, SPARSE, LABELS = "day_23_dense.npy", "day_23_sparse_multi_hot.npz", "day_23_labels.npy"
TRACE, QUANTILES = "dlrm_trace_of_aggregated_samples.txt", "dist_quantile.txt"
SEED = 123
"""Of the draw of groups, ``--numpy-rand-seed`` of the reference."""
FEATURES = 13
HOT = (3, 2, 1, 2, 6, 1, 1, 1, 1, 7, 3, 8, 1, 6, 9, 5, 1, 1, 1, 12, 100, 27, 10, 3, 1, 1)
"""How many ids each of the 26 categories has in a row."""
CURE = "make the data set with the scripts of the reference implementation, or give another --dataset"


class Criteo:
    """The groups in order."""

    def __init__(self, root: Path) -> None:
        """Look at the arrays without reading them; ``UserError`` for what is missing or of another form."""
        self.root = root
        self._dense = _array(root / DENSE, (None, FEATURES), "float32")
        rows = len(self._dense)
        self._labels = _array(root / LABELS, (rows, 1), "int32")
        self._sparse: list[NDArray[Any]] | None = None
        _refuse_archive(root / SPARSE)
        self.ends = _ends(root, (rows + 1) // 2)

    def __len__(self) -> int:
        return len(self.ends) - 1

    def rows(self, index: int) -> slice:
        """The rows of a group."""
        return slice(self.ends[index], self.ends[index + 1])

    def labels(self, index: int) -> NDArray[Any]:
        """1 where a row of the group was clicked, float32 [n]."""
        import numpy as np

        return np.asarray(self._labels[self.rows(index), 0], dtype=np.float32)

    def load(self, index: int) -> Mapping[str, NDArray[Any]]:
        """``dense`` float32 [n,13], ``sparse`` int64 [n,214] (ids of all categories side by side), ``labels`` [n]."""
        import numpy as np

        if self._sparse is None:
            rows = len(self._dense)
            self._sparse = [_member(self.root / SPARSE, f"{n}.npy", (rows, hot)) for n, hot in enumerate(HOT)]
        place = self.rows(index)
        return {
            "dense": np.array(self._dense[place]),
            "sparse": np.concatenate([part[place] for part in self._sparse], axis=1).astype(np.int64),
            "labels": self.labels(index),
        }

    def files(self) -> list[Path]:
        """The arrays, and what groups them."""
        groups = next(self.root / name for name in (TRACE, QUANTILES) if (self.root / name).is_file())
        return [self.root / DENSE, self.root / SPARSE, self.root / LABELS, groups]


def _array(path: Path, shape: tuple[int | None, ...], dtype: str) -> NDArray[Any]:
    """An array that stays on disk."""
    import numpy as np

    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise UserError(f"there is no {path}; {CURE}") from None
    except DAMAGED as error:
        raise UserError(f"{path} is no array of numpy ({reason(error)}); {CURE}") from error
    return _fitting(path, found, shape, dtype)


def _fitting(path: Path, found: Any, shape: tuple[int | None, ...], dtype: str) -> NDArray[Any]:
    wanted = "[" + ",".join("R" if n is None else str(n) for n in shape) + "]"
    fits = found.ndim == len(shape) and all(w in (None, n) for w, n in zip(shape, found.shape, strict=True))
    if not fits or found.dtype != dtype or not len(found):
        raise UserError(f"{path} is {found.dtype} {list(found.shape)}; it wants {dtype} {wanted}; {CURE}")
    array: NDArray[Any] = found
    return array


def _refuse_archive(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except FileNotFoundError:
        raise UserError(f"there is no {path}; {CURE}") from None
    except DAMAGED as error:
        raise UserError(f"{path} is no file of numpy ({reason(error)}); {CURE}") from error
    missing = [f"{n}.npy" for n in range(len(HOT)) if f"{n}.npy" not in names]
    if missing:
        raise UserError(
            f"{path} lacks {', '.join(missing[:3])}; it wants the ids of {len(HOT)} categories; {CURE}"
        )


def _member(path: Path, name: str, shape: tuple[int, int]) -> NDArray[Any]:
    """One array of an archive, on disk where it was stored and not compressed (the real file has 70 GB)."""
    import numpy as np

    try:
        with zipfile.ZipFile(path) as archive:
            info = archive.getinfo(name)
            with archive.open(info) as member:
                stored = info.compress_type == zipfile.ZIP_STORED
                version = np.lib.format.read_magic(member)
                read = (
                    np.lib.format.read_array_header_1_0
                    if version == (1, 0)
                    else np.lib.format.read_array_header_2_0
                )
                found_shape, by_columns, dtype = read(member)
                header = member.tell()
        if stored:
            offset = _begin_of_data(path, info.header_offset) + header
            order = "F" if by_columns else "C"
            found: Any = np.memmap(path, dtype=dtype, shape=found_shape, order=order, mode="r", offset=offset)  # type: ignore[call-overload]
        else:
            with np.load(path, allow_pickle=False) as whole:
                found = whole[name.removesuffix(".npy")]
    except DAMAGED as error:
        raise UserError(f"{name} in {path} cannot be read ({reason(error)}); {CURE}") from error
    return _fitting(path / name, found, shape, "int32")


def _begin_of_data(path: Path, header: int) -> int:
    """Where the data of a member begin: its local header has 30 bytes, its name and an extra field (APPNOTE 4.3.7)."""
    with path.open("rb") as file:
        file.seek(header + 26)
        name, extra = (int.from_bytes(file.read(2), "little") for _ in range(2))
    return header + 30 + name + extra


def _ends(root: Path, rows: int) -> list[int]:
    """Where groups begin and end, over ``rows`` rows."""
    if (root / TRACE).is_file():
        return _traced(root / TRACE, rows)
    if (root / QUANTILES).is_file():
        return drawn(
            _whole(
                root / QUANTILES,
                (root / QUANTILES).read_text(encoding="utf-8", errors="replace").split("\n")[0],
            ),
            rows,
        )
    raise UserError(
        f"there is no {root / TRACE} and no {QUANTILES}; copy one from the reference implementation"
    )


def _traced(path: Path, rows: int) -> list[int]:
    ends = [0]
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        found = _whole(path, line)
        if len(found) != 3 or found[0] != ends[-1] or found[1] <= found[0] or found[1] - found[0] != found[2]:
            raise UserError(
                f"{path} has {line[:60]!r} in line {number}; it wants begin, end and number of a group that begins at "
                f"{ends[-1]}"
            )
        ends.append(found[1])
    if len(ends) == 1 or ends[-1] > rows:
        raise UserError(
            f"{path} has groups up to row {ends[-1]}, and the data set has {rows} rows to group; {CURE}"
        )
    return ends


def _whole(path: Path, line: str) -> list[int]:
    try:
        found = [int(part) for part in line.split(",")]
    except ValueError:
        found = []
    if not found or min(found) < 0:
        raise UserError(f"{path} has {line[:60]!r}, and that is no row of whole numbers with commas")
    return found


def drawn(quantiles: list[int], rows: int) -> list[int]:
    """Groups whose lengths are drawn from a list, until all rows are in one; the last may be shorter."""
    import numpy as np

    if min(quantiles) < 1:
        raise UserError(f"{QUANTILES} has {min(quantiles)}; a group has at least one row")
    random, ends = np.random.RandomState(SEED), [0]  # the reference's generator
    while ends[-1] < rows:
        ends.append(min(rows, ends[-1] + quantiles[random.randint(0, len(quantiles))]))
    return ends

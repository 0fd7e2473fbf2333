"""Pickles of arrays and of nothing else: other names are refused, so that loading runs no foreign code.

A folder of pickles is read only with its owner's word, a file in that folder, because even arrays alone come from
somebody: who made them is for the owner to know.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

from schemas.errors import UserError

ALLOWED = frozenset(
    (f"{package}.{module}", name)
    for package in ("numpy", "numpy.core", "numpy._core")
    for module, name in (
        *(("multiarray", "_reconstruct"), ("multiarray", "scalar"), ("numeric", "_frombuffer")),
    )
) | {("numpy", "ndarray"), ("numpy", "dtype"), ("_codecs", "encode"), ("collections", "OrderedDict")}
"""Module and name of what an array, a number or a plain mapping is made of."""


CONSENT = "read-pickles.txt"
WORD = "trusted"


def consented(folder: Path) -> None:
    """``UserError`` unless the owner of a folder of pickles has said that they may be read."""
    try:
        said = (folder / CONSENT).read_text(encoding="utf-8", errors="replace").split()
    except OSError:
        said = []
    if WORD not in said:
        raise UserError(
            f"{folder} holds pickles, which are not read unasked; if you made them, or trust who did, say so with: "
            f"echo {WORD} > {folder / CONSENT} (arrays and plain values are all that is ever made of them)"
        )


class _Arrays(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Only what makes arrays."""
        if (module, name) in ALLOWED:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")


def load(path: Path) -> Any:
    """What a pickle of arrays holds; ``UserError`` for one that asks for anything else or is cut off."""
    try:
        with path.open("rb") as file:
            return _Arrays(file).load()
    except FileNotFoundError:
        raise UserError(f"there is no {path}; put the preprocessed case there") from None
    except (pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError, ImportError) as error:
        raise UserError(
            f"{path} is no pickle of arrays ({error}), so it is not opened; make it again"
        ) from error
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror or error}); copy it again") from error

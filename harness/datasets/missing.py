"""Files that a data set names and that are not there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from schemas.errors import UserError


def refuse(missing: Sequence[Path | str], whole: str, one: str) -> None:
    """``UserError`` with the first and the number of those missing, of ``whole``, each of which is ``one``."""
    if missing:
        raise UserError(
            f"{len(missing)} {whole} are missing, the first is {missing[0]}; copy them there ({one} is never skipped, "
            "because the answers would shift)"
        )

"""A TOML file that a user wrote, or one sentence on why it cannot be read."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from schemas.errors import UserError


def read_toml(path: Path, what: str, wanted: str) -> dict[str, Any]:
    """The tables of ``path``. ``UserError`` calls it ``what`` and says with ``wanted`` which file to name."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{what} {path} cannot be read: {error.strerror or error}; {wanted}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{what} {path} is not TOML: {error}; put that place right") from error
    except RecursionError:
        raise UserError(f"{what} {path} is nested deeper than any such file: {wanted}") from None

"""The ground of edgewatt: what one part writes and another reads.

Data (JSON Schemas, facts of the MLPerf rounds, accuracy specifications of meters) and the small code that
reads and writes that data. Imports nothing of ours.
"""

from functools import cache
from typing import Any


@cache
def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version  # slow to import, and seldom asked for

    try:
        return version("edgewatt")
    except PackageNotFoundError:  # a source tree on the path without an installation
        return "0+source"


def __getattr__(name: str) -> Any:
    """``__version__``, found out when somebody asks."""
    if name == "__version__":
        return _version()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

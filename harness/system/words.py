"""The two texts of a field that the machine does not fill."""

from __future__ import annotations

HOLE = "TO BE FILLED IN"
"""A person must look."""
NONE = "N/A"
"""There is nothing to tell."""

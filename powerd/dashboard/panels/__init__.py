"""One file per panel; each draws a part of a snapshot as a rich renderable."""

"""Addresses of the trees in a page: where its links to files lead."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

NONE = "-"
"""Asks for no links."""


def link(template: str | None, round_name: str, tree: Path, page: Path | None) -> str | None:
    """The address of a tree, with ``/`` at its end: ``template`` filled in, else relative to the page; None where no
    links are wanted or it is not known where the page will lie."""
    if template == NONE or page is None:
        return None
    if template is not None:
        filled = template.replace("{round}", quote(round_name)).replace("{tree}", quote(tree.resolve().name))
        return filled.rstrip("/") + "/"
    try:
        relative = os.path.relpath(tree.resolve(), page.resolve().parent)
    except ValueError:  # another drive
        return None
    return quote(Path(relative).as_posix()) + "/"

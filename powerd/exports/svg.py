"""``svg``: the window as a picture that can be enlarged; needs no further package."""

from __future__ import annotations

from collections.abc import Iterator

from powerd.exports.base import Export
from powerd.pictures.window import scene
from schemas.scene import svg

NAME = "svg"
MEDIA_TYPE = "image/svg+xml"


def lines(export: Export) -> Iterator[str]:
    """The document."""
    return iter([svg(scene(export.window, export.samples))])

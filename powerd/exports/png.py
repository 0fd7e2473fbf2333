"""``png``: the window as a picture for reports and chats."""

from __future__ import annotations

from collections.abc import Iterator

from powerd.exports.base import Export
from powerd.pictures.window import scene
from schemas.scene import png

NAME = "png"
MEDIA_TYPE = "image/png"


def lines(export: Export) -> Iterator[bytes]:
    """The file; ``UserError`` when Pillow is not there."""
    return iter([png(scene(export.window, export.samples))])

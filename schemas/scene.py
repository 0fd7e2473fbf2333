"""Shapes in pixels from the upper left corner, and their two ways out: SVG by hand, PNG by Pillow.

Colours are ``#rrggbb``. There is no more than a window's picture needs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Literal
from xml.sax.saxutils import escape, quoteattr

from schemas.errors import UserError

Anchor = Literal["start", "middle", "end"]
INSTALL = "pip install 'edgewatt[export]'"
SCALE = 2
"""A PNG has so many pixels for each of the scene's, for screens of today and for paper."""


@dataclass(frozen=True, slots=True)
class Box:
    """A filled rectangle; ``note`` is shown where the form can (a tooltip in SVG)."""

    x: float
    y: float
    width: float
    height: float
    colour: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Path:
    """Straight lines through the points; ``dashed`` ones are for what is no measurement."""

    points: Sequence[tuple[float, float]]
    colour: str
    width: float = 1.0
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """One line of text; ``y`` is its base line."""

    x: float
    y: float
    text: str
    size: float = 12.0
    colour: str = "#333333"
    anchor: Anchor = "start"
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Scene:
    """Shapes in the order of drawing on a white ground."""

    width: int
    height: int
    title: str
    shapes: Sequence[Box | Path | Words]


def svg(scene: Scene) -> str:
    """The scene as an SVG document of its own."""
    size = f'width="{scene.width}" height="{scene.height}" viewBox="0 0 {scene.width} {scene.height}"'
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="DejaVu Sans, Helvetica, Arial, sans-serif">',
        f"<title>{escape(_clean(scene.title))}</title>",
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        *(_svg_shape(shape) for shape in scene.shapes),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _svg_shape(shape: Box | Path | Words) -> str:
    if isinstance(shape, Box):
        head = (
            f'<rect x="{shape.x:.1f}" y="{shape.y:.1f}" width="{shape.width:.1f}" height="{shape.height:.1f}"'
        )
        note = f"<title>{escape(_clean(shape.note))}</title>" if shape.note else ""
        return f'{head} fill="{shape.colour}">{note}</rect>'
    if isinstance(shape, Path):
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in shape.points)
        dash = ' stroke-dasharray="5 4"' if shape.dashed else ""
        return f'<polyline points="{points}" fill="none" stroke="{shape.colour}" stroke-width="{shape.width:g}"{dash}/>'
    weight = ' font-weight="bold"' if shape.bold else ""
    place = f'x="{shape.x:.1f}" y="{shape.y:.1f}" font-size="{shape.size:g}" text-anchor={quoteattr(shape.anchor)}'
    return f'<text {place} fill="{shape.colour}"{weight}>{escape(_clean(shape.text))}</text>'


def _clean(text: str) -> str:
    """Names come from anywhere; what XML does not allow is spelled out."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def png(scene: Scene) -> bytes:
    """The scene as a PNG; ``UserError`` that names the extra when Pillow is not there."""
    try:
        from PIL import Image, ImageDraw
    except ImportError:
        raise UserError(f"a PNG needs the package Pillow: {INSTALL}; the format svg needs nothing") from None
    image = Image.new("RGB", (scene.width * SCALE, scene.height * SCALE), "#ffffff")
    pen = ImageDraw.Draw(image)
    for shape in scene.shapes:
        _draw(pen, shape)
    data = BytesIO()
    image.save(data, "PNG", optimize=True)
    return data.getvalue()


def _draw(pen: object, shape: Box | Path | Words) -> None:
    from PIL import ImageDraw, ImageFont

    assert isinstance(pen, ImageDraw.ImageDraw)
    if isinstance(shape, Box):
        low = (shape.x * SCALE, shape.y * SCALE)
        pen.rectangle((*low, low[0] + shape.width * SCALE, low[1] + shape.height * SCALE), fill=shape.colour)
    elif isinstance(shape, Path):
        for points in _strokes(shape):
            scaled = [(x * SCALE, y * SCALE) for x, y in points]
            pen.line(scaled, fill=shape.colour, width=max(1, round(shape.width * SCALE)))
    else:
        font = ImageFont.load_default(shape.size * SCALE)
        anchor = {"start": "ls", "middle": "ms", "end": "rs"}[shape.anchor]
        heavy = 0.4 * SCALE if shape.bold else 0
        place = (shape.x * SCALE, shape.y * SCALE)
        pen.text(place, _clean(shape.text), fill=shape.colour, font=font, anchor=anchor, stroke_width=heavy)


def _strokes(path: Path) -> Iterator[Sequence[tuple[float, float]]]:
    """The whole line, or its dashes (straight, from the first point to the last)."""
    if not path.dashed:
        yield path.points
        return
    (x0, y0), (x1, y1) = path.points[0], path.points[-1]
    length = max(abs(x1 - x0), abs(y1 - y0), 1e-9)
    at = 0.0
    while at < length:
        a, b = at / length, min(at + 5, length) / length
        yield [(x0 + a * (x1 - x0), y0 + a * (y1 - y0)), (x0 + b * (x1 - x0), y0 + b * (y1 - y0))]
        at += 9

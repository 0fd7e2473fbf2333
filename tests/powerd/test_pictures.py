"""A window as a picture and as a table: what is in them, over a store made by hand."""

from __future__ import annotations

import io
import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from powerd import exports, windows
from powerd.exports.base import Export, gather
from powerd.model import Quality, Reading
from powerd.pictures.window import GAP, OVER, RANGE, scene
from powerd.signing import signer
from powerd.windows import Windows
from schemas.scene import Path as Line
from schemas.scene import Words, png, svg
from tests.powerd.made import EPOCH, S, fix, reading, store

SVG = "{http://www.w3.org/2000/svg}"


def rows() -> list[Reading]:
    """Two minutes: idle, a run with a gap, two readings over range, and a wider range from then on."""
    made = []
    for i in range(1, 121):
        row = reading(i, 18.0 + (i % 5) * 0.4 if not 20 < i <= 100 else 150.0 + 25 * ((i * 7) % 11) / 11)
        if i in (60, 61):
            row = reading(i, None, Quality.OVERRANGE)
        if i > 61:
            row = replace(row, values=replace(row.values, current_range_a=2.0))
        if not 40 <= i < 46:
            made.append(row)
    return made


@pytest.fixture
def export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Export]:
    made = store(tmp_path)
    for row in rows():
        made.put_reading(row)
    now = [round(0.5 * S)]
    all_windows = Windows(made, lambda _m: ("1",), lambda: made.put_fix(fix(now[0] / S)), lambda _m, _c: None)
    monkeypatch.setattr(windows, "boottime_ns", lambda: now[0])
    monkeypatch.setattr(windows, "WAIT_S", 0.0)
    all_windows.open("resnet50 <SingleStream> & more", "wall", {}, "w")
    now[0] = 30 * S
    all_windows.mark("w", "warm")
    now[0] = 118 * S
    all_windows.close("w", EPOCH + round(20.4 * S), EPOCH + round(100.7 * S), None)
    now[0] = 300 * S
    yield gather(made, all_windows.get("w"), lambda: signer(tmp_path))
    made.close()


def test_what_is_in_the_picture(export: Export) -> None:
    drawn = scene(export.window, export.samples)
    words = " ".join(shape.text for shape in drawn.shapes if isinstance(shape, Words))
    for part in ("resnet50 <SingleStream>", "begin", "end", "warm", "300 V, 2 A", "over range", "J (95 %)"):
        assert part in words, part
    colours = [shape.colour for shape in drawn.shapes]
    assert colours.count(OVER) == 2 + 1  # two readings and the legend
    assert GAP in colours
    assert RANGE in colours


def test_a_week_of_samples_is_thinned_without_losing_a_peak(export: Export) -> None:
    def long() -> Iterator[Any]:
        for at, row in export.samples:
            for k in range(200):
                peak = 400.0 if (row.sequence, k) == (300, 7) else row.values.power_w
                values = replace(row.values, power_w=peak)
                yield (
                    replace(at, ns=at.ns + k * S // 200),
                    replace(row, sequence=row.sequence * 200 + k, values=values, interval_ns=S // 200),
                )

    drawn = scene(export.window, long())
    lines = [shape for shape in drawn.shapes if isinstance(shape, Line) and shape.width == 1.6]
    assert sum(len(line.points) for line in lines) < 8 * drawn.width
    highest = min(y for line in lines for _, y in line.points)
    tick = {w.text: w.y - 4 for w in drawn.shapes if isinstance(w, Words) and w.anchor == "end" and w.x < 80}
    assert highest == pytest.approx(tick["400"], abs=1)


def test_channels_and_meters_are_drawn_as_their_sum(export: Export) -> None:
    def doubled(meter: str) -> Iterator[Any]:
        for at, row in export.samples:
            for channel in ("1", "2"):
                values = replace(row.values, channel=channel)
                yield at, replace(row, meter=row.meter if channel == "1" else meter, values=values)

    alone = scene(export.window, iter(known := list(export.samples)))
    for meter in ("wall", "rack"):
        export = replace(export, samples=iter(known))
        drawn = scene(export.window, doubled(meter))
        ticks = [w.text for w in drawn.shapes if isinstance(w, Words) and w.x < 80 and w.text.isdigit()]
        assert max(map(int, ticks)) >= 350
        assert len(drawn.shapes) > 0.8 * len(alone.shapes)


def test_svg_is_one_whole_document_with_names_escaped(export: Export) -> None:
    (text,) = exports.find("svg").lines(export)
    assert isinstance(text, str)
    root = ET.fromstring(text)
    assert root.tag == f"{SVG}svg"
    title = root.find(f"{SVG}title")
    assert title is not None
    assert title.text == "resnet50 <SingleStream> & more on wall"
    assert len(root.findall(f"{SVG}polyline")) > 10


def test_control_characters_in_a_name_are_spelled_out(export: Export) -> None:
    shown = scene({**export.window, "name": "a\x1b[31m\x00b"}, export.samples)
    assert "\\x1b[31m\\x00b" in svg(shown)
    ET.fromstring(svg(shown))


def test_png_has_the_power_in_it(export: Export) -> None:
    from PIL import Image

    (data,) = exports.find("png").lines(export)
    assert isinstance(data, bytes)
    image = Image.open(io.BytesIO(data))
    assert image.size == (2240, 1040)
    colours = {pixel for _, pixel in image.convert("RGB").getcolors(1 << 24) or ()}
    assert {(0x1F, 0x5F, 0xA8), (0xF5, 0xA6, 0x23), (0xF6, 0xC9, 0xC9)} <= colours


def test_a_window_without_a_sample_can_be_drawn(export: Export) -> None:
    nothing = dict.fromkeys(("energy_j", "energy_u95_j", "average_w", "average_u95_w"))
    drawn = scene({**export.window, **nothing, "coverage": 0.0, "quality": "bad"}, iter(()))
    assert "energy not known" in svg(drawn)
    assert png(drawn).startswith(b"\x89PNG")


def test_parquet_holds_every_sample_and_the_window(export: Export) -> None:
    import pyarrow.parquet as pq

    samples = list(export.samples)
    data = b"".join(map(bytes, exports.find("parquet").lines(replace(export, samples=iter(samples)))))  # type: ignore[arg-type]
    table = pq.read_table(io.BytesIO(data))
    assert table.num_rows == len(samples) > 70
    assert [str(field.type) for field in table.schema][:3] == ["int64", "timestamp[ns, tz=UTC]", "int64"]
    first = table.slice(0, 1).to_pylist()[0]
    at, row = samples[0]
    assert (first["sequence"], first["power_w"], first["raw"]) == (row.sequence, row.values.power_w, b"raw\n")
    assert table.column("time").cast("int64")[0].as_py() == at.ns
    assert table.column("power_w").null_count == 2
    assert set(table.column("quality").to_pylist()) == {"good", "overrange"}
    document = json.loads(table.schema.metadata[b"edgewatt"])
    assert document["sha256"] == export.window["sha256"]

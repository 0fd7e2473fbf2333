"""A stretch of power over time in a real Chromium: by buttons, keys, mouse and fingers, and back from a link."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checker.explorer.book import book
from checker.explorer.data import page_document
from checker.explorer.page import html
from checker.options import Options
from tests.checker import trees
from tests.checker.explorer.browser import Shown, needs_browser

pytestmark = needs_browser
RESULT = "result=tree%3Aclosed%2FBench%2Fresults%2Fboard%2Fresnet50%2Fsinglestream"
WHOLE = (-4.5, 24.5)
"""Seconds of the first and the last sample from the begin of the window."""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("zoom")
    tree = trees.build(folder / "tree")
    file = folder / "page.html"
    file.write_text(html(page_document(book([tree.root], Options()))), encoding="utf-8")
    return file


def stretch(shown: Shown) -> tuple[float, float]:
    low, high = shown.page.evaluate(
        "(({min, max}) => [min, max])(EdgewattChart.getChart(document.querySelector('.zoomable canvas')).scales.x)"
    )
    return round(low, 3), round(high, 3)


def address(shown: Shown) -> str:
    return str(shown.page.evaluate("location.hash"))


def test_buttons_zoom_move_and_reset_and_the_address_follows(page: Path, opened: Any) -> None:
    shown = opened(page, f"#{RESULT}")
    press = lambda name: shown.page.get_by_role("button", name=name, exact=True).click(force=True)  # noqa: E731
    said = shown.page.locator(".zoom [role=status]")
    assert stretch(shown) == WHOLE
    assert said.inner_text() == "All 29 s are shown"
    assert shown.page.locator(".zoom [aria-disabled=true]").count() == 4  # out, earlier, later, all
    press("Zoom in")
    assert stretch(shown) == (2.75, 17.25)
    assert said.inner_text() == "2.75 to 17.25 of −4.5 to 24.5 s are shown"
    press("Later")
    assert stretch(shown) == (6.375, 20.875)
    link = address(shown)
    assert link == f"#{RESULT}&from=6.375&to=20.875"
    press("Window of LoadGen")
    assert stretch(shown) == (0, 20)
    press("Reset: show all")
    assert stretch(shown) == WHOLE
    assert address(shown) == f"#{RESULT}"
    press("Earlier")  # there is nothing earlier
    assert stretch(shown) == WHOLE
    again = opened(page, link)
    assert stretch(again) == (6.375, 20.875)
    again.page.click("#theme")  # the colours change, the stretch does not
    assert stretch(again) == (6.375, 20.875)


def test_keys_do_the_same(page: Path, opened: Any) -> None:
    shown = opened(page, f"#{RESULT}")
    shown.page.focus(".zoomable")
    for key, wanted in (
        ("+", (2.75, 17.25)), ("ArrowLeft", (-0.875, 13.625)), ("Home", (-4.5, 10)), ("End", (10, 24.5)),
        ("-", WHOLE), ("w", (0, 20)), ("0", WHOLE),
    ):  # fmt: skip
        shown.page.keyboard.press(key)
        assert stretch(shown) == wanted, key


def test_a_mouse_marks_a_stretch_and_the_wheel_zooms_only_with_control(page: Path, opened: Any) -> None:
    shown = opened(page, f"#{RESULT}")
    pixel = "EdgewattChart.getChart(document.querySelector('.zoomable canvas')).scales.x.getPixelForValue"
    canvas = shown.page.locator(".zoomable canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    at = lambda seconds: box["x"] + shown.page.evaluate(f"{pixel}({seconds})")  # noqa: E731
    middle = box["y"] + box["height"] / 2
    left, right = at(5), at(10)
    shown.page.mouse.move(left, middle)
    shown.page.mouse.down()
    shown.page.mouse.move(right, middle, steps=4)
    shown.page.mouse.up()
    assert stretch(shown) == pytest.approx((5, 10), abs=0.1)
    shown.page.mouse.dblclick(left, middle)
    assert stretch(shown) == WHOLE
    shown.page.mouse.wheel(0, -100)
    assert stretch(shown) == WHOLE
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    shown.page.mouse.move(at(10), box["y"] + box["height"] / 2)
    shown.page.keyboard.down("Control")
    shown.page.mouse.wheel(0, -100)
    shown.page.keyboard.up("Control")
    shown.wait("location.hash.includes('from=')")
    low, high = stretch(shown)
    assert high - low == pytest.approx(29 / 2.71828, abs=0.1)


def test_fingers_move_and_stretch(page: Path, opened: Any) -> None:
    shown = opened(page, f"#{RESULT}&from=5&to=15", has_touch=True, viewport={"width": 390, "height": 844})
    canvas = shown.page.locator(".zoomable canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    session = shown.context.new_cdp_session(shown.page)

    def touch(kind: str, *shares: float) -> None:
        points = [
            {"x": box["x"] + s * box["width"], "y": box["y"] + 100, "id": n} for n, s in enumerate(shares)
        ]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", 0.8)
    touch("touchMove", 0.7)
    touch("touchMove", 0.6)
    touch("touchEnd")
    low, high = stretch(shown)
    assert low > 5.5
    assert high - low == pytest.approx(10, abs=0.01)
    touch("touchStart", 0.4, 0.6)
    touch("touchMove", 0.35, 0.65)
    touch("touchMove", 0.3, 0.8)
    touch("touchEnd")
    low, high = stretch(shown)
    assert high - low < 7


NO_STRETCH = ("from=5", "from=x&to=y", "from=30&to=40", "from=9&to=3", "from=&to=", "from=-1e999&to=1")


@pytest.mark.parametrize("words", NO_STRETCH)
def test_a_link_with_no_such_stretch_shows_all(page: Path, opened: Any, words: str) -> None:
    assert stretch(opened(page, f"#{RESULT}&{words}")) == WHOLE


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_a_stretch(page: Path, opened: Any, scheme: str) -> None:
    assert opened(page, f"#{RESULT}&from=5&to=15", color_scheme=scheme).axe() == []

"""A real Chromium for tests of the page: Debian's, driven by Playwright."""

from __future__ import annotations

import importlib.util
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium")
needs_browser = pytest.mark.skipif(
    CHROMIUM is None or importlib.util.find_spec("playwright") is None,
    reason="needs Chromium and playwright (Debian: tools/debian-packages.sh; pip install playwright)",
)
AXE = Path(__file__).with_name("axe.min.js")


@contextmanager
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as run:
        found = run.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield found
        found.close()


class Shown:
    """A page that is open, with everything that it complained about."""

    def __init__(self, browser: Any, file: Path, fragment: str = "", **context: Any) -> None:
        self.context = browser.new_context(**{"viewport": {"width": 1500, "height": 900}, **context})
        self.page, self.complaints, self.file = self.context.new_page(), [], file
        self.requests: list[str] = []
        self.page.on(
            "console", lambda m: self.complaints.append(m.text) if m.type in ("error", "warning") else None
        )
        self.page.on("pageerror", lambda e: self.complaints.append(str(e)))
        self.page.on("dialog", lambda d: self.complaints.append(f"dialog: {d.message}"))
        self.page.on("request", lambda r: self.requests.append(r.url))
        self.go(fragment)

    def go(self, fragment: str) -> None:
        """Open the page at a fragment, as one follows a link from elsewhere."""
        self.page.goto("about:blank")
        self.page.goto(f"{self.file.resolve().as_uri()}{fragment}")
        self.page.wait_for_selector("html[data-ready]", timeout=60_000)

    def tab(self, name: str) -> None:
        self.page.locator(f'[role=tab][data-tab="{name}"]').click()
        self.page.locator(f'[role=tab][data-tab="{name}"][aria-selected=true]').wait_for()

    def rows(self) -> int:
        return int(self.page.evaluate("EW.grid.api.getDisplayedRowCount()"))

    def wait(self, expression: str, seconds: float = 20.0) -> None:
        """Until an expression is true. Playwright's own way needs ``eval``, which the page's policy forbids."""
        end = time.monotonic() + seconds
        while not self.page.evaluate(expression):
            assert time.monotonic() < end, f"still not: {expression}"
            self.page.wait_for_timeout(50)

    def wait_rows(self, number: int) -> None:
        self.wait(f"EW.grid.api.getDisplayedRowCount() === {number}")

    def axe(self) -> list[str]:
        """Serious and critical violations. The page's policy forbids foreign scripts, so axe comes by the debugger."""
        self.page.evaluate(AXE.read_text(encoding="utf-8") + "; 0")
        found = self.page.evaluate("axe.run({resultTypes: ['violations']})")
        return [
            f"{v['id']}: {v['nodes'][0]['html'][:300]}"
            for v in found["violations"]
            if v["impact"] in ("serious", "critical")
        ]

    def close(self) -> None:
        self.context.close()

"""The explorer with as many results as a large round has: size of the page, time to build it, first paint, filtering.

    python tools/bench/explorer_page.py CORPUS/v4.1 [--results 20000] [--page FILE]

The results of a published tree are repeated under other submitters' and systems' names with numbers of their own.
Needs Chromium and the package playwright; without them only the page is made.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from checker.explorer import page
from checker.explorer.book import Volume, volume
from checker.explorer.data import page_document
from checker.options import Options

CHROMIUM = "/usr/bin/chromium"
FILTER = """async (text) => {
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  await frame();
  const begin = performance.now();
  EW.grid.search(text);
  await frame();
  return [performance.now() - begin, EW.grid.api.getDisplayedRowCount()];
}"""


def main(argv: list[str] | None = None) -> int:
    """Command line of the tool."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tree", type=Path, help="published tree")
    parser.add_argument("--results", type=int, default=20_000)
    parser.add_argument("--page", type=Path, help="keep the page here")
    args = parser.parse_args(argv)
    small = volume(args.tree, Options())
    large = repeated(small, args.results)
    begin = time.perf_counter()
    text = page.html(page_document([large]))
    built = time.perf_counter() - begin
    with tempfile.TemporaryDirectory() as folder:
        file = args.page or Path(folder) / "page.html"
        file.write_text(text, encoding="utf-8")
        print(
            f"{len(large.rows)} results, {len(large.report.findings)} findings: "
            f"{len(text) / 1e6:.2f} MB in {built:.2f} s"
        )
        try:
            print(json.dumps(opened(file), indent=1))
        except ImportError:
            print("playwright is not installed: the page was not opened", file=sys.stderr)
    return 0


def repeated(small: Volume, number: int) -> Volume:
    """A volume of ``number`` results: rows and findings of the small one under other names, numbers moved a little."""
    chance = random.Random(1)
    rows, findings = [], []
    copy = 0
    while len(rows) < number:
        first = len(findings)
        for row in small.rows[: number - len(rows)]:
            names = {"submitter": f"{row.submitter}{copy:03d}", "system": f"{row.system}-{copy:03d}"}
            path = row.path.replace(row.submitter, names["submitter"]).replace(row.system, names["system"])
            value = row.value and row.value * chance.uniform(0.5, 2)
            rows.append(
                replace(row, **names, path=path, value=value, findings=tuple(first + n for n in row.findings),
                        system_name=f"{row.system_name} no. {copy}")
            )  # fmt: skip
        findings += [
            replace(
                f,
                location=replace(
                    f.location, path=f.location.path.replace("/results/", f"{copy:03d}/results/")
                ),
            )
            for f in small.report.findings
        ]
        copy += 1
    report = replace(small.report, findings=tuple(findings))
    return Volume(small.name, report, tuple(rows), small.told, {})


def opened(file: Path) -> dict[str, object]:
    """What Chromium takes for it, milliseconds."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as run:
        browser = run.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        shown = browser.new_page(viewport={"width": 1500, "height": 900})
        found: dict[str, object] = {}
        for tab in ("closed.edge", "all"):
            shown.goto("about:blank")
            shown.goto(f"file://{file.resolve()}#tab={tab}")
            shown.wait_for_selector("html[data-ready]")
            paint = shown.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
            ready = shown.evaluate("performance.now()")
            times = [filtered(shown, text) for text in ("UntetherAI012", "preview", "nothing at all")]
            found[tab] = {
                "first paint": round(paint), "ready by": round(ready),
                "filters": times,
            }  # fmt: skip
        browser.close()
        return found


def filtered(shown: Any, text: str) -> dict[str, object]:
    """Milliseconds from a search to the next frame, five times with the whole table in between: by the clock, and those
    of the page's own processor time, which a busy machine does not lengthen as much."""
    meter = shown.context.new_cdp_session(shown)
    meter.send("Performance.enable", {"timeDomain": "threadTicks"})
    clock, processor, rows = [], [], 0
    for _ in range(5):
        shown.evaluate(FILTER, "")
        before = busy_s(meter)
        ms, rows = shown.evaluate(FILTER, text)
        clock.append(round(ms))
        processor.append(round(1000 * (busy_s(meter) - before)))
    meter.detach()
    return {"search": text, "rows": rows, "ms": sorted(clock), "processor_ms": sorted(processor)}


def busy_s(meter: Any) -> float:
    """Seconds that the page's main thread has worked so far."""
    found = {m["name"]: m["value"] for m in meter.send("Performance.getMetrics")["metrics"]}
    return float(found["TaskDuration"])


if __name__ == "__main__":
    sys.exit(main())

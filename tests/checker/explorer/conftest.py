"""Pages that several tests look at, made once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from checker.explorer.book import Book, book
from checker.options import Options
from tests.checker.corpus import folder
from tests.checker.explorer.browser import Shown, chromium

ROUNDS = ("v1.0", "v1.1", "v2.0", "v2.1", "v3.0", "v4.1", "v5.1")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="session")
def published() -> Book:
    """Round v4.1 of the corpus."""
    return book([folder() / "v4.1"], Options())


@pytest.fixture(scope="session")
def every_round() -> Book:
    """All power rounds of the corpus."""
    return book([folder() / name for name in ROUNDS], Options())


@pytest.fixture(scope="session")
def page_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pages")


@pytest.fixture
def opened(browser: Any) -> Iterator[Any]:
    made: list[Shown] = []

    def open_(file: Path, fragment: str = "", **context: Any) -> Shown:
        made.append(Shown(browser, file, fragment, **context))
        return made[-1]

    yield open_
    for shown in made:
        assert shown.complaints == []
        assert {url.split(":")[0] for url in shown.requests} <= {"file", "about", "blob", "data"}
        shown.close()

"""Fixtures that more than one part needs."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

# A shell without job control starts background commands with SIGINT ignored, and what is ignored stays so in
# their children: the tests that press Ctrl-C would press it for nothing.
signal.signal(signal.SIGINT, signal.default_int_handler)


EARLY = ("tests/trips/", "tests/harness/", "tests/powerd/")
"""Files whose tests last long because they wait: what comes behind them is short and fills the gaps at the end."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The order in which workers take the files."""
    items.sort(
        key=lambda item: next((n for n, at in enumerate(EARLY) if item.nodeid.startswith(at)), len(EARLY))
    )


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What mlcheck keeps of trees that did not change goes into a folder of the test run, not into the user's."""
    os.environ["EDGEWATT_CACHE_DIR"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real published submissions that EDGEWATT_CORPUS names."""
    named = os.environ.get("EDGEWATT_CORPUS")
    if not named:
        pytest.skip("EDGEWATT_CORPUS names no folder of published submissions")
    folder = Path(named)
    if not folder.is_dir():
        pytest.fail(f"EDGEWATT_CORPUS is {named}, which is no folder")
    return folder

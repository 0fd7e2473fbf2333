"""The table that is written line by line is the one that rich draws, colours included."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from checker import table
from checker.table import Columns, Row

ROWS: list[Row] = [
    ("resnet50 Offline", "16872 Samples/s", "acc 76.1", "-", "-", "valid", "invalid"),
    ("resnet50 Server", "9.5 ms", "-", "-", "-", "invalid", "valid"),
]


@pytest.mark.parametrize("system", [None, "truecolor"])
@pytest.mark.parametrize("gap", [1, 2])
def test_the_fast_way_is_that_of_rich(system: str | None, gap: int) -> None:
    columns: Columns = {0: 18, 1: 16, 2: 9, 5: 9, 6: 10}, gap

    def console(stream: io.StringIO) -> Console:
        return Console(file=stream, width=120, force_terminal=bool(system), color_system=system)  # type: ignore[arg-type]

    fast, drawn = io.StringIO(), io.StringIO()
    table._print(console(fast), columns, ROWS, header=False)
    console(drawn).print(table._table(columns, ROWS, header=False))
    assert fast.getvalue() == drawn.getvalue()

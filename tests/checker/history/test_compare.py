"""Two results beside each other: ratios, the error of the difference, and what may not be compared."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from checker.explorer.book import Book, book, volume
from checker.explorer.rows import Row
from checker.history import compare
from checker.options import Options
from schemas.errors import UserError
from tests.checker import trees


@pytest.fixture(scope="module")
def row(tmp_path_factory: pytest.TempPathFactory) -> Row:
    """A valid Offline result with 100 W ± 1 W."""
    tree = trees.build(tmp_path_factory.mktemp("tree"), power=False)
    found = next(r for r in volume(tree.root, Options()).rows if r.scenario == "Offline")
    power = {"power_name": "system_power", "power_value": 100.0, "power_unit": "W", "average_watts": 100.0}
    return replace(found, valid=True, **power, average_u95_w=1.0, accelerator="8x chip")


def barred(a: Row, b: Row) -> tuple[str, ...]:
    return next(iter(compare._pairs(a, b))).barred


def test_ratio_is_second_over_first(row: Row) -> None:
    pairs = list(compare._pairs(row, replace(row, value=2 * (row.value or 0), power_value=150.0)))
    assert [(p.what, p.ratio) for p in pairs] == [("performance", 2.0), ("system power", 1.5)]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"division": "open"}, "closed and open division"),
        ({"system_type": "datacenter"}, "edge and datacenter system type"),
        ({"valid": False}, "B is not valid"),
        ({"unit": "Tokens/s"}, "units differ: Samples/s and Tokens/s"),
    ],
)
def test_what_the_rules_forbid_is_marked(row: Row, changes: dict[str, object], words: str) -> None:
    assert barred(row, row) == ()
    assert words in barred(row, replace(row, **changes))  # type: ignore[arg-type]


def test_open_results_of_different_models_are_not_compared(row: Row) -> None:
    mine = replace(row, division="open", model_used="a")
    assert barred(mine, replace(mine, model_used="b")) == ("other models in the open division",)
    assert barred(mine, mine) == ()


def test_a_system_of_both_types_is_compared_with_either(row: Row) -> None:
    assert barred(row, replace(row, system_type="datacenter,edge")) == ()


def test_a_difference_below_the_error_is_said_to_be_so(row: Row) -> None:
    """1 % on either side: independent errors leave 1.41 % open."""
    near, far = (replace(row, average_watts=w, average_u95_w=w / 100) for w in (101.0, 102.0))
    assert compare.against_error(row, near) == "1.00% of power is not more than the error of 1.41%"
    assert compare.against_error(row, far) == "2.00% of power is more than the error of 1.41%"
    assert compare.against_error(row, replace(far, average_u95_w=None)) == ""


def test_one_meter_on_one_range_errs_alike(row: Row) -> None:
    mine = replace(row, meter_serial="C2PH13047V", ranges=(300.0, 1.0))
    other = replace(mine, average_watts=100.5, average_u95_w=1.005)
    assert compare.against_error(mine, other) == (
        "0.50% of power is more than the error of 0.00%, same meter and range"
    )
    assert "not more" in compare.against_error(mine, replace(other, ranges=(300.0, 2.0)))


def test_one_far_from_the_others_on_its_platform_is_pointed_out(row: Row) -> None:
    rows = [
        replace(row, submitter=name, value=v)
        for name, v in (("A", 100.0), ("B", 104.0), ("C", 98.0), ("D", 250.0))
    ]
    (said,) = compare.outliers(rows)
    assert said.startswith("D/board (v4.1): resnet Offline 250 Samples/s is 2.5 times the median of 3 others")
    assert not list(compare.outliers(rows[:3]))


def test_names_are_found_or_the_nearest_is_told(tmp_path: Path) -> None:
    made: Book = book([trees.build(tmp_path / "tree").root], Options())
    assert len(compare.chosen(made, "v4.1")) == len(compare.chosen(made, "Bench/bo*")) == 3
    with pytest.raises(UserError, match="did you mean board"):
        compare.chosen(made, "bord")

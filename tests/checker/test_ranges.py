"""The ranges in force when a measurement began, found from its mark backwards."""

from __future__ import annotations

import re

from hypothesis import example, given, settings
from hypothesis import strategies as st

from checker import ranges
from checker.ranges import Ranges

LINES = (
    "x: Go with mark 's_testing'", "Go with mark 's_testing", "Go with mark 's_ranging'", "Go with mark 's_testing's'",
    "Volt range set to Auto", "Volt range set to 300.0V", "Voltage range for channel 1, physical channel 1, set to 15V",
    "Amp range set to 0.5A", "Ampere range set to Auto", "Amp range set to 1A, Volt range set to 2V", "Volt range is",
    "Volt range set to 30V Go with mark 's_ranging'", "Amp range set to 0", "",
)  # fmt: skip


def forwards(text: str) -> Ranges:
    now: dict[str, tuple[str, int]] = {}
    for at, line in enumerate(text.splitlines(), 1):
        if "Go with mark '" in line:
            if re.search(r"Go with mark '([^']*)", line)[1] == "s_testing":  # type: ignore[index]
                break
            continue
        found = re.search(r"(Volt|Amp)\w* range (?:for [^,]*, [^,]*, )?set to (Auto|[\d.]+)", line)
        if found is not None:
            now[found[1]] = found[2], at
    else:
        return Ranges()
    (volts, line_v), (amperes, line_a) = (now.get(unit, (None, None)) for unit in ("Volt", "Amp"))
    return Ranges(number(volts), number(amperes), volts == "Auto", amperes == "Auto", line_v, line_a)


def number(text: str | None) -> float | None:
    return float(text) if text not in (None, "Auto", "0") else None


@settings(deadline=None)
@given(
    lines=st.lists(st.sampled_from(LINES), max_size=12),
    end=st.sampled_from(["\n", "\r\n", "\x85"]),
    last=st.sampled_from(["", "\n"]),
)
@example(lines=[LINES[4], LINES[7], LINES[0], LINES[5]], end="\n", last="\n")
def test_what_was_set_last(lines: list[str], end: str, last: str) -> None:
    text = end.join(lines) + last
    assert ranges.testing_ranges(text, {}, "s_testing").log == forwards(text)

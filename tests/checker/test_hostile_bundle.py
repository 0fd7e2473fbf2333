"""``mlcheck verify`` on bundles that strangers wrote, chain values too: a verdict with a reason, or a sentence."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from checker.bundle import verify
from checker.cli import main
from schemas import bundle
from schemas.errors import UserError
from tests.checker.test_fuzz_trees import STRANGE
from tests.checker.test_fuzz_trees import _changed as changed
from tests.trips.test_evidence_bundle import sealed

Record = tuple[str, Any]


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Record], ...]:
    """The records of two bundles: with the daemon's clock, and with that of a client."""
    paths = [sealed(tmp_path_factory.mktemp("bundle"), clock=clock) for clock in (None, "sut")]
    return tuple(
        [(line["member"], line["data"]) for line in map(json.loads, path.read_text().splitlines())]
        for path in paths
    )


def forged(path: Path, records: list[Record]) -> Path:
    """Lines with chain values that fit; JSON as Python writes it, so with NaN and surrogates."""
    chain, lines = bundle.START, []
    for member, data in records:
        body = f'{{"member":"{member}","data":{json.dumps(data)}'
        chain = bundle._link(chain, body.encode())
        lines.append(f'{body},"chain":"{chain}"}}\n')
    path.write_text("".join(lines))
    return path


def mutated(chance: random.Random, records: list[Record]) -> Iterator[Record]:
    """Values changed, lines doubled, moved away or called otherwise."""
    hits = {chance.randrange(len(records)) for _ in range(chance.choice((1, 1, 1, 2, 5)))}
    for at, (member, data) in enumerate(records):
        kind = chance.random() if at in hits else -1.0
        if kind < 0:
            yield member, data
        elif kind < 0.85:
            yield member, changed(chance, data)
        elif kind < 0.9:
            yield from [(member, data)] * 2
        elif kind < 0.95:
            yield chance.choice((*bundle.MEMBERS, "nonsense")), data


def hold(path: Path, records: list[Record], capsys: pytest.CaptureFixture[str]) -> None:
    forged(path, records)
    for form in ("text", "json"):
        code = main(["verify", str(path), "--format", form])
        out, err = capsys.readouterr()
        assert code in (0, 1, 2), (out, err)
        assert "\x1b" not in out + err


def replaced(records: list[Record], member: str, **values: Any) -> list[Record]:
    return [(m, d | values if m == member else d) for m, d in records]


@pytest.mark.timeout(120)
def test_forged_bundles_are_judged(
    honest: tuple[list[Record], ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed in range(200):
        chance = random.Random(seed)
        hold(tmp_path / "x", list(mutated(chance, chance.choice(honest))), capsys)


@pytest.mark.proof
@pytest.mark.timeout(3600)
def test_thousands_of_forged_bundles_are_judged(
    honest: tuple[list[Record], ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed in range(200, 20_000):
        chance = random.Random(seed)
        hold(tmp_path / "x", list(mutated(chance, chance.choice(honest))), capsys)


@pytest.mark.parametrize("name", ["power_w", "voltage_v", "end_ns", "raw", "quality", "channel", "id"])
def test_a_reading_may_hold_anything(
    name: str, honest: tuple[list[Record], ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for value in STRANGE:
        hold(tmp_path / "x", replaced(honest[0], "reading", **{name: value}), capsys)


@pytest.mark.parametrize("member", ["window", "request", "moment"])
def test_every_value_of_what_was_asked_may_be_anything(
    member: str, honest: tuple[list[Record], ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(member)
    for name in next(d for m, d in honest[1] if m == member):
        for value in chance.sample(STRANGE, 4):
            hold(tmp_path / "x", replaced(honest[1], member, **{name: value}), capsys)


def faults(path: Path) -> list[str]:
    return [str(fault) for fault in verify(path).faults]


def test_lists_in_the_place_of_values_are_no_record(honest: tuple[list[Record], ...], tmp_path: Path) -> None:
    path = forged(tmp_path / "x", replaced(honest[0], "mark", text=[[]] * 1000))
    assert any("member mark: is no record of member mark" in f for f in faults(path))


def test_a_line_longer_than_any_record_is_not_read(honest: tuple[list[Record], ...], tmp_path: Path) -> None:
    path = forged(tmp_path / "x", replaced(honest[0], "header", note="x" * bundle.LONGEST_LINE))
    assert faults(path)[0] == (
        f"line 1, member header: is longer than the {bundle.LONGEST_LINE} bytes of any record: it was changed"
    )


@pytest.mark.timeout(20)
def test_a_flood_of_chain_values_is_not_tried_against_every_line(tmp_path: Path) -> None:
    """Thirty thousand damaged lines, each with a chain value of its own, before as many that fit none."""
    path = tmp_path / "x"
    damaged = [f'"chain":"{at:064x}"\n' for at in range(30_000)]
    alone = [f'{{"member":"mark","data":{{}},"chain":"{at:064x}"}}\n' for at in range(30_000)]
    path.write_text("".join(damaged + alone))
    found = verify(path)
    assert found.lines == 60_000
    assert str(found.faults[-1]).startswith("and ")


def test_more_lines_than_any_bundle_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("checker.bundle.MOST_LINES", 100)
    path = tmp_path / "x"
    path.write_text("\n" * 101)
    with pytest.raises(UserError, match="more than 100 lines, more than a bundle"):
        verify(path)


def test_many_records_of_what_stands_a_few_times_are_told(
    honest: tuple[list[Record], ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("checker.bundle.MOST_OF_A_KIND", 3)
    marks: list[tuple[str, Mapping[str, Any]]] = [r for r in honest[0] if r[0] == "mark"] * 5
    records = [r for r in honest[0] if r[0] != "mark"]
    at = next(i for i, r in enumerate(records) if r[0] == "reading")
    path = forged(tmp_path / "x", records[:at] + marks + records[at:])
    assert any("more than 3 records of member mark" in f for f in faults(path))


def test_a_text_in_the_place_of_a_number_is_told_and_not_multiplied(
    honest: tuple[list[Record], ...], tmp_path: Path
) -> None:
    """Watts times a second in nanoseconds would make a text of gigabytes."""
    asked = next(d for m, d in honest[0] if m == "specification")
    spec = asked["specification"] | {"fixed_w": "99"}
    path = forged(tmp_path / "x", replaced(honest[0], "specification", specification=spec))
    assert any(
        "is no record of member specification: fixed_w is str, wanted float" in f for f in faults(path)
    )


@pytest.mark.parametrize("meter", ["wall," * 200 + "wall", "wall,wall"])
def test_a_window_of_a_channel_twice_or_of_hundreds_is_not_computed(
    meter: str, honest: tuple[list[Record], ...], tmp_path: Path
) -> None:
    channel = ",".join("1" for _ in meter.split(","))
    path = forged(tmp_path / "x", replaced(honest[0], "request", meter=meter, channel=channel))
    assert any("channels, or for one twice" in f for f in faults(path))

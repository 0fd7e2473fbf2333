"""From a closed window to its bundle and to ``mlcheck verify``: nothing can be changed unnoticed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as with_settings
from hypothesis import strategies as st

from checker.bundle import verify
from checker.cli import main
from powerd import exports, windows
from powerd.exports.base import gather
from powerd.model import Quality
from powerd.signing import signer
from powerd.store import Store
from powerd.windows import Windows
from schemas import bundle, window_document
from schemas.documents import violations
from tests.powerd.made import EPOCH, FIXED, INFO, S, exchange, fix, reading, store


def sealed(folder: Path, *, clock: str | None = None, count: int = 14) -> Path:
    """The bundle of a window of ten seconds, with a loss in it."""
    made = store(folder / "data")
    rows = [reading(i, 50.0 if i <= 5 else 150.0, raw=b"%d.0E+00,0.2E+03\r\n" % (50 if i <= 5 else 150)) for i in
            range(1, count)]  # fmt: skip
    rows[6] = replace(rows[6], values=replace(rows[6].values, power_w=None, quality=Quality.NODATA))
    for row in rows:
        made.put_reading(row)
    made.put_exchange(exchange(0.5, 3.0))
    made.put_exchange(exchange(11.5, 3.0))
    return bundle_of(made, folder, clock)


def bundle_of(made: Store, folder: Path, clock: str | None, meter: str = "wall") -> Path:
    now = [round(0.5 * S)]
    all_windows = Windows(
        made,
        lambda _m: ("1", "2")[: 1 + ("/" in meter)],
        lambda: made.put_fix(fix(now[0] / S)),
        lambda _m, _c: None,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windows, "boottime_ns", lambda: now[0])
        patch.setattr(windows, "WAIT_S", 0.0)
        all_windows.open("ten seconds", meter, {"run": "1"}, "w1")
        all_windows.mark("w1", "go")
        now[0] = 12 * S
        ahead = 3 * S if clock else 0
        begin = EPOCH + ahead + round(1.5 * S)
        all_windows.close("w1", begin, begin + 10 * S, clock)
        now[0] = 60 * S
        closed = all_windows.get("w1")
    assert closed["state"] == "closed"
    path = folder / "w1.bundle.jsonl"
    export = gather(made, closed, lambda: signer(folder / "data"))
    path.write_text("".join(map(str, exports.find("bundle").lines(export))))
    made.close()
    return path


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sealed(tmp_path_factory.mktemp("bundle"))


def edited(path: Path, member: str, edit: Callable[[dict[str, Any]], object]) -> Path:
    """The bundle with the data of a member edited and every chain value made anew: only the signature is old."""
    records = []
    for line in map(json.loads, path.read_text().splitlines()):
        if line["member"] == member:
            edit(line["data"])
        records.append((line["member"], line["data"]))
    old = records.pop()[1]
    changed = path.with_name(f"{member}.jsonl")
    changed.write_text(
        "".join(bundle.write(records, lambda _: {k: v for k, v in old.items() if k != "signed_chain"}))
    )
    return changed


def test_every_number_comes_out_again(whole: Path) -> None:
    found = verify(whole)
    assert list(found.faults) == []
    assert found.recomputed
    assert found.key == "not given"
    assert found.raw_samples == found.raw_found > 10
    assert found.window is not None
    assert found.window["coverage"] < 1


def test_every_line_is_as_its_schema_says(whole: Path) -> None:
    members = []
    for line in map(json.loads, whole.read_text().splitlines()):
        assert list(violations("bundle", line)) == []
        members.append(line["member"])
    assert members[:4] == ["header", "window", "request", "moment"]
    assert members[-1] == "signature"
    assert {"specification", "meter", "run", "fix", "mark", "reading"} <= set(members)


def test_a_client_clock_and_its_exchanges_are_in_it(tmp_path: Path) -> None:
    path = sealed(tmp_path, clock="sut")
    found = verify(path)
    assert list(found.faults) == []
    assert found.window is not None
    assert found.window["clock"]["source"] == "client exchange"
    assert '"member":"exchange"' in path.read_text()


def test_the_key_that_was_given_must_have_signed(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    print_ = signer(whole.parent / "data").fingerprint
    assert main(["verify", str(whole), "--key", print_]) == 0
    assert main(["verify", str(whole), "--key", str(whole.parent / "data/signing.pub")]) == 0
    assert "the key that was given" in capsys.readouterr().out
    stranger = signer(tmp_path).fingerprint
    assert main(["verify", str(whole), "--key", stranger]) == 1
    assert f"signed by {print_}, which is not the key that was given" in capsys.readouterr().out
    assert main(["verify", str(whole), "--key", "nobody"]) == 2


def test_an_unknown_key_is_said(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(whole)]) == 0
    assert "the key is unknown here" in capsys.readouterr().out


@pytest.mark.parametrize(
    "text", ["", "not a bundle\n", '{"member":"header"}\n'], ids=["empty", "words", "a line without a seal"]
)
def test_what_is_no_bundle_is_wrong_usage(text: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text(text)
    assert main(["verify", str(path)]) == 2
    assert main(["verify", str(tmp_path / "absent")]) == 2


def test_a_pipe_in_the_place_of_a_bundle_or_a_key_is_not_waited_for(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert main(["verify", str(tmp_path / "pipe")]) == 2
    assert "a named pipe" in capsys.readouterr().err
    assert main(["verify", str(whole), "--key", str(tmp_path / "pipe")]) == 2


def test_the_outcome_as_json(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(whole), "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert list(violations("verification", document)) == []
    assert document["verdict"] == "valid"
    assert document["energy_j"] == pytest.approx(3.5 * 50 + 6.5 * 150)


@with_settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_changed_byte_is_named(whole: Path, data: st.DataObject) -> None:
    content = bytearray(whole.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    number = content[:at].count(b"\n") + 1
    member = json.loads(whole.read_bytes().splitlines()[number - 1])["member"]
    content[at] ^= data.draw(st.integers(1, 255))
    changed = whole.with_name("changed.jsonl")
    changed.write_bytes(content)
    assert main(["verify", str(changed)]) == 1
    first = verify(changed).faults[0]
    assert first.line == number
    # Where the name of the member itself was hit, it is that of the line before or what stands there now.
    assert first.member == member or member.encode() not in content.splitlines()[number - 1][:25]


def test_every_byte_of_a_short_one_changed_in_turn(tmp_path: Path) -> None:
    path = sealed(tmp_path, count=4 + 8)
    content = path.read_bytes()
    lines = content.splitlines(keepends=True)
    starts = [sum(map(len, lines[:i])) for i in range(len(lines))]
    for number, (start, line) in enumerate(zip(starts, lines, strict=True), 1):
        before = lines[number - 2 : number - 1]
        chain = json.loads(before[0])["chain"] if before else bundle.START
        assert next(iter(bundle.read([line]))).fault is None or number > 1
        for offset in range(0, len(line), 7):
            flipped = bytearray(line)
            flipped[offset] ^= 1
            parts = bytes(flipped).splitlines(keepends=True)
            assert any(found.fault for found in bundle.read([*before, *parts])), (start + offset, chain)


@pytest.mark.parametrize("number", [1, 4, 12, -1])
def test_a_line_that_is_missing_is_said(number: int, whole: Path, tmp_path: Path) -> None:
    lines = whole.read_bytes().splitlines(keepends=True)
    del lines[number if number < 0 else number - 1]
    path = tmp_path / "short"
    path.write_bytes(b"".join(lines))
    assert main(["verify", str(path)]) == 1


def test_two_lines_that_changed_places_are_said(whole: Path, tmp_path: Path) -> None:
    lines = whole.read_bytes().splitlines(keepends=True)
    lines[-3], lines[-4] = lines[-4], lines[-3]
    path = tmp_path / "swapped"
    path.write_bytes(b"".join(lines))
    assert main(["verify", str(path)]) == 1


def test_a_chain_that_was_made_anew_is_not_signed(whole: Path) -> None:
    path = edited(whole, "window", lambda w: w.update(name="another"))
    found = verify(path)
    assert found.key == "broken"
    assert any("does not belong to these lines" in str(f) for f in found.faults)
    assert any("sha256" in str(f) for f in found.faults)


def test_a_sample_that_was_made_smaller_gives_other_numbers(whole: Path) -> None:
    """Even by one who holds the key."""

    def smaller(data: dict[str, Any]) -> None:
        data["power_w"] = None if data["power_w"] is None else data["power_w"] * 0.99

    faults = [str(f) for f in verify(edited(whole, "reading", smaller)).faults]
    assert any("energy_j:" in f and "computed again" in f for f in faults)
    assert any("budget/" in f for f in faults)


def test_a_bundle_that_nobody_signed_is_said(whole: Path, tmp_path: Path) -> None:
    records = [(x["member"], x["data"]) for x in map(json.loads, whole.read_text().splitlines())][:-1]
    path = tmp_path / "unsigned"
    path.write_text("".join(bundle.write(records, None)))
    found = verify(path)
    assert found.key == "unsigned"
    assert found.recomputed
    assert main(["verify", str(path)]) == 1


def test_later_samples_and_fixes_do_not_change_a_bundle(tmp_path: Path) -> None:
    """The energy at an edge rests on what lies behind it, so the moment of computing is part of the evidence."""
    made = store(tmp_path / "data")
    for i in range(1, 13):
        made.put_reading(reading(i, 50.0))
    path = bundle_of(made, tmp_path, None)
    again = store(tmp_path / "data", started_s=100.0)
    for i in range(20, 40):
        again.put_reading(reading(i - 8, 500.0))
        again.put_fix(fix(i))
    again.writer.flush()
    window = again.window("w1")
    assert window is not None
    closed = json.loads(window.document or "")
    export = gather(again, closed, lambda: signer(tmp_path / "data"))
    lines = "".join(map(str, exports.find("bundle").lines(export)))
    again.close()
    before, after = path.read_text().splitlines(), lines.splitlines()
    assert [json.loads(x)["data"] for x in after[:-1]] == [json.loads(x)["data"] for x in before[:-1]]
    assert window_document.digest(closed) == closed["sha256"]


def test_others_may_not_read_the_key(tmp_path: Path) -> None:
    made = signer(tmp_path)
    path = tmp_path / "signing.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert signer(tmp_path) == made or signer(tmp_path).fingerprint == made.fingerprint
    path.chmod(0o644)
    with pytest.raises(Exception, match="chmod 600"):
        signer(tmp_path)


def test_a_window_of_two_channels_and_a_second_meter(tmp_path: Path) -> None:
    made = store(tmp_path / "data")
    for meter in ("wall", "rack"):
        made.put_meter(meter, 0, INFO, FIXED)
        for channel in ("1", "2"):
            for i in range(1, 15):
                row = reading(i + (0.3 if meter == "rack" else 0), 50.0 if channel == "1" else 20.0)
                made.put_reading(replace(row, meter=meter, values=replace(row.values, channel=channel)))
    path = bundle_of(made, tmp_path, None, "wall/1+2,rack/1")
    found = verify(path)
    assert list(found.faults) == []
    assert found.recomputed
    assert found.window is not None
    assert found.window["energy_j"] == pytest.approx(1200)

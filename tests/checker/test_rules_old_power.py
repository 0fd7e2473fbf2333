"""One edit, one finding in the rounds v1.0 to v2.1: power, its files, clocks and checksums."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from checker.model import Effect, Severity
from tests.checker.old_edit import LOG, NONE, POWER, WARN, Edit, OldCase, R, expect, judged
from tests.checker.trees_old import WITH_POWER, OldTree, build_old, moved


def stray_power_file(t: OldTree) -> None:
    (t.power() / "notes.md").write_text("x")


def empty_power(t: OldTree) -> None:
    for path in t.power().iterdir():
        path.unlink()


def renamed_and_strange(t: OldTree) -> None:
    (t.power() / "server.log").unlink()
    for name in ("a.md", "b.md"):
        (t.power() / name).write_text("x")


def zero(t: OldTree) -> None:
    t.set_log(t.run(), early_stopping_latency_ss=0)
    t.sign()


def other_line_ends(t: OldTree) -> None:
    path = t.run() / "spl.txt"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))


def replies_without_carriage_return(t: OldTree) -> None:
    path = t.power() / "ptd_logs.txt"
    plain = path.read_text() + "07-23-2024 16:00:00.000: Response to client sent: Range A changed\n"
    path.write_bytes(re.sub(r"(Range A changed)\n", "\\1\r\n", plain).encode())
    t.sign()
    path.write_bytes(plain.encode())


def one_character(t: OldTree) -> None:
    path = t.run() / "spl.txt"
    path.write_text(path.read_text().replace("PF,0.900000", "PF,0.910000", 1))


def client_in_another_zone(t: OldTree) -> None:
    t.set_json(t.power() / "client.json", timezone=0)
    t.sign()


def no_zone(t: OldTree) -> None:
    t.set_json(t.power() / "client.json", timezone=None)
    t.sign()


def uneven_lengths(t: OldTree) -> None:
    part = t.run(part="ranging")
    t.set_log(part, power_end=moved(json_value(part, "power_end"), -2))
    t.sign()


def json_value(folder: Path, key: str) -> str:
    rows = (folder / "mlperf_log_detail.txt").read_text().splitlines()
    return str(next(json.loads(r.split(" ", 1)[1])["value"] for r in rows if f'"{key}"' in r))


def phases_apart(t: OldTree) -> None:
    path = t.power() / "server.json"
    document = json.loads(path.read_text())
    document["phases"]["testing"][0] = [x + 0.3 for x in document["phases"]["testing"][0]]
    path.write_text(json.dumps(document))
    t.sign()


def same_number_of_messages(t: OldTree) -> None:
    path = t.power() / "server.json"
    document = json.loads(path.read_text())
    del document["messages"][-1]
    path.write_text(json.dumps(document))
    t.sign()


def changed_client(t: OldTree) -> None:
    t.set_json(t.power() / "client.json", note="another file")


def comment_in_spl(t: OldTree) -> None:
    path = t.run() / "spl.txt"
    path.write_text(path.read_text() + "# end\n")
    t.sign()


def negative(t: OldTree) -> None:
    path = t.run() / "spl.txt"
    rows = [r.split(",") for r in path.read_text().splitlines()]
    for row in rows[10:12]:
        row[3] = "-1.000000"
    path.write_text("\n".join(",".join(r) for r in rows) + "\n")
    t.sign()


def usb_error(t: OldTree) -> None:
    path, behind = t.power() / "ptd_logs.txt", 3600
    path.write_text(path.read_text() + moved("07-23-2024 15:51:50.000: ERROR: USB.\n", -behind))
    t.sign()


CASES = [
    OldCase("v2.1", "power/files", stray_power_file, R, build=POWER, power_checker=False),
    OldCase("v2.1", "power/files", empty_power, R, build=POWER, power_checker=False),
    OldCase("v2.0", "power/files", empty_power, NONE, build=POWER, power_checker=False, reference=True),
    OldCase("v1.1", "power/files", empty_power, NONE, build=POWER, power_checker=False, also=("power/metric",)),
    OldCase("v2.0", "performance/metric", zero, NONE, build=POWER, reference=True),
    OldCase("v2.1", "power/results-hash", other_line_ends, R, WARN, build=POWER),
    OldCase("v2.1", "power/results-hash", replies_without_carriage_return, R, WARN, build=POWER),
    OldCase("v2.1", "power/results-hash", one_character, R, build=POWER),
    OldCase("v2.1", "power/results-hash", one_character, LOG, build=POWER, power_checker=False, reference=True),
    OldCase("v1.0", "power/results-hash", changed_client, R, build=POWER),
    OldCase("v1.0", "power/metric", client_in_another_zone, R, build=POWER, also=("quality/coverage",)),
    OldCase("v1.1", "power/metric", client_in_another_zone, R, WARN, build=POWER),
    OldCase("v1.1", "power/metric", no_zone, R, build=POWER, also=("power/session-form",)),
    OldCase("v2.1", "power/ranging-duration", uneven_lengths, R, build=POWER),
    OldCase("v2.0", "power/phases", phases_apart, R, build=POWER),
    OldCase("v1.0", "power/messages", same_number_of_messages, R, build=POWER),
    OldCase("v2.1", "power/metric", comment_in_spl, R, build=POWER),
    OldCase("v1.0", "power/ptd-log", usb_error, R, build=POWER),
]  # fmt: skip
SILENT = [
    ("v2.0", client_in_another_zone, POWER),
    ("v2.1", phases_apart, POWER),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_one_edit_one_finding(case: OldCase, tmp_path: Path) -> None:
    assert expect(tmp_path, case)


@pytest.mark.parametrize(("name", "edit", "how"), SILENT, ids=lambda x: getattr(x, "__name__", str(x)))
def test_what_a_round_lets_pass(
    name: str, edit: Edit, how: tuple[tuple[str, Any], ...], tmp_path: Path
) -> None:
    tree = build_old(tmp_path, name, **dict(how))
    edit(tree)
    report = judged(tree)
    assert report.findings == ()
    assert report.reference_valid


def test_file_lists_are_compared_by_number(tmp_path: Path) -> None:
    tree = build_old(tmp_path, "v2.0", power=True)
    renamed_and_strange(tree)
    found = {
        f.location.path.rpartition("/")[2]: f.effect
        for f in judged(tree, power_checker=False).findings
        if f.rule == "power/files"
    }
    assert found == {"server.log": Effect.NONE, "a.md": Effect.RESULT, "b.md": Effect.RESULT}


@pytest.mark.parametrize("name", WITH_POWER)
def test_samples_below_zero_belong_to_the_mean(name: str, tmp_path: Path) -> None:
    tree = build_old(tmp_path, name, power=True)
    before = next(r.power for r in judged(tree).results if r.power)
    negative(tree)
    after = next(r.power for r in judged(tree).results if r.power)
    assert (after.samples, after.bad_samples) == (20, 2)
    assert after.average_watts < before.average_watts - 1


def test_carriage_returns_are_told_from_another_text(tmp_path: Path) -> None:
    case = OldCase(
        "v2.0", "power/results-hash", other_line_ends, Effect.RESULT, Severity.WARNING, build=POWER
    )
    assert expect(tmp_path, case)[0].message.startswith("line ends changed: run_1/spl.txt")


@pytest.mark.parametrize("power_checker", [True, False])
def test_only_the_power_checker_reads_the_ranging_log(power_checker: bool, tmp_path: Path) -> None:
    tree = build_old(tmp_path, "v2.1", power=True)
    (tree.run(part="ranging") / "mlperf_log_detail.txt").write_text(":::MLLOG {\n")
    tree.sign()
    report = judged(tree, power_checker=power_checker)
    assert {f.rule for f in report.findings} == {"structure/readable"}
    assert report.reference_valid != power_checker
    assert not report.valid

"""One edit, one finding: our own rules on samples, meter, clocks, copies, closed models and unenforced policy."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from checker.accuracy_log import KEPT, MARK
from checker.api import check
from checker.model import Effect, Severity
from schemas.power_session import hash_file
from schemas.units import NS_PER_S, UnixNs, format_log_time
from tests.checker import trees_old
from tests.checker.one_edit import Case, expect
from tests.checker.test_rules_power import daemon_says, server, spl
from tests.checker.trees import (
    LOG_HASH,
    SESSION,
    Edit,
    TreeUnderTest,
    build,
    ptd_text,
    run_begin,
    spl_text,
    write_log,
)

WARNING, NOTE = Severity.WARNING, Severity.NOTE
OPEN = (("division", "open"),)


def own(rule: str, edit: Edit, severity: Severity = WARNING, **more: Any) -> Case:
    """A case of a rule of ours, which the official checker never sees."""
    return Case(f"quality/{rule}", edit, Effect.NONE, severity, **more)


def rows(change: Callable[[list[list[str]]], object], name: str) -> Edit:
    """Change the fields of the samples; the window holds rows 5 to 24."""

    def edited(lines: list[str]) -> list[str]:
        fields = [line.split(",") for line in lines]
        found = change(fields)
        return [",".join(row) for row in (found if isinstance(found, list) else fields)]

    return spl(edited, name)


def load(row: list[str], watts: float, power_factor: float = 0.9, volts: float = 230.0) -> None:
    """Another reading that can be true."""
    row[3], row[5], row[9] = f"{watts:.6f}", f"{volts:.6f}", f"{power_factor:.6f}"
    row[7] = f"{watts / volts / power_factor:.6f}"


def moved(row: list[str], seconds: float) -> None:
    from schemas.units import parse_log_time

    row[1] = format_log_time(UnixNs(parse_log_time(row[1]) + int(seconds * NS_PER_S)))


def uneven(fields: list[list[str]]) -> None:
    for row in fields[6:12:2]:
        moved(row, 0.4)


def sparse(fields: list[list[str]]) -> list[list[str]]:
    return fields[::2]


def a_hole(fields: list[list[str]]) -> list[list[str]]:
    """Two updates in a row are missing, in a window of 400 s, so that coverage stays."""
    return [*fields[:13], *fields[15:]]


def twice_the_same(fields: list[list[str]]) -> None:
    fields[10][2:10] = fields[9][2:10]


def two_in_a_row(t: TreeUnderTest) -> None:
    """In a window of 400 s two updates are missing: 0.5 % of it."""
    from schemas.powerlog import format_spl_line

    for mode, part in (("ranging", "ranging"), ("testing", "run_1")):
        begin = run_begin("ranging") + (500 * NS_PER_S if mode == "testing" else 0)
        stamps = [begin + at * NS_PER_S + NS_PER_S // 2 for at in range(-5, 405)]
        kept = [s for i, s in enumerate(stamps) if mode == "ranging" or i not in (200, 201)]
        lines = [
            format_spl_line(
                UnixNs(s), 12.5 + i / 1000, 230.0, (12.5 + i / 1000) / 207, 0.9, f"{SESSION}_{mode}"
            )
            for i, s in enumerate(kept)
        ]
        (t.run(part=part) / "spl.txt").write_text("\n".join(lines) + "\n")
        t.set_log(
            t.run(part=part),
            power_begin=format_log_time(UnixNs(begin)),
            power_end=format_log_time(UnixNs(begin + 400 * NS_PER_S)),
        )
    for side in ("client.json", "server.json"):
        document = json.loads((t.power() / side).read_text())
        begin_s = run_begin("ranging") / NS_PER_S
        for mode, at in (("ranging", 0), ("testing", 500)):
            document["phases"][mode] = [[begin_s + at + d, 10.0 + d] for d in (-6, -3, 404, 406)]
        (t.power() / side).write_text(json.dumps(document))
    text = ptd_text((404.0, "Completed test"))
    (t.power() / "ptd_logs.txt").write_text(
        "\n".join(r for r in text.splitlines() if "15:50:25" not in r) + "\n"
    )


def too_many_watts(fields: list[list[str]]) -> None:
    fields[10][7] = "0.050000"


SAMPLES = [
    own("longest-gap", two_in_a_row),
    own("spacing", rows(sparse, "every_other_second")),
    own("spacing", rows(uneven, "three_late_samples")),
    own("repeated-values", rows(twice_the_same, "twice_the_same"), NOTE),
    own("physics", rows(lambda f: f[10].__setitem__(9, "1.200000"), "power_factor_of_1.2")),
    own("physics", rows(too_many_watts, "more_watts_than_va")),
    own("physics", rows(lambda f: f[10].__setitem__(3, "12.000000"), "watts_edited")),
]


def low_power_factor(fields: list[list[str]]) -> None:
    """At a power factor of 0.2 the term of the power factor alone is 0.98 %."""
    load(fields[10], 4.0, 0.2)


def on_ranges(volts: str, amperes: str, name: str) -> Edit:
    def edit(t: TreeUnderTest) -> None:
        path = t.power() / "ptd_logs.txt"
        t.sub(path, "Volt range set to 300.000000V", f"Volt range set to {volts}")
        t.sub(path, "Amp range set to 0.100000A", f"Amp range set to {amperes}")

    edit.__name__ = name
    return edit


def flagged(fields: list[list[str]]) -> None:
    """One sample over the peak that the range takes, as PTDaemon writes it: -(3 + x)."""
    fields[10][3], fields[10][7] = "-15.555000", "-3.060652"


def other_uncertainty(t: TreeUnderTest) -> None:
    """A number in the daemon's log beside a sample of which it cannot be, so early that nobody minds it."""
    daemon_says("", (100.5, "WARNING: Uncertainty 1.52%, which is above 1.00% limit for the last sample!"))(t)


def printed(reply: str) -> Edit:
    return server(
        "uncertainty-told", lambda d: d["ptd_messages"].insert(11, {"cmd": "Uncertainty", "reply": reply})
    )


METER = [
    own("uncertainty", rows(low_power_factor, "low_power_factor")),
    own("uncertainty-printed", other_uncertainty),
    own("uncertainty-printed", printed("Uncertainty,0.009632,0.009313,0.015957,30,0,30,0")),
    own("range", on_ranges("300.000000V", "1.000000A", "ten_times_the_range"), also=("quality/uncertainty",)),
    own("range", on_ranges("600.000000V", "0.100000A", "twice_the_volts")),
    own("range", on_ranges("300.000000V", "0.050000A", "too_small")),
    own("range", on_ranges("Auto", "0.100000A", "automatic")),
    own("range", rows(flagged, "flagged"),
        also=("quality/bad-samples", "quality/coverage")),
]  # fmt: skip


def stepped(document: dict[str, Any]) -> None:
    """The director's clock goes back 3.2 s while testing; what it waited for went on."""
    for row in document["phases"]["testing"][2:]:
        row[1] += 3.2


def apart(t: TreeUnderTest) -> None:
    """The client asks for the time, and the director answers with a time 2 s ahead."""
    for side in ("client.json", "server.json"):
        document = json.loads((t.power() / side).read_text())
        document["messages"][1] |= {"cmd_time": 1000.0, "reply_time": 1000.01, "reply": "1002.005"}
        (t.power() / side).write_text(json.dumps(document))


def timed(folder: Path, **times: float) -> None:
    """Give entries of a detail log times of their own."""
    path = folder / "mlperf_log_detail.txt"
    lines = []
    for line in path.read_text().splitlines():
        marker, _, text = line.partition(" ")
        document = json.loads(text)
        document["time_ms"] = times.get(document["key"], document["time_ms"])
        lines.append(f"{marker} {json.dumps(document)}")
    path.write_text("\n".join(lines) + "\n")


def a_run_of_half_a_minute(t: TreeUnderTest) -> None:
    t.set_log(t.run(), generated_query_count=1600)
    timed(t.run(), generated_query_count=1000.0, power_begin=31_000.0)


def two_windows(t: TreeUnderTest) -> None:
    path = t.run() / "mlperf_log_detail.txt"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines, *(x for x in lines if '"power_' in x)]) + "\n")


def asleep(t: TreeUnderTest) -> None:
    t.set_log(t.run("multistream"), **{"result_99.90_percentile_latency_ns": 322_000_000,
                                      "result_max_latency_ns": 96_130_000_000})  # fmt: skip


def before_it_began(t: TreeUnderTest) -> None:
    t.set_log(t.run("offline"), result_min_latency_ns=-3)


CLOCKS = [
    own("clock", server("stepped", stepped)),
    own("clock", apart),
    own("window-length", a_run_of_half_a_minute),
    own("window-length", two_windows),
    own("stall", asleep),
    own("stall", before_it_began),
]


def copied_test(t: TreeUnderTest) -> None:
    copy(t.run("offline"), t.compliance("TEST01", "offline") / "performance" / "run_1")


def copy(source: Path, target: Path) -> None:
    shutil.copy(source / "mlperf_log_detail.txt", target / "mlperf_log_detail.txt")


def another_system(t: TreeUnderTest, watts: float, uuid: str) -> None:
    """The same submission for a second system, with runs of its own and a session that differs in the uuid."""
    parts = [p for p in ("results", "measurements", "compliance") if (t.base / p / "board").is_dir()]
    for part in parts:
        shutil.copytree(t.base / part / "board", t.base / part / "other")
    for path in (t.base / "measurements").glob("other/**/board_ort_*"):
        path.rename(path.with_name(path.name.replace("board", "other")))
    shutil.copy(t.base / "systems" / "board.json", t.base / "systems" / "other.json")
    for path in [p for part in parts for p in (t.base / part / "other").rglob("*_detail.txt")]:
        t.set_log(path.parent)  # with a time of its own
    session(
        t,
        t.base / "results" / "other" / t.run().parent.relative_to(t.base / "results" / "board"),
        watts,
        uuid,
    )


def session(t: TreeUnderTest, performance: Path, watts: float, uuid: str) -> None:
    """Other samples and another uuid for a session, with its checksums."""
    for mode, part in (("ranging", "ranging"), ("testing", "run_1")):
        behind = trees_old.LOCAL_LOGS.get(t.round.name, 0)
        (performance / part / "spl.txt").write_text(trees_old.moved(spl_text(mode, watts), -behind))
    names = t.round.facts["power"]["hashed_files"]
    for side in ("client.json", "server.json"):
        document = json.loads((performance / "power" / side).read_text())
        document["uuid"]["client"] = uuid
        document["results"] = {n: hash_file(performance / n) for n in names if not n.endswith(".json")}
        (performance / "power" / side).write_text(json.dumps(document))


OTHER = "265ad7ef-b100-4633-91ac-30e279be2557"


def named_meter(performance: Path, identity: str) -> None:
    """The meter names itself in the answer to Identify."""
    path = performance / "power" / "server.json"
    document = json.loads(path.read_text())
    document["ptd_messages"][1]["reply"] += f",{identity}"
    path.write_text(json.dumps(document))


def same_samples(t: TreeUnderTest) -> None:
    another_system(t, 12.5, OTHER)


def one_meter_for_two(t: TreeUnderTest) -> None:
    another_system(t, 12.6, OTHER)
    for system in ("board", "other"):
        within = t.run().parent.relative_to(t.base / "results" / "board")
        named_meter(t.base / "results" / system / within, "YOKOGAWA;WT310E;C3XA04010E;F1.04")


def two_meters(t: TreeUnderTest) -> None:
    """Offline has power too, of another session on another meter, and its window is not that of the first."""
    first, other = (t.result(s) / "performance" for s in ("singlestream", "offline"))
    for part in ("power", "ranging"):
        shutil.copytree(first / part, other / part)
    shutil.copy(first / "run_1" / "spl.txt", other / "run_1" / "spl.txt")
    values = {
        row["key"]: row["value"]
        for line in (other / "run_1" / "mlperf_log_detail.txt").read_text().splitlines()
        for row in [json.loads(line.split(" ", 1)[1])]
    }
    for mode, part in (("ranging", "ranging"), ("testing", "run_1")):
        begin = run_begin(mode)
        times = {"power_begin": begin, "power_end": begin + 20 * NS_PER_S}
        write_log(other / part, values | {k: format_log_time(UnixNs(v)) for k, v in times.items()})
    session(t, other, 12.6, OTHER)
    named_meter(first, "YOKOGAWA;WT310E;C3XA04010E;F1.04")
    named_meter(other, "YOKOGAWA;WT310E;C3YD21068E;F1.04")


def of_another_day(fields: list[list[str]]) -> None:
    for row in fields:
        row[11] = "2024-07-22_09-00-00_testing"


def other_sut(t: TreeUnderTest) -> None:
    t.set_log(t.run("offline"), sut_name="another board")


ACROSS = [
    own("duplicate-logs", copied_test),
    own("other-run", rows(of_another_day, "of_another_day")),
    own("shared-power", same_samples),
    own("overlapping-windows", one_meter_for_two),
    own("analyzer-changed", two_meters),
    own("sut-changed", other_sut),
]


def faster_summary(t: TreeUnderTest) -> None:
    path = t.run("offline") / "mlperf_log_summary.txt"
    path.write_text("Scenario : Offline\nSamples per second: 90.5\nResult is : VALID\n")


def mangled(t: TreeUnderTest) -> None:
    path = t.result("offline") / "accuracy" / "accuracy.txt"
    path.write_text("{'loss': np.float64(0.125)}\n" + path.read_text())


def accuracy_of(t: TreeUnderTest, log: bytes, told: str, scenario: str = "offline") -> None:
    """Another accuracy log, and the hash that accuracy.txt has for it."""
    folder = t.result(scenario) / "accuracy"
    (folder / "mlperf_log_accuracy.json").write_bytes(log)
    text = folder / "accuracy.txt"
    text.write_text(text.read_text().replace(LOG_HASH, told))


CUT = b"a" * KEPT + MARK + b"z" * KEPT
WHOLE = "12" * 32


def hash_of_another_log(t: TreeUnderTest) -> None:
    accuracy_of(t, b"[1]\n", WHOLE)


def hash_of_the_cut_log(t: TreeUnderTest) -> None:
    accuracy_of(t, CUT, hashlib.sha256(CUT).hexdigest())


def hash_that_is_none(t: TreeUnderTest) -> None:
    accuracy_of(t, CUT, "4711")


def one_hash_for_two_logs(t: TreeUnderTest) -> None:
    accuracy_of(t, CUT, WHOLE)
    accuracy_of(t, CUT.replace(b"z", b"y"), WHOLE, "singlestream")


def test_of_a_log_that_was_cut_the_hash_is_believed(tmp_path: Path) -> None:
    tree = build(tmp_path)
    accuracy_of(tree, CUT, WHOLE)
    assert check(tree.root).findings == ()


def test_a_hash_of_another_log_says_both_hashes(tmp_path: Path) -> None:
    tree = build(tmp_path)
    hash_of_another_log(tree)
    (found,) = check(tree.root).findings
    assert found.found == f"hash={WHOLE}"
    own_hash = hashlib.sha256(b"[1]\n").hexdigest()
    assert found.wanted == f"hash={own_hash}, as the log has"
    assert found.location.line == 2
    tree.move_to("open")
    assert [f.severity for f in check(tree.root).findings if f.rule == found.rule] == [WARNING]


def changed_loadgen(t: TreeUnderTest) -> None:
    t.set_log(t.run("offline"), loadgen_git_status_message=" M loadgen/loadgen.cc\n M loadgen/results.cc")


LOGS = [
    own("summary-detail", faster_summary),
    own("numpy-text", mangled),
    own("accuracy-hash", hash_of_another_log, Severity.ERROR),
    own("accuracy-hash", hash_of_the_cut_log, Severity.ERROR),
    own("accuracy-hash", hash_that_is_none, Severity.ERROR),
    own("shared-hash", one_hash_for_two_logs),
    own("loadgen-build", changed_loadgen),
]


def said(label: str, **fields: Any) -> Edit:
    def edit(t: TreeUnderTest) -> None:
        t.set_json(t.measurements("offline") / "board_ort_offline.json", **fields)

    edit.__name__ = label
    return edit


CLOSED = [
    own("retraining", said("retrained", retraining="yes, 10 epochs")),
    own("other-model", said("mobilenet", starting_weights_filename="http://example.org/mobilenet_v1.tflite")),
    own(
        "transformations",
        said("quantised-by-nobody", weight_data_types="int8", weight_transformations="none"),
    ),
    own("transformations", said("pruned", weight_transformations="pruning, quantization")),
]


def described(label: str, **fields: Any) -> Edit:
    def edit(t: TreeUnderTest) -> None:
        t.system_json(**fields)

    edit.__name__ = label
    return edit


def document(name: str, text: str) -> Edit:
    def edit(t: TreeUnderTest) -> None:
        (t.base / "measurements" / name).write_text(text)

    edit.__name__ = f"{name}-{text.split(maxsplit=1)[0]}"
    return edit


def hollow_calibration(t: TreeUnderTest) -> None:
    (t.base / "calibration.md").write_text("TODO\n")


def faster_in_the_test(t: TreeUnderTest) -> None:
    """15 % above the result, beside a file that says TEST PASS."""
    t.set_log(t.compliance("TEST01", "offline") / "performance" / "run_1", result_samples_per_second=92.6)


def faster_with_one_sample(t: TreeUnderTest) -> None:
    t.set_log(t.compliance("TEST04") / "performance" / "run_1", early_stopping_latency_ss=11_000_000)


UNWRITTEN = (("round_name", "v4.1"),)


def int8_without_a_word(t: TreeUnderTest) -> None:
    (t.base / "calibration.md").unlink()
    said("", weight_data_types="int8", weight_transformations="quantization")(t)


POLICY = [
    own("power-docs", document("power_settings.md", "TODO\n")),
    own("power-docs", document("analyzer_table.md", "\0" * 40 + " x")),
    own("analyzer-table", document("analyzer_table.md", "| Yokogawa | WT210 | single channel |\n")),
    own("calibration", hollow_calibration, NOTE),
    own("calibration", int8_without_a_word),
    own("battery", described("battery", hw_notes="powered by its battery, fully charged")),
    own("battery", document("power_settings.md", "A UPS of 1500 VA feeds the rack through the meter.\n")),
    own("power-figures", described("tdp", hw_notes="Accelerator TDP 25W"), NOTE),
    own("compliance-tolerance", faster_in_the_test),
    own("compliance-tolerance", faster_with_one_sample),
]

CASES = [*SAMPLES, *METER, *CLOCKS, *ACROSS, *LOGS, *CLOSED, *POLICY]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_one_edit_one_finding(case: Case, tmp_path: Path) -> None:
    expect(tmp_path, case)

"""One edit, one finding: a power result, its session, its quality, and rehearsals."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from checker.api import check
from checker.model import Effect, Severity
from schemas.units import NS_PER_S, UnixNs, format_log_time
from tests.checker.one_edit import Case, expect, report
from tests.checker.trees import LOG_HASH, Edit, TreeUnderTest, build, ptd_text, run_begin, spl_text


def without(part: str, name: str) -> Edit:
    def edit(t: TreeUnderTest) -> None:
        (t.run(part=part) / name).unlink()

    edit.__name__ = f"without-{part}-{name}"
    return edit


def stray(t: TreeUnderTest) -> None:
    (t.power() / "ptd_out.txt").write_text("x")


def no_ranging(t: TreeUnderTest) -> None:
    shutil.rmtree(t.run(part="ranging"))


def ranging_without_metric(t: TreeUnderTest) -> None:
    t.set_log(t.run(part="ranging"), early_stopping_latency_ss=None)


def spl(change: Callable[[list[str]], list[str]], name: str) -> Edit:
    def edit(t: TreeUnderTest) -> None:
        path = t.run() / "spl.txt"
        path.write_text("\n".join(change(path.read_text().splitlines())) + "\n")

    edit.__name__ = name
    return edit


def watts(value: str, every: int = 1) -> Callable[[list[str]], list[str]]:
    def change(lines: list[str]) -> list[str]:
        rows = [line.split(",") for line in lines]
        for number, row in enumerate(rows):
            if number % every == 0:
                row[3] = value
        return [",".join(row) for row in rows]

    return change


def repeated(lines: list[str]) -> list[str]:
    return [*lines[:12], lines[11], *lines[12:]]


def side(name: str, label: str, **changes: Any) -> Edit:
    def edit(t: TreeUnderTest) -> None:
        t.set_json(t.power() / f"{name}.json", **changes)

    edit.__name__ = f"{name}-{label}"
    return edit


def server(label: str, change: Callable[[dict[str, Any]], Any]) -> Edit:
    def edit(t: TreeUnderTest) -> None:
        path = t.power() / "server.json"
        document = json.loads(path.read_text())
        change(document)
        path.write_text(json.dumps(document))

    edit.__name__ = label
    return edit


def said(at: int, **changes: str) -> Edit:
    label = "ptd-" + "-".join(changes) + str(at)
    return server(label, lambda d: d["ptd_messages"][at].update(changes))


def late_phase(document: dict[str, Any]) -> None:
    document["phases"]["testing"][0] = [x + 0.9 for x in document["phases"]["testing"][0]]


def shifted_phases(t: TreeUnderTest) -> None:
    for name in ("client", "server"):
        path = t.power() / f"{name}.json"
        document = json.loads(path.read_text())
        for row in document["phases"]["testing"]:
            row[0] += 30.0
        path.write_text(json.dumps(document))


def half_power(t: TreeUnderTest) -> None:
    (t.run() / "spl.txt").write_text(spl_text("testing", 11.0))


def over_range_while_ranging(t: TreeUnderTest) -> None:
    lines = (t.run(part="ranging") / "spl.txt").read_text().splitlines()
    fields = lines[len(lines) // 2].split(",")
    fields[3] = "inf"
    lines[len(lines) // 2] = ",".join(fields)
    (t.run(part="ranging") / "spl.txt").write_text("\n".join(lines) + "\n")


def short_testing(t: TreeUnderTest) -> None:
    end = run_begin("testing") + 9 * NS_PER_S
    t.set_log(t.run(), power_end=format_log_time(UnixNs(end)))


def short_and_low(t: TreeUnderTest) -> None:
    short_testing(t)
    (t.run() / "spl.txt").write_text(spl_text("testing", 6.0))


def edited_log(t: TreeUnderTest) -> None:
    path = t.power() / "server.log"
    path.write_text(path.read_text() + "more\n")


def daemon_says(label: str, *more: tuple[float, str]) -> Edit:
    def edit(t: TreeUnderTest) -> None:
        (t.power() / "ptd_logs.txt").write_text(ptd_text(*more))

    edit.__name__ = label
    return edit


def no_activation(t: TreeUnderTest) -> None:
    t.sub(t.power() / "ptd_logs.txt", "is activated", "is off")


def garbled_server(t: TreeUnderTest) -> None:
    (t.power() / "server.json").write_text("{")


UNCERTAIN = "WARNING: Uncertainty 1.52%, which is above 1.00% limit for the last sample!"
CASES = [
    Case("power/files", stray),
    Case("power/files", no_ranging, also=("power/results-hash",)),
    Case("power/files", without("power", "client.log"), also=("power/results-hash",)),
    Case("structure/perf-file-list", without("run_1", "spl.txt"), also=("power/results-hash",)),
    Case("power/ranging-log", ranging_without_metric),
    Case(
        "power/metric", spl(lambda rows: [], "no_samples"), also=("quality/coverage", "power/ranging-delta")
    ),
    Case("power/metric", spl(lambda rows: [*rows, "Time,07-23-2024 13:5"], "half_a_line")),
    Case("power/session-form", side("client", "no_version", version=None)),
    Case("power/sources-client", side("client", "other_sources", sources={"client.py": "00"})),
    Case("power/sources-server", side("server", "other_sources", sources={"client.py": "00"})),
    Case("power/ptd-commands", said(1, reply="YokogawaWT310E,version=1.9.1-x")),
    Case("power/ptd-commands", said(1, reply="Fluke,version=1.10.0-x"), also=("quality/analyzer-table",)),
    Case("power/ptd-commands", said(3, reply="Error")),
    Case("power/ptd-commands", said(12, cmd="SR,A,Auto")),
    Case(
        "power/uuid",
        side("server", "other_uuid", uuid={"client": "x", "server": "bb71fde2-5427-4eea-be96-601b30c3780f"}),
    ),
    Case("power/session-name", side("client", "other_name", session_name="other")),
    Case("power/phases", server("late_phase", late_phase)),
    Case("power/phases", shifted_phases),
    Case("power/ranging-delta", half_power),
    Case("power/ranging-delta", over_range_while_ranging, severity=Severity.NOTE),
    Case("power/ranging-delta", short_and_low, Effect.NONE, also=("power/ranging-duration",)),
    Case("power/ranging-duration", short_testing, Effect.LOG, Severity.WARNING),
    Case("power/messages", server("one_less", lambda d: d["messages"].pop())),
    Case("power/messages", server("other_reply", lambda d: d["messages"][2].update(reply="NO"))),
    Case("power/results-hash", edited_log, sign=False),
    Case("power/ptd-log", no_activation),
    Case(
        "power/ptd-log",
        daemon_says("error_in_testing", (110.0, "ERROR: Bad watts reading nan from Yokogawa")),
    ),
    Case("power/ptd-config", side("server", "unknown_type", ptd_config={"device_type": 1})),
    Case(
        "power/ptd-config",
        side("server", "one_channel", ptd_config={"device_type": 77, "command": [], "channel": None}),
    ),
    Case("power/debug", side("server", "debug", debug=True)),
    Case("structure/readable", garbled_server),
    Case(
        "quality/coverage",
        spl(watts("-1.0", 5), "every_fifth_negative"),
        Effect.NONE,
        also=("quality/bad-samples",),
    ),
    Case(
        "quality/bad-samples",
        spl(repeated, "repeated_stamp"),
        Effect.NONE,
        Severity.WARNING,
        also=("quality/repeated-values",),
    ),
    Case(
        "quality/over-range",
        spl(watts("inf"), "inf"),
        Effect.NONE,
        also=("quality/coverage", "quality/bad-samples", "power/metric"),
    ),
    Case("quality/ptd-log", daemon_says("uncertain", (110.0, UNCERTAIN)), Effect.LOG, Severity.WARNING),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_one_edit_one_finding(case: Case, tmp_path: Path) -> None:
    expect(tmp_path, case)


def varying_with_a_hole(t: TreeUnderTest) -> None:
    """Five seconds of high load are missing, so the mean of what is there is too low."""
    path = t.run() / "spl.txt"
    rows = [line.split(",") for line in path.read_text().splitlines()]
    for at, row in enumerate(rows[10:20]):
        row[3], row[7] = f"{25 + at / 100:.6f}", f"{(25 + at / 100) / 230 / 0.9:.6f}"
    path.write_text("\n".join(",".join(r) for r in [*rows[:12], *rows[17:]]) + "\n")


MEAN = Case(
    "quality/energy",
    varying_with_a_hole,
    Effect.NONE,
    Severity.WARNING,
    also=("quality/coverage", "quality/longest-gap", "quality/range"),
)


def test_mean_against_integral(tmp_path: Path) -> None:
    expect(tmp_path, MEAN)


def test_energy_per_stream_of_known_samples(tmp_path: Path) -> None:
    """A mean of 12.595 W over 20 s and 1600 queries are 157.4375 mJ a query."""
    tree = build(tmp_path)
    power = next(r.power for r in check(tree.root).results if r.place.scenario == "singlestream")
    assert power is not None
    assert power.metric.value == pytest.approx(12.595 * 20 / 1600 * 1000, rel=1e-12)
    assert (power.samples, power.bad_samples, power.coverage) == (20, 0, 1.0)
    assert power.energy_joules == pytest.approx(252.0, rel=1e-4)  # 12.5 W + 0.01 W/s, integrated


def test_zero_watts_is_a_good_sample(tmp_path: Path) -> None:
    found = report(tmp_path, Case("", spl(watts("0.000000", 4), "zeros")))
    power = next(r.power for r in found.results if r.power)
    assert power.coverage == 1.0
    assert power.bad_samples == 0


NATIVE = {"daemon": {"name": "edgewatt powerd", "version": "0.1.0"}, "meter": {"model": "WT310E"}}


def native(t: TreeUnderTest) -> None:
    """The session as powerd writes it."""
    for name in ("client.json", "server.json"):
        path = t.power() / name
        document = json.loads(path.read_text())
        document["messages"][0] = {
            "cmd": "edgewatt powerd client v1",
            "reply": "edgewatt powerd server v1",
        }
        document["sources"] = {"powerd/sessions.py": "00" * 20}
        if name == "server.json":
            document |= {"edgewatt": NATIVE, "ptd_messages": [], "ptd_config": None}
        path.write_text(json.dumps(document))
    (t.power() / "ptd_logs.txt").write_text("powerd log\n")


PTD_RULES = {
    "power/unofficial", "power/sources-client", "power/sources-server", "power/ptd-commands",
    "power/ptd-config", "power/ptd-log",
}  # fmt: skip
UNOFFICIAL = Case("power/unofficial", native, also=tuple(PTD_RULES - {"power/unofficial"}))


def test_power_of_powerd_is_refused_as_official(tmp_path: Path) -> None:
    expect(tmp_path, UNOFFICIAL)


def test_power_of_powerd_is_accepted_as_unofficial(tmp_path: Path) -> None:
    case = Case("power/unofficial", native, severity=Severity.NOTE, check=(("power", "unofficial"),))
    found = report(tmp_path, case)
    assert found.valid
    assert not found.reference_valid
    assert [(f.rule, f.severity) for f in found.findings] == [("power/unofficial", Severity.NOTE)]
    power = next(r.power for r in found.results if r.power)
    assert not power.official
    assert power.daemon == "edgewatt powerd 0.1.0"


def test_unofficial_does_not_excuse_an_edited_file(tmp_path: Path) -> None:
    def edit(t: TreeUnderTest) -> None:
        native(t)
        t.sign()
        edited_log(t)

    found = report(tmp_path, Case("", edit, sign=False, check=(("power", "unofficial"),)))
    assert {f.rule for f in found.findings if f.counts} == {"power/results-hash"}


def record(t: TreeUnderTest, scenario: str = "singlestream", **parts: Any) -> None:
    place = {"division": t.division, "submitter": "Bench", "system": "board"}
    document = {
        "schema": "edgewatt/run/1",
        "tool": {"name": "mlharness", "version": "0.1.0"},
        "round": "v4.1",
        "result": {**place, "benchmark": t.benchmark, "scenario": "SingleStream"},
        "command_line": [],
        "rehearsal": True,
        "demo": False,
        "shortened": {},
        "synthetic": {},
        "simulated": {},
        "unofficial": {},
        "calibration": None,
        "retried": [],
        "runs": {"performance/run_1": _run()},
        "accuracy": None,
        "windows": {},
    }
    (t.measurements(scenario) / "edgewatt.json").write_text(json.dumps(document | parts))


def _run() -> dict[str, Any]:
    clock = dict.fromkeys(
        (
            "begin_unix_ns",
            "end_unix_ns",
            "elapsed_raw_ns",
            "elapsed_boottime_ns",
            "largest_step_ns",
            "suspended_ns",
        ),
        0,
    )
    return {
        "mode": "performance", "phase": "testing", "begin": "2024-07-23T15:50:00Z",
        "end": "2024-07-23T15:50:20Z", "query_count": 1600, "metric": 12.5,
        "clock": {**clock, "slew_ppm": 0.0, "looks": 2}, "versions": {},
    }  # fmt: skip


CUT = {"min_duration_ms": {"used": 20000, "wanted": 600000}}


def shortened(t: TreeUnderTest) -> None:
    record(t, shortened={"dataset_size": {"used": 40000, "wanted": 50000}})
    t.set_log(t.run(), qsl_reported_total_count=40000)


def few_queries(t: TreeUnderTest) -> None:
    record(t, shortened={"min_query_count": {"used": 1, "wanted": 1024}})


def few_queries_and_no_estimate(t: TreeUnderTest) -> None:
    few_queries(t)
    t.set_log(t.run(), early_stopping_met=False)


def another_length(t: TreeUnderTest) -> None:
    """The record says less than the log: the cut that it declares is not the one that was made."""
    record(t, shortened={"dataset_size": {"used": 49000, "wanted": 50000}})
    t.set_log(t.run(), qsl_reported_total_count=40000)


def another_percentile(t: TreeUnderTest) -> None:
    record(t, shortened={"latency_percentile": {"used": 80.0, "wanted": 90}})
    t.set_log(t.run(), effective_target_latency_percentile=0.5)


def made_up(t: TreeUnderTest) -> None:
    record(t, synthetic={"dataset": "generated", "weights": "random"})


def emulated(t: TreeUnderTest) -> None:
    record(t, simulated={"meter": {"serial": "EDGEWATT-EMULATED"}})


def other_record(t: TreeUnderTest) -> None:
    record(t)
    t.set_json(t.measurements() / "edgewatt.json", result={"division": "open"})


REHEARSAL_CASES = [
    Case("rehearsal/shortened", shortened, Effect.NONE),
    Case("rehearsal/shortened", few_queries, Effect.NONE, Severity.WARNING),
    Case(
        "rehearsal/shortened", few_queries_and_no_estimate, Effect.NONE, also=("performance/early-stopping",)
    ),
    Case("rehearsal/agrees", another_length, Effect.NONE, also=("rehearsal/shortened",)),
    Case("rehearsal/agrees", another_percentile, Effect.NONE, also=("rehearsal/shortened",)),
    Case("rehearsal/synthetic", made_up, Effect.NONE),
    Case("rehearsal/simulated", emulated, Effect.NONE),
    Case("rehearsal/record", other_record, Effect.NONE),
]


@pytest.mark.parametrize("case", REHEARSAL_CASES, ids=lambda c: c.id)
def test_one_declaration_one_finding(case: Case, tmp_path: Path) -> None:
    expect(tmp_path, case)


TOO_FAR = "reference score = 80.5\ntest score = 60.5\nTEST FAIL"
"""What a verification writes when two scores are too far apart."""


def rehearsed(t: TreeUnderTest) -> None:
    """A short run on made-up data, in performance and in compliance, all of it declared."""
    record(t, shortened=CUT, synthetic={"weights": "random"})
    t.set_log(t.run(), effective_min_duration_ms=20000, early_stopping_met=False,
              result_validity="INVALID", result_min_duration_met=True, result_min_queries_met=False)  # fmt: skip
    t.set_log(t.compliance("TEST01") / "performance" / "run_1", effective_min_duration_ms=20000)
    t.sub(
        t.compliance("TEST04") / "verify_performance.txt",
        "TEST PASS",
        TOO_FAR,
    )
    (t.result() / "accuracy" / "accuracy.txt").write_text("accuracy=50.0%\nhash=" + LOG_HASH + "\n")
    half_power(t)


def test_a_declared_rehearsal_is_forgiven_and_listed(tmp_path: Path) -> None:
    found = report(tmp_path, Case("", rehearsed, check=(("rehearsal", True),)))
    assert found.valid, [(f.rule, f.message) for f in found.findings if f.counts]
    assert not found.reference_valid
    assert {f.rule for f in found.findings if f.forgiven} == {
        "rehearsal/shortened", "rehearsal/synthetic", "performance/min-duration", "performance/validity",
        "performance/early-stopping", "compliance/perf-run", "compliance/perf-verdict", "accuracy/target",
        "power/ranging-delta",
    }  # fmt: skip


def test_without_the_option_nothing_is_forgiven(tmp_path: Path) -> None:
    found = report(tmp_path, Case("", rehearsed))
    assert not found.valid
    assert not any(f.forgiven for f in found.findings)


def test_nothing_undeclared_is_forgiven(tmp_path: Path) -> None:
    def edit(t: TreeUnderTest) -> None:
        rehearsed(t)
        record(t, synthetic={"weights": "random"})

    found = report(tmp_path, Case("", edit, check=(("rehearsal", True),)))
    assert {"performance/min-duration", "performance/validity"} <= {
        f.rule for f in found.findings if f.counts
    }


def test_a_run_invalid_for_another_reason_is_not_forgiven(tmp_path: Path) -> None:
    def edit(t: TreeUnderTest) -> None:
        rehearsed(t)
        t.set_log(t.run(), early_stopping_met=True, result_min_queries_met=True, result_min_duration_met=True)

    found = report(tmp_path, Case("", edit, check=(("rehearsal", True),)))
    assert {f.rule for f in found.findings if f.counts} == {"performance/validity"}


def test_seeds_and_hashes_are_never_forgiven(tmp_path: Path) -> None:
    def edit(t: TreeUnderTest) -> None:
        rehearsed(t)
        t.sign()
        t.set_log(t.run(), effective_qsl_rng_seed=1)

    found = report(tmp_path, Case("", edit, sign=False, check=(("rehearsal", True),)))
    assert {f.rule for f in found.findings if f.counts} == {"performance/seeds", "power/results-hash"}


ALL_CASES = [*CASES, *REHEARSAL_CASES, MEAN, UNOFFICIAL]

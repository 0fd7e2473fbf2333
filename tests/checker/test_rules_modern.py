"""One edit, one finding: what the rounds v3.0, v3.1, v4.0, v5.0 and v5.1 have otherwise than v4.1."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from checker.model import Effect, Severity
from tests.checker.one_edit import Case, expect, report
from tests.checker.test_rules_power import said, server, short_testing, spl, watts
from tests.checker.trees import BEGIN, LOG_HASH, SESSION, SYSTEM, Edit, TreeUnderTest, write_log

NOTE, WARNING = Severity.NOTE, Severity.WARNING
HASH = "hash=" + LOG_HASH + "\n"


def of(name: str, **about: Any) -> tuple[tuple[str, Any], ...]:
    """How the tree of a case is built."""
    return (("round_name", name), *about.items())


def plain(name: str, **about: Any) -> tuple[tuple[str, Any], ...]:
    return of(name, power=False, **about)


def opened(name: str, **about: Any) -> tuple[tuple[str, Any], ...]:
    return plain(name, division="open", **about)


def language(name: str, *scenarios: str, **about: Any) -> tuple[tuple[str, Any], ...]:
    more = {"benchmark": "llama2-70b-99", "system_type": "datacenter", "scenarios": scenarios}
    return plain(name, **more, **about)


def unet(name: str, division: str = "closed") -> tuple[tuple[str, Any], ...]:
    return plain(name, benchmark="3d-unet-99", scenarios=("singlestream", "offline"), division=division)


def named(edit: Callable[[TreeUnderTest], object], name: str) -> Edit:
    def do(t: TreeUnderTest) -> None:
        edit(t)

    do.__name__ = name
    return do


def log(scenario: str = "offline", **changes: Any) -> Edit:
    return named(lambda t: t.set_log(t.run(scenario), **changes), "-".join(changes))


def accuracy(text: str, name: str) -> Edit:
    return named(lambda t: (t.result("offline") / "accuracy" / "accuracy.txt").write_text(text), name)


def accuracy_log(**changes: Any) -> Edit:
    return named(lambda t: t.set_log(t.result("offline") / "accuracy", **changes), "-".join(changes))


def remove(find: Callable[[TreeUnderTest], Path], name: str) -> Edit:
    def do(t: TreeUnderTest) -> None:
        path = find(t)
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    return named(do, name)


def write(find: Callable[[TreeUnderTest], Path], name: str, text: str = "x") -> Edit:
    def do(t: TreeUnderTest) -> None:
        path = find(t)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    return named(do, name)


def error_in(find: Callable[[TreeUnderTest], Path], name: str) -> Edit:
    def do(t: TreeUnderTest) -> None:
        path = find(t) / "mlperf_log_detail.txt"
        line = {"key": "error_runtime", "value": "x", "metadata": {"is_error": True, "is_warning": False}}
        path.write_text(path.read_text() + ":::MLLOG " + json.dumps(line) + "\n")

    return named(do, name)


def measured(name: str, **changes: Any) -> Edit:
    def do(t: TreeUnderTest) -> None:
        t.set_json(t.measurements("offline") / f"{SYSTEM}_ort_offline.json", **changes)

    return named(do, name)


def nothing(t: TreeUnderTest) -> None:
    """The tree as it is built breaks the rule."""


def other_images(t: TreeUnderTest) -> None:
    """TEST01 of SDXL: outputs differ, FID by 1.47 %."""
    folder = t.compliance("TEST01", "offline")
    (folder / "verify_accuracy.txt").write_text("TEST FAIL\n")
    for name, fid in (("baseline", 23.50), ("compliance", 23.85)):
        text = f"{{'CLIP_SCORE': 31.75, 'FID_SCORE': {fid}}}\n"
        (folder / "accuracy" / f"{name}_accuracy.txt").write_text(text)


def interactive_power(t: TreeUnderTest) -> None:
    for part in (t.result(), t.measurements()):
        part.rename(part.parent / "interactive")


def good_link(t: TreeUnderTest) -> None:
    (t.base / "code" / "link.md").symlink_to("resnet50/ort/README.md")


def late_phase(document: dict[str, Any]) -> None:
    document["phases"]["testing"][0] = [x + 0.6 for x in document["phases"]["testing"][0]]


SDXL = {"benchmark": "stable-diffusion-xl", "scenarios": ("singlestream", "offline")}
TTFT = "result_first_token_99__00_percentile_latency_ns"
V5_1 = [
    Case("calibration/doc", remove(lambda t: t.base / "calibration.md", "none"), Effect.MARK, build=plain("v5.1")),
    Case("structure/systems-have-results", write(lambda t: t.base / "systems" / "other.json", "described", "{}"),
         Effect.MARK, build=plain("v5.1")),
    Case("structure/systems-have-results", write(lambda t: t.base / "measurements" / "other" / "x", "measured"),
         Effect.MARK, build=opened("v5.1")),
    Case("structure/systems-have-results", remove(lambda t: t.base / "measurements", "no-measurements"),
         Effect.CRASH, also=("measurements/dir",), build=plain("v5.1")),
    Case("structure/server-or-interactive", nothing, Effect.MARK, build=language("v5.1", "offline")),
    Case("structure/server-or-interactive", nothing, Effect.MARK, WARNING,
         build=language("v5.1", "offline", division="open")),
    Case("structure/root-files", write(lambda t: t.root / "summary.csv", "summary"), Effect.LOG, WARNING,
         build=plain("v5.1")),
    Case("accuracy/dataset-size", accuracy_log(qsl_reported_total_count=500), Effect.LOG, WARNING,
         build=plain("v5.1")),
    Case("accuracy/dataset-size", accuracy_log(qsl_reported_total_count=500), Effect.LOG, NOTE,
         build=opened("v5.1")),
    Case("accuracy/loadgen-errors", error_in(lambda t: t.result("offline") / "accuracy", "error"), Effect.CRASH,
         build=opened("v5.1")),
    Case("accuracy/target", accuracy(HASH, "no-number"), build=opened("v5.1")),
    Case("performance/loadgen-errors", error_in(lambda t: t.run("offline"), "error"), Effect.LOG,
         build=plain("v5.1")),
    Case("performance/validity", log("server", result_validity="INVALID"), build=language("v5.1", "offline", "server")),
    Case("performance/llm", log("interactive", **{TTFT: 450_000_000}),
         build=language("v5.1", "offline", "interactive")),
    Case("performance/equal-issue", log(effective_sample_concatenate_permutation=False), Effect.LOG, WARNING,
         build=unet("v5.1", "open")),
    Case("compliance/test01-accuracy", other_images, Effect.RESULT, WARNING, build=plain("v5.1", **SDXL)),
    Case("power/metric", interactive_power, Effect.RESULT, WARNING, also=("performance/inferred-pair",),
         build=of("v5.1", division="open")),
    Case("power/ptd-config", server("object", lambda d: d.update(ptd_config=d["ptd_config"][0])), build=of("v5.1")),
    Case("power/ptd-config", server("other-type", lambda d: d["ptd_config"].append({"device_type": 1})),
         build=of("v5.1")),
    Case("power/ptd-commands", server("three-ranges", lambda d: d["ptd_messages"].pop(-2)), Effect.RESULT, WARNING,
         build=of("v5.1")),
    Case("power/ptd-commands", server("never-set-again", lambda d: [m.update(cmd="SR,A,Auto") for m in
         d["ptd_messages"] if m["cmd"].startswith("SR,A,5")]), build=of("v5.1")),
]  # fmt: skip
V5_0 = [
    Case("performance/equal-issue", log(effective_sample_concatenate_permutation=False), build=unet("v5.0")),
    Case("performance/equal-issue", log(effective_sample_concatenate_permutation=None), build=unet("v5.0")),
    Case("compliance/perf-run", named(lambda t: t.set_log(t.compliance("TEST01", "offline") / "performance/run_1",
         effective_sample_concatenate_permutation=False), "equal-issue"), build=unet("v5.0")),
    Case("performance/validity", log("server", result_validity="INVALID"), Effect.NONE,
         build=language("v5.0", "offline", "server")),
    Case("measurements/json-fields", measured("no-weights", weight_data_types=None), Effect.CRASH, build=plain("v5.0")),
    Case("measurements/json-fields", measured("no-inputs", input_data_types=None), build=plain("v5.0")),
    Case("measurements/json-name", remove(lambda t: t.measurements("offline") / f"{SYSTEM}_ort_offline.json", "none"),
         build=plain("v5.0")),
    Case("measurements/files", remove(lambda t: t.measurements("offline") / "user.conf", "none"), build=plain("v5.0")),
    Case("structure/extra-accuracy-files", remove(lambda t: t.result("offline") / "accuracy" / "images", "none"),
         Effect.NONE, build=plain("v5.0", **SDXL)),
    Case("power/ptd-commands", said(1, reply="YokogawaWT310E,version=1.10.0-x"), build=of("v5.0")),
]  # fmt: skip
LOGS = ("mlperf_log_accuracy.json", "mlperf_log_detail.txt")
V4_0 = [
    Case("performance/min-duration", log(effective_min_duration_ms=60_000), Effect.LOG, build=plain("v4.0")),
    Case("structure/acc-file-list", write(lambda t: t.result("offline") / "accuracy" / "x.txt", "stray"), Effect.LOG,
         build=plain("v4.0")),
    *(Case("structure/acc-file-list", remove(lambda t, n=name: t.result("offline") / "accuracy" / n, f"no-{name}"),
           build=plain("v4.0")) for name in LOGS),
    Case("structure/acc-file-list", remove(lambda t: t.result("offline") / "accuracy", "none"), build=opened("v4.0")),
    Case("structure/acc-txt", remove(lambda t: t.result("offline") / "accuracy" / "accuracy.txt", "none"),
         build=opened("v4.0")),
]  # fmt: skip
V3_1 = [
    Case("performance/seeds", log(effective_qsl_rng_seed=1), build=plain("v3.1")),
    Case("performance/min-duration", log(effective_min_duration_ms=60_000), Effect.LOG, build=plain("v3.1")),
    Case("power/phases", server("600-ms-late", late_phase), build=of("v3.1")),
]
ASKED = (("more_power_check", True),)
V3_0 = [
    Case("performance/seeds", log(effective_qsl_rng_seed=1), Effect.LOG, build=plain("v3.0")),
    Case("performance/min-duration", log(effective_min_duration_ms=60_000), Effect.LOG, build=plain("v3.0")),
    Case("performance/min-duration", log(effective_min_duration_ms=None), build=plain("v3.0")),
    Case("performance/offline-samples", log(effective_samples_per_query=1), Effect.LOG, build=plain("v3.0")),
    Case("performance/min-queries", log(effective_min_query_count=0), Effect.LOG, build=plain("v3.0")),
    Case("structure/perf-file-list", write(lambda t: t.run("offline") / "notes.txt", "stray"), Effect.LOG,
         build=plain("v3.0")),
    Case("structure/perf-file-list", write(lambda t: t.run() / "notes.txt", "stray-power"), build=of("v3.0")),
    Case("structure/symlinks", good_link, Effect.SUBMITTER, WARNING, build=plain("v3.0")),
    Case("measurements/dir", remove(lambda t: t.measurements("offline"), "none"), Effect.MARK, build=plain("v3.0")),
    Case("measurements/files", remove(lambda t: t.measurements("offline") / "user.conf", "none"), Effect.LOG,
         build=plain("v3.0")),
    Case("measurements/json-fields", measured("no-weights", weight_data_types=None), Effect.LOG, build=plain("v3.0")),
    Case("source/code-dir", remove(lambda t: t.base / "code" / "resnet50", "none"), Effect.LOG,
         also=("structure/empty-dirs",), build=plain("v3.0")),
    Case("accuracy/target", accuracy("accuracy=76%\naccuracy=70%\n" + HASH, "the-last-one-counts"),
         build=plain("v3.0")),
    Case("power/ranging-duration", short_testing, build=of("v3.0"), check=ASKED),
    Case("power/ranging-duration", short_testing, Effect.LOG, build=of("v3.0")),
    Case("power/metric", spl(lambda rows: [*rows, "# end"], "another-line"), build=of("v3.0")),
    Case("power/uuid", server("other-uuid", lambda d: d["uuid"].update(client="x")), Effect.LOG, build=of("v3.0")),
    Case("power/uuid", server("other-uuid", lambda d: d["uuid"].update(client="x")), build=of("v3.0"), check=ASKED),
    Case("structure/readable", write(lambda t: t.power() / "server.json", "garbled", "{"), Effect.LOG,
         build=of("v3.0")),
    Case("structure/readable", write(lambda t: t.power() / "server.json", "garbled", "{"), build=of("v3.0"),
         check=ASKED),
]  # fmt: skip
CASES = [*V5_1, *V5_0, *V4_0, *V3_1, *V3_0]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_one_edit_one_finding(case: Case, tmp_path: Path) -> None:
    expect(tmp_path, case)


def test_a_system_named_like_a_test(tmp_path: Path) -> None:
    """The official checker looks for TEST01 anywhere in the path of TEST06."""

    def rename(t: TreeUnderTest) -> None:
        for part in ("results", "measurements", "compliance"):
            (t.base / part / SYSTEM).rename(t.base / part / "TEST01box")
        (t.base / "systems" / f"{SYSTEM}.json").rename(t.base / "systems" / "TEST01box.json")
        for path in list((t.base / "measurements").rglob(f"{SYSTEM}_*.json")):
            path.rename(path.with_name(path.name.replace(SYSTEM, "TEST01box")))

    found = report(tmp_path, Case("", rename, build=language("v5.1", "offline", "server")))
    assert {(f.rule, f.severity, f.effect) for f in found.findings} == {
        ("compliance/test06", WARNING, Effect.RESULT)
    }
    assert found.valid
    assert not found.reference_valid


SILENT = [
    Case("a calibration document is not asked for in open", remove(lambda t: t.base / "calibration.md", "none"),
         build=opened("v5.1")),
    Case("an image metric has a tolerance of its own", other_images, build=plain("v4.1", **SDXL)),
    Case("600 ms are within 800", server("600-ms-late", late_phase), build=of("v4.0")),
    Case("open is not asked for permutations", log(effective_sample_concatenate_permutation=False),
         build=unet("v5.0", "open")),
    Case("the last value counts", accuracy("accuracy=70%\naccuracy=76%\n" + HASH, "last"), build=plain("v3.0")),
    Case("lines of another form are passed over", spl(lambda rows: [*rows, "# end"], "other"), build=of("v5.1")),
    Case("accuracy as JSON", accuracy('{"accuracy": 76.0}\n' + HASH, "json"), build=plain("v5.0")),
    Case("root files of v3.0", write(lambda t: t.root / "summary.csv", "summary"), build=plain("v3.0")),
    Case("seeds of one run in the daemon's zone", named(lambda t: zoned(t, 3600), "zone"), build=of("v3.0"),
         check=ASKED),
]  # fmt: skip


def zoned(t: TreeUnderTest, seconds: int) -> None:
    """The daemon writes local time; an error in ranging is one at another time if the zone is forgotten."""
    from schemas.units import NS_PER_S, UnixNs, format_log_time

    path = t.power() / "ptd_logs.txt"
    said_at = ((-10, "Uncertainty checking for YokogawaWT310E is activated"), (-5, f"Go with mark '{SESSION}_ranging'"),
               (25, "Completed test"), (110, "ERROR: Bad watts reading nan from WT310"))  # fmt: skip
    rows = [
        f"{format_log_time(UnixNs(BEGIN + (at - seconds) * NS_PER_S))}: {text}" for at, text in said_at[:3]
    ]
    path.write_text("\n".join(rows) + "\n")
    for name in ("client.json", "server.json"):
        t.set_json(t.power() / name, timezone=seconds)


@pytest.mark.parametrize("case", SILENT, ids=lambda c: c.rule)
def test_silent(case: Case, tmp_path: Path) -> None:
    found = report(tmp_path, case)
    assert [(f.rule, f.message) for f in found.findings] == []


def test_the_zone_of_the_daemon_is_added_to_its_times(tmp_path: Path) -> None:
    """An error while testing is found at its true time, and an allowed warning too."""

    def edit(t: TreeUnderTest) -> None:
        zoned(t, 3600)
        path = t.power() / "ptd_logs.txt"
        at = path.read_text().splitlines()[1].partition(": ")[0]
        path.write_text(path.read_text() + f"{at}: ERROR: something in ranging\n")

    early = report(tmp_path, Case("", edit, build=of("v3.0"), check=ASKED))
    assert {f.rule for f in early.findings} == {
        "power/ptd-log"
    }  # at the very begin, so not inside the ranging run


def test_zero_watts_count_up_to_v3_0(tmp_path: Path) -> None:
    means = {}
    for name in ("v3.0", "v3.1"):
        found = report(tmp_path / name, Case("", spl(watts("0.000000", 4), "zeros"), build=of(name)))
        means[name] = next(r.power.average_watts for r in found.results if r.power)
    assert means["v3.0"] == pytest.approx(means["v3.1"] * 15 / 20, rel=1e-12)


def test_units_of_v5_0_go_by_the_directory(tmp_path: Path) -> None:
    def rename(t: TreeUnderTest) -> None:
        for part in ("results", "measurements"):
            (t.base / part / SYSTEM / "llama2-70b-99").rename(t.base / part / SYSTEM / "my-llama")
        (t.base / "code" / "llama2-70b-99").rename(t.base / "code" / "my-llama")
        (t.base / "model_mapping.json").write_text('{"my-llama": "llama2-70b-99"}')

    units = {}
    for name in ("v5.0", "v5.1"):
        case = Case("", rename, build=language(name, "offline", "server", division="open"))
        units[name] = {r.scenario: r.metric.unit for r in report(tmp_path / name, case).results if r.metric}
    assert units["v5.0"] == {"Offline": "Samples/s", "Server": "Queries/s"}
    assert units["v5.1"] == {"Offline": "Tokens/s", "Server": "Tokens/s"}


def test_a_missing_measurements_directory_of_v3_0_spares_the_result(tmp_path: Path) -> None:
    case = Case("", remove(lambda t: t.measurements("offline"), "none"), build=plain("v3.0"))
    found = report(tmp_path, case)
    assert not found.reference_valid
    assert all(r.reference_valid for r in found.results)
    assert [r.valid for r in found.results if r.scenario == "Offline"] == [False]


def test_a_text_log_is_read_in_every_round(tmp_path: Path) -> None:
    def edit(t: TreeUnderTest) -> None:
        write_log(t.run("offline"), {"sut_name": "board"})

    for name in ("v3.0", "v5.1"):
        found = report(tmp_path / name, Case("", edit, build=plain(name)))
        assert not next(r for r in found.results if r.scenario == "Offline").reference_valid

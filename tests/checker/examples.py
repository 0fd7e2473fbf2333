"""For every rule: how the two examples of ``mlcheck explain`` are done to a valid tree, and to which one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from schemas.rounds import load_round
from tests.checker import example_quality as own
from tests.checker import test_rules_power as power
from tests.checker import test_rules_quality as quality
from tests.checker import trees_old
from tests.checker.example_changes import (
    accuracy,
    accuracy_text,
    alone,
    apart,
    as_benchmark,
    as_scenario,
    audit,
    calibrated,
    code,
    conf,
    cut_log,
    description_renamed,
    every,
    first_line,
    first_test,
    hidden_field,
    hollow,
    hour_off,
    in_division,
    interactive,
    less_power,
    linked,
    mapping,
    no_power_docs,
    no_source,
    no_supplies,
    no_test01_accuracy,
    of_test,
    old_daemon,
    other_client,
    other_log,
    other_sources,
    own_form,
    percentile,
    recorded,
    renamed_measurements,
    renamed_run,
    reported,
    run,
    runs_there,
    said_in_testing,
    scenarios_there,
    scored,
    second_description,
    serial,
    shorter,
    submitter_with,
    verdict_of_test,
)
from tests.checker.example_edits import (
    Apply,
    errors_logged,
    fields,
    lines,
    logged,
    measurements_json,
    paths,
    session_json,
    sized,
    system_json,
    told,
)
from tests.checker.trees import BENCHMARK

About = Callable[[str], dict[str, Any]]
"""How the tree of a round is built."""


@dataclass(frozen=True, slots=True)
class Example:
    """``apply`` does the bad example and the good one; ``instead`` has another bad text for some rounds.

    ``shown_in`` is the round in which the good example holds, the last one of the rule where nothing is said.
    ``sign``: the checksums of the power run are made anew. ``since``: no tree before that round has power.
    """

    apply: Apply
    about: About = lambda name: {}
    instead: Callable[[str], str | None] = lambda name: None
    shown_in: str = ""
    sign: bool = True
    since: str = ""


def datacenter(benchmark: str = "", *scenarios: str) -> About:
    """A datacenter system without power."""

    def about(name: str) -> dict[str, Any]:
        more: dict[str, Any] = {"benchmark": benchmark} if benchmark else {}
        more |= {"scenarios": scenarios} if scenarios else {}
        return {"system_type": "datacenter", "power": False, **more}

    return about


def served(name: str) -> dict[str, Any]:
    """A system with a benchmark of the round that has Server."""
    if name in trees_old.OLD_ROUNDS:
        spelled = ("Server", "Offline") if name in ("v0.5", "v0.7") else ("server", "offline")
        return {"system_type": "datacenter", "scenarios": spelled, "power": False}
    benchmark = {"v5.1": "retinanet"}.get(name, "qwen3-vl-235b-a22b" if name >= "v6" else BENCHMARK)
    return datacenter(benchmark, "server", "offline")(name)


def endpoint(benchmark: str = "gpt-oss-120b") -> About:
    """Results of a served endpoint."""
    return lambda name: {
        "system_type": "datacenter", "benchmark": benchmark, "endpoint": True, "power": False,
    }  # fmt: skip


def networked(name: str) -> dict[str, Any]:
    """A system of the network division."""
    return {"division": "network", "power": False}


LLAMA = datacenter("llama2-70b-99.9", "server", "offline")
OSS = datacenter("gpt-oss-120b")


def pictured(name: str) -> dict[str, Any]:
    """A benchmark of the round that asks for sample outputs."""
    with_files = {n: b for n, b in load_round(name).facts["benchmarks"].items() if b["extra_accuracy_files"]}
    if "stable-diffusion-xl" in with_files:
        scenarios = ("singlestream", "offline")
        return {"benchmark": "stable-diffusion-xl", "scenarios": scenarios, "power": False}
    return {"benchmark": next(iter(with_files)), "system_type": "datacenter", "power": False}


def unet(name: str) -> dict[str, Any]:
    """3D-UNet, whose samples differ much in cost."""
    return {"benchmark": "3d-unet-99", "scenarios": ("singlestream", "offline"), "power": False}


def streams(name: str) -> dict[str, Any]:
    """The old MultiStream; Server in the round without it."""
    return served(name) if name == "v1.1" else {"power": False}


LATE = "effective_scenario: Interactive; result_99.00_percentile_latency_ns"
E = Example
PERFORMANCE = {
    "performance/early-stopping": E(logged("singlestream")),
    "performance/equal-issue": E(logged(), unet),
    "performance/inferred-pair": E(other_log, shown_in="v5.1"),
    "performance/latency-percentile": E(percentile, streams, shown_in="v0.7"),
    "performance/llm": E(logged("server"), LLAMA),
    "performance/loadgen-errors": E(errors_logged(run)),
    "performance/metric": E(logged()),
    "performance/min-duration": E(logged()),
    "performance/min-queries": E(logged()),
    "performance/offline-samples": E(logged()),
    "performance/p99-latency": E(
        interactive, datacenter("qwen3-vl-235b-a22b"),
        lambda name: f"{LATE}: 13000000000" if name == "v6.0" else None,
    ),
    "performance/sample-count": E(logged()),
    "performance/seeds": E(logged()),
    "performance/server-latency": E(
        logged("server"), served,
        lambda name: None if name < "v5.1" else "effective_target_latency_ns: 20000000000", "v5.0",
    ),
    "performance/server-runs": E(runs_there, served),
    "performance/test-mode": E(logged()),
    "performance/validity": E(logged()),
    "performance/endpoint-benchmark": E(as_benchmark, endpoint()),
    "performance/endpoint-config": E(lines(reported("config.yaml")), endpoint()),
    "performance/endpoint-duration": E(lines(reported("config.yaml")), endpoint()),
    "performance/endpoint-failures": E(fields(reported("performance/result_summary.json")), endpoint()),
    "performance/endpoint-metric": E(fields(reported("performance/result_summary.json")), endpoint()),
    "performance/endpoint-seeds": E(lines(reported("config.yaml")), endpoint(), shown_in="v6.1"),
}  # fmt: skip
ACCURACY = {
    "accuracy/dataset-size": E(logged(folder="accuracy")),
    "accuracy/endpoint-score": E(scored, endpoint()),
    "accuracy/hash": E(lines(accuracy_text)),
    "accuracy/loadgen-errors": E(errors_logged(accuracy)),
    "accuracy/log-truncated": E(sized(lambda t: accuracy(t) / "mlperf_log_accuracy.json")),
    "accuracy/number": E(lines(accuracy_text)),
    "accuracy/target": E(lines(accuracy_text)),
    "accuracy/upper-limit": E(lines(lambda t: t.result("server") / "accuracy" / "accuracy.txt"), LLAMA),
    "calibration/doc": E(calibrated),
}
COMPLIANCE = {
    "compliance/dir": E(paths()),
    "compliance/endpoint-audit": E(audit, endpoint("wan-2.2-t2v-a14b")),
    "compliance/perf-files": E(paths(of_test("TEST01", "performance/run_1"))),
    "compliance/perf-run": E(first_test),
    "compliance/perf-verdict": E(verdict_of_test(of_test("TEST01", "verify_performance.txt"))),
    "compliance/test-dir": E(paths()),
    "compliance/test01-accuracy": E(no_test01_accuracy),
    "compliance/test06": E(lines(of_test("TEST06", "verify_accuracy.txt")), LLAMA),
    "compliance/test07": E(verdict_of_test(of_test("TEST07", "verify_accuracy.txt")), OSS),
    "compliance/test08": E(verdict_of_test(of_test("TEST08", "verify_accuracy.txt")), datacenter("dlrm-v3")),
    "compliance/test09": E(verdict_of_test(of_test("TEST09", "verify_output_len.txt")), OSS),
}
MEASUREMENTS = {
    "measurements/dir": E(paths()),
    "measurements/equal-issue-conf": E(conf, unet),
    "measurements/files": E(paths(lambda t: t.measurements("offline"))),
    "measurements/files-non-empty": E(sized(lambda t: t.measurements("offline") / "README.md")),
    "measurements/json-fields": E(fields(measurements_json)),
    "measurements/json-name": E(renamed_measurements, shown_in="v5.1"),
    "measurements/json-non-empty": E(fields(measurements_json)),
    "measurements/power-docs": E(no_power_docs),
    "measurements/unknown-fields": E(fields(measurements_json)),
    "source/code-dir": E(no_source),
}
STRUCTURE = {
    "structure/acc-file-list": E(paths(accuracy)),
    "structure/acc-txt": E(paths(accuracy)),
    "structure/benchmark-for-type": E(
        as_benchmark, instead=lambda name: "bert-99.9 on an edge system" if name < "v4.0" else None
    ),
    "structure/benchmark-known": E(as_benchmark),
    "structure/detail-logs": E(paths()),
    "structure/division-files": E(paths()),
    "structure/division-name": E(paths()),
    "structure/empty-dirs": E(hollow),
    "structure/extra-accuracy-files": E(
        paths(), pictured, lambda name: "no accuracy/videos" if name == "v6.1" else None, "v6.0"
    ),
    "structure/file-size": E(sized(lambda t: code(t) / "weights.bin")),
    "structure/hidden-names": E(paths(code)),
    "structure/log-start": E(told("a first line of another program", first_line)),
    "structure/model-mapping": E(mapping, lambda name: {"division": "open", "power": False}),
    "structure/perf-file-list": E(paths(run), lambda name: {"power": False}),
    "structure/perf-run-dir": E(renamed_run, lambda name: {"power": False}),
    "structure/pycache": E(paths(code)),
    "structure/readable": E(told("a detail log that ends in the middle of a line", cut_log)),
    "structure/required-scenarios": E(scenarios_there),
    "structure/results-present": E(submitter_with),
    "structure/root-files": E(paths()),
    "structure/scenario-dir-known": E(as_scenario),
    "structure/server-or-interactive": E(alone, datacenter("llama2-70b-99.9", "server", "interactive", "offline")),
    "structure/space-names": E(paths(code)),
    "structure/special-file": E(told("a named pipe", own.a_pipe)),
    "structure/strict-json": E(own.keys_as_written),
    "structure/symlinks": E(linked),
    "structure/system-json": E(description_renamed),
    "structure/systems-have-results": E(second_description),
}  # fmt: skip
SYSTEM_RULES = {
    "system/division": E(fields(system_json)),
    "system/nameplate-power": E(told("an empty <system>_power.yaml", no_supplies)),
    "system/network-fields": E(fields(system_json), networked),
    "system/network-mode": E(in_division),
    "system/node-counts": E(fields(system_json)),
    "system/non-empty": E(fields(system_json)),
    "system/required-fields": E(fields(system_json)),
    "system/status": E(fields(system_json)),
    "system/submitter": E(fields(system_json)),
    "system/sut-name": E(logged(), networked),
    "system/system-type": E(fields(system_json)),
    "system/unknown-fields": E(hidden_field),
}  # fmt: skip
POWER = {
    "power/debug": E(fields(session_json("server.json"))),
    "power/files": E(paths(lambda t: t.run().parent), sign=False),
    "power/messages": E(told("one message less in server.json", power.server("less", lambda d: d["messages"].pop()))),
    "power/metric": E(told("spl.txt shifted by five hours", hour_off)),
    "power/phases": E(told("phase starts 2 s apart", apart)),
    "power/ptd-commands": E(old_daemon, shown_in="v4.1"),
    "power/ptd-config": E(fields(session_json("server.json"), inside="ptd_config")),
    "power/ptd-log": E(told("ERROR: Bad watts reading nan, in the testing run",
                            said_in_testing("ERROR: Bad watts reading nan from Yokogawa"))),
    "power/ranging-delta": E(less_power),
    "power/ranging-duration": E(told("ranging 1400 s, testing 620 s", shorter)),
    "power/ranging-log": E(
        told("no early_stopping_latency_ss in ranging/mlperf_log_detail.txt", power.ranging_without_metric)
    ),
    "power/results-hash": E(told("an edited server.log", power.edited_log), sign=False),
    "power/session-form": E(fields(session_json("server.json"))),
    "power/session-name": E(fields(session_json("server.json"))),
    "power/sources-client": E(told("a changed client.py", other_sources("client"))),
    "power/sources-server": E(told("a changed server.py", other_sources("server"))),
    "power/unofficial": E(told("a session of powerd", power.native)),
    "power/uuid": E(told("another client UUID in server.json", other_client)),
}  # fmt: skip
QUALITY = {
    "quality/accuracy-hash": E(
        told("hash=324366b2… beside a whole log with another SHA-256", quality.hash_of_another_log)
    ),
    "quality/shared-hash": E(
        told("two accuracy.txt with one hash beside two different logs", own.one_hash)
    ),
    "quality/analyzer-changed": E(
        told("Offline with a WT310E, SingleStream with a WT210", quality.two_meters), since="v1.0"
    ),
    "quality/analyzer-table": E(own.meters_told, since="v1.0"),
    "quality/bad-samples": E(told("37 of 600 samples are negative", every("-1.0", 16)), since="v1.0"),
    "quality/coverage": E(told("coverage 0.80, since every fifth sample is negative", every("-1.0", 5)), since="v1.0"),
    "quality/energy": E(told("2 % apart", power.varying_with_a_hole), since="v1.0"),
    "quality/over-range": E(told("inf or 9.9E+37 in the window", every("inf", 9)), since="v1.0"),
    "quality/ptd-log": E(told("uncertainty above 1 % in the testing run", said_in_testing(power.UNCERTAIN))),
    "quality/battery": E(own.pairs(system_json), since="v1.0"),
    "quality/calibration": E(
        told("int8 weights and no calibration document, or one that says TODO", quality.hollow_calibration)
    ),
    "quality/clock": E(
        told("the client's clock went 3.2 s back while testing", power.server("stepped", quality.stepped)), since="v1.0"
    ),
    "quality/compliance-tolerance": E(
        told("TEST01 15 % above the result beside a file that says TEST PASS", own.faster_test), since="v0.7"
    ),
    "quality/duplicate-logs": E(
        own.copied, lambda name: served(name) if name == "v0.5" else {},
        lambda name: "the log of run_2 is a copy of that of run_1" if name == "v0.5" else None,
    ),
    "quality/loadgen-build": E(own.logged_text, since="v1.0"),
    "quality/longest-gap": E(told("3.0 s without a good sample", quality.two_in_a_row), since="v1.0"),
    "quality/numpy-text": E(own.first_of_text),
    "quality/other-model": E(own.pairs(measurements_json)),
    "quality/other-run": E(
        told("samples marked with the session of the day before", quality.rows(quality.of_another_day, "day")),
        since="v1.0",
    ),
    "quality/overlapping-windows": E(
        told("two sessions on WT310E C3XA04010E with windows that share 400 s", quality.one_meter_for_two),
        since="v1.0",
    ),
    "quality/physics": E(
        told("15 W at 230 V and 0.0580 A (13.3 VA), or a power factor of 1.2",
             quality.rows(quality.too_many_watts, "more_watts")),
        since="v1.0",
    ),
    "quality/power-docs": E(told("analyzer_table.md that says TODO", own.says_todo), since="v1.0"),
    "quality/power-figures": E(own.pairs(system_json)),
    "quality/range": E(
        told("0.35 A on the 20 A range, or peaks above what the range can take",
             quality.on_ranges("300.000000V", "20.000000A", "20A")),
        since="v1.0",
    ),
    "quality/repeated-values": E(
        told("56 of 601 samples equal their predecessor in watts, volts, amperes and power factor",
             quality.rows(quality.twice_the_same, "same")),
        since="v1.0",
    ),
    "quality/retraining": E(own.pairs(measurements_json)),
    "quality/shared-power": E(
        told("two results with the same samples and two performance logs", quality.same_samples), since="v1.0"
    ),
    "quality/spacing": E(
        told("2 s apart, or one in ten late by half a second", quality.rows(quality.sparse, "2s")), since="v1.0"
    ),
    "quality/stall": E(own.slowest),
    "quality/summary-detail": E(own.both_logs),
    "quality/sut-changed": E(
        own.named_sut,
        instead=lambda name: "PySUT in offline, LWIS_Server in singlestream" if name in ("v0.5", "v0.7") else None,
    ),
    "quality/transformations": E(own.pairs(measurements_json)),
    "quality/uncertainty": E(
        told("555 of 611 samples above 1 %", own.as_wt310e(quality.rows(quality.low_power_factor, "0.2"))), since="v1.0"
    ),
    "quality/uncertainty-printed": E(
        told("printed 1.52 %, recomputed 0.61 % from the sample of the same second",
             own.as_wt310e(quality.printed("Uncertainty,0.009632,0.009313,0.015957,30,0,30,0"))),
        since="v1.0",
    ),
    "quality/window-length": E(told("window 480 s, LoadGen's own time 600 s", quality.two_windows), since="v1.0"),
}  # fmt: skip
REHEARSAL = {
    "rehearsal/agrees": E(recorded),
    "rehearsal/record": E(own_form, shown_in="v4.1"),
    "rehearsal/shortened": E(recorded),
    "rehearsal/simulated": E(serial),
    "rehearsal/synthetic": E(recorded),
}
EXAMPLES: dict[str, Example] = {
    **PERFORMANCE, **ACCURACY, **COMPLIANCE, **MEASUREMENTS, **STRUCTURE, **SYSTEM_RULES, **POWER, **QUALITY,
    **REHEARSAL,
}  # fmt: skip

"""Builds a small valid submission of a round from v0.5 to v2.1 on top of ``trees``: ResNet50, power from v1.0 on.

In v0.5 and v0.7 the numbers stand in the summary. In v1.0 all logs of a power run are in local time, an hour behind
UTC; in v1.1 only the daemon's; from v2.0 on the client is at UTC and the director nine hours before it.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from schemas.power_session import hash_file
from schemas.rounds import Round, load_round
from schemas.units import NS_PER_S, UnixNs, format_log_time, parse_log_time
from tests.checker import trees
from tests.checker.trees import LOG_HASH, SUBMITTER, SYSTEM, TreeUnderTest, write_log

OLD_ROUNDS = ("v0.5", "v0.7", "v1.0", "v1.1", "v2.0", "v2.1")
WITH_POWER = ("v1.0", "v1.1", "v2.0", "v2.1")
ZONES = {"v1.0": (3600, 3600), "v1.1": (3600, 3600), "v2.0": (0, -32400), "v2.1": (0, -32400)}
"""Seconds from local time to UTC, of client and server."""
LOCAL_LOGS = {"v1.0": 3600}
"""Seconds by which the logs of LoadGen and the power log are behind UTC."""
EDGE = ("singlestream", "multistream", "offline")
LABELS = {
    "sut_name": "SUT name",
    "effective_scenario": "Scenario",
    "effective_test_mode": "Mode",
    "result_validity": "Result is",
    "result_qps_without_loadgen_overhead": "QPS w/o loadgen overhead",
    "effective_performance_sample_count": "performance_sample_count",
    "effective_samples_per_query": "samples_per_query",
    "effective_min_query_count": "min_query_count",
    "effective_min_duration_ms": "min_duration (ms)",
    "effective_qsl_rng_seed": "qsl_rng_seed",
    "effective_sample_index_rng_seed": "sample_index_rng_seed",
    "effective_schedule_rng_seed": "schedule_rng_seed",
}
"""How the summary of v0.5 and v0.7 calls what later rounds log under a key."""
SPELLED = {"SingleStream": "Single Stream", "MultiStream": "Multi Stream", "PerformanceOnly": "Performance"}


class OldTree(TreeUnderTest):
    """A submission tree of one of the early rounds."""

    def __init__(self, root: Path, round_name: str, division: str, benchmark: str) -> None:
        super().__init__(root, division, benchmark)
        self.round = load_round(round_name)
        self.in_summary = self.round.facts["log_format"] == "summary"

    def sign(self) -> None:
        facts, performance = self.round.facts["power"], self.run().parent
        names = [f for f in facts["hashed_files"] if f not in facts["unhashed_files"]]
        self.set_json(self.power() / "client.json", results={})
        found = {f: hash_file(performance / f) for f in names if (performance / f).is_file()}
        self.set_json(self.power() / "server.json", results=found)

    def set_summary(self, folder: Path, label: str, value: str | None) -> None:
        """Change a line of a summary; None takes it out."""
        path = folder / "mlperf_log_summary.txt"
        lines = [x for x in path.read_text().splitlines() if not x.startswith(label + " :")]
        path.write_text("\n".join(lines + ([] if value is None else [f"{label} : {value}"])) + "\n")


def build_old(
    root: Path,
    round_name: str,
    *,
    division: str = "closed",
    scenarios: tuple[str, ...] | None = None,
    system_type: str = "edge",
    power: bool = False,
) -> OldTree:
    """The whole tree."""
    tree = OldTree(root, round_name, division, "resnet" if round_name == "v0.5" else "resnet50")
    _system(tree, system_type)
    (tree.base / "code" / tree.benchmark / "ort").mkdir(parents=True)
    (tree.base / "code" / tree.benchmark / "ort" / "README.md").write_text("how to run\n")
    for scenario in scenarios or (EDGE if round_name != "v1.1" else ("singlestream", "offline")):
        _result(tree, scenario)
        _measurements(tree, scenario)
        if division != "open":
            _compliance(tree, scenario)
    if power:
        _power(tree)
    return tree


def _system(tree: OldTree, system_type: str) -> None:
    fields = tree.round.facts["system_fields"]
    facts = dict.fromkeys(fields["required"], "something")
    if tree.division == "network":
        facts |= {**dict.fromkeys(fields["network_required"], "something"), "is_network": "true"}
    facts |= {"division": tree.division, "submitter": SUBMITTER, "status": "Available"}
    if tree.round.name != "v0.5":
        facts["system_type"] = system_type
    path = tree.base / "systems" / f"{SYSTEM}.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(facts))


def run_values(tree: OldTree, scenario: str, test: str = "default") -> dict[str, Any]:
    """What LoadGen says of a run that keeps all rules, under the keys of the later rounds."""
    round_ = tree.round
    rules = round_.benchmark("resnet")
    old_multistream = round_.facts["multistream"]["kind"] == "samples-per-query-under-latency"
    samples = {"MultiStream": 4 if old_multistream else 8, "Offline": 24576}.get(scenario, 1)
    seeds = round_.facts["seeds"].get(test) or round_.seeds()
    return {
        "sut_name": "Network SUT" if tree.division == "network" else "board",
        "effective_scenario": scenario,
        "effective_test_mode": "PerformanceOnly",
        "effective_performance_sample_count": rules.performance_sample_count,
        **{f"effective_{name}": seed for name, seed in seeds.items()},
        "effective_samples_per_query": samples,
        "effective_min_duration_ms": round_.min_duration_ms,
        "effective_min_query_count": rules.facts["min_queries"].get(scenario, 1),
        "effective_target_latency_ns": 15_000_000,
        "result_validity": "VALID",
        "early_stopping_met": True,
        "early_stopping_latency_ss": 12_500_000,
        "early_stopping_latency_ms": 99_000_000,
        "result_90.00_percentile_latency_ns": 12_500_000,
        "result_99.00_percentile_latency_ns": 13_000_000,
        "result_99.00_percentile_per_query_latency_ns": 48_000_000,
        "result_samples_per_second": 80.5,
        "result_scheduled_samples_per_sec": 75.25,
        "result_qps_without_loadgen_overhead": 81.25,
        "result_qps_with_loadgen_overhead": 80.0,
        "result_mean_query_latency_ns": 98_000_000,
        "result_query_count": 1600,
    }


def write_run(tree: OldTree, folder: Path, values: dict[str, Any]) -> None:
    """A run in the form of the round."""
    if not tree.in_summary:
        write_log(folder, values)
        return
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"{LABELS[k]} : {SPELLED.get(str(v), v)}" for k, v in values.items() if k in LABELS]
    lines += [
        "Samples per second : 80.5",
        "90th percentile latency (ns) : 12500000",
        f"Samples per query : {values['effective_samples_per_query']}",
        "Scheduled samples per second : 75.25",
        f"99.00 percentile latency (ns) : {values['result_99.00_percentile_latency_ns']}",
    ]
    (folder / "mlperf_log_summary.txt").write_text("\n".join(lines) + "\n")
    (folder / "mlperf_log_detail.txt").write_text('"pid": 1, "tid": 1, "ts": 6464ns : version : 1\n')


def _result(tree: OldTree, scenario: str) -> None:
    canonical = tree.round.canonical_scenario(scenario)
    assert canonical is not None
    number = tree.round.facts["performance_runs"].get(scenario, 1)
    for at in range(1, number + 1):
        folder = tree.run(scenario, f"run_{at}")
        write_run(tree, folder, run_values(tree, canonical))
        if tree.round.name == "v0.5":
            (folder / "mlperf_log_accuracy.json").write_text("[]\n")
    accuracy = tree.result(scenario) / "accuracy"
    write_run(tree, accuracy, run_values(tree, canonical) | {"effective_test_mode": "AccuracyOnly"})
    (accuracy / "mlperf_log_accuracy.json").write_text("[]\n")
    text = "accuracy=76.001%, good=38000, total=50000\n"
    (accuracy / "accuracy.txt").write_text(text + "hash=" + LOG_HASH + "\n")


def _measurements(tree: OldTree, scenario: str) -> None:
    folder = tree.measurements(scenario)
    folder.mkdir(parents=True)
    for name in tree.round.files["measurements_required"]:
        (folder / name).write_text("something\n")
    fields = dict.fromkeys(tree.round.facts["measurement_fields"], "something")
    (folder / f"{SYSTEM}_ort_{scenario}.json").write_text(json.dumps(fields))


def _compliance(tree: OldTree, scenario: str) -> None:
    canonical = tree.round.canonical_scenario(scenario)
    assert canonical is not None
    for test in tree.round.benchmark("resnet").compliance_tests_of(canonical):
        folder = tree.compliance(test, scenario)
        write_run(tree, folder / "performance" / "run_1", run_values(tree, canonical, test))
        if test != "TEST04-B":
            (folder / "verify_performance.txt").write_text("TEST PASS\n")
        if test == "TEST01":
            (folder / "verify_accuracy.txt").write_text("TEST PASS\n")
            (folder / "accuracy").mkdir()
            (folder / "accuracy" / "accuracy.txt").write_text("hash=" + "cd" * 32 + "\n")
            (folder / "accuracy" / "mlperf_log_accuracy.json").write_text("[]\n")


_STAMP = re.compile(r"\d\d-\d\d-\d{4} \d\d:\d\d:\d\d\.\d{3}")


def moved(text: str, seconds: int) -> str:
    """A text in which every time stands so many seconds later."""

    def later(match: re.Match[str]) -> str:
        return format_log_time(UnixNs(parse_log_time(match.group()) + seconds * NS_PER_S))

    return _STAMP.sub(later, text)


def _power(tree: OldTree) -> None:
    behind = LOCAL_LOGS.get(tree.round.name, 0)
    for mode, part in (("ranging", "ranging"), ("testing", "run_1")):
        folder, begin = tree.run(part=part), trees.run_begin(mode)
        times = (begin, begin + trees.WINDOW_S * NS_PER_S)
        texts = [moved(format_log_time(UnixNs(at)), -behind) for at in times]
        stamps = dict(zip(("power_begin", "power_end"), texts, strict=True))
        write_log(folder, run_values(tree, "SingleStream") | stamps)
        (folder / "spl.txt").write_text(moved(trees.spl_text(mode), -behind))
    trees._session(tree)
    client, server = ZONES[tree.round.name]
    (tree.power() / "ptd_logs.txt").write_text(moved(trees.ptd_text(), -server))
    _as_of_the_round(tree.round, tree.power() / "client.json", client)
    _as_of_the_round(tree.round, tree.power() / "server.json", server)
    tree.sign()


def _as_of_the_round(round_: Round, path: Path, zone: int) -> None:
    """A session file with the sources, the daemon and the messages that the round accepts."""
    document = json.loads(path.read_text())
    facts = round_.facts["power"]
    document |= {"timezone": zone, "sources": facts["accepted_source_checksums"][0]}
    if path.name == "server.json":
        last = {"cmd": f"session,{trees.SESSION},upload,client.log", "reply": "OK"}
        document["messages"] += [last] * facts["client_messages_fewer_by"]
        document["ptd_config"]["device_type"] = facts["analyzers"]["YokogawaWT330E"]
        said = f"YokogawaWT330E,1000,version={facts['ptd_versions'][-1]}-e8c7a49a-20201208,OS=Linux"
        next(m for m in document["ptd_messages"] if m["cmd"] == "Identify")["reply"] = said
    path.write_text(json.dumps(document))

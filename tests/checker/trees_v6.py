"""Builds small valid submissions of v6.0 and v6.1: any benchmark on any type of system, with power, at an endpoint."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from schemas.power_session import hash_file
from schemas.rounds import Round, load_round
from schemas.units import NS_PER_S, UnixNs, format_log_time
from tests.checker import trees
from tests.checker.trees import (
    LOG_HASH,
    SUBMITTER,
    SYSTEM,
    WINDOW_S,
    TreeUnderTest,
    run_begin,
    spl_text,
    write_log,
)

HASH = "hash=" + LOG_HASH + "\n"
NAMEPLATE = """\
rack:
  - board:
      Min PSUs Needed: 1
      PSUs:
        - {Name: left, PowerCapacityWatts: 45}
        - {Name: right, PowerCapacityWatts: 60}
"""
LINES = {
    "acc": "accuracy={}%",
    "mAP": "mAP={}",
    "F1": "{{'exact_match': 80.1, 'f1': {}}}",
    "DICE": "Accuracy: mean = {}",
    "AUC": "AUC={}",
    "ACCURACY": "Word Error Rate: 2.1%, accuracy={}%",
    "ROUGE1": "{{'rouge1': '{}'}}",
    "ROUGE2": "{{'rouge2': {}}}",
    "ROUGEL": "{{'rougeL': {}}}",
    "ROUGELSUM": "{{'rougeLsum': {}}}",
    "GEN_LEN": "{{'gen_len': {}}}",
    "TOKENS_PER_SAMPLE": "{{'tokens_per_sample': {}}}",
    "CLIP_SCORE": "{{'CLIP_SCORE': {}}}",
    "FID_SCORE": "{{'FID_SCORE': '{}'}}",
    "gsm8k_accuracy": "{{'gsm8k': {}}}",
    "mbxp_accuracy": "{{'mbxp': {}}}",
    "exact_match": "{{'exact_match': {}}}",
    "vbench_score": "{{'vbench_score': {}}}",
    "meanAcc": "{{'mean-accuracy': '{}'}}",
    "F1_HIERARCHICAL": '{{"precision": 0.8, "f1": {}, "recall": 0.8}}',
    "DLRM_NE": "metric/lifetime_ne/rating: {}",
    "DLRM_ACC": "metric/lifetime_accuracy/rating: {}",
    "DLRM_AUC": "metric/lifetime_gauc/rating: {}",
    "E2E_ACCURACY": "Accuracy: {}",
}
"""A line of ``accuracy.txt`` for every metric of the rounds."""


class TreeV6(TreeUnderTest):
    """A tree in the layout of v6: everything about a result stands in its scenario directory."""

    def __init__(self, root: Path, round_: Round, division: str, benchmark: str) -> None:
        super().__init__(root, division, benchmark)
        self.round = round_

    @property
    def model(self) -> str:
        return self.round.official_name(self.benchmark)

    @property
    def scenarios(self) -> list[str]:
        return sorted(p.name for p in self.result().parent.iterdir())

    def measurements(self, scenario: str = "singlestream") -> Path:
        return self.result(scenario)

    def compliance(self, test: str, scenario: str = "singlestream") -> Path:
        return self.result(scenario) / test

    def sign(self) -> None:
        """Record the checksums of the power run as it is now."""
        performance = self.run().parent
        names = [f for f in self.round.facts["power"]["hashed_files"] if not f.endswith(".json")]
        found = {f: hash_file(performance / f) for f in names if (performance / f).is_file()}
        for name in ("server.json", "client.json"):
            self.set_json(self.power() / name, results=found)


def build(
    root: Path,
    *,
    round_name: str = "v6.1",
    division: str = "closed",
    benchmark: str = "resnet50",
    system_type: str = "edge",
    scenarios: tuple[str, ...] | None = None,
    power: bool = False,
    endpoint: bool = False,
) -> TreeV6:
    """The whole tree; all scenarios of the benchmark unless told otherwise."""
    tree = TreeV6(root, load_round(round_name), division, benchmark)
    if scenarios is None:
        found = tree.round.benchmark(tree.model).scenarios(system_type)
        assert found is not None
        scenarios = tuple(name.lower() for name in (*found.required, *found.optional))
    _system(tree, system_type)
    (tree.base / "src" / benchmark).mkdir(parents=True)
    (tree.base / "src" / benchmark / "README.md").write_text("how to run\n")
    (tree.base / "documentation").mkdir()
    (tree.base / "documentation" / "calibration.md").write_text("nothing was calibrated\n")
    for scenario in scenarios:
        if endpoint:
            _endpoint(tree, scenario)
        else:
            _result(tree, scenario)
    if power:
        _power(tree)
    return tree


def _system(tree: TreeV6, system_type: str) -> None:
    fields = tree.round.facts["system_fields"]
    facts = dict.fromkeys(fields["required"], "something")
    if tree.division == "network":
        facts |= dict.fromkeys(fields["network_required"], "something") | {"is_network": "true"}
    facts |= {"division": tree.division, "submitter": SUBMITTER, "status": "available"}
    facts |= {"system_type": system_type, "number_of_nodes": "2", "accelerators_per_node": "4"}
    path = tree.base / "systems" / f"{SYSTEM}.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(facts))


def _about(tree: TreeV6, scenario: str) -> Path:
    """Measurements and README of a result."""
    folder = tree.result(scenario)
    folder.mkdir(parents=True)
    (folder / "README.md").write_text("how it was made\n")
    fields = dict.fromkeys(tree.round.facts["measurement_fields"], "something")
    (folder / "measurements.json").write_text(json.dumps(fields))
    return folder


def canonical(tree: TreeV6, scenario: str) -> str:
    found = tree.round.canonical_scenario(scenario)
    assert found is not None
    return found


def _result(tree: TreeV6, scenario: str) -> None:
    folder, name = _about(tree, scenario), canonical(tree, scenario)
    (folder / "user.conf").write_text("*.Offline.target_qps = 80\n")
    write_log(tree.run(scenario), log_values(tree, name))
    accuracy = folder / "accuracy"
    rules = tree.round.benchmark(tree.model)
    samples = rules.accuracy_samples(name)
    write_log(accuracy, {"effective_test_mode": "AccuracyOnly", "qsl_reported_total_count": samples})
    (accuracy / "mlperf_log_accuracy.json").write_text("[]\n")
    (accuracy / "accuracy.txt").write_text(accuracy_text(tree, name) + HASH)
    for directory, stems in (rules.facts["extra_accuracy_files"] or {}).items():
        (accuracy / directory).mkdir()
        for stem in stems:
            (accuracy / directory / f"{stem}.png").write_text("picture\n")
    if tree.division != "open":
        for test in rules.compliance_tests:
            _compliance(tree, test, scenario)


def accuracy_text(tree: TreeV6, scenario: str) -> str:
    """Every metric a little above its target."""
    targets = tree.round.benchmark(tree.model).lower_limits(scenario)
    lines = [LINES[t.metric].format(f"{math.ceil(t.limit * 1000 + 1) / 1000:.3f}") for t in targets]
    return "\n".join(lines) + "\n"


def log_values(tree: TreeV6, scenario: str) -> dict[str, Any]:
    """What LoadGen writes of a run for a directory that keeps all rules."""
    rules = tree.round.benchmark(tree.model)
    logged = "Server" if scenario == "Interactive" else scenario
    samples = {"MultiStream": 8, "Offline": rules.facts["offline_min_samples_per_query"]}.get(logged, 1)
    limits = (rules.facts["token_latency_limits_ns"] or {}).get(scenario, {"ttft": 2, "tpot": 2})
    return {
        "sut_name": "Network SUT" if tree.division == "network" else "board",
        "effective_scenario": logged,
        "effective_test_mode": "PerformanceOnly",
        "effective_performance_sample_count": rules.performance_sample_count,
        **{f"effective_{name}": seed for name, seed in tree.round.seeds().items()},
        "effective_samples_per_query": samples,
        "effective_min_duration_ms": tree.round.min_duration_ms,
        "effective_min_query_count": 1,
        "effective_sample_concatenate_permutation": tree.model in tree.round.reading["equal_issue_by_policy"],
        "effective_target_latency_ns": 1_000_000,
        "requested_use_token_latencies": True,
        "result_validity": "VALID",
        "early_stopping_met": True,
        "early_stopping_latency_ss": 12_500_000,
        "early_stopping_latency_ms": 99_000_000,
        "result_90.00_percentile_latency_ns": 12_000_000,
        "result_99.00_percentile_latency_ns": 13_000_000,
        "result_samples_per_second": 80.5,
        "result_completed_samples_per_sec": 75.25,
        "result_tokens_per_second": 1200.5,
        "result_completed_tokens_per_second": 1100.5,
        "result_first_token_99.00_percentile_latency_ns": limits["ttft"] - 1,
        "result_time_per_output_token_99.00_percentile_ns": limits["tpot"] - 1,
        "result_qps_without_loadgen_overhead": 81.25,
        "result_mean_query_latency_ns": 98_000_000,
        "result_query_count": 1600,
    }


TEST06 = "First token check pass: True\nEOS check pass: True\nSample length check pass: True\n"


def _compliance(tree: TreeV6, test: str, scenario: str) -> None:
    folder = tree.compliance(test, scenario)
    folder.mkdir(parents=True)
    if test == "TEST09":
        (folder / "verify_output_len.txt").write_text("mean output length 1287.2\nTEST PASS\n")
        return
    text = TEST06 if test == "TEST06" else "TEST PASS\n"
    if test != "TEST04":
        (folder / "verify_accuracy.txt").write_text(text)
    if test not in ("TEST01", "TEST04"):
        return
    write_log(folder / "performance" / "run_1", log_values(tree, canonical(tree, scenario)))
    (folder / "verify_performance.txt").write_text("TEST PASS\n")
    if test == "TEST01":
        (folder / "accuracy").mkdir()
        (folder / "accuracy" / "accuracy.txt").write_text(HASH)
        (folder / "accuracy" / "mlperf_log_accuracy.json").write_text("[]\n")


def _power(tree: TreeV6) -> None:
    """A power session around the SingleStream run."""
    for mode, part in (("ranging", "ranging"), ("testing", "run_1")):
        folder, begin = tree.run(part=part), run_begin(mode)
        values = log_values(tree, "SingleStream")
        values["power_begin"] = format_log_time(UnixNs(begin))
        values["power_end"] = format_log_time(UnixNs(begin + WINDOW_S * NS_PER_S))
        write_log(folder, values)
        (folder / "spl.txt").write_text(spl_text(mode))
    trees._session(tree)
    for name, text in trees.POWER_DOCUMENTS.items():
        (tree.base / "results" / name).write_text(text)
    if tree.round.layout["nameplate_power_yaml"]:
        (tree.base / "systems" / f"{SYSTEM}_power.yaml").write_text(NAMEPLATE)
    tree.sign()


def settings(tree: TreeV6, kind: str) -> str:
    """The settings of the client of an endpoint run."""
    seeds = tree.round.seeds()
    return (
        f"# settings of the client\nname: a run\ntype: {kind}\nsettings:\n  runtime:\n"
        f"    min_duration_ms: {tree.round.min_duration_ms}\n"
        f"    dataloader_random_seed: {seeds['sample_index_rng_seed']}\n"
        f"    scheduler_random_seed: {seeds['schedule_rng_seed']}\n"
    )


def summary() -> dict[str, Any]:
    """The client's report of the performance part."""
    return {
        "qps": 12.5,
        "tps": 15000.5,
        "n_samples_issued": 9000,
        "n_samples_failed": 0,
        "duration_ns": 720_000_000_000,
        "latency": {"avg": 81_000_000, "early_stopping_percentiles": {"90": 90_000_000, "99.9": 99_000_000}},
        "output_sequence_lengths": {"avg": 1287.2},
    }


def _endpoint(tree: TreeV6, scenario: str) -> None:
    folder, rules = _about(tree, scenario), tree.round.benchmark(tree.model)
    name = "Server" if scenario == "online" else canonical(tree, scenario)
    kind = "online" if name in ("Server", "Interactive") else name.lower()
    (folder / "config.yaml").write_text(settings(tree, kind))
    for part in ("performance", "accuracy"):
        (folder / part).mkdir()
    (folder / "performance" / "result_summary.json").write_text(json.dumps(summary()))
    score = rules.lower_limits(name)[0].limit + 0.001
    scores = [{"score": score, "dataset_type": "accuracy", "total_samples": rules.accuracy_samples(name)}]
    (folder / "accuracy" / "accuracy_results.json").write_text(json.dumps({"accuracy_scores": scores}))
    for directory, stems in (rules.facts["extra_accuracy_files"] or {}).items():
        (folder / "accuracy" / directory).mkdir()
        for stem in stems:
            (folder / "accuracy" / directory / f"{stem}.mp4").write_text("film\n")
    names = tree.round.facts["endpoints"]["audit_names"]
    audits = [names[t] for t in rules.compliance_tests if t in names] if tree.division != "open" else []
    for audit in audits:
        (folder / "audit").mkdir(exist_ok=True)
        (folder / "audit" / f"audit_{audit}.json").write_text(json.dumps({"test": audit, "passed": True}))

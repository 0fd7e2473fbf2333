"""Builds a small valid submission in a temporary folder: ResNet50 on an edge system, power in SingleStream.

Of v4.1, or of any other round from v3.0 to v5.1, and of any benchmark of it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from schemas.power_session import hash_file
from schemas.powerlog import format_spl_line
from schemas.rounds import Round, load_round
from schemas.units import NS_PER_S, UnixNs, format_log_time
from tests.checker.accuracy_texts import accuracy_text

ROUND = load_round("v4.1")
BEGIN = 1_721_749_700 * NS_PER_S
"""Begin of the ranging run; testing begins 100 s later, and each has a power window of 20 s."""
WINDOW_S = 20
LOG = "[]\n"
LOG_HASH = hashlib.sha256(LOG.encode()).hexdigest()
"""The accuracy log of every result, too short to be cut, and its hash."""
SCENARIOS = ("singlestream", "multistream", "offline")
SUBMITTER, SYSTEM, BENCHMARK = "Bench", "board", "resnet50"
POWER_DOCUMENTS = {
    "analyzer_table.md": "| Yokogawa | WT310E | single channel |\n",
    "power_settings.md": "Governor performance, fan at full speed.\n",
}
SESSION = "2024-07-23_15-48-20"


class TreeUnderTest:
    """A submission tree with the few ways in which tests change it."""

    def __init__(
        self, root: Path, division: str = "closed", benchmark: str = BENCHMARK, round_: Round = ROUND
    ) -> None:
        self.root, self.division, self.benchmark, self.round = root, division, benchmark, round_
        self.base = root / division / SUBMITTER

    def result(self, scenario: str = "singlestream") -> Path:
        return self.base / "results" / SYSTEM / self.benchmark / scenario

    def run(self, scenario: str = "singlestream", part: str = "run_1") -> Path:
        return self.result(scenario) / "performance" / part

    def power(self) -> Path:
        return self.run(part="power")

    def measurements(self, scenario: str = "singlestream") -> Path:
        return self.base / "measurements" / SYSTEM / self.benchmark / scenario

    def compliance(self, test: str, scenario: str = "singlestream") -> Path:
        return self.base / "compliance" / SYSTEM / self.benchmark / scenario / test

    def set_log(self, folder: Path, **changes: Any) -> None:
        """Change values of a detail log; None removes the key."""
        path = folder / "mlperf_log_detail.txt"
        rows = [json.loads(line.split(" ", 1)[1]) for line in path.read_text().splitlines()]
        values = {row["key"]: row["value"] for row in rows}
        values.update({key.replace("__", "."): value for key, value in changes.items()})
        write_log(folder, {k: v for k, v in values.items() if v is not None})

    def set_json(self, path: Path, **changes: Any) -> None:
        """Change values of a JSON object; None removes the key."""
        document = json.loads(path.read_text())
        document.update(changes)
        path.write_text(json.dumps({k: v for k, v in document.items() if v is not None}))

    def system_json(self, **changes: Any) -> None:
        self.set_json(self.base / "systems" / f"{SYSTEM}.json", **changes)

    def sign(self) -> None:
        """Record the checksums of the power run as it is now, in both session files."""
        performance = self.run().parent
        for name in ("server.json", "client.json"):
            path = self.power() / name
            if not path.is_file():
                continue
            try:
                document = json.loads(path.read_text())
            except json.JSONDecodeError:
                continue
            document["results"] = {
                f: hash_file(performance / f)
                for f in self.round.facts["power"]["hashed_files"]
                if not f.endswith(".json") and (performance / f).is_file()
            }
            path.write_text(json.dumps(document))

    def sub(self, path: Path, old: str, new: str) -> None:
        text = path.read_text()
        assert old in text, f"{old!r} is not in {path}"
        path.write_text(text.replace(old, new))

    def long_accuracy_log(self, scenario: str = "offline") -> None:
        """An accuracy log of a byte more than is published, with its hash in accuracy.txt."""
        folder, log = self.result(scenario) / "accuracy", "a" * 10241
        (folder / "mlperf_log_accuracy.json").write_text(log)
        self.sub(folder / "accuracy.txt", LOG_HASH, hashlib.sha256(log.encode()).hexdigest())

    def move_to(self, division: str) -> None:
        shutil.move(self.root / self.division, self.root / division)
        self.division, self.base = division, self.root / division / SUBMITTER
        self.system_json(division=division)


Edit = Callable[[TreeUnderTest], None]


def write_log(folder: Path, values: Mapping[str, Any], error: str | None = None) -> None:
    """A detail log with these values, and a summary beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    at = _time_ms(folder)
    lines = [_line(key, value, at) for key, value in values.items()]
    if error is not None:
        lines.append(_line("error_runtime", error, at, is_error=True))
    (folder / "mlperf_log_detail.txt").write_text("\n".join(lines) + "\n")
    (folder / "mlperf_log_summary.txt").write_text("summary\n")


def _time_ms(folder: Path) -> float:
    """A time of its own for each run: no two LoadGen runs take the same time to the nanosecond."""
    place = "/".join(folder.parts[-7:])
    return 1.5 + zlib.crc32(place.encode()) % 1_000_000 / 1e6


def _line(key: str, value: Any, time_ms: float, *, is_error: bool = False) -> str:
    metadata = {"is_error": is_error, "is_warning": False}
    return ":::MLLOG " + json.dumps({"key": key, "value": value, "time_ms": time_ms, "metadata": metadata})


def log_values(
    scenario: str, benchmark: str = "resnet", test: str = "default", round_: Round = ROUND
) -> dict[str, Any]:
    """What LoadGen writes of a run that keeps all rules; Interactive is Server to LoadGen."""
    scenario = "Server" if scenario == "Interactive" else scenario
    rules = round_.benchmark(benchmark)
    samples = {"MultiStream": 8, "Offline": rules.facts["offline_min_samples_per_query"]}.get(scenario, 1)
    seeds = round_.seeds("TEST05" if test == "TEST05" else "default")
    values = {
        "loadgen_version": f"{round_.name.removeprefix('v')} @ 0123456789",
        "sut_name": "board",
        "qsl_reported_total_count": rules.facts["dataset_size"] or 50000,
        "effective_scenario": scenario,
        "effective_test_mode": "PerformanceOnly",
        "effective_performance_sample_count": rules.performance_sample_count,
        **{f"effective_{name}": seed for name, seed in seeds.items()},
        "effective_samples_per_query": samples,
        "effective_sample_concatenate_permutation": any(rules.facts["equal_issue_required"].values()),
        "effective_min_duration_ms": round_.min_duration_ms,
        "effective_min_query_count": 1,
        "effective_target_latency_ns": rules.latency_constraint_ns("Server") or 15_000_000,
        "result_validity": "VALID",
        "early_stopping_met": True,
        "early_stopping_latency_ss": 12_500_000,
        "early_stopping_latency_ms": 99_000_000,
        "result_samples_per_second": 80.5,
        "result_completed_samples_per_sec": 75.25,
        "result_qps_without_loadgen_overhead": 81.25,
        "result_mean_query_latency_ns": 98_000_000,
        "result_query_count": 1600,
        "result_99.00_percentile_latency_ns": 13_000_000,
    }
    if rules.facts["llm_check"]:
        values |= {
            "requested_use_token_latencies": True,
            "result_first_token_99.00_percentile_latency_ns": 400_000_000,
            "result_time_per_output_token_99.00_percentile_ns": 14_000_000,
        }
    return dict.fromkeys(rules.facts["result_key"].values(), 100.5) | values


def build(
    root: Path,
    *,
    round_name: str = ROUND.name,
    division: str = "closed",
    benchmark: str = BENCHMARK,
    scenarios: tuple[str, ...] = SCENARIOS,
    system_type: str = "edge",
    power: bool = True,
) -> TreeUnderTest:
    """The whole tree."""
    tree = TreeUnderTest(root, division, benchmark, load_round(round_name))
    _system(tree, system_type)
    (tree.base / "calibration.md").write_text("nothing was calibrated\n")
    (tree.base / "code" / benchmark / "ort").mkdir(parents=True)
    (tree.base / "code" / benchmark / "ort" / "README.md").write_text("how to run\n")
    for scenario in scenarios:
        _result(tree, scenario)
        _measurements(tree, scenario)
        if division != "open":
            _compliance(tree, scenario)
    if power:
        _power(tree)
    return tree


def _system(tree: TreeUnderTest, system_type: str) -> None:
    fields = tree.round.facts["system_fields"]
    facts = dict.fromkeys(fields["required"], "something")
    facts |= {"division": tree.division, "submitter": SUBMITTER, "status": "available"}
    facts |= {"system_type": system_type, "system_name": "A board", "number_of_nodes": "1"}
    if tree.division == "network":
        facts |= dict.fromkeys(fields["network_required"], "something") | {fields["network_flag"]: "true"}
    path = tree.base / "systems" / f"{SYSTEM}.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(facts))


def official(tree: TreeUnderTest) -> str:
    return tree.round.official_name(tree.benchmark)


def _run_values(tree: TreeUnderTest, scenario: str, test: str = "default") -> dict[str, Any]:
    canonical = tree.round.canonical_scenario(scenario)
    assert canonical is not None
    named = {"sut_name": "Network SUT"} if tree.division == "network" else {}
    return log_values(canonical, official(tree), test, tree.round) | named


def _result(tree: TreeUnderTest, scenario: str) -> None:
    rules = tree.round.benchmark(official(tree))
    write_log(tree.run(scenario), _run_values(tree, scenario))
    accuracy = tree.result(scenario) / "accuracy"
    samples = rules.facts["dataset_size"] or 50000
    write_log(accuracy, {"effective_test_mode": "AccuracyOnly", "qsl_reported_total_count": samples})
    (accuracy / "mlperf_log_accuracy.json").write_text(LOG)
    (accuracy / "accuracy.txt").write_text(accuracy_text(rules) + "hash=" + LOG_HASH + "\n")
    for name, stems in (rules.facts["extra_accuracy_files"] or {}).items():
        (accuracy / name).mkdir()
        for stem in stems:
            (accuracy / name / f"{stem}.png").write_text("x")


def _measurements(tree: TreeUnderTest, scenario: str) -> None:
    folder = tree.measurements(scenario)
    folder.mkdir(parents=True)
    texts = {"mlperf.conf": "# settings\n*.*.min_duration = 600000\n*.*.sample_concatenate_permutation = 1\n",
             "user.conf": "*.Offline.target_qps = 80\n", "README.md": "how it was made\n"}  # fmt: skip
    for name in tree.round.files["measurements_required"]:
        (folder / name).write_text(texts[name])
    fields = dict.fromkeys(tree.round.facts["measurement_fields"], "something")
    (folder / f"{SYSTEM}_ort_{scenario}.json").write_text(json.dumps(fields))


def _compliance(tree: TreeUnderTest, scenario: str) -> None:
    for test in tree.round.benchmark(official(tree)).compliance_tests:
        folder = tree.compliance(test, scenario)
        folder.mkdir(parents=True)
        if test == "TEST06":
            text = "First token check pass: True\nEOS check pass: True\nSample length check pass: True\n"
            (folder / "verify_accuracy.txt").write_text(text)
            continue
        write_log(folder / "performance" / "run_1", _run_values(tree, scenario, test))
        (folder / "verify_performance.txt").write_text("TEST PASS\n")
        if test == "TEST01":
            (folder / "verify_accuracy.txt").write_text("TEST PASS\n")
            (folder / "accuracy").mkdir()
            (folder / "accuracy" / "accuracy.txt").write_text("hash=" + "cd" * 32 + "\n")
            (folder / "accuracy" / "mlperf_log_accuracy.json").write_text(LOG)


def run_begin(mode: str) -> int:
    """Begin of the power window of ``ranging`` or ``testing``."""
    return BEGIN + (100 * NS_PER_S if mode == "testing" else 0)


def spl_text(mode: str, watts: float = 12.5) -> str:
    """Samples once a second from 5 s before the window to 5 s after it."""
    begin = run_begin(mode)
    lines = []
    for at in range(-5, WINDOW_S + 5):
        stamp, power = UnixNs(begin + at * NS_PER_S + NS_PER_S // 2), watts + 0.01 * at
        lines.append(format_spl_line(stamp, power, 230.0, power / 230.0 / 0.9, 0.9, f"{SESSION}_{mode}"))
    return "\n".join(lines) + "\n"


def _power(tree: TreeUnderTest) -> None:
    for mode, part in (("ranging", "ranging"), ("testing", "run_1")):
        folder, begin = tree.run(part=part), run_begin(mode)
        values = _run_values(tree, "singlestream")
        values["power_begin"] = format_log_time(UnixNs(begin))
        values["power_end"] = format_log_time(UnixNs(begin + WINDOW_S * NS_PER_S))
        write_log(folder, values)
        (folder / "spl.txt").write_text(spl_text(mode))
    _session(tree)
    for name, text in POWER_DOCUMENTS.items():
        (tree.base / "measurements" / name).write_text(text)
    tree.sign()


def _session(tree: TreeUnderTest) -> None:
    folder, facts = tree.power(), tree.round.facts["power"]
    folder.mkdir()
    common = {
        "version": "1.0",
        "timezone": 0,
        "modules": {},
        "sources": facts["accepted_source_checksums"][0],
        "messages": [
            {"cmd": "mlcommons/power client v3", "reply": "mlcommons/power server v3"},
            {"cmd": "time", "reply": "1"},
            {"cmd": f"session,{SESSION},start,ranging", "reply": "OK"},
        ],
        "uuid": {
            "client": "165ad7ef-b100-4633-91ac-30e279be2557",
            "server": "bb71fde2-5427-4eea-be96-601b30c3780f",
        },
        "session_name": SESSION,
        "results": {},
        "phases": {
            mode: [[run_begin(mode) / NS_PER_S + at, 10.0 + at] for at in (-6, -3, 24, 26)]
            for mode in ("ranging", "testing")
        },
    }
    go = "Starting untimed measurement, maximum 500000 samples at 1000ms with 0 rampup samples"
    stop = "Stopping untimed measurement"
    said = [
        ("Hello", "Hello, PTDaemon here!"),
        ("Identify", f"YokogawaWT310E,1000,version={facts['ptd_versions'][0]}-ed9a21d2-20220817,OS=Linux"),
        ("RR", "Ranges,0,5.000000,1,150.000000"),
        *(("SR,V,Auto", "Range V changed"), ("SR,A,Auto", "Range A changed")),
        (f"Go,1000,0,{SESSION}_ranging", go),
        ("Stop", stop),
        *(("SR,V,230.0", "Range V changed"), ("SR,A,0.0671", "Range A changed")),
        (f"Go,1000,0,{SESSION}_testing", go),
        ("Stop", stop),
        ("SR,V,Auto", "Range V changed"),
        *[("SR,A,5.000000", "Range A changed")] * len(facts["amps_restore_command_index"]),
        ("Stop", "Error: no measurement to stop"),
    ]
    config = {"device_type": 49, "command": ["ptd"], "channel": None}
    server = common | {
        "ptd_messages": [{"cmd": c, "reply": r} for c, r in said],
        "ptd_config": [config] if facts["ptd_config_is_list"] else config,
    }
    (folder / "client.json").write_text(json.dumps(common))
    (folder / "server.json").write_text(json.dumps(server))
    (folder / "client.log").write_text("client\n")
    (folder / "server.log").write_text("server\n")
    (folder / "ptd_logs.txt").write_text(ptd_text())


def ptd_text(*more: tuple[float, str]) -> str:
    """The daemon's log; ``more`` are texts at seconds from the begin of the ranging window."""
    said = [
        (-10.0, "Uncertainty checking for YokogawaWT310E is activated"),
        (-5.0, f"Go with mark '{SESSION}_ranging'"),
        (-4.0, "ERROR: Can't evaluate uncertainty of this sample!"),
        (25.0, "Completed test"),
        (90.0, "Volt range set to 300.000000V"),
        (91.0, "Amp range set to 0.100000A"),
        (95.0, f"Go with mark '{SESSION}_testing'"),
        *more,
    ]
    rows = [f"{format_log_time(UnixNs(BEGIN + int(at * NS_PER_S)))}: {text}" for at, text in sorted(said)]
    return "\n".join(rows) + "\n"

"""What our own rules must not mind: honest copies, words that take themselves back, meters of one series."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checker import clock_evidence, meters, ranges, summary_text
from checker.api import check
from checker.rules.quality_policy import _alike
from checker.summary_text import disagreements
from schemas.loadgen import LoadgenLog, LogEntry
from schemas.model_words import families_in, family_of
from schemas.rounds import known_rounds, load_round
from tests.checker.one_edit import Case, report
from tests.checker.test_rules_power import daemon_says
from tests.checker.test_rules_quality import copy, described, document, rows, said
from tests.checker.trees import SESSION, Edit, TreeUnderTest, build


def inferred(t: TreeUnderTest) -> None:
    """MultiStream and Offline are inferred from SingleStream: all logs are copies."""
    for scenario in ("multistream", "offline"):
        for part in ("performance/run_1", "accuracy"):
            shutil.rmtree(t.result(scenario) / part)
            shutil.copytree(t.result() / part, t.result(scenario) / part)
        for test in ("TEST01", "TEST04", "TEST05"):
            copy(
                t.compliance(test) / "performance" / "run_1",
                t.compliance(test, scenario) / "performance" / "run_1",
            )
        (t.run(scenario) / "spl.txt").unlink()


def printed_rightly(t: TreeUnderTest) -> None:
    """An uncertainty that follows from its sample: 0.1 + 0.05 * 30 / 13.9 + 0.2 * 0.484 + 0.005 %."""
    daemon_says("", (100.5, "WARNING: Uncertainty 0.31%, which is above 1.00% limit for the last sample!"))(t)


def watts(value: str) -> Edit:
    return rows(lambda f: f[10].__setitem__(3, value), f"watts-{value}")


SILENT = [
    Case("inferred results are copies", inferred),
    Case("a printed uncertainty that is right", printed_rightly),
    Case("a battery that was taken out", described("removed", hw_notes="battery removed, fed from the wall")),
    Case("a battery of another kind", document("power_settings.md", "The RAID cache is battery-backed, fans full.\n")),
    Case("no retraining, in words", said("no", retraining="no retraining was done")),
    Case("weights of the model", said("own", starting_weights_filename="https://zenodo.org/1/resnet50_v1.onnx")),
    Case("weights without a name", said("plain", starting_weights_filename="model.onnx")),
    Case("fp32 without transformation", said("fp32", weight_data_types="fp32", weight_transformations="no")),
    Case("open may retrain", said("open", retraining="yes", weight_data_types="int8", weight_transformations="none"),
         build=(("division", "open"), ("power", False))),
    Case("a table that names the series", document("analyzer_table.md", "| Yokogawa | WT310 | single channel |\n")),
]  # fmt: skip


@pytest.mark.parametrize("case", SILENT, ids=lambda c: c.rule)
def test_silent(case: Case, tmp_path: Path) -> None:
    found = report(tmp_path, case)
    assert [(f.rule, f.message) for f in found.findings if f.rule.startswith("quality/")] == []


def test_the_variants_of_one_benchmark_may_share_their_logs(tmp_path: Path) -> None:
    tree = build(tmp_path, benchmark="3d-unet-99", scenarios=("singlestream", "offline"), power=False)
    for part in ("results", "measurements", "compliance", "code"):
        base = tree.base / part if part == "code" else tree.base / part / "board"
        shutil.copytree(base / "3d-unet-99", base / "3d-unet-99.9")
    found = check(tree.root).findings
    assert "quality/duplicate-logs" not in {f.rule for f in found}


@pytest.mark.parametrize(("a", "b", "same"), [
    ("WT310E", "WT310", True), ("WT330", "WT333E", True), ("WT310E", "WT210", False), ("WT500", "WT310E", False),
])  # fmt: skip
def test_meters_of_one_series(a: str, b: str, same: bool) -> None:
    assert _alike(a, b) is same
    assert _alike(b, a) is same


LOG = f"""\
07-12-2025 23:04:55.612: Analyzer identity response of 24 bytes: YOKOGAWA,760401,0,F1.12
07-12-2025 23:05:07.686: Volt range set to Auto
07-12-2025 23:05:08.212: Ampere range set to Auto
07-12-2025 23:05:19.280: Go with mark '{SESSION}_ranging'
07-12-2025 23:10:31.524: Voltage range for channel 1, physical channel 1, set to 300.000000A
07-12-2025 23:10:33.053: Amp range set to 0.500000A
07-12-2025 23:10:44.589: Go with mark '{SESSION}_testing'
07-12-2025 23:20:44.589: Amp range set to 5.000000A
"""


def test_the_ranges_while_testing() -> None:
    server = {"ptd_messages": [{"cmd": c, "reply": ""} for c in (
        "SR,V,Auto", "SR,A,Auto", f"Go,1000,0,{SESSION}_ranging", "SR,V,245.3", "SR,A,0.34",
        f"Go,1000,0,{SESSION}_testing", "SR,A,5")]}  # fmt: skip
    found = ranges.testing_ranges(LOG, server, f"{SESSION}_testing")
    assert (found.log.volts, found.log.amperes, found.log.auto_a) == (300.0, 0.5, False)
    assert (found.asked.volts, found.asked.amperes) == (245.3, 0.34)
    assert ranges.testing_ranges(LOG, {}, f"{SESSION}_ranging").log == ranges.Ranges(
        auto_v=True, auto_a=True, line_v=2, line_a=3
    )
    assert ranges.testing_ranges(LOG, {}, "another").log == ranges.Ranges()


@pytest.mark.parametrize(("reply", "log", "wanted"), [
    ("YokogawaWT210,1000,1,1,1,1,0,0,1,version=1.11.1-x,OS=Windows,mode=power,1,1,1,0,0,no_cal_date,YOKOGAWA;760401;0;F1.12",
     "", ("WT210", "", "1.11.1", 1)),
    ("YokogawaWT330_multichannel,1000,1,1,1,1,0,0,1,version=1.10.0-x,OS=Linux,mode=power,1,1,3,0,0,no_cal_date,"
     "YOKOGAWA;WT333;C2WL21005V;F1.04EM", "", ("WT333", "C2WL21005V", "1.10.0", 3)),
    ("YokogawaWT310E,version=1.9.2-x", LOG, ("WT210", "", "1.9.2", 1)),
    ("YokogawaWT310E,version=1.9.2-x", "", ("WT310E", "", "1.9.2", 1)),
    ("", "", ("", "", "", 1)),
])  # fmt: skip
def test_the_identity_of_a_meter(reply: str, log: str, wanted: tuple[str, str, str, int]) -> None:
    found = meters.identity_of({"ptd_messages": [{"cmd": "Identify", "reply": reply}]}, log)
    assert (found.model, found.serial, found.daemon, found.channels) == wanted
    assert found.emulates == ("EM" in reply)


def test_the_identity_of_a_meter_of_powerd() -> None:
    server = {"edgewatt": {"daemon": {}, "meter": {"model": "WT310E", "serial": "EDGEWATT-EMULATED"}}}
    assert meters.identity_of(server).serial == "EDGEWATT-EMULATED"
    assert meters.identity_of({"edgewatt": "x"}).model == ""


@pytest.mark.parametrize("phases", [None, {}, {"testing": 3}, {"testing": [[1], "x", [True, 2], [1e300, 0]]}])
def test_phases_of_another_form_tell_nothing(phases: Any) -> None:
    assert list(clock_evidence.steps({"phases": phases})) == []


@pytest.mark.parametrize("messages", [None, [3], [{"cmd": "time", "reply": "x", "cmd_time": 1, "reply_time": 2}],
                                      [{"cmd": "time", "reply": "1"}],
                                      [{"cmd": "time", "reply": "inf", "cmd_time": 1, "reply_time": 2}]])  # fmt: skip
def test_messages_of_another_form_tell_no_offset(messages: Any) -> None:
    assert clock_evidence.offsets({"messages": messages}) == []


def detail(tmp_path: Path, **values: Any) -> LoadgenLog:
    path = tmp_path / "mlperf_log_detail.txt"
    lines = [json.dumps({"key": k.replace("__", "."), "value": v, "metadata": {}}) for k, v in values.items()]
    path.write_text("".join(f":::MLLOG {line}\n" for line in lines))
    return LoadgenLog.read(path)


@pytest.mark.parametrize(("text", "values", "differ"), [
    ("QPS w/ loadgen overhead         : 18.01", {"result_qps_with_loadgen_overhead": 18.0079}, False),
    ("QPS w/ loadgen overhead         : 18.01", {"result_qps_with_loadgen_overhead": 18.0199}, True),
    ("Scenario : Single Stream", {"effective_scenario": "SingleStream"}, False),
    ("Mode     : PerformanceOnly", {"effective_test_mode": "PerformanceOnly"}, False),
    ("Mode     : Accuracy", {"effective_test_mode": "PerformanceOnly"}, True),
    ("qsl_rng_seed : 10688027786191513375", {"effective_qsl_rng_seed": 10688027786191513374}, True),
    ("Samples per second: 168720", {"result_samples_per_second": 168720}, False),
    ("Samples per second: 1.6872e+05", {"result_samples_per_second": 168720.4}, False),
    ("99.00 percentile latency (ns) : 1\n99.00 percentile latency (ns) : 2",
     {"result_99__00_percentile_latency_ns": 2}, False),
    ("Result is : INVALID", {"result_validity": "VALID"}, True),
    ("no colon\n: \nSamples per second: many", {"result_samples_per_second": 1.0}, True),
])  # fmt: skip
def test_summary_against_detail(tmp_path: Path, text: str, values: dict[str, Any], differ: bool) -> None:
    assert bool(list(disagreements(text, detail(tmp_path, **values)))) is differ


WORDS = st.one_of(
    st.sampled_from(
        ["", "0", "-1", "1.50", "1e5", "1e400", "NaN", "Infinity", "-Infinity", "null", "true", "[1]", "{}"]
    ),
    st.integers(-(10**45), 10**45).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.text(st.sampled_from('aé"\\\\n\\t 1'), max_size=4),
    st.integers(190, 210).map(lambda n: "x" * n),
)


@given(word=WORDS, quoted=st.booleans(), other=st.none() | WORDS)
def test_what_is_the_same_to_the_letter_is_the_same(word: str, quoted: bool, other: str | None) -> None:
    raw, text = json.dumps(word) if quoted else word, word if other is None else other
    try:
        json.loads(raw)
    except ValueError:
        return
    log = LoadgenLog(Path("log"), (LogEntry("sut_name", raw.encode(), 1, False, False, 0.0),))
    if summary_text._as_written([(1, text)], log, ["sut_name"]):
        value = summary_text._value(log, "sut_name")
        assert value is not None
        assert summary_text._same(text, value)


@pytest.mark.parametrize(("name", "families"), [
    ("resnet50_v1.onnx", {"resnet"}),
    ("https://example.org/tflite_ssd_mobilenet_v1_coco.tar.gz", {"ssd-small", "ssd-mobilenet"}),
    ("resnet34-ssd1200.onnx", {"ssd-large", "ssd-resnet34"}), ("bert_large_v1_1_fake_quant.onnx", {"bert"}),
    ("Original Huggingface model weights", set()), ("DistilBERT-base", {"distilbert"}),
])  # fmt: skip
def test_the_model_that_a_file_speaks_of(name: str, families: set[str]) -> None:
    assert families_in(name) == families


def test_the_family_of_every_benchmark_is_at_most_its_own() -> None:
    names = {b for r in known_rounds() for b in load_round(r).facts["benchmarks"]}
    assert family_of("bert-99.9") == {"bert"}
    assert family_of("llama3.1-8b-edge") == {"llama3.1-8b"}
    for name in names:
        found = families_in(name)
        assert not found or not family_of(name) or found & family_of(name), name


STRANGE: list[Any] = [
    None,
    3,
    True,
    [],
    {},
    "x",
    [[]],
    [{}],
    {"ranging": {}, "testing": [[1e308, -1e308], [0, 0]]},
    10**400,
]


KEYS = (
    "generated_query_count", "result_min_latency_ns", "result_max_latency_ns", "result_99.90_percentile_latency_ns",
    "sut_name", "loadgen_git_status_message", "loadgen_version",
)  # fmt: skip


@pytest.mark.parametrize("value", STRANGE, ids=lambda v: repr(v)[:20])
def test_no_rule_breaks_on_values_of_another_kind(value: Any, tmp_path: Path) -> None:
    tree = build(tmp_path)
    for side in ("server.json", "client.json"):
        for name in ("messages", "ptd_messages", "phases", "uuid", "session_name", "edgewatt"):
            tree.set_json(tree.power() / side, **{name: value})
    tree.system_json(hw_notes=value, power_supply_details=value)
    tree.set_json(
        tree.measurements() / "board_ort_singlestream.json",
        retraining=value, weight_data_types=value, weight_transformations=value, starting_weights_filename=value,
    )  # fmt: skip
    tree.set_log(tree.run(), **dict.fromkeys(KEYS, value))
    found = [
        f for f in check(tree.root).findings if f.rule == "internal/rule-crashed" and "quality/" in f.message
    ]
    assert [f.message for f in found] == []

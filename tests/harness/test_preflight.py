"""What preflight finds: planted machines as files, spoilt models and data, and the real daemon on an emulated meter."""

from __future__ import annotations

import json
import os
import re
import shutil
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from harness import daemon, estimate, preflight, preflight_text, run_times
from harness.checks import (
    battery,
    clock,
    dataset,
    disk,
    extras,
    governor,
    load,
    memory,
    model,
    port,
    power,
    run_length,
    scoring,
    swap,
    temperature,
    throttling,
)
from harness.checks.base import Line, Situation, Verdict
from harness.machine import Machine
from harness.model import Calibration, Fixture, LoadSettings, PowerRequest, Workload
from harness.plan import known
from harness.probe import Probe
from harness.registry import benchmark
from harness.scenarios import BY_NAME
from schemas import documents
from schemas.rounds import load_round

Program = Callable[..., tuple[int, str, str]]
Files = dict[str, str]
ROUND = load_round("v4.1")


def planted(root: Path, files: Files) -> Machine:
    """A machine that tells what ``files`` say, by path below sys, proc, dev and run."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content + "\n")
    return Machine(*(root / part for part in ("sys", "proc", "dev", "run")))


@pytest.fixture
def bare(tmp_path: Path) -> Situation:
    """A benchmark without model and data, on a machine that tells nothing."""
    round_, bench, official, scenarios = known("v4.1", "resnet50", None)
    machine = planted(tmp_path / "machine", {})
    return Situation(round_, bench, official, scenarios, machine=machine, output=tmp_path / "tree")


def with_files(situation: Situation, tmp_path: Path, files: Files) -> Situation:
    return replace(situation, machine=planted(tmp_path / "machine", files))


def with_work(situation: Situation, model_path: Path, data: Path, *names: str) -> Situation:
    scenarios = tuple(BY_NAME[n] for n in names or ("SingleStream",))
    work = Workload("resnet50", model_path, data, "onnxruntime", 1, 32)
    return replace(situation, workload=work, scenarios=scenarios)


def found(check: ModuleType, situation: Situation) -> list[Line]:
    """The lines of a check; whatever is not fine must say what was wanted and what to do."""
    lines = list(check.check(situation))
    for line in lines:
        assert line.found
        assert line.verdict is Verdict.OK or (line.wanted and line.cure), line
    return lines


def only(check: ModuleType, situation: Situation) -> Line:
    (line,) = found(check, situation)
    return line


def says(line: Line, verdict: str, *words: str) -> None:
    text = f"{line.found} | {line.wanted} | {line.cure}"
    assert (line.verdict.value, [w for w in words if w not in text]) == (verdict, []), text


SUPPLY = "sys/class/power_supply/BAT0/"


def test_battery(bare: Situation, tmp_path: Path) -> None:
    says(only(battery, bare), "ok", "none")
    state = {SUPPLY + "type": "Battery", SUPPLY + "status": "Discharging", SUPPLY + "capacity": "71"}
    feeding = with_files(bare, tmp_path, state)
    says(only(battery, feeding), "warn", "BAT0 is discharging at 71 %", "mains")
    measured = replace(feeding, power=PowerRequest("http://127.0.0.1:9", None, None, None))
    says(only(battery, measured), "fail", "connect the power supply")
    says(only(battery, with_files(bare, tmp_path, {SUPPLY + "status": "Full"})), "ok", "full")
    says(only(battery, with_files(bare, tmp_path, {SUPPLY + "scope": "Device"})), "ok", "none")


CPU = "sys/devices/system/cpu/"


def test_governor(bare: Situation, tmp_path: Path) -> None:
    says(only(governor, bare), "ok", "not told")
    files = {f"{CPU}cpu{n}/cpufreq/scaling_governor": "performance" for n in range(2)}
    says(only(governor, with_files(bare, tmp_path, files)), "ok", "performance")
    files[f"{CPU}cpu1/cpufreq/scaling_governor"] = "powersave"
    says(only(governor, with_files(bare, tmp_path, files)), "warn", "powersave (1)", "sudo tee")


def test_throttling(bare: Situation, tmp_path: Path) -> None:
    says(only(throttling, bare), "ok", "none")
    counts = {f"{CPU}cpu{n}/thermal_throttle/core_throttle_count": "0" for n in range(2)}
    says(only(throttling, with_files(bare, tmp_path, counts)), "ok", "no event")
    counts |= {f"{CPU}cpu{n}/thermal_throttle/package_throttle_count": "7" for n in range(2)}
    says(only(throttling, with_files(bare, tmp_path, counts)), "warn", "7 events since", "fan")


def test_throttling_of_a_board_a_limit_and_cooling(bare: Situation, tmp_path: Path) -> None:
    files = {
        "sys/devices/platform/soc/soc:firmware/get_throttled": "50005",
        f"{CPU}cpu0/cpufreq/scaling_max_freq": "1500000",
        f"{CPU}cpu0/cpufreq/cpuinfo_max_freq": "2400000",
        "sys/class/thermal/cooling_device0/type": "cpufreq-cpu0",
        "sys/class/thermal/cooling_device0/cur_state": "2",
        "sys/class/thermal/cooling_device1/type": "pwm-fan",
        "sys/class/thermal/cooling_device1/cur_state": "3",
    }
    board, limit, cooling = found(throttling, with_files(bare, tmp_path, files))
    says(board, "fail", "under-voltage now", "throttled now", "stronger power supply")
    says(limit, "warn", "cpu0 limited to 1500 MHz of 2400 MHz")
    says(cooling, "fail", "cpufreq-cpu0", "step 2", "cool down")


def test_throttling_during_the_measurement_spoils_a_run(
    bare: Situation, fixture: Fixture, tmp_path: Path
) -> None:
    name = f"{CPU}cpu0/thermal_throttle/core_throttle_count"
    situation = with_work(
        with_files(bare, tmp_path, {name: "3"}), fixture.model, fixture.dataset, "SingleStream"
    )
    path = tmp_path / "machine" / name
    timer = threading.Timer(0.5, lambda: path.write_text("5\n"))
    timer.start()
    try:
        says(only(throttling, situation), "fail", "2 events in the seconds of the measurement")
    finally:
        timer.join()


ZONE = "sys/class/thermal/thermal_zone0/"


@pytest.mark.parametrize(("temperature_c", "verdict"), [(45, "ok"), (78, "warn"), (86, "fail")])
def test_temperature_against_the_trip_point(
    bare: Situation, tmp_path: Path, temperature_c: int, verdict: str
) -> None:
    files = {
        ZONE + "type": "cpu-thermal",
        ZONE + "temp": str(1000 * temperature_c),
        ZONE + "trip_point_0_type": "active",
        ZONE + "trip_point_0_temp": "40000",
        ZONE + "trip_point_1_type": "passive",
        ZONE + "trip_point_1_temp": "85000",
        "sys/class/hwmon/hwmon0/name": "nvme",
        "sys/class/hwmon/hwmon0/temp1_input": "30000",
        "sys/class/hwmon/hwmon0/temp1_max": "80000",
        "sys/class/hwmon/hwmon0/temp2_input": "-128000",
    }
    says(
        only(temperature, with_files(bare, tmp_path, files)),
        verdict,
        f"cpu-thermal at {temperature_c} °C, its limit is 85",
    )


def test_nothing_told_of_temperature(bare: Situation) -> None:
    says(only(temperature, bare), "ok", "not told")


def test_swap_and_memory(bare: Situation, tmp_path: Path) -> None:
    info = "MemTotal: 4000000 kB\nMemAvailable: {0} kB\nSwapTotal: 2000000 kB\nSwapFree: {1} kB"
    tight = with_files(bare, tmp_path, {"proc/meminfo": info.format(500_000, 1_000_000)})
    says(only(swap, tight), "warn", "977 MiB in use", "swapoff")
    says(only(memory, tight), "fail", "0.5 GiB available", "1.0 GiB")
    roomy = with_files(bare, tmp_path, {"proc/meminfo": info.format(3_000_000, 2_000_000)})
    says(only(swap, roomy), "ok")
    says(only(memory, roomy), "ok", "2.9 GiB")


def test_the_limit_of_the_control_group_counts(bare: Situation, tmp_path: Path) -> None:
    files = {
        "proc/meminfo": "MemAvailable: 8000000 kB",
        "proc/self/cgroup": "0::/box/run",
        "sys/fs/cgroup/box/memory.max": str(2 << 30),
        "sys/fs/cgroup/box/memory.current": str(3 << 29),
    }
    says(only(memory, with_files(bare, tmp_path, files)), "fail", "0.5 GiB available")


def test_memory_of_prepared_queries(bare: Situation, fixture: Fixture, tmp_path: Path) -> None:
    """LoadGen prepares 1.2 billion queries for an expected latency of a microsecond."""
    files = {"proc/meminfo": "MemAvailable: 8000000 kB"}
    situation = with_work(with_files(bare, tmp_path, files), fixture.model, fixture.dataset)
    says(only(memory, situation), "ok", "for the model and the samples")
    wrong = replace(situation, settings=LoadSettings(target_latency_ms=0.001))
    says(only(memory, wrong), "fail", "prepared queries", "--target-latency-ms")


def test_clock(bare: Situation, tmp_path: Path) -> None:
    says(only(clock, bare), "warn", "does not tell")
    mark = {"run/systemd/timesync/synchronized": ""}
    says(only(clock, with_files(bare, tmp_path, mark)), "ok", "synchronised")
    (tmp_path / "machine/run/systemd/timesync/synchronized").unlink()
    says(only(clock, bare), "warn", "not synchronised", "chrony")


def test_clock_of_this_machine_is_read() -> None:
    """The kernel answers here: either that somebody keeps the clock, with a bound, or that nobody does."""
    synchronised, error_s = clock.state(Machine())
    assert synchronised is not None
    assert (error_s is not None) == synchronised


def test_other_load_names_the_process(bare: Situation) -> None:
    spinners = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 1)
    ]
    try:
        time.sleep(0.3)
        line = only(load, bare)
        busy, users = load.watch(1.0)
    finally:
        for spinner in spinners:
            spinner.kill()
            spinner.wait()
    says(line, "fail", "processors in use, most by ", "end it or wait")
    # Other programs may compute too; ours get their part, and are named with it.
    ours = [u for u in users if u.pid in {s.pid for s in spinners}]
    assert ours
    assert all(u.name.startswith("python") and u.processors > 0.05 for u in ours)
    assert busy > 0.9 * sum(u.processors for u in ours)


def test_load_of_processes_that_cannot_be_seen_is_not_blamed_on_those_that_can() -> None:
    small = load.User(7, "sh", 0.02)
    assert "cannot be seen" in load._heaviest(1.2, [small])
    assert load._heaviest(0.1, [small]) == "sh (process 7, 0.02)"
    assert load._heaviest(1.0, [load.User(8, "stress", 0.9), small]) == "stress (process 8, 0.90)"


def test_disk(bare: Situation, tmp_path: Path) -> None:
    says(only(disk, bare), "ok", "GB free")
    says(only(disk, replace(bare, free_bytes=1_000_000)), "fail", "1.0 MB free", "free some")
    (tmp_path / "file").write_text("")
    says(only(disk, replace(bare, output=tmp_path / "file")), "fail", "is a file", "--output")


def test_disk_grows_with_the_set(bare: Situation) -> None:
    """50 000 answers of four bytes in three accuracy logs, and nine compliance runs."""
    assert 30e6 < disk.bytes_needed(bare) < 300e6


def test_packages(bare: Situation) -> None:
    says(only(extras, bare), "ok", "LoadGen 4.1.30, as the round has it")
    other = replace(
        ROUND, name="v9.9", facts={**ROUND.facts, "loadgen": {**ROUND.facts["loadgen"], "version": "9.9.9"}}
    )
    says(only(extras, replace(bare, round=other)), "fail", "4.1.30", "9.9.9", "mlharness fetch")


@pytest.fixture
def data(fixture: Fixture, tmp_path: Path) -> Path:
    """A copy of the fixture's data set, to be spoilt."""
    copy = tmp_path / "data"
    shutil.copytree(fixture.dataset, copy)
    return copy


def test_whole_fixture(bare: Situation, fixture: Fixture) -> None:
    situation = replace(with_work(bare, fixture.model, fixture.dataset), fixture=fixture)
    opened, number = found(dataset, situation)
    says(opened, "ok", "all 32 files open")
    says(number, "warn", "32 synthetic samples", "rehearsal")


def test_a_part_of_the_set(bare: Situation, fixture: Fixture) -> None:
    number = found(dataset, with_work(bare, fixture.model, fixture.dataset))[-1]
    says(number, "fail", "32 samples, less than the 1024", "50000 samples")


def test_missing_image(bare: Situation, fixture: Fixture, data: Path) -> None:
    (data / "ILSVRC2012_val_00000005.JPEG").unlink()
    says(
        only(dataset, with_work(bare, fixture.model, data)),
        "fail",
        "1 of the 32 images",
        "ILSVRC2012_val_00000005.JPEG",
        "copy them there",
    )


def test_empty_image(bare: Situation, fixture: Fixture, data: Path) -> None:
    (data / "ILSVRC2012_val_00000005.JPEG").write_bytes(b"")
    says(found(dataset, with_work(bare, fixture.model, data))[0], "fail", "00000005.JPEG is empty", "again")


def test_no_data_set(bare: Situation, fixture: Fixture, tmp_path: Path) -> None:
    says(only(dataset, bare), "warn", "--dataset")
    says(only(dataset, with_work(bare, fixture.model, tmp_path / "nowhere")), "fail", "val_map.txt")


def test_image_that_is_no_image_shows_when_it_is_decoded(
    bare: Situation, fixture: Fixture, data: Path
) -> None:
    for path in data.glob("*.JPEG"):
        path.write_bytes(b"not an image")
    says(only(model, with_work(bare, fixture.model, data)), "fail", "cannot be decoded", "copy the image")


def test_model_that_fits(bare: Situation, fixture: Fixture) -> None:
    situation = with_work(bare, fixture.model, fixture.dataset, "SingleStream", "Offline")
    says(only(model, situation), "ok", "those of the benchmark", "onnxruntime")
    assert situation.probe is not None
    assert set(situation.probe.measured) == {1, 32}
    assert situation.probe.sample_bytes == 3 * 224 * 224 * 4


def test_a_large_model_is_not_waited_for(bare: Situation, fixture: Fixture) -> None:
    """24 GB take longer to open than this look may last; that is no fault of the model."""
    situation = with_work(bare, fixture.model, fixture.dataset)
    slow = replace(situation, benchmark=benchmark("gptj"))
    slow.__dict__["broken"] = None
    slow.__dict__["probe"] = Probe(fault="nothing was completed for 18 s", late=True)
    says(only(model, slow), "warn", "not opened within the 18 s", "--rehearsal 60")
    situation.__dict__["probe"] = Probe(fault="nothing was completed for 18 s", late=True)
    says(only(model, situation), "fail", "nothing was completed")


def test_weights_that_do_not_fit_are_not_opened(bare: Situation, fixture: Fixture, tmp_path: Path) -> None:
    """Known from the headers in a moment; opening them would push everything else out of the memory."""
    checkpoint = tmp_path / "checkpoint"
    checkpoint.mkdir()
    for name in ("config.json", "tokenizer.json"):
        (checkpoint / name).write_text("{}")
    header = json.dumps(
        {"w": {"dtype": "F16", "shape": [6_000_000_000], "data_offsets": [0, 12_000_000_000]}}
    ).encode()
    with (checkpoint / "model.safetensors").open("wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        file.truncate(8 + len(header) + 12_000_000_000)  # nothing of it is on the disk
    small = with_files(bare, tmp_path, {"proc/meminfo": "MemAvailable: 8388608 kB\n"})
    work = Workload("gptj", checkpoint, fixture.dataset, "pytorch", 1, 1, "fp32")
    situation = replace(small, benchmark=benchmark("gptj"), workload=work)
    says(
        only(model, situation),
        "warn",
        "not opened, its weights take 22.4 GiB",
        "6 billion weights (F16, 12 GB)",
    )
    says(only(memory, situation), "fail", "8.0 GiB available", "22.4 GiB for the weights alone")
    far = replace(situation, workload=replace(work, backend="remote_text", precision=None))
    assert far.weights_bytes is None, "they are in the memory of a server"


def test_scoring_is_looked_at_with_the_model(bare: Situation, fixture: Fixture, tmp_path: Path) -> None:
    boxes = benchmark("ssd-mobilenet").make_fixture(tmp_path / "boxes", width="small", seed=3, samples=4)
    work = Workload("ssd-mobilenet", boxes.model, boxes.dataset, "onnxruntime", 1, 4)
    situation = replace(bare, benchmark=benchmark("ssd-mobilenet"), workload=work)
    says(only(scoring, situation), "ok", "gives a score")
    assert situation.probe is not None
    assert situation.probe.scoring_tried
    place = boxes.dataset / "annotations/instances_val2017.json"
    document = json.loads(place.read_text())
    place.write_text(
        json.dumps({**document, "annotations": [{**a, "area": None} for a in document["annotations"]]})
    )
    for broken_model in (boxes.model, tmp_path / "none.onnx"):  # by the way, and in a child of its own
        again = replace(situation, workload=replace(work, model=broken_model))
        says(only(scoring, again), "fail", "cannot be scored with")
    late = replace(situation)
    late.__dict__["probe"] = Probe(late=True)
    says(only(scoring, late), "warn", "the model took too long", "before it begins")
    assert found(scoring, with_work(bare, fixture.model, fixture.dataset)) == [], "its data set says all"


def test_truncated_model(bare: Situation, fixture: Fixture, tmp_path: Path) -> None:
    broken = tmp_path / "broken.onnx"
    content = fixture.model.read_bytes()
    broken.write_bytes(content[: len(content) // 2])
    situation = with_work(bare, broken, fixture.dataset)
    says(only(model, situation), "fail", "broken.onnx cannot be opened by ONNX Runtime", "give an ONNX file")
    says(only(run_length, situation), "warn", "nothing was measured", "put right")
    assert run_times.runs(situation) == ()


def test_no_model_file(bare: Situation, fixture: Fixture, tmp_path: Path) -> None:
    says(only(model, bare), "warn", "--model")
    says(
        only(model, with_work(bare, tmp_path / "none.onnx", fixture.dataset)),
        "fail",
        "there is no model file",
        "--model",
    )


def reshaped(fixture: Fixture, path: Path, change: Callable[[object], None]) -> Path:
    import onnx

    graph = onnx.load(fixture.model)
    change(graph.graph)
    onnx.save(graph, path)
    return path


def test_wrong_input_shape(bare: Situation, fixture: Fixture, tmp_path: Path) -> None:
    def larger(graph: object) -> None:
        for dim in graph.input[0].type.tensor_type.shape.dim[2:]:  # type: ignore[attr-defined]
            dim.dim_value = 256
        del graph.value_info[:]  # type: ignore[attr-defined]

    path = reshaped(fixture, tmp_path / "large.onnx", larger)
    first = found(model, with_work(bare, path, fixture.dataset))[0]
    says(first, "fail", "input_tensor:0 float32 [N,3,256,256]", "input_tensor:0 float32 [N,3,224,224]")


def test_fixed_batch_shows_in_the_scenarios_that_need_a_larger_one(
    bare: Situation, fixture: Fixture, tmp_path: Path
) -> None:
    def one(graph: object) -> None:
        graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1  # type: ignore[attr-defined]

    path = reshaped(fixture, tmp_path / "one.onnx", one)
    says(only(model, with_work(bare, path, fixture.dataset, "SingleStream")), "ok")
    says(only(model, with_work(bare, path, fixture.dataset, "MultiStream")), "fail", "could not be run")


def test_differences_of_type_and_name(bare: Situation) -> None:
    wanted = bare.benchmark.tensors  # type: ignore[attr-defined]
    image, answer = wanted
    other = (replace(image, dtype="float16"), replace(answer, name="softmax_tensor:0"))
    first, second = model.differences(wanted, other)
    assert "float16" in first[0]
    assert second == ("the outputs are softmax_tensor:0", "an output ArgMax:0 int64 [N]")
    assert list(model.differences(wanted, (*wanted, replace(answer, name="more")))) == []


def expected(scenario: str, settings: LoadSettings, p50_ms: float, rate: float) -> estimate.Performance:
    measured = Calibration(p50_ms, rate, 100, p50_ms, rate, ((1, p50_ms),))
    one = estimate.performance(ROUND, "resnet", BY_NAME[scenario], settings, measured)
    assert one is not None
    return one


def test_lengths_of_performance_runs() -> None:
    """600 s with enough queries; a slow MultiStream has to wait for its 662nd, Offline for its 24 576th sample."""
    plain = LoadSettings()
    assert expected("SingleStream", plain, 10.0, 100.0).seconds == pytest.approx(600, rel=0.01)
    assert expected("SingleStream", plain, 10_000.0, 0.1).seconds == pytest.approx(1000)
    assert expected("MultiStream", plain, 2_000.0, 4.0).seconds == pytest.approx(1324)
    assert expected("Offline", plain, 1.0, 10.0).seconds == pytest.approx(2457.6)
    assert expected("Offline", plain, 1.0, 1000.0).seconds == pytest.approx(726, rel=0.01)


def test_expectations_that_end_a_run_early() -> None:
    late = expected("SingleStream", LoadSettings(target_latency_ms=50.0), 10.0, 100.0)
    assert late.seconds == pytest.approx(240)
    assert "ends after 240 s" in late.fault
    assert "--target-latency-ms 8," in late.cure
    slow = expected("Offline", LoadSettings(target_qps=50.0), 1.0, 100.0)
    assert "--target-qps 110," in slow.cure
    assert expected("SingleStream", LoadSettings(target_latency_ms=9.0), 10.0, 100.0).fault == ""
    eager = expected("Offline", LoadSettings(target_qps=1000.0), 1.0, 100.0)
    assert eager.fault == ""
    assert eager.is_long


def test_run_length_judges_what_the_user_expects(bare: Situation, fixture: Fixture) -> None:
    situation = with_work(bare, fixture.model, fixture.dataset)
    says(only(run_length, situation), "ok", "SingleStream", "600 s and 100 queries")
    wrong = replace(situation, settings=LoadSettings(target_latency_ms=5000.0))
    says(only(run_length, wrong), "fail", "ends after", "give --target-latency-ms")
    names = [run.name for run in run_times.runs(situation)]
    assert names == ["performance", "accuracy", "TEST01", "TEST04", "TEST05"]


def test_with_a_configured_rate_alone(bare: Situation) -> None:
    lines = found(
        run_length,
        replace(bare, scenarios=(BY_NAME["Offline"],), settings=LoadSettings(target_qps=100.0)),
    )
    says(lines[0], "ok", "100 samples/s expected", "66000 samples in 11 min")


def test_ranging_doubles_the_performance_run() -> None:
    one = expected("Offline", LoadSettings(), 1.0, 1000.0)
    runs = estimate.runs(ROUND, "resnet", one, rate=1000.0, samples=50_000, load_s=0.01, with_power=True)
    assert [r.name for r in runs] == ["ranging", "performance", "accuracy", "TEST01", "TEST04", "TEST05"]
    assert runs[2].seconds == pytest.approx(555, abs=1)
    assert runs[0].seconds == pytest.approx(726 + 10.24 + 5, rel=0.01)


def test_server_is_held_against_the_latency_limit() -> None:
    """15 ms for 99 % of the queries; a call of 1 ms leaves much room, one of 20 ms none at all."""
    fine = expected("Server", LoadSettings(), 1.0, 1000.0)
    assert (fine.fault, fine.seconds) == ("", pytest.approx(600, rel=0.01))
    eager = expected("Server", LoadSettings(target_qps=990.0), 1.0, 1000.0)
    assert "more than the" in eager.fault
    assert "give --target-qps" in eager.cure
    slow = expected("Server", LoadSettings(), 20.0, 50.0)
    assert "Server allows 15 ms" in slow.fault
    assert "faster runtime" in slow.cure
    assert expected("Server", LoadSettings(target_latency_ms=200.0), 20.0, 50.0).fault == ""


def test_scenarios_of_a_datacenter(bare: Situation, fixture: Fixture) -> None:
    scenarios = known("v4.1", "resnet50", None, "datacenter")[3]
    assert [s.name for s in scenarios] == ["Server", "Offline"]
    situation = with_work(bare, fixture.model, fixture.dataset, "Server")
    assert situation.probe is not None
    assert set(situation.probe.measured) == {1, 2, 4, 8}
    (line,) = found(run_length, replace(situation, settings=LoadSettings(target_latency_ms=2000.0)))
    says(line, "ok", "Server", "queries/s offered")


def test_a_run_that_would_end_early_is_counted_with_its_due_length() -> None:
    one = expected("Offline", LoadSettings(target_qps=100.0), 1.0, 1000.0)
    assert one.seconds < 100
    runs = estimate.runs(ROUND, "resnet", one, rate=1000.0, samples=64, load_s=0.0, with_power=False)
    assert runs[0].seconds == pytest.approx(605)


def test_port(bare: Situation, tmp_path: Path) -> None:
    def spawn(name: str) -> Situation:
        return replace(bare, power=PowerRequest(None, "yokogawa-wt300", name, None))

    assert found(port, bare) == []
    assert found(port, spawn("tcp:10.0.0.1:23")) == []
    says(only(port, spawn(f"{tmp_path}/ttyNone")), "fail", "ttyNone", "connect the meter")
    path = tmp_path / "ttyUSB0"
    path.write_text("")
    says(only(port, spawn(str(path))), "ok", "nobody is seen to hold it")
    holder = tmp_path / "machine/proc/4711"
    (holder / "fd").mkdir(parents=True)
    (holder / "comm").write_text("minicom\n")
    (holder / "fd/3").symlink_to(path)
    says(only(port, spawn(str(path))), "warn", "minicom (process 4711)", "end it")
    (holder / "fd/4").symlink_to("/dev/ptmx")
    says(only(port, spawn(str(path))), "ok")
    planted(tmp_path / "machine", {"run/lock/LCK..ttyUSB0": "4712"})
    says(only(port, spawn(str(path))), "warn", "LCK..ttyUSB0", "4712")


def test_the_file_of_a_port() -> None:
    assert port.device("usbtmc:/dev/usbtmc0") == Path("/dev/usbtmc0")
    assert port.device("gpib:4@/dev/ttyUSB1") == Path("/dev/ttyUSB1")
    assert port.device("replay:talk.txt") == Path("talk.txt")


def test_no_daemon(bare: Situation) -> None:
    absent = replace(bare, power=PowerRequest("http://127.0.0.1:9", None, None, None))
    says(only(power, absent), "fail", "no powerd answers at http://127.0.0.1:9", "powerd run")
    says(only(power, bare), "ok", "not asked for")


def test_unknown_driver(bare: Situation, tmp_path: Path) -> None:
    (tmp_path / "tty").write_text("")
    spawn = PowerRequest(None, "yokogawa-wt3000", str(tmp_path / "tty"), None)
    says(only(power, replace(bare, power=spawn)), "fail", "yokogawa-wt3000")


@pytest.fixture(scope="module")
def meter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The port of an emulated meter that sees 50 W."""
    process, name = daemon.emulator("yokogawa-wt300", "constant:50", tmp_path_factory.mktemp("meter"))
    with process:
        yield name


def measures_50_watts(line: Line) -> None:
    """The expected uncertainty is printed, and the emulated meter, which errs within its specification, keeps it."""
    match = re.match(r"± ([\d.]+) % of ([\d.]+) W expected", line.found)
    assert match is not None, line.found
    percent, watts = map(float, match.groups())
    # One in twenty lies beyond u95, none beyond the plain sum of the limits, which is less than twice u95.
    assert abs(watts - 50.0) <= 2 * percent / 100 * watts


def test_meter_on_a_port(bare: Situation, meter: str) -> None:
    situation = replace(bare, power=PowerRequest(None, "yokogawa-wt300", meter, None))
    says(only(port, situation), "ok", meter)
    lines = {line.subject: line for line in found(power, situation)}
    says(lines["power, meter: meter"], "warn", "is simulated", "a real meter")
    measures_50_watts(lines["power, meter: uncertainty"])


def test_running_daemon_tells_state_clock_and_uncertainty(
    bare: Situation, meter: str, tmp_path: Path
) -> None:
    process, url = daemon.powerd("yokogawa-wt300", meter, tmp_path / "powerd", name="wall")
    with process:
        time.sleep(2.5)
        situation = replace(bare, power=PowerRequest(url, None, None, None))
        lines = {line.subject: line for line in found(power, situation) if line.subject != "power"}
        # While a meter looks for its range it may give a sample or two that are not good.
        assert re.match(
            r"connected, \d+ samples so far, none bad|\d of \d+ samples so far were bad",
            lines["power, wall"].found,
        )
        measures_50_watts(lines["power, wall: uncertainty"])
        assert "V, " in lines["power, wall: range"].found
        texts = [line.found for line in found(power, situation) if line.subject == "power"]
        assert any("the daemon's clock is" in text for text in texts)
        other = replace(situation, power=PowerRequest(url, None, None, "lamp"))
        says(only(power, other), "fail", "no meter 'lamp'", "wall")


class Broken:
    """A check that breaks after its first line."""

    __name__ = "harness.checks.broken"
    SUBJECT = "broken"

    def check(self, situation: Situation) -> Iterator[Line]:
        yield Line("broken", Verdict.OK, "one half")
        raise ZeroDivisionError(f"in {situation.official}")


class Hanging(Broken):
    """A check that does not end."""

    def check(self, situation: Situation) -> Iterator[Line]:
        threading.Event().wait(60)
        yield Line("broken", Verdict.OK, "never")


def test_a_check_that_breaks_or_hangs_is_a_line(bare: Situation) -> None:
    first, second = preflight.one(Broken(), bare, 5.0)  # type: ignore[arg-type]
    assert first.verdict is Verdict.OK
    says(second, "warn", "the check itself broke: ZeroDivisionError: in resnet")
    (line,) = preflight.one(Hanging(), bare, 0.2)  # type: ignore[arg-type]
    says(line, "fail", "no answer within")
    (line,) = preflight.one(Broken(), bare, 0.0)  # type: ignore[arg-type]
    says(line, "warn", "not looked at")


def test_the_whole_look_writes_nothing_and_is_a_document(
    program: Program, fixture: Fixture, tmp_path: Path
) -> None:
    before = sorted(fixture.path.rglob("*"))
    code, out, err = program(
        *("preflight", "resnet50", "--fixture", fixture.path, "--scenario", "SingleStream", "--json"),
        *("--output", tmp_path / "tree"),
    )
    document = json.loads(out)
    assert list(documents.violations("preflight", document)) == []
    assert err == ""
    assert code == (1 if document["verdict"] == "fail" else 0)
    assert document["seconds"] < 30
    assert document["estimate"]["total_hours"] > 4 * 600 / 3600
    subjects = {line["subject"] for line in document["lines"]}
    assert {
        "model",
        "data set",
        "disk",
        "run length",
        "clock",
        "memory",
        "other load",
        "packages",
    } <= subjects
    assert sorted(fixture.path.rglob("*")) == before
    assert list(tmp_path.iterdir()) == []


def test_for_people(program: Program, fixture: Fixture, tmp_path: Path) -> None:
    code, out, _ = program(
        *("preflight", "resnet50", "--fixture", fixture.path, "--scenario", "singlestream"),
        *("--output", tmp_path / "tree", "--power", "http://127.0.0.1:9"),
    )
    assert code == 1
    lines = out.splitlines()
    (place,) = (n for n, line in enumerate(lines) if line.startswith("fail  power: "))
    assert lines[place + 1].startswith("      wanted: ")
    assert lines[place + 2].startswith("      do: ")
    assert "all runs together:" in out
    assert lines[-1].strip().startswith("a run would be spoilt")
    assert "\x1b" not in out


def test_verdict_is_the_worst_and_control_characters_are_spelled_out(bare: Situation) -> None:
    lines = (Line("a", Verdict.OK, "x"), Line("b", Verdict.WARN, "y", "z", "w"))
    assert preflight.Outlook(bare, lines, (), 0.1).verdict is Verdict.WARN
    assert preflight.Outlook(bare, lines[:1], (), 0.1).verdict is Verdict.OK
    assert preflight_text.safe("a\x1b[2Jb") == "a\\x1b[2Jb"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("resnet5",), "did you mean resnet50?"),
        (("resnet50", "--scenario", "SingelStream"), "did you mean SingleStream?"),
        (("resnet50", "--round", "v0.0"), "known rounds"),
        (("resnet50", "--model", "x.onnx"), "--dataset"),
        (("resnet50", "--backend", "onnx"), "did you mean onnxruntime?"),
        (("resnet50", "--target-latency-ms", "5"), "SingleStream, MultiStream"),
        (("resnet50", "--batch", "0"), "1 or more"),
        (("resnet50", "--scenario", "SingleStream", "--batch", "4"), "leave it out"),
        (("resnet50", "--system-type", "edgy"), "did you mean edge?"),
        (("resnet50", "--target-qps", "0"), "greater than 0"),
        (("resnet50", "--fixture", "/nowhere"), "make-fixture"),
        (("resnet50", "--power", "here"), "spawn:DRIVER:PORT"),
    ],
)
def test_wrong_usage(program: Program, words: tuple[str, ...], said: str) -> None:
    code, out, err = program("preflight", *words)
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1

"""What the examples of ``mlcheck explain`` do to a tree, where it takes more than a field, a line or a path."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from schemas.units import NS_PER_S, UnixNs, format_log_time
from tests.checker import test_rules_power as power
from tests.checker import trees, trees_old
from tests.checker.example_edits import (
    Apply,
    fields,
    logged,
    measurements_json,
    moved,
    spelled_here,
    system_json,
)
from tests.checker.trees import BENCHMARK, SYSTEM, TreeUnderTest, spl_text
from tests.checker.trees_old import OldTree


def accuracy(t: TreeUnderTest) -> Path:
    """The directory of the accuracy run."""
    return t.result("offline") / "accuracy"


def accuracy_text(t: TreeUnderTest) -> Path:
    """The verdict of the accuracy script."""
    return accuracy(t) / "accuracy.txt"


def run(t: TreeUnderTest) -> Path:
    """The performance run of Offline."""
    return t.run("offline")


def code(t: TreeUnderTest) -> Path:
    """The source of the submitter."""
    return next(p for p in (t.base / "code", t.base / "src") if p.is_dir())


def base(t: TreeUnderTest) -> Path:
    """The submitter."""
    return t.base


def root(t: TreeUnderTest) -> Path:
    """The tree."""
    return t.root


def of_test(name: str, file: str) -> Callable[[TreeUnderTest], Path]:
    """A file of a compliance test."""
    return lambda t: t.compliance(name, "offline") / file


def verdict_of_test(text_of: Callable[[TreeUnderTest], Path]) -> Apply:
    """``name: TEXT`` in a verdict of a test."""

    def apply(t: TreeUnderTest, text: str) -> None:
        text_of(t).write_text(text.partition(": ")[2] + "\n")

    return apply


def first_test(t: TreeUnderTest, text: str) -> None:
    """``TEST01: key: value``."""
    key, _, value = text.removeprefix("TEST01: ").partition(": ")
    trees_log(t, t.compliance("TEST01", "offline") / "performance" / "run_1", key, int(value.split(" ")[0]))


def trees_log(t: TreeUnderTest, folder: Path, key: str, value: Any) -> None:
    """One value of a detail log."""
    t.set_log(folder, **{key: value})


def other_log(t: TreeUnderTest, text: str) -> None:
    """``an X log under y``."""
    match = re.match(r"an? (\w+) log under (\w+)", text)
    assert match, text
    logged_as, scenario = match.groups()
    values: dict[str, Any]
    if isinstance(t, OldTree):
        trees_old.write_run(t, t.run(scenario), trees_old.run_values(t, logged_as))
        return
    values = trees.log_values(logged_as, t.round.official_name(t.benchmark), round_=t.round)
    trees.write_log(t.run(scenario), values)


def interactive(t: TreeUnderTest, text: str) -> None:
    """A run for the directory of Interactive, or of Server where the round bounds that alone."""
    logged("interactive" if t.result("interactive").is_dir() else "server")(t, text)


def percentile(t: TreeUnderTest, text: str) -> None:
    """A latency of the old MultiStream, or of Server where the round has no MultiStream."""
    number = int(re.findall(r": (\d+)", text)[0])
    scenario = "multistream" if t.result("multistream").is_dir() else "server"
    assert isinstance(t, OldTree)
    if t.in_summary:
        t.set_summary(t.run(scenario), "99.00 percentile latency (ns)", str(number))
        return
    keys = ("result_99__00_percentile_latency_ns", "result_99__00_percentile_per_query_latency_ns")
    t.set_log(t.run(scenario), **dict.fromkeys(keys, number))


def conf(t: TreeUnderTest, text: str) -> None:
    """The mode in the settings of 3D-UNet."""
    path = t.measurements("offline") / "mlperf.conf"
    path.write_text("# settings\n" + ("" if text.startswith("no ") else text + "\n"))


def hidden_field(t: TreeUnderTest, text: str) -> None:
    """A field of the system description that the round knows or not."""
    known = t.round.facts["system_fields"]
    if '"cooling"' not in text or "cooling" in known["required"]:
        fields(system_json)(t, text)


def renamed_measurements(t: TreeUnderTest, text: str) -> None:
    """The JSON file of the measurements under the name that the example gives it."""
    measurements_json(t).rename(t.measurements("offline") / spelled_here(t, text))


def no_power_docs(t: TreeUnderTest, text: str) -> None:
    """The two descriptions of the power set-up."""
    if text.startswith("no "):
        for path in t.base.rglob(Path(text.removeprefix("no ")).name):
            path.unlink()


def no_source(t: TreeUnderTest, text: str) -> None:
    """The source of the benchmark; of the submitter from v6.0 on."""
    if text.startswith("no "):
        wanted = code(t) if code(t).name == "src" else code(t) / t.benchmark
        shutil.rmtree(wanted)


def as_benchmark(t: TreeUnderTest, text: str) -> None:
    """Everything of the benchmark under the name that the example gives it."""
    name = text.split(" ", maxsplit=1)[0]
    for part in ("results", "measurements", "compliance", "code", "src"):
        folder = t.base / part / ("" if part in ("code", "src") else SYSTEM) / t.benchmark
        if folder.is_dir() and name != BENCHMARK:
            folder.rename(folder.with_name(name))


def as_scenario(t: TreeUnderTest, text: str) -> None:
    """Offline under another name."""
    for folder in (t.result("offline"), t.measurements("offline"), t.compliance("", "offline")):
        if text != "singlestream" and folder.is_dir():
            folder.rename(folder.parent / text)


def calibrated(t: TreeUnderTest, text: str) -> None:
    """The description of the calibration under the name that the example gives it."""
    found = next(
        p for p in (t.base / "calibration.md", t.base / "documentation/calibration.md") if p.is_file()
    )
    moved(lambda _: found, root)(t, text)


def scenarios_there(t: TreeUnderTest, text: str) -> None:
    """``resnet50 on an edge system without x``."""
    _, _, gone = text.partition(" without ")
    if gone:
        shutil.rmtree(t.result(gone))


def alone(t: TreeUnderTest, text: str) -> None:
    """``benchmark: Offline alone``."""
    if text.endswith("alone"):
        for path in t.result("offline").parent.iterdir():
            if path.name != "offline":
                shutil.rmtree(path)


def linked(t: TreeUnderTest, text: str) -> None:
    """A link, or a file."""
    if "link" in text:
        (code(t) / "link.md").symlink_to("nowhere.md")
    else:
        (code(t) / "link.md").write_text("x\n")


def hollow(t: TreeUnderTest, text: str) -> None:
    """A directory with something or without."""
    (code(t) / "later").mkdir()
    if "with a file" in text:
        (code(t) / "later" / "notes.md").write_text("x\n")


def description_renamed(t: TreeUnderTest, text: str) -> None:
    """Without a description."""
    if text.endswith("alone"):
        system_json(t).rename(system_json(t).with_name("another.json"))


def second_description(t: TreeUnderTest, text: str) -> None:
    """``systems/x.json without results/x/``."""
    if " without " in text:
        shutil.copy(system_json(t), t.base / text.split(" ", maxsplit=1)[0])


def mapping(t: TreeUnderTest, text: str) -> None:
    """A model mapping of the open division, for the benchmark of the tree."""
    (t.base / "model_mapping.json").write_text(text)


def submitter_with(t: TreeUnderTest, text: str) -> None:
    """A submitter beside that of the tree."""
    if text.endswith("without results/"):
        (t.root / t.division / "Another").mkdir()
        (t.root / t.division / "Another" / "README.md").write_text("x\n")


def runs_there(t: TreeUnderTest, text: str) -> None:
    """``run_1 alone``."""
    if text.endswith("alone"):
        for number in range(2, 6):
            shutil.rmtree(t.run("Server", f"run_{number}"))


def renamed_run(t: TreeUnderTest, text: str) -> None:
    """``performance/run_2/``."""
    moved(run, lambda tree: tree.result("offline"))(t, text)


def cut_log(t: TreeUnderTest) -> None:
    """A detail log that ends in the middle of a line."""
    path = t.run("offline") / "mlperf_log_detail.txt"
    text = path.read_text()
    path.write_text(text[: len(text) // 2].rpartition("\n")[0] + '\n:::MLLOG {"key": "resu')
    if isinstance(t, OldTree) and t.in_summary:
        path.unlink()
        path.symlink_to("gone.txt")


def first_line(t: TreeUnderTest) -> None:
    """A line of another program before LoadGen's."""
    path = t.run("offline") / "mlperf_log_detail.txt"
    path.write_text("warming up\n" + path.read_text())


def in_division(t: TreeUnderTest, text: str) -> None:
    """``"key": value under division/``."""
    division = text.rpartition(" under ")[2].rstrip("/")
    if division != t.division:
        t.move_to(division)
    fields(system_json)(t, text)


def no_supplies(t: TreeUnderTest) -> None:
    """A description of the power supplies without anything in it."""
    (t.base / "systems" / f"{SYSTEM}_power.yaml").write_text("")


def less_power(t: TreeUnderTest, text: str) -> None:
    """``testing X % below ranging``."""
    match = re.search(r"([\d.]+) % below", text)
    assert match, text
    (t.run() / "spl.txt").write_text(spl_text("testing", 12.5 * (1 - float(match[1]) / 100)))


def shorter(t: TreeUnderTest) -> None:
    """Testing shorter than half of ranging."""
    power.short_testing(t)
    if isinstance(t, OldTree):
        end = trees.run_begin("testing") + 9 * NS_PER_S
        behind = trees_old.LOCAL_LOGS.get(t.round.name, 0)
        t.set_log(t.run(), power_end=format_log_time(UnixNs(end - behind * NS_PER_S)))


def hour_off(t: TreeUnderTest) -> None:
    """Samples of another hour."""
    path = t.run() / "spl.txt"
    path.write_text(trees_old.moved(path.read_text(), 3600 * 5))


def apart(t: TreeUnderTest) -> None:
    """Phase starts two seconds apart."""
    path = t.power() / "server.json"
    document = json.loads(path.read_text())
    document["phases"]["testing"][0][0] += 2.0
    path.write_text(json.dumps(document))


def other_sources(name: str) -> Callable[[TreeUnderTest], None]:
    """One file of the workflow was changed."""

    def edit(t: TreeUnderTest) -> None:
        path = t.power() / f"{name}.json"
        document = json.loads(path.read_text())
        changed = next(k for k in document["sources"] if k.endswith(f"{name}.py"))
        document["sources"] = document["sources"] | {changed: "00" * 20}
        path.write_text(json.dumps(document))

    return edit


def other_client(t: TreeUnderTest) -> None:
    """Another client in the server's file."""
    path = t.power() / "server.json"
    document = json.loads(path.read_text())
    document["uuid"]["client"] = "00000000-0000-4000-8000-000000000000"
    path.write_text(json.dumps(document))


def said_in_testing(text: str) -> Callable[[TreeUnderTest], None]:
    """A line of the daemon in the testing run."""

    def edit(t: TreeUnderTest) -> None:
        written = trees.ptd_text((110.0, text))
        zone = trees_old.ZONES.get(t.round.name, (0, 0))[1]
        (t.power() / "ptd_logs.txt").write_text(trees_old.moved(written, -zone))

    return edit


def old_daemon(t: TreeUnderTest, text: str) -> None:
    """``Identify answered with version=X``."""
    version = text.rpartition("=")[2].split(" ")[0]
    path = t.power() / "server.json"
    document = json.loads(path.read_text())
    said = next(m for m in document["ptd_messages"] if m["cmd"] == "Identify")
    said["reply"] = re.sub(r"version=[\d.]+", f"version={version}", said["reply"])
    path.write_text(json.dumps(document))


def audit(t: TreeUnderTest, text: str) -> None:
    """The verdict of an audit."""
    name = json.loads(text)["test"]
    path = t.result("offline") / "audit" / f"audit_{name}.json"
    assert path.is_file(), path
    path.write_text(text)


def reported(part: str) -> Callable[[TreeUnderTest], Path]:
    """A report of the client of an endpoint."""
    return lambda t: t.result("offline") / part


def scored(t: TreeUnderTest, text: str) -> None:
    """The score of an endpoint."""
    path = t.result("offline") / "accuracy" / "accuracy_results.json"
    document = json.loads(path.read_text())
    for row in document["accuracy_scores"]:
        row.pop("score")
        if not text.startswith("no "):
            row.update(json.loads("{" + text + "}"))
    path.write_text(json.dumps(document))


def no_test01_accuracy(t: TreeUnderTest, text: str) -> None:
    """The verdict of TEST01 on accuracy."""
    (t.compliance("TEST01", "offline") / "verify_accuracy.txt").write_text(
        text.split(": ")[1].split(",", maxsplit=1)[0] + "\n"
    )


def recorded(t: TreeUnderTest, text: str) -> None:
    """Parts of the run record; ``effective_min_duration_ms`` beside them is in the log."""
    record_text, _, log_text = text.partition(" and ")
    filled = record_text.replace(", …", ', "wanted": 600000')
    part, value = next(iter(json.loads("{" + filled + "}").items()))
    power.record(t, **({part: value} if part in ("shortened", "synthetic") else {"shortened": {part: value}}))
    if log_text:
        logged("singlestream")(t, log_text)


def serial(t: TreeUnderTest, text: str) -> None:
    """The serial number of the meter."""
    simulated = {"meter": {"serial": "EDGEWATT-EMULATED"}} if "EMULATED" in text else {}
    power.record(t, simulated=simulated)


def own_form(t: TreeUnderTest, text: str) -> None:
    """A record of ours, or something else under its name."""
    power.record(t, **({} if "edgewatt/run/1" in text else {"schema": "other"}))


def every(value: str, step: int) -> Callable[[TreeUnderTest], None]:
    """Every so many samples have these watts."""
    return power.spl(power.watts(value, step), "watts")

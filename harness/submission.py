"""Writes a result into a submission tree, through ``schemas.layout``; atomic, never half a result.

Everything is staged beside the tree and moved by renaming, the scenario's results last: a tree holds a
result completely or not at all. The file lists of ``accuracy``, ``run_1``, ``ranging`` and ``power`` are
exact; nothing else may lie there.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from harness import documents, retired
from harness.accuracy_log import ACCURACY_LOG, sha256, truncated
from harness.benchmarks.base import Showing
from harness.model import Accuracy, Plan
from harness.record import run_record
from harness.registry import benchmark, data_types_of
from harness.results import Done, PowerEvidence
from harness.scenarios import BY_NAME

RECORD_NAME = "edgewatt.json"
LOGS = ("mlperf_log_summary.txt", "mlperf_log_detail.txt")


@dataclass(frozen=True, slots=True)
class Written:
    """Where things lie now."""

    tree: Path
    results: Path
    record: Path


def write(
    plan: Plan, done: Done, accuracy: Accuracy | None, power: PowerEvidence | None, system: Mapping[str, str]
) -> Written:
    """Put one result into the tree of ``--output``."""
    tree = plan.request.output
    tree.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{tree.name}-", dir=tree.parent) as staged:
        stage = Stage(plan, Path(staged))
        stage.describe(system, power)
        stage.measurements(done, accuracy, power)
        stage.results(done, accuracy, power)
        stage.compliance(done)
        stage.move(tree)
    where = tree / plan.result.measurements(plan.round) / RECORD_NAME
    return Written(tree, tree / plan.result.results(plan.round), where)


class Stage:
    """The folder in which a result is put together."""

    def __init__(self, plan: Plan, root: Path) -> None:
        self._plan = plan
        self._root = root
        self._bench = benchmark(plan.workload.benchmark)

    def _text(self, path: PurePosixPath, text: str) -> None:
        place = self._root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")

    def _json(self, path: PurePosixPath, document: Mapping[str, Any]) -> None:
        self._text(path, json.dumps(document, indent=2, ensure_ascii=False) + "\n")

    def describe(self, system: Mapping[str, str], power: PowerEvidence | None) -> None:
        """The system, the source folder and the documents that power needs."""
        plan, result, round_ = self._plan, self._plan.result, self._plan.round
        # A description that lies there already may have been completed by hand: it stays.
        if not (plan.request.output / result.system_json(round_)).exists():
            self._json(result.system_json(round_), system)
        for place, text in retired.mapping(plan.request.output, result, round_, plan.official).items():
            self._text(place, text)
        source = result.code(round_)
        if source.name != result.benchmark:  # from v6.0 on the benchmark's directory is a custom, not a rule
            source /= result.benchmark
        code = source / self._bench.implementation
        self._text(code / "README.md", documents.code_readme(plan))
        self._calibration_note()
        if power is not None and power.folder is not None:
            above = result.measurements(round_).parent.parent.parent
            self._text(above / "analyzer_table.md", documents.analyzer_table(power))
            self._text(above / "power_settings.md", documents.power_settings())

    def _calibration_note(self) -> None:
        """The note on calibration where the round wants one; one that lies there already is the submitter's."""
        template = self._plan.round.facts.get("calibration_note")
        if template is None:
            return
        path = PurePosixPath(template.format(**self._plan.result.names))
        there = (path, path.parent / "documentation" / path.name)
        if not any((self._plan.request.output / p).exists() for p in there):
            self._text(path, documents.calibration_note())

    def measurements(self, done: Done, accuracy: Accuracy | None, power: PowerEvidence | None) -> None:
        """Conf files, the measurements JSON, the README and the run record."""
        plan = self._plan
        folder = plan.result.measurements(plan.round)
        self._text(folder / "mlperf.conf", plan.round.mlperf_conf_text())
        there = plan.request.output / folder / "user.conf"
        # An accuracy run alone leaves the settings of the performance run that is in the tree already.
        if done.user_conf is not None and (done.has_performance or not there.exists()):
            self._text(folder / "user.conf", done.user_conf.read_text(encoding="utf-8"))
        self._text(folder / "README.md", documents.measurements_readme(plan))
        name = _measurements_name(plan, self._bench.implementation)
        row = BY_NAME[plan.scenario]
        batch = plan.workload.batch if row.batches else row.per_query
        own = {"starting_weights_filename": plan.workload.model.absolute().name, "batch": batch}
        own |= data_types_of(plan.workload.backend, plan.workload.model)
        own |= _computing(done)
        if plan.workload.precision is not None:
            own["weight_data_types"] = plan.workload.precision
        self._json(folder / name, {**self._bench.measurements, **own})
        earlier = _read_json(plan.request.output / folder / RECORD_NAME)
        self._json(folder / RECORD_NAME, run_record(plan, done, accuracy, power, earlier))

    def results(self, done: Done, accuracy: Accuracy | None, power: PowerEvidence | None) -> None:
        """Logs of the runs; the session files of the power daemon beside them."""
        plan = self._plan
        for result in done.results.values():
            if result.spec.test is not None or (done.power_lost and result.spec.phase == "ranging"):
                continue
            if result.spec.mode == "accuracy":
                assert accuracy is not None
                self._accuracy(result.log_dir, accuracy)
                self._samples_to_show(result.log_dir / ACCURACY_LOG)
            else:
                place = self._root / plan.result.performance(plan.round, result.spec.folder)
                place.mkdir(parents=True, exist_ok=True)
                for name in LOGS:
                    shutil.copyfile(result.log_dir / name, place / name)
        if power is not None and power.folder is not None:
            place = self._root / plan.result.results(plan.round) / "performance"
            shutil.copytree(power.folder, place, dirs_exist_ok=True)

    def compliance(self, done: Done) -> None:
        """Logs and verify files of the compliance tests."""
        for name, verdict in done.verdicts.items():
            folder = self._root / self._plan.result.compliance(self._plan.round, name)
            texts: dict[str, bytes] = {}
            if verdict.scored:
                run = folder / "performance" / "run_1"
                run.mkdir(parents=True)
                for log in LOGS:
                    shutil.copyfile(done.results[name].log_dir / log, run / log)
                texts["verify_performance.txt"] = verdict.performance.text.encode()
            if verdict.accuracy is not None:
                texts["verify_accuracy.txt"] = verdict.accuracy.text.encode()
            for path, data in {**texts, **verdict.files}.items():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_bytes(data)

    def _accuracy(self, logs: Path, accuracy: Accuracy) -> None:
        folder = self._root / self._plan.result.accuracy(self._plan.round)
        folder.mkdir(parents=True, exist_ok=True)
        for name in LOGS:
            shutil.copyfile(logs / name, folder / name)
        (folder / ACCURACY_LOG).write_bytes(truncated(logs / ACCURACY_LOG))
        text = f"{accuracy.line}\n\nhash={sha256(logs / ACCURACY_LOG)}\n"
        (folder / "accuracy.txt").write_text(text, encoding="utf-8")

    def _samples_to_show(self, log: Path) -> None:
        """The outputs that the round wants to be published as they are, below the accuracy directory."""
        wanted = self._plan.round.benchmark(self._plan.official).facts["extra_accuracy_files"]
        if not wanted or not isinstance(self._bench, Showing):
            return
        folder = self._root / self._plan.result.accuracy(self._plan.round)
        for name, data in self._bench.samples_to_show(log, self._plan.workload.dataset, wanted):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)

    def move(self, tree: Path) -> None:
        """Move everything into the tree."""
        move(self._root, tree, self._plan.result.results(self._plan.round))


def move(root: Path, tree: Path, results: PurePosixPath) -> None:
    """Rename what is staged into the tree: the whole of it when it is new, else file by file, ``results`` last."""
    if not tree.exists():
        fresh = root / "tree"
        fresh.mkdir()
        for item in [p for p in root.iterdir() if p != fresh]:
            item.rename(fresh / item.name)
        fresh.rename(tree)
        return
    files = sorted(p.relative_to(root) for p in root.rglob("*") if p.is_file())
    for path in [p for p in files if not p.is_relative_to(results)]:
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        os.replace(root / path, tree / path)
    if (root / results).exists():
        _move_parts(root / results, tree / results)


def _move_parts(staged: Path, place: Path) -> None:
    """Move ``accuracy`` and the parts of ``performance``; as one folder where nothing is there yet.

    Files in the scenario directory itself (from v6.0 on settings and the run record) replace what is there.
    """
    if staged.is_file() or not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        os.replace(staged, place)
        return
    for part in sorted(staged.iterdir()):
        _move_parts(part, place / part.name)


def _measurements_name(plan: Plan, implementation: str) -> str:
    """Name of the measurements JSON: fixed in a round, or of a pattern whose star stands for the implementation."""
    wanted = plan.round.layout["measurements_json"]
    pattern: str = wanted if isinstance(wanted, str) else wanted[0]
    return pattern.format(**plan.result.names).replace("*", implementation)


def _computing(done: Done) -> dict[str, Any]:
    """Fields of our own in the measurements JSON: runtime, threads, pinned cores, warm-up of the first run."""
    run: Mapping[str, Any] = next((r.computing for r in done.results.values()), {})
    return {key: run[key] for key in ("backend", "options", "threads", "cores", "warm_up_s") if run.get(key)}


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return found

"""Scoring in a process of its own: the same score, a light parent, runs that are kept when it fails."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness import extras, scoring, service, unscored
from harness.accuracy_log import ACCURACY_LOG, write
from harness.checks import scoring as scoring_check
from harness.model import Fixture, LoadSettings, PowerRequest, RunRequest
from harness.registry import benchmark
from harness.results import Done, PowerEvidence, PowerLost
from schemas import documents
from schemas.errors import Failed
from tests.harness.conftest import plain_request
from tests.harness.interrupted import campaign_file

Run = Callable[..., tuple[int, str, str]]
HEAVY = (
    "torch",
    "transformers",
    "diffusers",
    "pycocotools",
    "cv2",
    "scipy",
    "nibabel",
    "rouge_score",
    "onnxruntime",
)


@pytest.fixture(scope="module")
def boxes(tmp_path_factory: pytest.TempPathFactory) -> Fixture:
    """A small detector and a few images with annotations."""
    folder = tmp_path_factory.mktemp("scoring") / "fixture"
    return benchmark("ssd-mobilenet").make_fixture(folder, width="small", seed=5, samples=4)


@pytest.fixture
def asked(boxes: Fixture, tmp_path: Path) -> RunRequest:
    """An accuracy run of it."""
    plain = plain_request(boxes, tmp_path / "tree")
    return replace(plain, benchmark="ssd-mobilenet", scenario="Offline", mode="accuracy", target_qps=20.0)


def empty_log(folder: Path) -> Path:
    """An accuracy log of two images in which nothing was found."""
    write(folder / ACCURACY_LOG, [{"seq_id": n, "qsl_idx": n, "data": ""} for n in range(2)])
    return folder / ACCURACY_LOG


def test_the_child_gives_the_same_score_to_the_last_bit(boxes: Fixture, tmp_path: Path) -> None:
    bench, log = benchmark("ssd-mobilenet"), empty_log(tmp_path)
    assert scoring.score(bench, log, boxes.dataset) == bench.accuracy(log, boxes.dataset)


def test_a_whole_run_leaves_the_parent_light(boxes: Fixture, tmp_path: Path) -> None:
    """Annotations, pictures and runtimes are read in children; their libraries are not in ``mlharness`` itself."""
    line = f"-q run ssd-mobilenet --scenario Offline --mode accuracy --target-qps 20 --threads 1 --fixture {boxes.path}"
    code = (
        "import sys; from harness import cli; code = cli.main(sys.argv[1:]);"
        f"print(code, sorted(set(sys.modules) & set({HEAVY!r})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *line.split(), "--output", str(tmp_path / "tree")],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert done.stdout.splitlines()[-1] == "0 []", done.stdout + done.stderr


# --- scoring falls over after the runs: the logs stay, and are scored later


@pytest.fixture
def broken(boxes: Fixture, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Has the process that scores do something else after the first look; ``broken("")`` cures it."""
    entry = scoring.ENTRY

    def fall(module: str) -> None:
        monkeypatch.setattr(scoring, "ENTRY", module or entry)
        monkeypatch.setattr(scoring, "refuse_unscorable", lambda *_: None)

    return fall


def test_a_killed_scorer_is_a_sentence_and_its_runs_are_scored_later(
    asked: RunRequest, boxes: Fixture, broken: Callable[[str], None], program: Run
) -> None:
    broken("tests.harness.killed_scorer")
    with pytest.raises(Failed) as caught:
        service.run(asked, lambda text: None)
    said = str(caught.value)
    assert f"the process of scoring ended by {signal.Signals(9).name}, maybe for want of memory" in said
    folder = Path(said.rpartition("mlharness score ")[2].rstrip(")"))
    assert (folder / "accuracy" / ACCURACY_LOG).is_file()
    assert not asked.output.exists()
    log = (folder / "accuracy" / ACCURACY_LOG).read_bytes()

    broken("")
    code, out, _ = program("score", folder)
    assert code == 0, out
    assert (folder / "accuracy" / ACCURACY_LOG).read_bytes() == log, "nothing was run again"
    (record_path,) = asked.output.rglob("edgewatt.json")
    record = json.loads(record_path.read_text())
    assert record["accuracy"]["value"] == boxes.value
    assert list(documents.violations("run-record", record)) == []

    code, _, said = program("score", folder)
    assert (code, len(said.strip().splitlines())) == (2, 1)
    assert "no runs wait there to be scored" in said


def test_the_tree_is_that_of_a_run_that_did_not_fail(
    asked: RunRequest, broken: Callable[[str], None], tmp_path: Path
) -> None:
    """All that a result holds comes from what is kept: another process writes it as this one would have."""
    broken("tests.harness.killed_scorer")
    with pytest.raises(Failed, match="mlharness score"):
        service.run(replace(asked, mode="all", rehearsal_s=0.3, target_qps=5000.0), lambda text: None)
    (waiting,) = (tmp_path / "tree.work").rglob(unscored.NAME)
    found = unscored.read(waiting.parent)
    assert unscored.made(unscored.Unscored, json.loads(json.dumps(unscored.plain(found)))) == found
    broken("")
    outcome = service.score(waiting.parent, lambda text: None)
    assert outcome.done.results == found.done.results
    assert set(outcome.done.results) == {"performance", "accuracy"}
    assert not waiting.exists()


def test_one_who_ends_scoring_is_told_how_to_go_on(
    asked: RunRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(scoring, "score", ended)
    said: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        service.run(asked, said.append)
    assert "only their scoring was ended; do it with: mlharness score " in said[-1]
    assert unscored.read(Path(said[-1].rpartition(" ")[2])).request == asked


def test_what_was_known_of_power_is_kept() -> None:
    evidence = PowerEvidence(
        {"testing": {"energy_j": 12.5, "u95_j": None}}, {"model": "WT310E"}, {}, Path("/x/y")
    )
    lost = Done(
        LoadSettings(target_qps=3.0), retried=["performance"], power_lost=PowerLost("ranging", "it is gone")
    )
    for record in (evidence, lost, PowerRequest(None, "yokogawa_wt300", "/dev/ttyUSB0", None)):
        text = json.dumps(unscored.plain(record))
        assert unscored.made(type(record), json.loads(text)) == record


def test_runs_of_another_model_or_data_set_are_not_scored(
    boxes: Fixture, asked: RunRequest, broken: Callable[[str], None], tmp_path: Path, program: Run
) -> None:
    own = shutil.copytree(boxes.path, tmp_path / "own")
    broken("tests.harness.killed_scorer")
    with pytest.raises(Failed):
        service.run(replace(asked, fixture=own), lambda text: None)
    (waiting,) = (tmp_path / "tree.work").rglob(unscored.NAME)
    broken("")
    model = next(own.glob("*.onnx"), None) or next(own.rglob("*.onnx"))
    data = model.read_bytes()
    model.write_bytes(data + b"\x00")
    code, _, said = program("score", waiting.parent)
    assert code == 2
    assert "was changed since these runs; make them again, or put that model back" in said
    waiting.write_text("{}")
    code, _, said = program("score", waiting.parent)
    assert (code, len(said.strip().splitlines())) == (2, 1)
    assert "cannot be read" in said
    assert not asked.output.exists()


def test_a_campaign_goes_on_with_scoring(
    boxes: Fixture, broken: Callable[[str], None], tmp_path: Path, program: Run
) -> None:
    path = campaign_file(tmp_path, boxes.path)
    text = (
        path.read_text()
        .replace('"resnet50"', '"ssd-mobilenet"')
        .replace('["SingleStream", "Offline"]', '"Offline"')
    )
    path.write_text(text + 'mode = "accuracy"\n')
    broken("tests.harness.killed_scorer")
    code, _, said = program("campaign", path)
    assert code == 1
    assert "mlharness score" in said
    (waiting,) = (tmp_path / "tree.work").rglob(unscored.NAME)
    broken("")
    code, _, said = program("campaign", path, "--resume")
    assert code == 0, said
    assert f"its runs are complete in {waiting.parent}; they are scored and not made again" in said
    assert [p.parent for p in (tmp_path / "tree.work").rglob(ACCURACY_LOG)] == [waiting.parent / "accuracy"]
    code, _, said = program("campaign", path, "--resume")
    assert "used again" in said


# --- what would keep a log from being scored is refused before a run


def test_annotations_that_only_pycocotools_refuses_end_before_a_run(
    boxes: Fixture, tmp_path: Path, program: Run
) -> None:
    data = shutil.copytree(boxes.dataset, tmp_path / "data")
    place = next(data.rglob("instances_val2017.json"))
    document = json.loads(place.read_text())
    for row in document["annotations"]:
        row.pop("area")
    place.write_text(json.dumps(document))
    tree = tmp_path / "tree"
    work = ("--model", boxes.model, "--dataset", data, "--threads", 1)
    code, _, said = program("run", "ssd-mobilenet", "--scenario", "Offline", *work, "--output", tree)
    assert (code, len(said.strip().splitlines())) == (2, 1), said
    assert "area" in said
    assert not tree.exists()
    assert not tree.with_name("tree.work").exists()
    path = tmp_path / "lab.toml"
    path.write_text(
        f'output = "tree"\n[[run]]\nsystem = "bench"\nbenchmark = "ssd-mobilenet"\n'
        f'scenario = ["Offline", "SingleStream"]\n'
        f'model = "{boxes.model}"\ndataset = "{data}"\n'
    )
    for command in ("plan", "campaign"):
        code, _, said = program(command, path)
        assert (code, said.count("area")) == (2, 1), said
    assert not list(tmp_path.glob("tree*"))
    code, out, _ = program("preflight", "ssd-mobilenet", "--scenario", "Offline", *work, "--json")
    lines = [row for row in json.loads(out)["lines"] if row["subject"] == scoring_check.SUBJECT]
    assert (code, [row["verdict"] for row in lines]) == (1, ["fail"])
    assert "area" in lines[0]["found"]


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("ssd-mobilenet", "pycocotools"),
        ("yolo", "pycocotools"),
        ("retinanet", "pycocotools"),
        ("ssd-resnet34", "pycocotools"),
        ("gptj", "rouge_score"),
        ("gptj", "nltk"),
        ("llama3.1-8b-edge", "rouge_score"),
        ("llama3.1-8b-edge", "nltk"),
        ("llama3.1-8b-edge", "tokenizers"),
        ("whisper", "transformers"),
        ("3d-unet", "nibabel"),
        ("3d-unet-brats", "nibabel"),
        ("stable-diffusion-xl", "transformers"),
        ("stable-diffusion-xl", "PIL"),
    ],
)
def test_a_package_that_scores_and_is_not_installed(
    name: str, module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: Run
) -> None:
    """Before model or data set are looked at; the sentence says what installs it."""
    real = extras.is_there
    monkeypatch.setattr(
        extras, "is_there", lambda asked: asked != module and (asked in ("torch",) or real(asked))
    )
    paths = ("--model", tmp_path, "--dataset", tmp_path, "--output", tmp_path / "tree")
    division = ("--division", "open")
    code, _, said = program("run", name, "--scenario", "Offline", "--mode", "accuracy", *division, *paths)
    assert (code, len(said.strip().splitlines())) == (2, 1), said
    assert f"{extras.distribution(module)} is not installed; install it with: pip install" in said

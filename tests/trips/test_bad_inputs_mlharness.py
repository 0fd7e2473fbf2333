"""Every mistake that one can make with ``mlharness``: one sentence that says what to do, and its exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness import cli
from tests.trips.sentences import (
    ROOT,
    as_nobody,
    bad_files,
    closed_pipe,
    command,
    environment,
    full_output,
    judge,
    outcome,
    refuse,
)

R = "run resnet50 --scenario SingleStream --output o"
F = f"{R} --fixture fixture"

WORDS: list[tuple[str | Sequence[str], list[str]]] = [
    ("", ["found no COMMAND", "choose one of", "make-fixture"]),
    ("lst", ["'lst'", "did you mean list?"]),
    ("list --jsn", ["'--jsn'", "did you mean --json?"]),
    ("preflight resnet50 --rehearsal", ["'--rehearsal' is not known (see `mlharness preflight --help`)"]),
    ("list --round", ["--round", "too few values"]),
    ("list --round v9", ["'v9'", "known rounds: v"]),
    ("list now", ["found 'now'", "leave it out"]),
    (
        "run",
        [
            "found no BENCHMARK, --scenario, --output",
            "write mlharness run BENCHMARK --scenario S --output TREE",
        ],
    ),
    ("run resnet50 --output o", ["found no --scenario", "write mlharness run"]),
    (f"{R} --threads x", ["--threads", "'x'", "whole number"]),
    (f"{R} --threads 0", ["--threads 0", "give 1 or more"]),
    (f"{R} --target-qps 0", ["--target-qps 0", "greater than 0"]),
    (f"{R} --target-qps nan", ["--target-qps nan", "greater than 0"]),
    (f"{R} --target-latency-ms -1", ["--target-latency-ms -1", "greater than 0"]),
    (f"{R} --option fast", ["--option 'fast'", "KEY=VALUE"]),
    (f"{R} --device a --option device=b", ["option device", "given twice"]),
    (f"{R} --cores 1-x", ["--cores '1-x'", "0-3,6"]),
    (f"{R} --cores 4000", ["--cores 4000", "may not use 4000"]),
    (f"{R} --meter m", ["--meter needs --power", "leave out --meter"]),
    (f"{R} --power x", ["--power 'x'", "spawn:DRIVER:PORT"]),
    (f"{R} --power spawn:", ["--power 'spawn:'", "spawn:DRIVER:PORT"]),
]
PLAN: list[tuple[str | Sequence[str], list[str]]] = [
    (R, ["--model FILE", "--fixture FOLDER"]),
    ("run resnet5 --scenario Offline --output o", ["'resnet5'", "did you mean resnet50?"]),
    ("run resnet50 --scenario Single --output o", ["'Single'", "did you mean SingleStream?"]),
    (f"{R} --round v9", ["'v9'", "known rounds: v"]),
    (f"{R} --mode al", ["'al'", "did you mean all?"]),
    (f"{R} --division clsed", ["'clsed'", "did you mean closed?"]),
    ([*R.split(), "--submitter", "a b"], ["--submitter 'a b'", "without blanks"]),
    (f"{R} --system ../x", ["--system '../x'", "use letters"]),
    (f"{R} --fixture nope", ["nope has no fixture.json", "make-fixture"]),
    (f"{R} --fixture folder", ["folder has no fixture.json", "make-fixture"]),
    (f"{R} --fixture file", ["file/fixture.json", "make the fixture again"]),
    (f"{R} --fixture brokenfixture", ["fixture.json is not a fixture description", "make the fixture again"]),
    (f"{F} --model file", ["leave out --model"]),
    (f"{R} --model nope --dataset folder", ["no model file nope", "--model"]),
    (f"{R} --model folder --dataset folder", ["no model file folder", "--model"]),
    (f"{R} --model file --dataset nope", ["no folder nope", "--dataset"]),
    (f"{R} --model file --dataset file", ["no folder file", "--dataset"]),
    (f"{R} --model file --dataset folder", ["folder has no val_map.txt", "--dataset"]),
    ("run resnet50 --scenario Offline --output file", ["file is a file", "--output wants the folder"]),
    (f"{F} --rehearsal 0", ["--rehearsal 0", "greater than 0"]),
    (f"{F} --rehearsal nan", ["--rehearsal nan", "greater than 0"]),
    (f"{F} --backend onx", ["'onx'", "onnxruntime"]),
    (f"{F} --provider cud", ["'cud'", "did you mean cuda?"]),
    (f"{F} --option colour=red", ["onnxruntime has no option colour", "it has provider, device"]),
    (f"{F} --backend remote", ["needs the server's address", "--option url=http://HOST:PORT"]),
    (f"{F} --backend remote --option url=here", ["the URL 'here'", "http://"]),
    (f"{F} --user-conf nope", ["--user-conf nope", "give a text file"]),
    (f"{F} --user-conf folder", ["--user-conf folder", "give a text file"]),
    (f"{F} --user-conf binary", ["--user-conf binary", "give a text file"]),
    (f"{F} --power http://127.0.0.1:1", ["no powerd answers", "powerd run"]),
    (f"{F} --power http://127.0.0.1:x", ["'http://127.0.0.1:x'", "http://127.0.0.1:8675"]),
    (f"{F} --power spawn:yokogawa-wt30:/dev/x", ["'yokogawa-wt30'", "did you mean yokogawa-wt300"]),
    (f"{F} --power spawn:yokogawa-wt300:/dev/nope", ["/dev/nope does not exist"]),
    ("run resnet50 --scenario Offline --fixture fixture --output file/x", ["file/x.work", "Not a directory"]),
]
OTHERS: list[tuple[str | Sequence[str], list[str]]] = [
    ("make-fixture", ["found no BENCHMARK, DIR", "write mlharness make-fixture BENCHMARK DIR"]),
    ("make-fixture resnet5 x", ["'resnet5'", "did you mean resnet50?"]),
    ("make-fixture resnet50 fixture", ["fixture is not empty", "give a new folder"]),
    ("make-fixture resnet50 file", ["file cannot be used: Not a directory", "choose a folder"]),
    ("make-fixture resnet50 file/x", ["file/x", "Not a directory", "choose a folder"]),
    ("make-fixture resnet50 x --images 1", ["--samples 1", "give 8 to 50000"]),
    ("make-fixture resnet50 x --images x", ["--samples", "'x'", "whole number"]),
    ("make-fixture resnet50 x --seed -1", ["--seed -1", "0 or more"]),
    ("make-fixture resnet50 x --width big", ["--width 'big'", "small, full"]),
    ("describe-system --output file", ["file exists already", "choose another --output"]),
    ("describe-system --output no/x", ["no/x cannot be written", "choose another --output"]),
    ("describe-system --round v9", ["'v9'", "known rounds: v"]),
    ("describe-system --division clsed", ["'clsed'", "did you mean closed?"]),
    (["describe-system", "--submitter", ""], ["empty --submitter", "leave it out"]),
    ("export", ["found no BENCHMARK, FILE, FOLDER", "write mlharness export BENCHMARK FILE FOLDER"]),
    ("export rnt file x", ["'rnt'", "did you mean rnnt?"]),
    ("export resnet50 file x", ["export is for rnnt"]),
    ("export rnnt nope x", ["there is no nope", "give the checkpoint"]),
    ("export rnnt file file/x", ["file/x cannot be written", "give another folder"]),
    ("demo --round v9", ["'v9'", "known rounds: v"]),
    ("demo --seconds x", ["--seconds", "'x'", "seconds above 0"]),
    ("demo --seconds 0", ["--seconds", "'0'", "seconds above 0"]),
    ("demo --output file", ["file exists", "choose another --output"]),
    ("demo --output file/x", ["file/x.work", "Not a directory"]),
]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An own folder with bad files in it, and a fixture that is good enough to plan with."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    bad_files(tmp_path)
    (tmp_path / "brokenfixture").mkdir()
    (tmp_path / "brokenfixture/fixture.json").write_text("{bad")
    data = tmp_path / "fixture/data"
    data.mkdir(parents=True)
    (data / "a.JPEG").write_bytes(b"")
    (data / "val_map.txt").write_text("a.JPEG 1\n")
    (tmp_path / "fixture/m.onnx").write_bytes(b"no model")
    description = {
        "benchmark": "resnet50", "model": {"path": "m.onnx"}, "dataset": {"path": "data", "samples": 1},
        "width": "small", "seed": 1, "accuracy": {"metric": "acc", "value": 100.0},
    }  # fmt: skip
    (tmp_path / "fixture/fixture.json").write_text(json.dumps(description))
    return tmp_path


@pytest.mark.parametrize(("line", "parts"), [*WORDS, *PLAN, *OTHERS], ids=lambda v: str(v)[:60])
def test_a_bad_word_is_one_sentence(
    line: str | Sequence[str], parts: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    quiet = ["-q", *line.split()] if isinstance(line, str) else ["-q", *line]
    refuse(cli, quiet, 2, parts, capsys)


def test_a_model_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    """Only the process of the run reads the model: its last words are the sentence."""
    refuse(
        cli,
        f"-q {F} --rehearsal 1 --mode accuracy",
        2,
        ["m.onnx cannot be opened", "give an ONNX file"],
        capsys,
    )


def test_a_provider_that_is_not_in_the_build(capsys: pytest.CaptureFixture[str]) -> None:
    wanted = ["has no provider qnn (QNNExecutionProvider), only", "install a build that has it"]
    refuse(cli, f"-q {F} --rehearsal 1 --provider qnn", 2, wanted, capsys)


def test_a_server_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    wanted = ["http://127.0.0.1:1 cannot be asked (Connection refused)", "is the server running there?"]
    line = f"-q {F} --rehearsal 1 --backend remote --option url=http://127.0.0.1:1"
    refuse(cli, line, 2, wanted, capsys)


def test_files_of_somebody_else(place: Path) -> None:
    place.chmod(0o755)
    words = ("describe-system", "--output", "folder/x")
    done = as_nobody("mlharness", *words, cwd=place, imports="psutil harness.system")
    judge(
        done.returncode, done.stdout, done.stderr, 2, ["folder/x cannot be written", "another"], "mlharness"
    )
    done = as_nobody(
        "mlharness",
        "make-fixture",
        "resnet50",
        "folder/x",
        cwd=place,
        imports="gzip numpy cv2 onnx onnxruntime",
    )
    judge(
        done.returncode,
        done.stdout,
        done.stderr,
        2,
        ["folder/x", "Permission denied", "another"],
        "mlharness",
    )


def test_a_plain_terminal(place: Path) -> None:
    env = environment(LC_ALL="C", LANG="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0", TERM=None, HOME=None)
    done = outcome("mlharness", "list", cwd=place, env=env)
    assert (done.returncode, done.stderr) == (0, "")
    done = outcome(
        "mlharness", "run", "ünbekannt", "--scenario", "Offline", "--output", "o", cwd=place, env=env
    )
    judge(done.returncode, done.stdout, done.stderr, 2, ["is not known"], "mlharness")


def test_a_reader_that_leaves_and_a_full_disk(place: Path) -> None:
    assert closed_pipe("mlharness", "list", cwd=place) == (0, "")
    code, out, said = full_output("mlharness", "list", cwd=place)
    judge(code, out, said, 2, ["the output cannot be used", "free disk space"], "mlharness")


def test_ctrl_c_is_130(place: Path) -> None:
    process = subprocess.Popen(
        command("mlharness", "make-fixture", "resnet50", "big", "--width", "full", "--images", "5000"),
        cwd=place, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 30
    while not os.path.isdir(place / "big"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    out, said = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert said == "mlharness: interrupted; what was written so far is kept\n"

"""Every mistake that one can make with ``mlcheck``: one sentence that says what to do, and its exit code."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from checker import cli
from tests.checker import trees
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

WORDS: list[tuple[str, list[str]]] = [
    ("", ["found no TREE", "write mlcheck check TREE"]),
    ("check", ["found no TREE", "write mlcheck check TREE"]),
    ("-q", ["found no TREE", "write mlcheck check TREE"]),
    ("explian x", ["'explian'", "did you mean explain?"]),
    ("nope", ["nothing to check", "nope does not exist", "name the folder"]),
    ("file", ["nothing to check", "file is not a directory", "name the folder"]),
    ("folder", ["nothing to check", "folder holds none of closed/", "name the folder"]),
    ("hollow", ["nothing to check", "hollow has no <division>", "name the folder"]),
    ("folder other", ["found 'other'", "leave it out"]),
    ("folder --bogus", ["'--bogus' is not known"]),
    ("folder --fromat json", ["'--fromat'", "did you mean --format?"]),
    ("folder --format txt", ["'txt'", "did you mean text?"]),
    ("folder --format", ["--format", "too few values"]),
    ("folder --judge rule", ["'rule'", "did you mean rules?"]),
    ("folder --power offical", ["'offical'", "did you mean official?"]),
    ("folder --fail-on eror", ["'eror'", "did you mean error?"]),
    ("folder --jobs x", ["--jobs", "'x'", "whole number"]),
    ("folder --jobs 0", ["--jobs 0", "1 or more"]),
    ("folder --output a --output b", ["--output b has no --format", "give a form"]),
    ("folder --format json --format csv", ["more than one report", "--output FILE"]),
    ("tree --round v9", ["'v9'", "known rounds: v"]),
    ("tree --select performance/min-durations", ["did you mean performance/min-duration", "mlcheck rules"]),
    ("tree --ignore nothing", ["'nothing'", "mlcheck rules"]),
    ("tree --system nope", ["--system nope", "none of", "mlcheck summary"]),
    ("tree --division network --scenario x", ["--division network, --scenario x", "mlcheck summary"]),
    ("tree --format json --output no/where", ["no/where", "name a file"]),
    ("tree --format json --output folder", ["folder", "Is a directory", "name a file"]),
    ("explain", ["found no RULE", "write mlcheck explain RULE"]),
    ("explain performance/min-durations", ["did you mean performance/min-duration", "mlcheck rules"]),
    ("explain performance/min-duration --round v9", ["'v9'", "v4.1"]),
    ("rules --round v9", ["'v9'", "v4.1"]),
    ("rules --format jsn", ["'jsn'", "did you mean json?"]),
    ("rounds --diff v4.1", ["--diff", "wanted 2"]),
    ("rounds --diff v9 v4.1", ["'v9'", "known rounds: v"]),
    ("rounds now", ["found 'now'", "leave it out"]),
    ("summary", ["found no TREE", "write mlcheck summary TREE"]),
    ("summary nope", ["nothing to check", "nope does not exist"]),
    ("summary folder", ["nothing to check", "folder holds none"]),
    ("summary tree --round v9", ["'v9'", "known rounds: v"]),
    ("summary tree --jobs 0", ["--jobs 0", "1 or more"]),
    ("report --html p.html", ["found no TREE", "write mlcheck report TREE"]),
    ("report tree", ["nothing to make", "write mlcheck report TREE --html FILE"]),
    ("report nope --html p.html", ["nothing to check", "nope does not exist"]),
    ("report tree --html folder", ["folder cannot be written", "name a place"]),
    ("report tree --html p.html --jobs 0", ["--jobs 0", "1 or more"]),
    ("report tree --results r.xlsx", ["'.xlsx'", "wanted .csv or .parquet"]),
    (
        "report tree --html p.html --compare nobody nothing",
        ["--compare nobody", "no tree, round, submitter or system"],
    ),
    ("diff tree", ["found no NEW", "write mlcheck diff OLD NEW"]),
    ("diff tree nope", ["nothing to check", "nope does not exist"]),
    ("diff tree tree --jobs 0", ["--jobs 0", "1 or more"]),
    ("diff tree tree --ledger nope", ["the ledger nope cannot be read"]),
]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An own folder with bad files and one good tree."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    bad_files(tmp_path)
    (tmp_path / "hollow/closed").mkdir(parents=True)
    trees.build(tmp_path / "tree")
    return tmp_path


@pytest.mark.parametrize(("line", "parts"), WORDS, ids=lambda v: str(v)[:60])
def test_a_bad_word_is_one_sentence(line: str, parts: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    refuse(cli, line, 2, parts, capsys)


def test_a_folder_of_somebody_else(place: Path) -> None:
    place.chmod(0o755)
    (place / "folder").chmod(0o700)
    imports = "checker.api checker.rules checker.reports.text"
    done = as_nobody("mlcheck", "folder", cwd=place, imports=imports)
    judge(done.returncode, done.stdout, done.stderr, 2, ["folder", "Permission denied"], "mlcheck")
    words = ("tree", "--format", "json", "--output", "folder/x")
    done = as_nobody("mlcheck", *words, cwd=place, imports=imports)
    judge(
        done.returncode,
        done.stdout,
        done.stderr,
        2,
        ["folder/x", "Permission denied", "name a file"],
        "mlcheck",
    )


def test_a_plain_terminal_and_names_it_cannot_show(place: Path) -> None:
    env = environment(LC_ALL="C", LANG="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0", TERM=None, HOME=None)
    done = outcome("mlcheck", "bäum", cwd=place, env=env)
    judge(done.returncode, done.stdout, done.stderr, 2, ["does not exist"], "mlcheck")
    (place / "tree").rename(place / "bäum")
    done = outcome("mlcheck", "bäum", cwd=place, env=env)
    assert "Traceback" not in done.stderr
    assert done.returncode in (0, 1), done.stderr


def test_a_reader_that_leaves_and_a_full_disk(place: Path) -> None:
    assert closed_pipe("mlcheck", "rules", cwd=place) == (0, "")
    code, out, said = full_output("mlcheck", "rules", cwd=place)
    judge(code, out, said, 2, ["the output cannot be used", "free disk space"], "mlcheck")


def test_ctrl_c_is_130(place: Path) -> None:
    """Ctrl-C after the first of twenty long logs was read."""
    results = place / "tree/closed/Bench/results"
    log = next(results.rglob("run_1/mlperf_log_detail.txt"))
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([*lines[:-2], *lines[5:-2] * (80_000 // len(lines)), *lines[-2:]]))
    system = results / log.relative_to(results).parts[0]
    for number in range(20):
        shutil.copytree(system, results / f"another{number}", copy_function=os.link)
    process = subprocess.Popen(
        ["nice", "-n", "19", *command("mlcheck", "tree", "--jobs", "1")], cwd=place, env=environment(),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while bytes_read(process.pid) < log.stat().st_size:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, said = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, ""), said
    assert said == "mlcheck: interrupted; what was written so far is kept\n"


def bytes_read(process: int) -> int:
    """How much a process has read so far, as Linux counts it."""
    counts = dict(line.split(": ") for line in Path(f"/proc/{process}/io").read_text().splitlines())
    return int(counts["rchar"])

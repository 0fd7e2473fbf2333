"""Every mistake that one can make with ``powerd``: one sentence that says what to do, and its exit code."""

from __future__ import annotations

import os
import pty
import signal
import socket
import subprocess
import time
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from powerd import cli
from tests.powerd.rig import Daemon, Meter
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

M = "--meter w=yokogawa-wt300"
D = "--data-dir d --listen 127.0.0.1:0"
NOBODY_LISTENS = "--url http://127.0.0.1:1"

WORDS: list[tuple[str, list[str]]] = [
    ("", ["found no COMMAND", "choose one of", "watch"]),
    ("wach", ["'wach'", "did you mean watch?", "powerd --help"]),
    ("run --metre x", ["'--metre'", "did you mean --meter?", "powerd run --help"]),
    ("run --meter", ["--meter", "found too few values"]),
    ("clock now", ["found 'now'", "leave it out"]),
    ("-v -q clock", ["-q/--quiet", "-v/--verbose", "leave the other out"]),
]
RUN: list[tuple[str, list[str]]] = [
    ("run", ["no meter is configured", "--meter NAME=DRIVER:PORT", "--config FILE"]),
    ("run --config nope.toml", ["nope.toml", "No such file", "name a TOML file"]),
    ("run --config folder", ["folder", "Is a directory", "name a TOML file"]),
    ("run --config broken.toml", ["broken.toml is not TOML", "put that place right"]),
    ("run --config binary", ["binary is not TOML"]),
    ("run --config file", ["no meter is configured"]),
    (f"run {M}:/dev/x --listen 8675", ["'8675'", "HOST:PORT"]),
    (f"run {M}:/dev/x --listen 127.0.0.1:99999", ["99999", "HOST:PORT"]),
    (f"run {M}:/dev/x --listen 0.0.0.0:1", ["0.0.0.0", "others can reach", "SSH tunnel"]),
    (f"run {M}:/dev/x --data-dir file", ["file", "it is a file", "choose another --data-dir"]),
    (f"run {M}:/dev/x --data-dir /proc/x", ["/proc/x", "choose another --data-dir"]),
    (f"run --meter wall {D}", ["NAME=DRIVER:PORT", "for example wall="]),
    (f"run --meter w=yokogawa-wt30:/dev/x {D}", ["'yokogawa-wt30'", "did you mean yokogawa-wt300"]),
    (f"run --meter a/b=yokogawa-wt300:/dev/x {D}", ["'a/b'", "wanted letters"]),
    (f"run {M}:/dev/x,intervall=1s {D}", ["'intervall'", "did you mean 'interval'"]),
    (f"run {M}:/dev/x,interval=soon {D}", ["'soon'", "1s or 500ms"]),
    (f"run {M}:/dev/x,interval=0s {D}", ["'0s'", "1s or 500ms"]),
    (f"run {M}:/dev/x,interval=100ms {D}", ["154 ms at 9600 baud", "take more than"]),
    (f"run {M}:/dev/x,baud=fast {D}", ["baud", "'fast'", "whole number"]),
    (f"run {M}:/dev/x,baud=1 {D}", ["baud", "found 1", "9600"]),
    (f"run {M}:/dev/x,channels= {D}", ["channels", "wanted a list"]),
    (f"run {M}:/dev/x,voltage_range=-1 {D}", ["voltage_range", "'-1'", "auto or a number above 0"]),
    (f"run {M}:/dev/x,crest_factor=x {D}", ["crest_factor", "'x'", "whole number"]),
    (f"run {M}:/dev/x,interval {D}", ["'interval' is not key=value"]),
    (f"run {M}:/dev/x {M}:/dev/y {D}", ["two meters named w"]),
    (f"run {M}:/dev/ttyNOPE {D}", ["meter w", "/dev/ttyNOPE does not exist"]),
    (f"run {M}:folder {D}", ["folder is a directory", "name a serial port"]),
    (f"run {M}:file {D}", ["file is a file", "name a serial port"]),
    (f"run {M}:/dev/null {D}", ["/dev/null is no tty", "name a serial port"]),
    (f"run {M}:nothing:1 {D}", ["unknown scheme 'nothing'", "/dev/ttyUSB0"]),
    (f"run {M}:replay:nope {D}", ["nope cannot be read", "No such file", "record=FILE"]),
    (f"run {M}:replay:broken.json {D}", ["broken.json is no recording", "name another file"]),
    (f"run {M}:replay:binary {D}", ["binary cannot be read", "it is no text"]),
]
EMULATE: list[tuple[str, list[str]]] = [
    ("emulate", ["found no DRIVER", "write powerd emulate DRIVER"]),
    ("emulate yokogawa-wt30", ["'yokogawa-wt30'", "did you mean yokogawa-wt300?"]),
    ("emulate yokogawa-wt300 --model WT31", ["'WT31'", "did you mean WT310"]),
    ("emulate yokogawa-wt300 --baud x", ["--baud", "'x'", "whole number"]),
    ("emulate yokogawa-wt300 --baud 1", ["--baud 1", "9600"]),
    ("emulate yokogawa-wt300 --seed x", ["--seed", "'x'", "whole number"]),
    ("emulate yokogawa-wt300 --load cube:1", ["'cube:1'", "constant:W"]),
    ("emulate yokogawa-wt300 --load sine:1,2", ["'sine:1,2'", "sine:MEAN,AMPLITUDE,PERIOD_S"]),
    ("emulate yokogawa-wt300 --load constant:nan", ["'constant:nan'", "constant:W"]),
    ("emulate yokogawa-wt300 --load constant:-1", ["below 0 W", "constant:W"]),
    ("emulate yokogawa-wt300 --load trace:nope", ["nope cannot be read", "name a CSV file"]),
    ("emulate yokogawa-wt300 --load trace:folder", ["folder cannot be read", "Is a directory"]),
    ("emulate yokogawa-wt300 --load trace:file", ["file has no `seconds,watts`", "put that row right"]),
    ("emulate yokogawa-wt300 --load trace:binary", ["binary cannot be read", "no CSV text"]),
    ("emulate yokogawa-wt300 --faults slow", ["'slow' is no fault", "for example half@5"]),
    ("emulate yokogawa-wt300 --faults hulf@5", ["'hulf@5'", "half"]),
    ("emulate yokogawa-wt300 --faults half@9-3", ["'half@9-3'"]),
    ("emulate yokogawa-wt300 --truth folder", ["folder cannot be written", "name another file"]),
    ("emulate yokogawa-wt300 --truth no/t", ["no/t cannot be written", "name another file"]),
    ("emulate yokogawa-wt300 --link file", ["--link file exists", "name a path that is free"]),
    ("emulate yokogawa-wt300 --link no/l", ["--link no/l cannot be made", "name another path"]),
]
LOOK: list[tuple[str, list[str]]] = [
    ("probe --jsn", ["'--jsn'", "did you mean --json?"]),
    ("doctor --meter x", ["NAME=DRIVER:PORT"]),
    (f"doctor {NOBODY_LISTENS}", ["no powerd answers", "powerd run"]),
    ("config", ["found no ACTION", "check"]),
    ("config chek file", ["'chek'", "did you mean check?"]),
    ("config check", ["found no FILE", "write powerd config check FILE"]),
    ("config check nope", ["nope cannot be read", "name a TOML file"]),
    ("config check folder", ["folder cannot be read", "Is a directory"]),
    ("config check broken.toml", ["broken.toml is not TOML"]),
    ("meters --url nope", ["'nope'", "http://127.0.0.1:8675"]),
    ("meters --url ftp://x", ["'ftp://x'", "http://127.0.0.1:8675"]),
    ("meters --url http://127.0.0.1:x", ["'http://127.0.0.1:x'", "http://127.0.0.1:8675"]),
    ("meters --url http://127.0.0.1:99999", ["99999", "http://127.0.0.1:8675"]),
    ("meters --url http://[::1", ["'http://[::1'", "http://127.0.0.1:8675"]),
    ("meters --url http://no.host.invalid:1", ["no powerd answers", "powerd run"]),
    *((f"{name} {NOBODY_LISTENS}", ["no powerd answers at http://127.0.0.1:1", "powerd run"])
      for name in ("meters", "windows", "watch", "clock", "export x")),
    (f"exec {NOBODY_LISTENS} -- true", ["no powerd answers", "powerd run"]),
    ("exec", ["found no command", "powerd exec -- sleep 5"]),
    ("exec --", ["found no command", "powerd exec -- sleep 5"]),
    ("exec -- no-such-program", ["'no-such-program'", "write its path"]),
    ("windows --limit x", ["--limit", "'x'", "from 1 to 1000"]),
    ("windows --limit 0", ["--limit", "'0'", "from 1 to 1000"]),
    ("windows a b", ["found 'b'", "leave it out"]),
    ("watch --every 0", ["--every", "'0'", "seconds above 0"]),
    ("watch --every nan", ["--every", "'nan'", "seconds above 0"]),
    ("export", ["found no ID", "write powerd export ID"]),
    ("export x --format cvs", ["'cvs'", "did you mean csv?"]),
]  # fmt: skip


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An own folder with bad files in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    bad_files(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("line", "parts"), [*WORDS, *RUN, *EMULATE, *LOOK], ids=lambda v: str(v)[:60])
def test_a_bad_word_is_one_sentence(line: str, parts: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    refuse(cli, line, 2, parts, capsys)


@pytest.mark.parametrize(("line", "code", "found", "said"), [
    ("probe /dev/nope", 2, "/dev/nope does not exist", "none of the named ports exists"),
    ("probe file", 1, "file is a file, not a tty: name a serial port", ""),
    ("probe folder", 1, "folder is a directory, not a tty: name a serial port", ""),
    ("probe /dev/null", 1, "/dev/null is no tty: name a serial port", ""),
    ("doctor --data-dir file", 1, "file is a file, wanted a folder: choose another --data-dir", ""),
    ("doctor --meter w=yokogawa-wt300:/dev/nope", 1, "/dev/nope does not exist", ""),
    ("config check file", 1, "no meter is configured, wanted at least one [[meter]]", ""),
])  # fmt: skip
def test_what_is_looked_at_and_not_fine_stands_in_the_report(
    line: str, code: int, found: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(line.split()) == code
    output = capsys.readouterr()
    assert found in output.out
    assert said in output.err
    assert output.err.count("\n") == bool(said)


def test_volume_may_stand_behind_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    refuse(cli, f"clock -v {NOBODY_LISTENS}", 2, ["no powerd answers"], capsys)


def test_names_from_outside_do_not_reach_the_terminal_raw(capsys: pytest.CaptureFixture[str]) -> None:
    refuse(cli, ["run", "--config", "a\x1b[31m\nb"], 2, [r"a\x1b[31m\nb"], capsys)


# what depends on the machine


@pytest.fixture
def line() -> Iterator[str]:
    """A pseudo-terminal at whose other end nobody answers."""
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    yield os.ttyname(theirs)
    os.close(ours)
    os.close(theirs)


def test_a_meter_that_is_silent(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    refuse(cli, f"run {M}:{line} {D}", 2, [line, "did not answer", "cable", "baud"], capsys)


def test_a_port_in_use(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    import serial

    with serial.Serial(line, exclusive=True):
        refuse(cli, f"run {M}:{line} {D}", 2, [line, "in use by another program", "fuser"], capsys)


def test_a_recording_that_cannot_be_written(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    refuse(cli, f"run {M}:{line},record=folder {D}", 2, ["folder", "name another file"], capsys)


def test_an_address_in_use(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        refuse(
            cli,
            f"run {M}:/dev/x --data-dir d --listen {address}",
            2,
            [address, "choose another --listen"],
            capsys,
        )


def test_a_store_that_is_none(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "d").mkdir()
    (place / "d/powerd.sqlite").write_bytes(b"no database " * 100)
    refuse(cli, f"run {M}:/dev/x {D}", 2, ["powerd.sqlite", "not a database", "--data-dir"], capsys)


def test_a_store_of_a_later_version(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import sqlite3

    (place / "d").mkdir()
    with sqlite3.connect(place / "d/powerd.sqlite") as later:
        later.execute("PRAGMA user_version=9999")
    later.close()
    refuse(cli, f"run {M}:/dev/x {D}", 2, ["version 9999", "update powerd"], capsys)


def test_files_of_somebody_else(place: Path) -> None:
    place.chmod(0o777)
    for name in ("file", "folder"):
        (place / name).chmod(0o600 if name == "file" else 0o555)
    imports = "powerd.service powerd.server powerd.api.app serial powerd.transports.serial"
    for words, parts in (
        (("run", "--config", "file"), ["file cannot be read", "Permission denied"]),
        (("config", "check", "file"), ["file cannot be read", "Permission denied"]),
        (("run", "--meter", "w=yokogawa-wt300:/dev/x", "--data-dir", "folder"), ["folder", "--data-dir"]),
    ):
        done = as_nobody("powerd", *words, cwd=place, imports=imports)
        judge(done.returncode, done.stdout, done.stderr, 2, parts, "powerd")


def with_small_disk(blocks: int, *words: str) -> list[str]:
    """No file of the command may grow beyond so many KiB: to it, that is a full disk."""
    return ["bash", "-c", f'ulimit -f {blocks}; exec "$@"', "-", *command("powerd", *words)]


def test_a_full_disk_at_the_start(place: Path) -> None:
    done = subprocess.run(
        with_small_disk(1, *f"run {M}:/dev/x {D}".split()), cwd=place, env=environment(), capture_output=True,
        text=True, timeout=60, check=False,
    )  # fmt: skip
    judge(done.returncode, done.stdout, done.stderr, 2, ["powerd.sqlite", "the disk has room"], "powerd")


def test_a_full_disk_under_the_truth(place: Path) -> None:
    meter = subprocess.Popen(
        with_small_disk(2, "emulate", "yokogawa-wt300", "--truth", "t"), cwd=place, env=environment(),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert meter.stdout is not None
    meter.stdout.readline()
    time.sleep(1.0)
    assert meter.poll() is None  # the meter goes on
    meter.terminate()
    _, said = meter.communicate(timeout=20)
    assert meter.returncode == 1, said
    assert "Traceback" not in said
    assert "the truth file t ends early" in said
    assert "free disk space" in said


def test_no_home(place: Path) -> None:
    """A user whom no list knows has no home; to be told a directory is enough."""
    env = environment(HOME=None, XDG_STATE_HOME=None, TERM=None)
    words = ("run", "--meter", "w=yokogawa-wt300:/dev/x")
    imports = "powerd.service powerd.server powerd.api.app serial"
    done = as_nobody("powerd", *words, cwd=place, imports=imports, user=54321, env=env)
    judge(done.returncode, done.stdout, done.stderr, 2, ["no home directory", "--data-dir"], "powerd")


@pytest.mark.parametrize("words", [("--help",), ("config", "check", "ünlesbar.toml")])
def test_a_plain_terminal(place: Path, words: tuple[str, ...]) -> None:
    """No TERM, an ASCII locale: what cannot be shown is spelled out."""
    env = environment(LC_ALL="C", LANG="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0", TERM=None)
    done = outcome("powerd", *words, cwd=place, env=env)
    assert "Traceback" not in done.stderr
    assert done.returncode == (0 if words == ("--help",) else 2)
    assert "internal error" not in done.stderr


def test_a_reader_that_leaves(place: Path) -> None:
    assert closed_pipe("powerd", "emulate", "--help", cwd=place)[1] == ""
    code, said = closed_pipe("powerd", "doctor", cwd=place)
    assert (code, said) == (0, "")


def test_a_full_disk_under_the_output(place: Path) -> None:
    code, out, said = full_output("powerd", "doctor", cwd=place)
    judge(code, out, said, 2, ["the output cannot be used", "No space left", "free disk space"], "powerd")


@pytest.mark.parametrize("words", [["emulate", "yokogawa-wt300"]])
def test_ctrl_c_is_130(place: Path, words: list[str]) -> None:
    process = subprocess.Popen(
        command("powerd", *words), cwd=place, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert said == "powerd: interrupted; what was written so far is kept\n"


# with a daemon


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("daemon")
    meter = Meter(folder)
    daemon = Daemon(folder, meter.port)
    yield daemon.url
    daemon.stop()
    meter.stop()


@pytest.mark.parametrize(("line", "parts"), [
    ("windows nope", ["there is no window 'nope'", "powerd windows"]),
    ("export nope", ["there is no window 'nope'", "powerd windows"]),
    ("exec --meter wal -- true", ["--meter wal", "did you mean wall?"]),
    ("exec -- ./noexec", ["./noexec", "cannot be run", "wanted a program"]),
])  # fmt: skip
def test_what_the_daemon_does_not_have(
    url: str, place: Path, line: str, parts: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "noexec").write_bytes(b"\x00\x01 no program")
    (place / "noexec").chmod(0o755)
    name, _, rest = line.partition(" ")
    refuse(cli, f"{name} --url {url} {rest}", 2, parts, capsys)


def test_an_export_into_nothing(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["exec", "--url", url, "--", "true"]) == 0
    capsys.readouterr()
    assert cli.main(["windows", "--url", url, "--json"]) == 0
    import json

    ident = json.loads(capsys.readouterr().out)["windows"][0]["id"]
    refuse(
        cli,
        f"export {ident} --url {url} --output no/where",
        2,
        ["no/where cannot be written", "another"],
        capsys,
    )
    refuse(cli, f"export {ident} --url {url} --output folder", 2, ["Is a directory", "another"], capsys)


def test_something_else_at_the_address(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as strange:
        strange.bind(("127.0.0.1", 0))
        strange.listen()
        import threading

        def answer() -> None:
            other, _ = strange.accept()
            other.recv(1000)
            other.sendall(b"220 mail ready\r\n")
            other.close()

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        refuse(
            cli, f"meters --url http://127.0.0.1:{strange.getsockname()[1]}", 2, ["no powerd answers"], capsys
        )
        thread.join(5)


def test_watch_ends_with_130(url: str, place: Path) -> None:
    process = subprocess.Popen(
        command("powerd", "watch", "--url", url), cwd=place, env=environment(), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert (process.returncode, said) == (130, "")


def test_the_head_of_a_long_watch(url: str) -> None:
    line = " ".join(command("powerd", "watch", "--every", "0.05", "--url", url))
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line} | head -2"],
        cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 2

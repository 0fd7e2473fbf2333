"""The whole look of preflight: its document, its text, checks that break or hang, wrong words."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness import preflight, preflight_text
from harness.checks.base import Line, Situation, Verdict
from harness.model import Fixture
from schemas import documents
from tests.harness.situations import says

Program = Callable[..., tuple[int, str, str]]


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


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_command_stays_in_one_piece_on_a_narrow_terminal(
    bare: Situation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("NO_COLOR", "1")
    command = (
        "mlharness run resnet50 --scenario Offline --fixture 'a folder' --rehearsal 60 --output practice"
    )
    path = "/a/folder/with/a/very/long/name/that/no/narrow/terminal/shows/on/one/line"
    cure = f"measure it by `{command}`, then give its latency or rate to this look"
    shown = Terminal()
    preflight_text.write(
        preflight.Outlook(bare, (Line("model", Verdict.WARN, f"no {path}", "one", cure),), (), 0.1), shown
    )
    lines = [line.strip() for line in shown.getvalue().splitlines()]
    assert f"`{command}`," in lines
    assert path in lines
    assert all(len(line) < 40 for line in lines if command not in line and path not in line)


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

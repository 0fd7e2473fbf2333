from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from schemas.cliapp import guarded
from schemas.errors import Failed, UserError


def raising(error: BaseException) -> int:
    def work() -> int:
        raise error

    return guarded("prog", work)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UserError("found a, wanted b"), 2),
        (Failed("not fine"), 1),
        (KeyboardInterrupt(), 130),
        (ZeroDivisionError("x"), 3),
    ],
)
def test_every_outcome_has_its_exit_code_and_one_sentence(
    error: BaseException, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert raising(error) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("prog: ")
    assert said.err.count("\n") == 1


def test_the_code_of_the_work_is_kept() -> None:
    assert guarded("prog", lambda: 1) == 1


SLOWLY_TAKEN_DOWN = """
import os, sys, time
from schemas.cliapp import run_program

class Last:
    def __del__(self, write=os.write, sleep=time.sleep):
        write(1, b"down\\n")
        sleep(1.0)

last = Last()
sys.exit(run_program("mlcheck", "", "checker.commands", ["rounds"], command="rounds"))
"""


def test_ctrl_c_after_the_last_word_changes_no_exit_code() -> None:
    """While the interpreter is taken down, Python has given its own handlers up, and the signal would kill."""
    with subprocess.Popen([sys.executable, "-c", SLOWLY_TAKEN_DOWN], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line == b"down\n":
                process.send_signal(signal.SIGINT)
    assert process.returncode == 0

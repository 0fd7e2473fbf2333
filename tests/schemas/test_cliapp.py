from __future__ import annotations

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

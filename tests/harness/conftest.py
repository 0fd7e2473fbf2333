"""The small fixture, made once, and ways to run the program."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness import cli, loadgens
from harness.checks.base import Situation
from harness.model import Fixture, RunRequest
from harness.plan import known
from harness.registry import benchmark
from schemas.errors import UserError
from schemas.rounds import Round
from tests.harness.situations import planted

IMAGES = 32


@pytest.fixture(scope="session")
def fixture(tmp_path_factory: pytest.TempPathFactory) -> Fixture:
    """A small ResNet50 and 32 images."""
    folder = tmp_path_factory.mktemp("fixture") / "resnet50"
    return benchmark("resnet50").make_fixture(folder, width="small", seed=7, samples=IMAGES)


def fetched(round_: Round) -> Path | None:
    """The folder of the round's LoadGen; that of v4.0 is made from source, which not every machine can."""
    try:
        return loadgens.fetch(round_)
    except UserError:
        if any(map(shutil.which, ("c++", "g++", "clang++"))):
            raise
    pytest.skip(f"the LoadGen of {round_.name} is made from source, and there is no C++ compiler")


def plain_request(fixture: Fixture, tree: Path) -> RunRequest:
    """A short run of one scenario on the fixture, in the open division."""
    return RunRequest(
        benchmark="resnet50",
        scenario="SingleStream",
        output=tree,
        round_name="v4.1",
        mode="all",
        backend="onnxruntime",
        model=None,
        dataset=None,
        fixture=fixture.path,
        power=None,
        division="open",
        submitter="tester",
        system="bench",
        user_conf=None,
        target_latency_ms=None,
        target_qps=None,
        rehearsal_s=1.0,
        threads=1,
        command_line=("run", "resnet50"),
    )


@pytest.fixture
def request_for(fixture: Fixture, tmp_path: Path) -> Callable[..., RunRequest]:
    """A run request on the fixture, with whatever a test changes."""
    plain = plain_request(fixture, tmp_path / "tree")
    return lambda **changes: replace(plain, **changes)


@pytest.fixture
def bare(tmp_path: Path) -> Situation:
    """A benchmark without model and data, on a machine that tells nothing."""
    round_, bench, official, scenarios = known("v4.1", "resnet50", None)
    machine = planted(tmp_path / "machine", {})
    return Situation(round_, bench, official, scenarios, machine=machine, output=tmp_path / "tree")


@pytest.fixture
def program(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs ``mlharness`` in this process: exit code, standard output, standard error."""

    def run(*arguments: object) -> tuple[int, str, str]:
        code = cli.main([str(a) for a in arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run

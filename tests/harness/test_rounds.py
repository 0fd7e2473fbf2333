"""Every round that can be run: its own LoadGen in the child, its own layout, and a tree that mlcheck calls valid."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from checker.api import check
from harness import loadgens, service
from harness.campaign.contents import packages
from harness.model import RunRequest, Workload
from schemas.errors import UserError
from schemas.loadgen import LoadgenLog
from schemas.rounds import known_rounds, load_round
from tests.harness.conftest import fetched

Request = Callable[..., RunRequest]
Program = Callable[..., tuple[int, str, str]]
RUN = tuple(name for name in known_rounds() if "loadgen" in load_round(name).facts)
LATER = tuple(name for name in RUN if not loadgens.here(loadgens.wanted(load_round(name))))
"""The others are run by all other tests."""


def silent(text: str) -> None:
    assert text


def test_rounds_that_can_be_run() -> None:
    assert RUN == ("v4.0", "v4.1", "v5.0", "v5.1", "v6.0", "v6.1")


@pytest.mark.parametrize("name", LATER)
def test_fixture_to_a_valid_tree(request_for: Request, name: str) -> None:
    round_ = load_round(name)
    fetched(round_)
    outcome = service.run(request_for(round_name=name, rehearsal_s=0.5, target_latency_ms=0.4), silent)
    run = LoadgenLog.read(outcome.written.results / "performance/run_1/mlperf_log_detail.txt")
    version = str(run.first("loadgen_version")).partition(" @ ")[0]
    assert loadgens.wanted(round_) == version or (name, version) == ("v4.0", "4.0"), "4.0.1 calls itself 4.0"
    assert {k: run.first(f"effective_{k}") for k in round_.seeds()} == round_.seeds()
    report = check(outcome.written.tree, rehearsal=True)
    assert report.round == name
    assert report.valid, [f for f in report.findings if f.stands]


def test_settings_are_those_of_the_loadgen_of_the_round(tmp_path: Path) -> None:
    """mlperf.conf is written from our data; where LoadGen's own is compiled in, both must say the same."""
    from tools.rounds.loadgen_conf import conf

    for name in RUN:
        round_ = load_round(name)
        place = fetched(round_)
        if place is None:
            import mlperf_loadgen

            library = Path(mlperf_loadgen.__file__)
        else:
            (library,) = place.glob("mlperf_loadgen*")
        if round_.conf_built_in:
            assert conf(library.read_bytes()) == round_.facts["loadgen"]["conf"]
        else:
            with pytest.raises(ValueError, match=r"no mlperf\.conf is compiled into"):
                conf(library.read_bytes())


def test_settings_from_a_file_are_those_that_the_checker_of_the_round_wants() -> None:
    """LoadGen 4.0.1 brings no settings: what the run of v4.0 above is given agrees with the limits of its checker."""
    round_ = load_round("v4.0")
    conf = round_.facts["loadgen"]["conf"]
    assert {k: conf[f"*.*.{k}"] for k in round_.seeds()} == round_.seeds()
    assert {k: conf[f"*.*.test05_{k}"] for k in round_.seeds("TEST05")} == round_.seeds("TEST05")
    for name in round_.benchmark_names:
        rules = round_.benchmark(name)
        model = rules.loadgen_model
        held = conf[f"{model}.*.performance_sample_count_override"]
        assert held in (rules.performance_sample_count, 0), "0 is the whole set"
        assert conf[f"{model}.Offline.min_query_count"] == rules.facts["offline_min_samples_per_query"]
        limit_ms = conf.get(f"{model}.Server.target_latency", conf["*.Server.target_latency"])
        if limit_ms and rules.latency_constraint_ns("Server"):
            assert limit_ms * 1_000_000 == rules.latency_constraint_ns("Server")


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    cache = tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    return cache


def test_a_run_never_fetches(request_for: Request, empty_cache: Path) -> None:
    with pytest.raises(
        UserError, match=r"wants LoadGen 6\.0\.17, which is not on .* mlharness fetch --round v6\.1"
    ):
        service.run(request_for(round_name="v6.1"), silent)
    assert not empty_cache.exists()


def test_an_old_round_is_judged_not_run(program: Program) -> None:
    code, _, err = program("fetch", "--round", "v3.1")
    assert code == 2
    assert err == (
        "mlharness: round v3.1 is judged by mlcheck and not run by this version; choose another --round\n"
    )


def test_no_network_is_one_sentence(
    program: Program, empty_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    code, out, err = program("fetch", "--round", "v6.1")
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert "LoadGen 6.0.17 could not be had from the package index" in err
    assert "--wheelhouse DIR" in err
    code, _, err = program("fetch", "--round", "v6.1", "--wheelhouse", tmp_path)
    assert code == 2
    assert f"could not be had from {tmp_path}" in err
    assert not [p for p in empty_cache.rglob("*") if p.is_file()]


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A folder with a wheel made by hand: nothing of it is looked at but its name."""
    import zipfile

    house = tmp_path / "house"
    house.mkdir()
    info = "mlcommons_loadgen-6.0.17.dist-info"
    with zipfile.ZipFile(house / "mlcommons_loadgen-6.0.17-py3-none-any.whl", "w") as wheel:
        wheel.writestr("mlperf_loadgen.py", "made = 'by hand'\n")
        wheel.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: mlcommons-loadgen\nVersion: 6.0.17\n"
        )
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return house


def test_preflight_fetches_from_a_wheelhouse_what_it_would_miss(
    program: Program, empty_cache: Path, house: Path
) -> None:
    _, out, _ = program("preflight", "bert", "--round", "v6.1")
    assert "LoadGen 4.1.30" in out
    assert "mlharness fetch --round v6.1" in out
    _, out, _ = program("preflight", "bert", "--round", "v6.1", "--wheelhouse", house)
    assert f"LoadGen 6.0.17, as the round has it, in {loadgens.folder('6.0.17')}" in " ".join(out.split())


def test_the_loadgen_of_the_round_is_what_a_run_stands_on() -> None:
    work = Workload("resnet50", Path("m"), Path("d"), "onnxruntime", 1, 1)
    step: Any = SimpleNamespace(plan=SimpleNamespace(workload=work, round=load_round("v6.1")))
    assert packages(step)["mlcommons-loadgen"] == "6.0.17"
    step.plan.round = load_round("v4.1")
    assert packages(step)["mlcommons-loadgen"] == "4.1.30"


def test_wheelhouse(program: Program, empty_cache: Path, house: Path) -> None:
    """A second call leaves it alone."""
    for _ in range(2):
        code, out, err = program("fetch", "--round", "v6.1", "--wheelhouse", house)
        assert (code, err) == (0, "")
        assert out == f"v6.1: LoadGen 6.0.17, in {loadgens.folder('6.0.17')}\n"
    assert (loadgens.folder("6.0.17") / "mlperf_loadgen.py").read_text() == "made = 'by hand'\n"
    assert [p.name for p in loadgens.folder("6.0.17").parent.iterdir()] == [loadgens.folder("6.0.17").name]
    assert loadgens.chosen(load_round("v6.1")) == loadgens.folder("6.0.17")

"""Which round a tree is for: by its seeds, or by what else tells the rounds apart, or not at all."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from checker.api import check
from checker.files import Tree
from checker.look import ENOUGH, Look, spread
from checker.recognise import choose, recognise
from schemas.errors import UserError
from schemas.rounds import known_rounds, load_round
from tests.checker import trees_v6
from tests.checker.corpus import folder, needs_corpus, published_trees
from tests.checker.test_valid_rounds import ROUNDS
from tests.checker.trees import SCENARIOS, TreeUnderTest, build

MODERN = [load_round(name) for name in ROUNDS]


def spoil(tree: TreeUnderTest, *, version: str | None = None) -> None:
    """Other seeds, and LoadGen of another version or of none."""
    for scenario in SCENARIOS:
        if tree.run(scenario).is_dir():
            tree.set_log(tree.run(scenario), effective_qsl_rng_seed=1, loadgen_version=version)


def told(tree: TreeUnderTest) -> tuple[str, str]:
    found, why = recognise(Look(Tree(tree.root)), MODERN)
    return found.name, why


@needs_corpus
@pytest.mark.parametrize(("path", "name"), published_trees(), ids=lambda t: str(t).rpartition("/")[2])
def test_every_published_tree(path: Path, name: str) -> None:
    found, why = choose("auto", Tree(path))
    assert found.name == name
    assert name in why


@pytest.mark.parametrize("name", ROUNDS)
def test_seeds_tell(name: str, tmp_path: Path) -> None:
    report = check(build(tmp_path, round_name=name).root)
    assert report.round == name
    assert f"3 of 3 performance logs have the seeds of {name}" in report.round_reason


@pytest.mark.parametrize("name", ROUNDS)
def test_loadgen_tells_where_the_seeds_are_of_no_round(name: str, tmp_path: Path) -> None:
    tree = build(tmp_path, round_name=name)
    spoil(tree, version=f"{name.removeprefix('v')}.7 @ 0123")
    assert told(tree) == (name, f"LoadGen of {name} wrote 3 of 3 performance logs")


def test_benchmarks_tell(tmp_path: Path) -> None:
    tree = build(tmp_path, round_name="v5.1", benchmark="whisper", scenarios=("offline",), power=False)
    spoil(tree)
    assert told(tree) == ("v5.1", "1 of 1 benchmarks are benchmarks of v5.1")


@pytest.mark.parametrize(("name", "candidates"), [("v4.1", "v3.0, v3.1, v4.0, v4.1"), ("v5.1", "v5.0, v5.1")])
def test_the_daemon_only_narrows(name: str, candidates: str, tmp_path: Path) -> None:
    tree = build(tmp_path, round_name=name)
    spoil(tree)
    wanted = f"power daemons are of a version.* candidates are {re.escape(candidates)};"
    with pytest.raises(UserError, match=wanted):
        told(tree)


def test_daemon_and_fields_together_tell(tmp_path: Path) -> None:
    tree = build(tmp_path, round_name="v3.0")
    spoil(tree)
    name, why = told(tree)
    assert name == "v3.0"
    assert "power daemons are of a version of v3.0 to v4.1; 1 of 1 system descriptions" in why


@pytest.mark.parametrize("name", ["v6.0", "v6.1"])
def test_seeds_of_the_newest_rounds_tell(name: str, tmp_path: Path) -> None:
    report = check(trees_v6.build(tmp_path, round_name=name).root)
    assert report.round == name
    assert f"3 of 3 performance logs have the seeds of {name}" in report.round_reason


@pytest.mark.parametrize("name", ["v6.0", "v6.1"])
def test_clients_of_endpoints_tell_where_no_loadgen_took_part(name: str, tmp_path: Path) -> None:
    about = {"benchmark": "gpt-oss-120b", "system_type": "datacenter"}
    tree = trees_v6.build(tmp_path, round_name=name, endpoint=True, **about)  # type: ignore[arg-type]
    found, why = choose("auto", Tree(tree.root))
    number = len(tree.scenarios)
    assert found.name == name
    assert f"{number} of {number} clients of endpoints have the seeds of {name}" in why


def test_settings_of_a_client_that_cannot_be_read_tell_nothing(tmp_path: Path) -> None:
    tree = trees_v6.build(
        tmp_path, benchmark="gpt-oss-120b", system_type="datacenter", scenarios=("offline",), endpoint=True
    )
    for path in tree.root.rglob("config.y*ml"):
        path.write_text("[")
    with pytest.raises(UserError, match=r"candidates are v6\.0, v6\.1"):
        choose("auto", Tree(tree.root))


@needs_corpus
def test_the_sample_whose_seeds_are_of_an_earlier_round_is_told_by_layout_and_benchmarks() -> None:
    found, why = choose("auto", Tree(folder() / "v6-sample_1"))
    assert found.name == "v6.0"
    assert why == (
        "8 of 8 results have their measurements in the place of v6.0, v6.1; 3 of 3 benchmarks are benchmarks of v6.0"
    )


def test_two_rounds_in_one_tree_cannot_be_told(tmp_path: Path) -> None:
    tree = build(tmp_path, round_name="v4.0", scenarios=("singlestream", "offline"), power=False)
    tree.set_log(tree.run("offline"), **{f"effective_{k}": v for k, v in load_round("v4.1").seeds().items()})
    for scenario in ("singlestream", "offline"):
        tree.set_log(tree.run(scenario), loadgen_version=None)
    with pytest.raises(UserError, match=r"1 of 2 performance logs .* candidates are v4\.0, v4\.1;"):
        told(tree)


def test_nothing_that_can_be_read_tells_nothing(tmp_path: Path) -> None:
    tree = build(tmp_path, power=False)
    for scenario in SCENARIOS:
        (tree.run(scenario) / "mlperf_log_detail.txt").write_text("no log\n")
    for file in (tree.base / "systems").iterdir():
        file.write_text("{")
    with pytest.raises(UserError) as error:
        choose("auto", Tree(tree.root))
    assert all(name in str(error.value) for name in ROUNDS)
    assert not any(name in str(error.value) for name in known_rounds() if name >= "v6")


def test_a_large_tree_is_looked_at_here_and_there() -> None:
    assert spread(list(range(5))) == [0, 1, 2, 3, 4]
    far = spread(list(range(1200)))
    assert len(far) == ENOUGH
    assert far[-1] == 1100

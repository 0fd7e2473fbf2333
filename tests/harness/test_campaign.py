"""Campaigns: the file, the plan, the journal, what is used again and what is not, and interruptions."""

from __future__ import annotations

import json
import re
import shutil
import signal
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from checker.campaign import _pairs
from harness import clockwatch
from harness.campaign import journal
from harness.campaign.contents import Hashes, changes
from harness.campaign.journal import Journal
from harness.campaign.steps import few
from harness.model import Fixture
from schemas import documents
from schemas.errors import UserError
from tests.harness import interrupted
from tests.harness.interrupted import campaign_file, essence, whole

Program = Callable[..., tuple[int, str, str]]
PLACE = "open/tester/results/bench/resnet50/SingleStream"


def lines_of(folder: Path) -> list[dict[str, Any]]:
    text = (folder / "tree.work/campaign/journal.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


# --- the file


def test_options_of_a_runtime_stand_in_the_file(program: Program, fixture: Fixture, tmp_path: Path) -> None:
    path = campaign_file(tmp_path, fixture.path)
    path.write_text(path.read_text() + 'provider = "cpu"\noption = ["device=3"]\ncores = "0"\n')
    code, _, err = program("plan", path)
    assert code == 2
    assert "--device is for another --provider than cpu" in err
    path.write_text(path.read_text().replace('option = ["device=3"]\n', ""))
    code, _, err = program("plan", path)
    assert code == 0, err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('rond = "v4.1"', "unknown key 'rond'; did you mean round?"),
        ('[defaults]\nfixtur = "x"', "[defaults]: unknown key 'fixtur'; did you mean fixture?"),
        ("[defaults]\nthreads = true", "[defaults]: threads: found True, wanted a whole number"),
        ("[systems.a]\ntarget_qps = 'fast'", "[systems.a]: target_qps: found 'fast', wanted a number"),
        ("[benchmarks]\nresnet50 = 3", "resnet50 is no table: write [benchmarks.resnet50]"),
        ("[[run]]\nbenchmark = []\nscenario = 'Offline'", "benchmark: found [], wanted a name"),
        ("[[run]]\nbenchmark = 'resnet50'", "[[run]] 1 (resnet50): no scenario"),
        ("[[run]]\nbenchmark = 'resnet5'\nscenario = 'Offline'", "did you mean resnet50?"),
        ("[[run]]\nbenchmark = 'resnet50'\nscenario = 'Offlin'", "did you mean Offline?"),
        (
            "[[run]]\nbenchmark = 'resnet50'\nscenario = 'Offline'\nmode = 'fast'",
            "wanted all or some of performance",
        ),
        (
            "[[run]]\nbenchmark = 'resnet50'\nscenario = 'Offline'\npower = true",
            "power = true, but nothing says",
        ),
        ("[[run]]\nbenchmark = 'resnet50'\nscenario = 'Offline'\nsystme = 'a'", "did you mean system?"),
        ("run = 3", "write [[run]], with two brackets"),
        ("= 3", "is not TOML"),
        ("", "asks for no run"),
    ],
)
def test_mistakes_in_a_file_are_one_sentence(
    program: Program, fixture: Fixture, tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "c.toml"
    defaults = "" if "[defaults]" in text else f'[defaults]\nfixture = "{fixture.path}"\n'
    head, mark, rest = text.partition("[")
    path.write_text(f'output = "tree"\n{head}\n{defaults}{mark}{rest}')
    code, out, err = program("plan", path)
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


def test_all_mistakes_are_said_at_once(program: Program, fixture: Fixture, tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text(
        f'[defaults]\nfixture = "{fixture.path}"\nthrads = 1\n'
        '[[run]]\nbenchmark = "resnet5"\nscenario = "Offline"\n'
        '[[run]]\nbenchmark = "resnet50"\nscenario = "Offline"\ndivision = "opn"\n'
    )
    code, _, err = program("plan", path)
    assert code == 2
    head, *rows = err.splitlines()
    wanted = ("'thrads'; did you mean threads?", "no output", "did you mean resnet50?", "did you mean open?")
    assert head == f"mlharness: {path}: {len(rows)} mistakes"
    assert all(row.startswith("  ") for row in rows)
    assert [sum(said in row for row in rows) for said in wanted] == [1, 1, 1, 1]


def test_the_order_of_a_matrix(program: Program, fixture: Fixture, tmp_path: Path) -> None:
    """Of each result the performance run comes first, then accuracy, then what is compared with both."""
    path = tmp_path / "c.toml"
    path.write_text(
        f'output = "tree"\n[defaults]\nfixture = "{fixture.path}"\ndivision = "closed"\nsubmitter = "me"\n'
        'power = "spawn:yokogawa-wt300:/dev/ttyNone"\nrehearsal = 60\n[systems.b]\npower = false\nthreads = 2\n'
        '[[run]]\nsystem = ["a", "b"]\nbenchmark = "resnet50"\nscenario = "Offline"\n'
        'mode = ["accuracy", "performance"]\n'
        '[[run]]\nsystem = "b"\nbenchmark = "resnet50"\nscenario = "Offline"\nmode = "compliance"\ntests = ["TEST04"]\n'
    )
    code, out, err = program("plan", path)
    assert (code, err) == (0, "")
    rows = [line.split() for line in out.splitlines()[:-3]]
    assert [f"{r[1]} {r[2]}" for r in rows] == [
        *("closed/me/a/resnet50/Offline performance", "closed/me/a/resnet50/Offline accuracy"),
        *("closed/me/b/resnet50/Offline performance", "closed/me/b/resnet50/Offline accuracy"),
        "closed/me/b/resnet50/Offline TEST04",
    ]
    assert "calibration, ranging, performance" in out.splitlines()[0]
    assert "ranging" not in out.splitlines()[2], "b is measured without power"
    assert "energy: unknown (no earlier window and no daemon that measures now)" in out
    assert not list(tmp_path.glob("tree*")), "a plan writes nothing"


def test_a_rehearsal_of_streams_lasts_until_it_has_its_queries(
    program: Program, fixture: Fixture, tmp_path: Path
) -> None:
    """LoadGen wants 662 queries in MultiStream of v4.1, however short a run is to be."""
    path = tmp_path / "c.toml"
    text = (
        f'output = "tree"\n[defaults]\nfixture = "{fixture.path}"\nrehearsal = 3\n[[run]]\nsystem = "a"\n'
        'benchmark = "resnet50"\nscenario = ["MultiStream", "Offline"]\nmode = "performance"\n'
    )
    path.write_text(text)
    _, out, _ = program("plan", path)
    assert "MultiStream performance  at least" in out
    assert "a rehearsal of unknown pace" in out
    assert "Offline performance  about" in out
    path.write_text(text + "target_latency_ms = 100\n")
    _, out, _ = program("plan", path)
    assert "MultiStream performance  about 71 s" in out, "662 queries of 100 ms, and 5 s to warm up"


def test_many_reasons_are_cut_in_the_plan() -> None:
    assert few("a/b, c/d, e/f") == "a/b, c/d, e/f"
    assert few("a/b, c/d, e/f, g/h") == "a/b, c/d and 2 more"


def test_a_file_of_mlcheck_is_taken_as_it_is(program: Program, fixture: Fixture, tmp_path: Path) -> None:
    """What it cannot know comes from a second file."""
    row = {
        **{"benchmark": "resnet50", "scenario": "SingleStream", "mode": "performance", "division": "closed"},
        **{"submitter": "me", "system": "a", "round": "v4.1", "power": True},
        **{"reason": "performance/min-duration", "expected_seconds": 1320},
    }
    rerun = tmp_path / "again.toml"
    head = {"schema": "edgewatt/campaign/1", "tool": "mlcheck 0.1.0", "tree": "t", "round": "v4.1"}
    rerun.write_text(f"{_pairs(head)}\n\n[[run]]\n{_pairs(row)}\n")
    assert list(documents.violations("campaign", tomllib.loads(rerun.read_text()))) == []
    lab = tmp_path / "lab.toml"
    lab.write_text(f'output = "tree"\n[benchmarks.resnet50]\nfixture = "{fixture.path}"\n')
    code, _, err = program("plan", rerun, "--with", lab)
    assert code == 2
    assert "power = true, but nothing says with which daemon or meter" in err
    with lab.open("a") as file:
        file.write('[defaults]\npower = "spawn:yokogawa-wt300:/dev/ttyNone"\n')
    code, out, err = program("plan", rerun, "--with", lab)
    assert (code, err) == (0, "")
    assert "closed/me/a/resnet50/SingleStream performance  about 22 min" in out
    assert "by mlcheck; asked for: performance/min-duration" in out


# --- journal, hashes, lock


def test_a_line_that_was_cut_short_is_passed_over(tmp_path: Path) -> None:
    with Journal(tmp_path) as first:
        number = first.started("a", {"model": "x"}, {})
        first.finished("a", number, 1.5, result={}, logs={}, versions={}, meter=None)
        first.started("b", {}, {})
    path = tmp_path / journal.NAME
    path.write_bytes(path.read_bytes()[:-20])
    assert journal.read(path).garbled == 1
    with Journal(tmp_path) as second:
        assert second.past.runs.keys() == {"a"}
        assert second.started("b", {}, {}) == 2
    found = journal.read(path)
    assert (found.garbled, found.runs["a"].state, found.runs["b"].state) == (1, "finished", "started")


def test_two_campaigns_on_one_tree_are_refused(tmp_path: Path) -> None:
    with Journal(tmp_path), pytest.raises(UserError, match=r"another campaign \(process \d+\) is writing"):
        Journal(tmp_path)
    with Journal(tmp_path):
        pass


def test_hashes_are_remembered_and_never_stale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, memory = tmp_path / "data", tmp_path / "m/hashes.json"
    (data / "a").mkdir(parents=True)
    (data / "a/x").write_text("one")
    (data / "y").write_text("two")
    hashes = Hashes(memory)
    before = hashes.of(data)
    hashes.keep()
    assert list(documents.violations("campaign-hashes", json.loads(memory.read_text()))) == []
    again = Hashes(memory)
    monkeypatch.setattr(Path, "open", None)
    assert again.of(data) == before, "no file is opened a second time"
    monkeypatch.undo()
    (data / "y").write_text("owt")
    assert again.of(data) != before
    (data / "y").write_text("two")
    assert again.of(data) == before
    (data / "y").rename(data / "z")
    assert again.of(data) != before


def test_what_changed_is_named() -> None:
    one = {
        "model": "a",
        "settings": {"threads": 1},
        "packages": {"loadgen": "4.1.30"},
        "code": "c",
        "version": "1",
    }
    assert changes(one, one) == []
    two = {**one, "model": "b", "settings": {"threads": 2}, "packages": {}, "version": "2", "code": "d"}
    assert changes(one, two) == [
        *("the model", "the program (1, now 2)", "setting threads (1, now 2)"),
        "package loadgen (4.1.30, now none)",
    ]


# --- runs


@pytest.fixture(scope="module")
def reference(fixture: Fixture, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a campaign that nobody disturbed."""
    folder = tmp_path_factory.mktemp("reference")
    code, out, err = whole(campaign_file(folder, fixture.path))
    assert code == 0, err
    assert "runs: 4 made, 0 used again, 0 failed" in out
    assert "run 3 of 4, " in err
    for line in lines_of(folder):
        assert list(documents.violations("campaign-journal", line)) == []
    return folder


@pytest.fixture
def copy(reference: Path, tmp_path: Path) -> Path:
    """That campaign, to be changed."""
    shutil.copytree(reference, tmp_path / "copy")
    text = (tmp_path / "copy/campaign.toml").read_text()
    (tmp_path / "copy/campaign.toml").write_text(
        text.replace('["SingleStream", "Offline"]', '"SingleStream"')
    )
    return tmp_path / "copy"


def test_a_second_time_needs_resume_and_uses_everything_again(program: Program, copy: Path) -> None:
    path = copy / "campaign.toml"
    before = essence(copy / "tree")
    code, _, err = program("campaign", path)
    assert code == 2
    assert "has a campaign with 2 of these 2 runs finished; go on with --resume" in err
    code, out, err = program("campaign", path, "--resume")
    assert code == 0, err
    assert "runs: 0 made, 2 used again, 0 failed" in out
    assert "performance: used again (run 1 of " in err
    assert "Offline accuracy: made by an earlier campaign and not in this file" in err
    assert essence(copy / "tree") == before
    assert [line["event"] for line in lines_of(copy)][-2:] == ["reused", "reused"]


def test_a_result_is_not_used_again_when_a_setting_changed(program: Program, copy: Path) -> None:
    path = copy / "campaign.toml"
    path.write_text(path.read_text().replace("threads = 1", "threads = 2"))
    code, out, err = program("campaign", path, "--resume")
    assert code == 0, err
    assert err.count("not used again, because setting threads (1, now 2) changed") == 2
    assert "runs: 2 made, 0 used again" in out
    old = list((copy / "tree.work/replaced").glob(f"*/{PLACE}/*"))
    assert sorted(p.name for p in old) == ["accuracy", "performance"], "what was there is kept"


def test_a_result_is_not_used_again_when_its_files_changed(program: Program, copy: Path) -> None:
    (copy / "tree" / PLACE / "performance/run_1/mlperf_log_summary.txt").write_text("better")
    code, out, err = program("campaign", copy / "campaign.toml", "--resume")
    assert code == 0, err
    assert "performance: not used again, because the files of its result were changed" in err
    assert "accuracy: used again" in err
    assert "runs: 1 made, 1 used again" in out


def test_a_model_that_changed_is_seen_by_its_contents(program: Program, fixture: Fixture, copy: Path) -> None:
    other = copy / "fixture"
    shutil.copytree(fixture.path, other)
    path = copy / "campaign.toml"
    path.write_text(path.read_text().replace(str(fixture.path), str(other)))
    code, _, err = program("campaign", path, "--resume")
    assert (code, err.count("used again (run")) == (0, 2), "a copy is the same model"
    with (other / fixture.model.relative_to(fixture.path)).open("ab") as file:
        file.write(b"\x00")
    code, out, err = program("campaign", path, "--resume")
    assert err.count("not used again, because the model changed") == 2
    assert code == 1, "the model cannot be opened any more"
    assert "runs: 0 made, 0 used again, 2 failed" in out
    assert not (copy / "tree" / PLACE).exists(), "no result of the old model stands for the new one"


def test_what_a_file_asks_for_anew_is_made_once_and_what_was_there_is_kept(
    program: Program, copy: Path
) -> None:
    path = copy / "campaign.toml"
    path.write_text(path.read_text() + 'mode = "performance"\nreason = "performance/min-duration"\n')
    code, out, err = program("campaign", path)
    assert code == 0, err
    assert "performance: made again, asked for by performance/min-duration" in err
    assert "runs: 1 made, 0 used again" in out
    (old,) = (copy / "tree.work/replaced").glob(f"*/{PLACE}/*")
    assert old.name == "performance"
    code, out, _ = program("campaign", path, "--resume")
    assert "runs: 0 made, 1 used again" in out


def test_a_result_of_somebody_else_is_never_touched(program: Program, copy: Path) -> None:
    shutil.rmtree(copy / "tree.work/campaign")
    code, _, err = program("campaign", copy / "campaign.toml")
    assert code == 2
    assert "holds results already that no campaign made here" in err


def test_a_step_of_the_clock_voids_a_run_and_the_campaign_goes_on(
    program: Program, fixture: Fixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the performance run measures times."""
    path = campaign_file(tmp_path, fixture.path, 1.0)
    path.write_text(path.read_text().replace('["SingleStream", "Offline"]', '"SingleStream"'))
    looks, real = [], clockwatch.look

    def stepped() -> clockwatch.Look:
        looks.append(real())
        return replaced(looks[-1], 0 if len(looks) < 3 else 5_000_000)

    def replaced(found: clockwatch.Look, gained_ns: int) -> clockwatch.Look:
        return clockwatch.Look(
            found.realtime_ns + gained_ns, found.raw_ns, found.monotonic_ns, found.boottime_ns, found.width_ns
        )

    monkeypatch.setattr(clockwatch, "look", stepped)
    code, out, err = program("campaign", path)
    assert code == 1
    assert re.search(
        r"the performance run is void: the wall clock stepped by [45]\.\d ms during the run", out
    )
    assert "runs: 1 made, 0 used again, 1 failed" in out
    assert interrupted.states(path) == {
        "open/tester/bench/resnet50/SingleStream performance": "failed",
        "open/tester/bench/resnet50/SingleStream accuracy": "finished",
    }
    monkeypatch.undo()
    code, out, err = program("campaign", path, "--resume")
    assert code == 0, err
    assert "performance: failed (the performance run is void" in err
    assert "runs: 1 made, 1 used again, 0 failed" in out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_campaign_ends_as_one_that_was_not(
    fixture: Fixture, reference: Path, tmp_path: Path, number: int
) -> None:
    path = campaign_file(tmp_path, fixture.path)
    process = interrupted.start(path)
    assert process.stderr is not None
    seen = iter(process.stderr.readline, "")
    assert any("accuracy: running" in line for line in seen), "the first run is finished, the second goes on"
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    interrupted.judge(path, interrupted.Stop(number, process.returncode, 0.0, err))
    code, out, err = whole(path, "--resume")
    assert code == 0, err
    assert "runs: 3 made, 1 used again" in out
    assert "SingleStream performance: used again" in err
    assert essence(tmp_path / "tree") == essence(reference / "tree")


@pytest.mark.proof
def test_fifty_interruptions_at_random_moments(fixture: Fixture, reference: Path, tmp_path: Path) -> None:
    wanted, done, stops = essence(reference / "tree"), 0, 50
    trees, slowest_s = 0, 0.0
    while done < stops:
        path = campaign_file(tmp_path / str(trees), fixture.path)
        for stop in interrupted.series(path, stops - done, seed=trees, longest_s=9.0):
            if stop.code == 0:
                break
            done += 1
            if stop.number == signal.SIGINT:
                slowest_s = max(slowest_s, stop.took_s)
        code, _, err = whole(path, "--resume")
        assert code == 0, err
        assert essence(tmp_path / str(trees) / "tree") == wanted
        trees += 1
    print(f"{done} interruptions over {trees} campaigns; Ctrl-C answered within {slowest_s:.2f} s")

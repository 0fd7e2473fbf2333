"""What every benchmark keeps, whichever they are: fixture, runs and compliance through LoadGen, a tree that is valid.

No benchmark is named here: a new file in ``harness/benchmarks`` is tested by being there. Each runs in the newest
round that has it for edge systems, else for datacenter systems, in the closed division, with every scenario that the
round requires there; a retired one in the form in which it still runs, as an open entry, without compliance tests.
"""

from __future__ import annotations

import filecmp
import itertools
import json
import re
import shlex
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from checker.api import check
from harness import cli, plan, practice, retired, runner, service
from harness.accuracy_log import ACCURACY_LOG, write
from harness.backends.base import Backend, Describing
from harness.benchmarks.base import Adapted, Benchmark, Composed, Contract, Counted, OfFiles, Quick, traits
from harness.commands import run as run_command
from harness.fixtures import description
from harness.model import Fixture
from harness.opening import opened
from harness.registry import backend_for, benchmark, benchmarks, precision_for
from harness.samples import Samples
from harness.scoring import Demanding
from harness.sut import Sut
from schemas import documents
from schemas.cliparse import Parser
from schemas.errors import UserError
from schemas.rounds import Round, known_rounds, load_round
from tests.harness import bad_inputs
from tests.harness.conftest import fetched, plain_request
from tests.trips import sentences

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs/benchmarks"
REHEARSAL_S = 0.3
LARGE = 1 << 20
"""Bytes of an answer from which on a hundred queries take long."""


@dataclass(frozen=True)
class Subject:
    """A benchmark with its fixture, the round in which it is run, and the type of the system."""

    bench: Benchmark
    fixture: Fixture
    round: Round
    official: str
    system_type: str

    @property
    def division(self) -> str:
        return "closed" if retired.of(self.bench) is None else retired.DIVISION

    @property
    def scenarios(self) -> tuple[str, ...]:
        found = self.round.benchmark(self.official).scenarios(self.system_type)
        assert found is not None
        return found.required


def newest(bench: Benchmark) -> tuple[Round, str, str]:
    """The newest round with scenarios for a benchmark, its name there, and for which systems: edge where there are any.

    Of a retired one the usual round.
    """
    rounds = known_rounds() if retired.of(bench) is None else (retired.DEFAULT_ROUND,)
    for system_type, name in itertools.product(("edge", "datacenter"), reversed(rounds)):
        round_ = load_round(name)
        for official in retired.names(bench):
            if "loadgen" in round_.facts and official in round_.benchmark_names:
                rules = round_.benchmark(official).scenarios(system_type)
                if rules is not None and rules.required:
                    return round_, official, system_type
    raise AssertionError(f"no round requires {bench.name}")


@pytest.fixture(scope="module", params=sorted(benchmarks()))
def subject(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Subject:
    bench = benchmark(request.param)
    folder = tmp_path_factory.mktemp("contract") / bench.name
    made = bench.make_fixture(folder, width="small", seed=3, samples=min(bench.fixture_samples, 8))
    round_, official, system_type = newest(bench)
    fetched(round_)
    return Subject(bench, made, round_, official, system_type)


def test_fixture_is_described_and_made_again_alike(subject: Subject, tmp_path: Path) -> None:
    made = subject.fixture
    assert description.read(made.path) == made
    assert list(documents.violations("fixture", json.loads((made.path / "fixture.json").read_text()))) == []
    again = subject.bench.make_fixture(
        tmp_path / "again", width=made.width, seed=made.seed, samples=made.samples
    )
    names = sorted(str(p.relative_to(made.path)) for p in made.path.rglob("*") if p.is_file())
    assert filecmp.cmpfiles(made.path, again.path, names, shallow=False)[0] == names
    assert replace(again, path=made.path, model=made.model, dataset=made.dataset) == made


def engine_of(subject: Subject) -> Backend:
    """The benchmark's own runtime, with the fixture's model."""
    name = backend_for(subject.bench, None)
    precision = precision_for(subject.bench, name, None)
    return opened(subject.bench, name, subject.fixture.model, threads=1, precision=precision)


def test_model_and_data_keep_the_contract(subject: Subject) -> None:
    bench, made = subject.bench, subject.fixture
    assert isinstance(bench, Contract)
    engine = engine_of(subject)
    assert bench.tensors or isinstance(bench, Adapted)
    found = {(t.kind, t.name): t for t in engine.tensors()} if isinstance(engine, Describing) else {}
    for tensor in bench.tensors:
        mine = found[tensor.kind, tensor.name]
        assert mine.dtype == tensor.dtype, str(mine)
        assert len(mine.shape) == len(tensor.shape), str(mine)
        assert all(n is None or m in (n, None) for m, n in zip(mine.shape, tensor.shape, strict=True)), str(
            mine
        )
    dataset = bench.dataset(made.dataset)
    assert len(dataset) == made.samples
    assert isinstance(dataset, OfFiles)
    assert all(p.is_file() for p in dataset.files())


def test_an_answer_does_not_depend_on_the_batch(subject: Subject) -> None:
    bench, made = subject.bench, subject.fixture
    engine = engine_of(subject)
    sut = Sut(bench, engine, bench.dataset(made.dataset), batch=4)
    count = min(4, made.samples)
    samples = Samples.of(bench, bench.dataset(made.dataset))
    samples.load(range(count), lambda: None)
    single = [answers(bench, engine.infer, samples, [i])[0] for i in range(count)]
    if bench.most != 1:
        assert answers(bench, engine.infer, samples, list(range(count))) == single
    if isinstance(bench, Quick):
        assert [bench.one_response(engine.infer(samples.batch([i]))) for i in range(count)] == single
    assert sut.error is None


def answers(bench: Benchmark, infer: object, samples: Samples, indices: list[int]) -> list[bytes]:
    batch = samples.batch(indices)
    if isinstance(bench, Composed):
        rows = bench.answer(infer, batch, indices)  # type: ignore[arg-type]
    else:
        rows = bench.responses(infer(batch), indices)  # type: ignore[operator]
    return [row.tobytes() for row in (rows.rows if isinstance(rows, Counted) else rows)]


def build(subject: Subject, root: Path, scenarios: tuple[str, ...]) -> None:
    """Performance, accuracy and compliance; the accuracy is the planted one exactly."""
    for scenario in scenarios:
        outcome = service.run(
            replace(
                plain_request(subject.fixture, root),
                benchmark=subject.official if subject.division == "closed" else subject.bench.name,
                backend=None,
                scenario=scenario,
                round_name=subject.round.name,
                division=subject.division,
                system_type=subject.system_type,
                rehearsal_s=REHEARSAL_S,
            ),
            lambda text: None,
        )
        assert outcome.accuracy is not None
        assert outcome.accuracy.value == subject.fixture.value
        assert outcome.accuracy.metric == subject.fixture.metric
        rules = subject.round.benchmark(subject.official)
        tests = rules.compliance_tests_of(scenario) if subject.division == "closed" else ()
        assert set(outcome.done.verdicts) == set(tests)
        record = json.loads(outcome.written.record.read_text())
        assert list(documents.violations("run-record", record)) == []


def judge(subject: Subject, root: Path, scenarios: tuple[str, ...], *, lacks: tuple[str, ...] = ()) -> None:
    """Valid as a rehearsal but for what ``lacks`` names; else only what the rehearsal declares."""
    rehearsed, plain = check(root, rehearsal=True), check(root)
    assert rehearsed.round == subject.round.name
    assert {r.place.scenario for r in rehearsed.results} == set(scenarios)
    assert {r.model for r in rehearsed.results} == {subject.official}
    left = [f for f in rehearsed.findings if f.stands and f.severity.value == "error"]
    assert {f.rule for f in left} == set(lacks), [(f.rule, f.message) for f in left]
    assert rehearsed.valid == (not lacks)
    standing = {(f.rule, f.location) for f in plain.findings if f.severity.value == "error"}
    forgiven = {(f.rule, f.location) for f in rehearsed.findings if f.forgiven}
    assert standing
    assert standing <= forgiven | {(f.rule, f.location) for f in left}


def test_tree_lacks_only_what_the_rehearsal_declares(
    subject: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The streams have query counts that no rehearsal cuts (MultiStream: 662 of 8 samples). So MultiStream, and where
    answers are large or come from a library that each child takes seconds to import SingleStream too, are for the
    proof below."""
    monkeypatch.setattr(runner, "CALIBRATION_S", 2 * REHEARSAL_S)
    assert isinstance(subject.bench, Contract)
    quick = subject.bench.response_bytes < LARGE and not isinstance(subject.bench, Adapted)
    slow = {"MultiStream"} if quick else {"MultiStream", "SingleStream"}
    scenarios = tuple(s for s in subject.scenarios if s not in slow)
    build(subject, tmp_path / "tree", scenarios)
    all_there = scenarios == subject.scenarios or subject.division != "closed"
    lacks = () if all_there else ("structure/required-scenarios",)
    judge(subject, tmp_path / "tree", scenarios, lacks=lacks)


@pytest.mark.proof
def test_tree_with_every_required_scenario(subject: Subject, tmp_path: Path) -> None:
    build(subject, tmp_path / "tree", subject.scenarios)
    judge(subject, tmp_path / "tree", subject.scenarios)


def test_the_command_that_make_fixture_prints_is_whole(subject: Subject) -> None:
    """It can be pasted as it is: every option is known, and a plan is made of it, which refuses what cannot be run."""
    command = shlex.split(practice.of_fixture(subject.fixture))
    assert command[:2] == ["mlharness", "run"]
    parser = Parser(prog="mlharness run")
    run_command.add_arguments(parser)
    asked = run_command.request(parser.parse_args(command[2:]))
    planned = plan.plan(asked)
    assert planned.fixture == subject.fixture
    assert planned.request.rehearsal_s == practice.SECONDS
    assert not asked.output.exists()


def test_page(subject: Subject) -> None:
    """Where model and data come from, how they lie on disk, which accuracy is expected, how long it takes."""
    text = (DOCS / f"{subject.bench.name}.md").read_text(encoding="utf-8")
    for heading in ("Model", "Data", "Accuracy", "Time"):
        assert re.search(rf"^## {heading}", text, re.MULTILINE), heading
    for tensor in (*subject.bench.inputs, *subject.bench.outputs):
        assert f"`{tensor}`" in text
    assert f"mlharness make-fixture {subject.bench.name}" in text


# --- bad inputs: one sentence, exit code 2, within seconds, nothing written


def refused(
    subject: Subject, place: Path, capsys: pytest.CaptureFixture[str], *, model: Path, dataset: Path
) -> str:
    """What ``mlharness run`` says to such a model and data set."""
    tree, scenario = place / "tree", subject.scenarios[-1]
    expected = "--target-qps" if scenario == "Offline" else "--target-latency-ms"
    line = f"-q run {subject.bench.name} --division {subject.division} --round {subject.round.name} "
    line += (
        f"--system-type {subject.system_type} --scenario {scenario} {expected} 9 --rehearsal 0.3 --threads 1"
    )
    paths = ["--output", str(tree), "--model", str(model), "--dataset", str(dataset)]
    code = cli.main([*line.split(), *paths])
    said = capsys.readouterr()
    sentences.judge(code, said.out, said.err, 2, [], "mlharness")
    assert not tree.exists()
    if model == subject.fixture.model:
        assert not tree.with_name("tree.work").exists(), "a run began"
    return said.err


def test_a_sample_is_missing(subject: Subject, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = subject.fixture
    if len(set(bad_inputs.samples(subject.bench, made.dataset))) > 1:
        data = bad_inputs.without_a_sample(subject.bench, made, tmp_path / "data")
        refused(subject, tmp_path, capsys, model=made.model, dataset=data)


def test_a_data_set_without_anything_in_it(
    subject: Subject, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data").mkdir()
    refused(subject, tmp_path, capsys, model=subject.fixture.model, dataset=tmp_path / "data")


@pytest.mark.parametrize(
    "content", [b"", b"\x00\xff no annotations", b"{}"], ids=["empty", "garbage", "other"]
)
def test_annotations_of_something_else(
    subject: Subject, content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = subject.fixture
    for number, name in enumerate(bad_inputs.annotations(subject.bench, made)):
        if content == b"{}" and bad_inputs.is_table(made.dataset / name):
            continue
        place = tmp_path / str(number)
        data = bad_inputs.spoilt(made, name, content, place / "data")
        said = refused(subject, place, capsys, model=made.model, dataset=data)
        assert name.name in said or str(data) in said, said


def test_a_checkpoint_that_was_cut_off(
    subject: Subject, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = bad_inputs.cut(subject.fixture, tmp_path / "model")
    said = refused(subject, tmp_path, capsys, model=model, dataset=subject.fixture.dataset)
    assert str(model) in said, said


def test_a_model_of_other_shapes(
    subject: Subject, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bench = subject.bench
    if isinstance(bench, Contract) and bench.tensors and traits(bench).model == "file":
        model = bad_inputs.misshapen(bench.tensors, tmp_path / "model.onnx")
        said = refused(subject, tmp_path, capsys, model=model, dataset=subject.fixture.dataset)
        assert f"{bench.tensors[0]}" in said, said


# --- what would keep a log from being scored is said before there is one


def test_whatever_cannot_be_scored_is_refused_before_a_run(subject: Subject, tmp_path: Path) -> None:
    """Each kind of file of the data set gone, empty, cut in half, or garbage: refused at once, or it scores."""
    bench, made = subject.bench, subject.fixture
    assert isinstance(bench, Contract)
    count = 2 if bench.response_bytes < LARGE else 1
    log = log_of(subject, tmp_path / ACCURACY_LOG, count)
    assert bench.accuracy(log, made.dataset).total == count
    looked(bench, made.dataset)
    said: list[str] = []
    for number, (name, edit) in enumerate(itertools.product(bad_inputs.kinds(made), bad_inputs.EDITS)):
        data = bad_inputs.edited(made.dataset, name, edit, tmp_path / f"{number}")
        try:
            looked(bench, data)
        except UserError as error:
            said.append(str(error))
        else:
            assert bench.accuracy(log, data).total == count, f"{name} {edit}"
        shutil.rmtree(data)
    assert said
    assert not [text for text in said if "\n" in text]


def looked(bench: Benchmark, data: Path) -> None:
    """What a run looks at before it begins."""
    bench.dataset(data)
    if isinstance(bench, Demanding):
        bench.refuse_unscorable(data)


def log_of(subject: Subject, path: Path, count: int) -> Path:
    """An accuracy log with the answers to the first samples."""
    bench, engine = subject.bench, engine_of(subject)
    samples = Samples.of(bench, bench.dataset(subject.fixture.dataset))
    samples.load(range(count), lambda: None)
    rows = [(n, answers(bench, engine.infer, samples, [n])[0]) for n in range(count)]
    write(path, [{"seq_id": n, "qsl_idx": n, "data": data.hex().upper()} for n, data in rows])
    return path

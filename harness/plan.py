"""A command line and a round to an ordered list of runs. Pure but for looking at files; nothing is written.

Whatever can be known before an hour of running is refused here.
"""

from __future__ import annotations

import math
import re
from pathlib import Path, PurePosixPath

from harness import audit, extras, given, loadgen, loadgens, retired, system_types
from harness.benchmarks.base import Benchmark, traits
from harness.calibrate import merged
from harness.fixtures.description import chosen as chosen_fixture
from harness.model import Baseline, Fixture, LoadSettings, Plan, RunRequest, RunSpec, Workload
from harness.registry import backend_for, benchmark, needs_of, unknown
from harness.scenarios import BY_NAME, Scenario
from harness.workload import workload_of
from schemas.errors import UserError
from schemas.layout import ResultPath
from schemas.rounds import Round, load_round

MODES = ("performance", "accuracy", "compliance", "all")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*\Z")


def plan(request: RunRequest, *, anew: bool = False) -> Plan:
    """Everything a run needs, in order; ``UserError`` for what cannot be done.

    ``anew`` plans also what is in the tree already, for one who will make room before the run.
    """
    bench = benchmark(request.benchmark)
    backend = backend_for(bench, request.backend)
    _refuse_missing_packages(bench, backend)
    round_ = load_round(request.round_name)
    retired.refuse(bench, round_, request.division)
    loadgens.wanted(round_)
    official = _official(round_, bench, request.benchmark)
    system_type = system_types.resolve(request, round_)
    scenario = system_types.scenario(request, round_, official, system_type)
    fixture = chosen_fixture(request.fixture, bench.name, request.model, request.dataset)
    result = _result(request, round_, _directory(round_, bench, official), scenario)
    retired.mapping(request.output, result, round_, official)
    specs = _specs(request, round_, official)
    if not anew:
        _refuse_existing(request.output, result, round_, specs)
    workload = _workload(request, bench, backend, fixture, scenario)
    samples = len(bench.dataset(workload.dataset))
    settings = _settings(request, round_, official, scenario, samples)
    if request.user_conf is not None:
        _read_user_conf(request.user_conf)
    by_latency = BY_NAME[scenario].expects == "latency"
    known = (settings.target_latency_ms if by_latency else settings.target_qps) is not None
    model = round_.benchmark(official).loadgen_model
    if model is None:
        raise UserError(f"round {round_.name} has no LoadGen settings for {official}; choose another --round")
    work = request.output.with_name(request.output.name + ".work")
    baseline = _baseline(request, work, result, round_, official)
    return Plan(
        request=request,
        round=round_,
        official=official,
        loadgen_model=model,
        result=result,
        workload=workload,
        fixture=fixture,
        samples=samples,
        settings=settings,
        calibrate=request.user_conf is None and not known and baseline is None,
        user_conf=request.user_conf if baseline is None else baseline.user_conf,
        specs=specs,
        work=work,
        baseline=baseline,
        system_type=system_type,
        loadgen=loadgens.chosen(round_),
    )


def known(
    round_name: str, name: str, scenario: str | None, system_type: str = system_types.DEFAULT
) -> tuple[Round, Benchmark, str, tuple[Scenario, ...]]:
    """Round, benchmark, its official name and the scenarios that are meant: one, or all that can be run.

    ``UserError`` for a name that nobody knows.
    """
    round_ = load_round(round_name)
    bench = benchmark(name)
    retired.refuse(bench, round_, retired.DIVISION)
    official = _official(round_, bench, name)
    if system_type not in round_.facts["system_types"]:
        raise UserError(unknown("system type", system_type, round_.facts["system_types"]))
    if scenario is not None:
        return round_, bench, official, (BY_NAME[system_types.canonical(round_, scenario)],)
    rules = round_.benchmark(official).scenarios(system_type)
    names = () if rules is None else (*rules.required, *rules.optional)
    found = tuple(BY_NAME[n] for n in names if n in BY_NAME)
    if not found:
        raise UserError(
            f"round {round_.name} has no scenario for {official} on {system_type} systems that this version "
            "runs; choose another benchmark or another --system-type"
        )
    return round_, bench, official, found


def _refuse_missing_packages(bench: Benchmark, backend: str) -> None:
    missing = extras.missing()
    if missing:
        raise UserError(
            f"{', '.join(missing)} is not installed; install it with: pip install 'edgewatt[harness]'"
        )
    for module in (*bench.extra, *needs_of(backend)):
        if not extras.is_there(module):
            raise UserError(extras.sentence(module))


def _official(round_: Round, bench: Benchmark, asked: str) -> str:
    """The name in the round: the one asked for, else the first that the round lists."""
    own = retired.names(bench)
    names = (asked,) if asked in own else own
    for official in names:
        if official in round_.benchmark_names:
            return official
    raise UserError(
        f"round {round_.name} has no benchmark {asked}; it has {', '.join(round_.benchmark_names)}"
    )


def _directory(round_: Round, bench: Benchmark, official: str) -> str:
    """The directory of a benchmark in the tree: our name where the round reads it so, or a mapping tells it."""
    known = round_.official_name(bench.name) == official or retired.of(bench) is not None
    return bench.name if known else official


def _workload(
    request: RunRequest, bench: Benchmark, backend: str, fixture: Fixture | None, scenario: str
) -> Workload:
    model = fixture.model if fixture else request.model
    dataset = fixture.dataset if fixture else request.dataset
    if model is None or dataset is None:
        raise UserError(f"a run needs {given.options(bench)}, or --fixture FOLDER for both")
    given.refuse_model(bench, model)
    given.refuse_dataset(bench, dataset)
    batch = _batch(request, bench, scenario)
    return workload_of(request, bench, backend, model=model, dataset=dataset, batch=batch)


def _batch(request: RunRequest, bench: Benchmark, scenario: str) -> int:
    """The most samples of one call of the runtime."""
    row = BY_NAME[scenario]
    if request.batch is None:
        bounds = (row.batch, traits(bench).batch if row.batches else None, bench.most)
        return min(bound for bound in bounds if bound is not None)
    if bench.most is not None and request.batch > bench.most:
        raise UserError(
            f"--batch {request.batch} is more than the model of {bench.name} takes in one call; "
            f"give at most {bench.most}, or leave it out"
        )
    if request.batch < 1:
        raise UserError(f"--batch {request.batch} is not a number of samples; give 1 or more")
    if not row.batches:
        able = ", ".join(r.name for r in BY_NAME.values() if r.batches)
        raise UserError(
            f"--batch is for {able}; {scenario} sends {row.per_query} at a time and they are one batch; leave it out"
        )
    return request.batch


def _result(request: RunRequest, round_: Round, name: str, scenario: str) -> ResultPath:
    divisions: tuple[str, ...] = tuple(round_.facts["divisions"])
    if request.division not in divisions:
        raise UserError(unknown("division", request.division, divisions))
    for option, value in (("--submitter", request.submitter), ("--system", request.system)):
        if not _NAME.match(value):
            raise UserError(
                f"{option} {value!r} cannot be the name of a folder in a submission; "
                "use letters, digits, '_', '-', '+' and '.', without blanks and without a leading dot"
            )
    return ResultPath(request.division, request.submitter, request.system, name, scenario)


def _specs(request: RunRequest, round_: Round, official: str) -> tuple[RunSpec, ...]:
    if request.mode not in MODES:
        raise UserError(unknown("mode", request.mode, MODES))
    specs: list[RunSpec] = []
    if request.mode in ("performance", "all"):
        if request.power is not None:
            if request.power_mode == "session":
                specs.append(RunSpec("ranging", "performance", "ranging", "ranging"))
            specs.append(RunSpec("performance", "performance", "testing", "run_1"))
        else:
            specs.append(RunSpec("performance", "performance", None, "run_1"))
    elif request.power is not None:
        raise UserError(
            f"--mode {request.mode} needs no power; leave out --power or choose --mode performance or all"
        )
    if request.mode in ("accuracy", "all"):
        specs.append(RunSpec("accuracy", "accuracy", None, "accuracy"))
    if request.mode in ("compliance", "all"):
        further = traits(benchmark(request.benchmark)).further_tests
        specs += _tests(request, audit.specs(round_, official, request.division), further)
    if not specs:
        raise UserError(
            f"round {round_.name} wants no compliance runs of {official} in the {request.division} division; "
            "choose --division closed, or another --mode"
        )
    return tuple(specs)


def _tests(request: RunRequest, wanted: tuple[RunSpec, ...], further: tuple[str, ...]) -> tuple[RunSpec, ...]:
    """The compliance runs that were asked for by name, of all that there are, or those that the round wants."""
    if request.tests is None:
        return wanted
    more = [name for name in further if name not in {spec.test for spec in wanted}]
    wanted = (*wanted, *(RunSpec(name, "performance", None, name, test=name) for name in more))
    names = [spec.name for spec in wanted]
    for name in request.tests:
        if name not in names:
            raise UserError(unknown("compliance test of this benchmark", name, names))
    return tuple(spec for spec in wanted if spec.name in request.tests)


def _baseline(
    request: RunRequest, work: Path, result: ResultPath, round_: Round, official: str
) -> Baseline | None:
    """What compliance runs alone are compared with; None when the plan makes it itself."""
    if request.mode != "compliance":
        return None
    own = (request.user_conf, request.target_latency_ms, request.target_qps, request.rehearsal_s)
    if any(value is not None for value in own):
        raise UserError(
            "--mode compliance takes the settings of the result in the tree; leave out --user-conf, "
            "--target-latency-ms, --target-qps and --rehearsal"
        )
    return audit.find_baseline(request.output, work, result, round_, official)


def _refuse_existing(output: Path, result: ResultPath, round_: Round, specs: tuple[RunSpec, ...]) -> None:
    places = dict.fromkeys(place(spec, result, round_) for spec in specs)
    for where in places:
        if (output / where).exists():
            raise UserError(
                f"{output / where} exists already; choose another --output or move that result away"
            )
    if output.exists() and not output.is_dir():
        raise UserError(f"{output} is a file; --output wants the folder of a submission tree")


def place(spec: RunSpec, result: ResultPath, round_: Round) -> PurePosixPath:
    """Where the logs of a run lie in the tree."""
    if spec.test is not None:
        return result.compliance(round_, spec.test)
    return result.accuracy(round_) if spec.mode == "accuracy" else result.performance(round_, "run_1")


def _settings(request: RunRequest, round_: Round, official: str, scenario: str, samples: int) -> LoadSettings:
    wanted = round_.benchmark(official).performance_sample_count
    settings = LoadSettings(
        target_latency_ms=request.target_latency_ms,
        target_qps=request.target_qps,
        performance_sample_count=samples if samples < wanted else None,
    )
    if scenario == "Server":
        settings = merged(settings, _server(request, round_, official))
    if request.rehearsal_s is None:
        return settings
    if not (math.isfinite(request.rehearsal_s) and request.rehearsal_s > 0):
        raise UserError(f"--rehearsal {request.rehearsal_s} is not a length; give seconds greater than 0")
    short = LoadSettings(min_duration_ms=max(1, round(request.rehearsal_s * 1000)))
    if scenario in ("Offline", "Server"):
        short = merged(short, LoadSettings(min_query_count=1))
    return merged(settings, short)


def _server(request: RunRequest, round_: Round, official: str) -> LoadSettings:
    """The number of queries that the round's table wants; LoadGen itself would go by early stopping alone."""
    limit_ns = round_.benchmark(official).latency_constraint_ns("Server")
    asked = request.target_latency_ms
    if asked is not None and limit_ns is not None and asked * 1e6 > limit_ns:
        raise UserError(
            f"--target-latency-ms {asked:g} is above the {limit_ns / 1e6:g} ms that round {round_.name} allows "
            f"{official} in Server; give that or less, or leave it out"
        )
    return LoadSettings(min_query_count=round_.min_query_count(official, "Server"))


def _read_user_conf(path: Path) -> None:
    try:
        loadgen.conf_values(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"--user-conf {path} cannot be read ({error}); give a text file of LoadGen settings"
        ) from error

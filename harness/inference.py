"""Results inferred from a run of another scenario: which the round permits, and the tree's folders for them.

On edge systems the rules let one run stand for a further scenario. The further scenario's folders hold copies of
the logs, of the accuracy and of the compliance runs; the checker sees the other scenario in the log and computes
the number. Pairs and the log key that each number comes from are facts of the round.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from harness import documents, retired
from harness.registry import unknown
from harness.submission import RECORD_NAME, move
from schemas.errors import UserError
from schemas.layout import ResultPath
from schemas.loadgen import LoadgenLog, LogGarbled
from schemas.rounds import InferredPair, Round

DETAIL_LOG = "mlperf_log_detail.txt"
FILTERS = ("division", "submitter", "system", "benchmark")


@dataclass(frozen=True, slots=True)
class InferRequest:
    """The command line of ``infer``. ``only`` limits by the names in ``FILTERS``; ``source`` None: the first
    scenario that the round names and the tree has."""

    tree: Path
    round: Round
    scenarios: tuple[str, ...]
    source: str | None
    only: Mapping[str, str]
    command_line: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Inferred:
    """One result that was written."""

    result: ResultPath
    source: str


def infer(request: InferRequest) -> tuple[Inferred, ...]:
    """Write all asked-for scenarios; everything is judged before anything is written.

    ``UserError`` for what the round does not permit, for a source that is missing, incomplete or too short, and
    for a result that is there already.
    """
    runs = _runs(request)
    planned = [_plan(request, runs, name) for name in request.scenarios]
    for source, wanted in planned:
        _write(request, source, wanted)
    return tuple(Inferred(wanted, source.scenario) for source, wanted in planned)


def _runs(request: InferRequest) -> dict[str, ResultPath]:
    """The results of one benchmark on one system that were run, by canonical scenario."""
    found = [r for r in results(request.tree, request.round) if _wanted(r, request.only)]
    if not found:
        raise UserError(f"{request.tree} holds no result that fits; give the folder of a submission tree")
    groups = sorted({_group(r) for r in found})
    if len(groups) > 1:
        names = ", ".join("/".join(g) for g in groups)
        raise UserError(
            f"{request.tree} holds results of {len(groups)} benchmarks or systems ({names}); choose one with "
            "--division, --submitter, --system and --benchmark"
        )
    return {str(request.round.canonical_scenario(r.scenario)): r for r in found}


def results(tree: Path, round_: Round) -> Iterator[ResultPath]:
    """Every scenario directory of a tree whose scenario the round knows."""
    stars = dict.fromkeys((*FILTERS, "scenario"), "*")
    for path in sorted(tree.glob(round_.layout["scenario_dir"].format(**stars))):
        parsed = ResultPath.parse(PurePosixPath(path.relative_to(tree).as_posix()), round_)
        if parsed is not None and path.is_dir() and round_.canonical_scenario(parsed.result.scenario):
            yield parsed.result


def _group(result: ResultPath) -> tuple[str, ...]:
    return tuple(str(getattr(result, name)) for name in FILTERS)


def _wanted(result: ResultPath, only: Mapping[str, str]) -> bool:
    return all(getattr(result, name) == value for name, value in only.items())


def _plan(request: InferRequest, runs: Mapping[str, ResultPath], asked: str) -> tuple[ResultPath, ResultPath]:
    """Where a scenario is inferred from and where it goes."""
    name = _canonical(request.round, asked)
    if name in runs:
        raise UserError(
            f"{request.tree / runs[name].results(request.round)} exists already; move it away first"
        )
    pair = _pair(request, runs, name)
    source = runs[pair.logged]
    wanted = replace(source, scenario=name.lower() if source.scenario.islower() else name)
    _refuse_type(request, source, name)
    _refuse_incomplete(request, source)
    log = _log(request, source)
    if not log.first(pair.key):
        raise UserError(
            f"the {pair.logged} run has {log.first('result_query_count')} queries and no {pair.key}, from which "
            f"{name} is inferred; let it run longer or run {name} itself"
        )
    return source, wanted


def _canonical(round_: Round, asked: str) -> str:
    name = round_.canonical_scenario(asked) or round_.canonical_scenario(asked.lower())
    if name is None:
        raise UserError(unknown("scenario", asked, set(round_.facts["scenario_aliases"].values())))
    return name


def _pair(request: InferRequest, runs: Mapping[str, ResultPath], name: str) -> InferredPair:
    """The first pair of the round that fits and whose run is in the tree."""
    pairs = request.round.inferred_pairs
    able = [p for p in pairs if p.wanted == name]
    if request.source is not None:
        source = _canonical(request.round, request.source)
        able = [p for p in able if p.logged == source]
    if not able:
        known = ", ".join(f"{p.wanted} from {p.logged}" for p in pairs) or "nothing"
        asked = f"{name} from {request.source}" if request.source else name
        raise UserError(
            f"round {request.round.name} does not permit {asked} to be inferred; it permits {known}; "
            f"run {name} itself"
        )
    there = [p for p in able if p.logged in runs and _is_run(request, runs[p.logged])]
    if not there:
        raise UserError(
            f"{request.tree} has no run of {' or '.join(p.logged for p in able)} to infer {name} from; run that first"
        )
    return there[0]


def _is_run(request: InferRequest, result: ResultPath) -> bool:
    """Whether a result was run itself: nothing is inferred from what is inferred."""
    return "inferred_from" not in _record(request, result)


def _record(request: InferRequest, result: ResultPath) -> dict[str, Any]:
    path = request.tree / result.measurements(request.round) / RECORD_NAME
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(
            f"{path} cannot be read ({type(error).__name__}); a result is inferred from one that mlharness wrote"
        ) from error
    if not isinstance(found, dict) or not isinstance(found.get("result"), dict):
        raise UserError(f"{path} is no run record of mlharness; make that result again")
    return found


def _refuse_type(request: InferRequest, source: ResultPath, name: str) -> None:
    """Only edge systems, and outside the open division only scenarios of the benchmark."""
    path = request.tree / source.system_json(request.round)
    try:
        kind = str(json.loads(path.read_text(encoding="utf-8")).get("system_type"))
    except (OSError, ValueError, AttributeError) as error:
        raise UserError(f"{path} cannot be read; the system's type decides what may be inferred") from error
    needed = request.round.facts["loadgen"]["inferred"]["system_type"]
    if needed not in kind.split(","):
        raise UserError(
            f"{source.system} is a system of the type {kind}, and round {request.round.name} infers results of "
            f"{needed} systems only; run {name} itself"
        )
    official = retired.read_as(request.tree, source, request.round)
    known = request.round.facts["benchmarks"].get(official)
    rules = request.round.benchmark(official).scenarios(kind) if known else None
    if source.division != "open" and (rules is None or name not in (*rules.required, *rules.optional)):
        raise UserError(
            f"round {request.round.name} has no scenario {name} for {source.benchmark} on {kind} systems, so there "
            "is nothing to infer; leave it out"
        )


def _refuse_incomplete(request: InferRequest, source: ResultPath) -> None:
    """What is copied must be whole."""
    round_ = request.round
    parts = {"performance": source.performance(round_, "run_1"), "accuracy": source.accuracy(round_)}
    tests = round_.benchmark(retired.read_as(request.tree, source, round_)).compliance_tests
    if source.division != "open" and tests:
        parts["compliance"] = source.compliance(round_, tests[0])
    for mode, path in parts.items():
        if not (request.tree / path).is_dir():
            raise UserError(
                f"there is no {request.tree / path}, so the {source.scenario} result is not whole; "
                f"run it with --mode {mode} first"
            )


def _log(request: InferRequest, source: ResultPath) -> LoadgenLog:
    path = request.tree / source.performance(request.round, "run_1") / DETAIL_LOG
    try:
        return LoadgenLog.read(path)
    except (OSError, LogGarbled) as error:
        raise UserError(f"{path} is not a log of LoadGen ({error}); make that result again") from error


def _write(request: InferRequest, source: ResultPath, wanted: ResultPath) -> None:
    """Stage copies beside the tree and move them into it, the results last."""
    tree, round_ = request.tree, request.round
    record = _record(request, source)
    with tempfile.TemporaryDirectory(prefix=f".{tree.name}-", dir=tree.resolve().parent) as staged:
        root = Path(staged)
        for kind in ("scenario_dir", "compliance_dir", "measurements_dir"):
            if (tree / source.place(round_, kind)).is_dir():
                shutil.copytree(
                    tree / source.place(round_, kind), root / wanted.place(round_, kind), dirs_exist_ok=True
                )
        notes = root / wanted.measurements(round_)
        _rename(notes, source, wanted)
        readme = documents.inferred_readme(wanted, source.scenario, request.command_line)
        (notes / "README.md").write_text(readme, encoding="utf-8")
        text = json.dumps(_declared(record, wanted, request), indent=2, ensure_ascii=False) + "\n"
        (notes / RECORD_NAME).write_text(text, encoding="utf-8")
        move(root, tree, wanted.results(round_))


def _rename(notes: Path, source: ResultPath, wanted: ResultPath) -> None:
    """The measurements JSON ends in the name of its scenario."""
    for path in sorted(notes.glob(f"*_{source.scenario}.json")):
        path.rename(notes / path.name.replace(f"_{source.scenario}.json", f"_{wanted.scenario}.json"))


def _declared(record: Mapping[str, Any], wanted: ResultPath, request: InferRequest) -> dict[str, Any]:
    """The record of the source, for the other scenario, saying where it comes from."""
    about: Mapping[str, Any] = record["result"]
    name = request.round.canonical_scenario(wanted.scenario)
    return {
        **record,
        "result": {**about, "scenario": name},
        "inferred_from": about["scenario"],
        "command_line": list(request.command_line),
    }


def scenario_list(text: str) -> Sequence[str]:
    """``Offline,MultiStream`` as names; ``UserError`` when there is none."""
    names = [part.strip() for part in text.split(",") if part.strip()]
    if not names or len(set(names)) != len(names):
        raise UserError(
            f"--scenario {text!r} is no list of scenarios; give one or more, such as MultiStream,Offline"
        )
    return names

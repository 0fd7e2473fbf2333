"""The shape of the tree below a scenario directory: which files a result holds."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from checker.files import join
from checker.model import Effect, Place, Problem, Severity
from checker.result import Result
from checker.rule import ENDPOINT, EVERY_KIND, effects, rule


@rule(
    "structure/scenario-dir-known",
    title="The scenario belongs to the benchmark",
    fix="Rename the directory to a scenario of the benchmark (all lower case works too), or remove it.",
    good="singlestream",
    bad="Burst",
    needs=("description",),
    kinds=EVERY_KIND,
)
def scenario_dir_known(result: Result) -> Iterator[Problem]:
    """In the closed and network divisions a benchmark has the required and optional scenarios of its system
    type, no others. In the open division any scenario of MLPerf will do."""
    rules = result.benchmark.rules
    scenarios = rules.scenarios(result.system.type) if rules is not None else None
    if result.canonical is None:
        known = ", ".join(sorted(set(result.round.facts["scenario_aliases"].values())))
        message = f"{result.directory!r} is no scenario of MLPerf"
        misspelt = result.directory.lower() in result.round.facts["scenario_aliases"]
        aspect = "spelling" if misspelt else None
        place = None if misspelt else _place(result)
        wanted = f"one of {known}"
        yield Problem(message, result.path, result.directory, wanted, aspect=aspect, place=place)
    elif result.strict and scenarios is not None:
        allowed = (*scenarios.required, *scenarios.optional)
        if result.canonical not in allowed:
            message = f"{result.canonical} is no scenario of {result.benchmark.model} on {result.system.type}"
            wanted = f"one of {', '.join(allowed)}"
            yield Problem(message, result.path, result.canonical, wanted, place=_place(result))


def _place(result: Result) -> Place | None:
    """The benchmark, in rounds in which one strange scenario fails all of its scenarios."""
    whole = effects(result.round.name, result.place.division)["structure/scenario-dir-known"]
    return result.place.cut(4) if whole is Effect.BENCHMARK else None


@rule(
    "structure/perf-run-dir",
    title="The performance run is in performance/run_1",
    fix="Put the LoadGen logs of the performance run into performance/run_1.",
    good="performance/run_1/",
    bad="performance/run_2/",
    until="v5.1",
)
def perf_run_dir(result: Result) -> Iterator[Problem]:
    """Of several run directories only run_1 is ever looked at; without it there is no result. Server of v0.5
    and v0.7 had five runs, which performance/server-runs judges."""
    if result.tree.folder(result.run.path) is None:
        yield Problem("there is no performance/run_1", result.run.path, "nothing", "a directory")


def file_list(
    result: Result, path: str, required: Collection[str], optional: Collection[str] = ()
) -> Iterator[Problem]:
    """One problem for each file that is missing, and one for each that does not belong; none without the
    directory."""
    if result.tree.folder(path) is None:
        return
    there, free = set(result.tree.files(path)), {*optional, *result.round.files["always_tolerated"]}
    missing, strange = set(required) - there, there - set(required) - free
    unseen = _unseen(result, there - free, required, there)
    for name in sorted(missing):
        effect = Effect.NONE if name in unseen else None
        yield Problem(f"{name} is missing", join(path, name), "nothing", name, effect=effect)
    for name in sorted(strange):
        wanted, effect = ", ".join(sorted({*required, *optional})), Effect.NONE if name in unseen else None
        yield Problem(f"{name} does not belong here", join(path, name), name, wanted, effect=effect)


def _unseen(
    result: Result, counted: set[str], required: Collection[str], there: Collection[str]
) -> Collection[str]:
    """Names that the official checker does not miss or mind: up to v2.0 it compares numbers of files first,
    tells either what is too much or what is missing, and nothing of an empty directory."""
    if result.round.reading.get("file_lists") != "by-number":
        return ()
    if not there:
        return required
    return set(required) - counted if len(counted) > len(required) else counted - set(required)


@rule(
    "structure/perf-file-list",
    title="The performance run holds exactly its files",
    fix="Add what is missing, remove what does not belong there.",
    good="mlperf_log_summary.txt, mlperf_log_detail.txt (with power also spl.txt)",
    bad="mlperf_log_detail.txt and notes.txt",
)
def perf_file_list(result: Result) -> Iterator[Problem]:
    """The directory is published as it is; both a missing log and a stray file make the result invalid. Before
    v3.1 and from v6.0 on the official checker only looks at a result with power, or prints what it found."""
    files = result.round.files
    required, aspect = [*files["performance_required"]], None
    if result.has_power:
        required, aspect = [*required, *files["performance_power_required"]], "power"
    for run in result.runs:
        for problem in file_list(result, run.path, required, files["performance_optional"]):
            yield replace(problem, aspect=aspect)


@rule(
    "structure/acc-file-list",
    title="The accuracy run holds exactly its files",
    fix="Add what is missing, remove what does not belong there.",
    good="mlperf_log_summary.txt, mlperf_log_detail.txt, accuracy.txt, mlperf_log_accuracy.json",
    bad="no mlperf_log_accuracy.json",
)
def acc_file_list(result: Result) -> Iterator[Problem]:
    """Accuracy is judged from these four files; a stray or missing one makes the result invalid. Before v4.1 the
    official checker only prints that files are stray, and misses the logs that it reads."""
    path = result.accuracy_path
    if result.tree.folder(path) is None:
        yield Problem("there is no accuracy directory", path, "nothing", "a directory", aspect="no-directory")
        return
    for problem in file_list(result, path, result.round.files["accuracy_required"]):
        if problem.path in (join(path, name) for name in JUDGED_LOGS):
            yield replace(problem, aspect=problem.wanted, effect=None)
        elif problem.path != result.accuracy_txt.path:
            yield problem


JUDGED_LOGS = ("mlperf_log_accuracy.json", "mlperf_log_detail.txt")


@rule(
    "structure/acc-txt",
    title="accuracy.txt is there",
    fix="Run the accuracy script of the benchmark and keep its output in accuracy/accuracy.txt.",
    good="accuracy/accuracy.txt",
    bad="no accuracy.txt",
)
def acc_txt(result: Result) -> Iterator[Problem]:
    """The text holds the accuracy and the hash of the full accuracy log. It is needed in open too."""
    if result.tree.folder(result.accuracy_path) is not None and not result.accuracy_txt.present:
        yield Problem("accuracy.txt is missing", result.accuracy_txt.path, "nothing", "accuracy.txt")


HELD = "qsl_reported_total_count"
"""The key of LoadGen's log that says how many samples the data set has."""


@rule(
    "structure/extra-accuracy-files",
    title="Sample outputs that the benchmark asks for are there",
    fix="Put the listed outputs into the directory; the accuracy script of the benchmark writes them.",
    good="accuracy/images/4655.png and the nine others",
    bad="no accuracy/images",
    since="v4.0",
    kinds=EVERY_KIND,
    forgiven_by=("dataset_size",),
)
def extra_accuracy_files(result: Result) -> Iterator[Problem]:
    """For generated images a number says little; a fixed set of outputs is published for people to look
    at. A rehearsal on a small data set lacks those that lie beyond its end."""
    wanted = (result.benchmark.rules.facts["extra_accuracy_files"] or {}) if result.benchmark.rules else {}
    forgiven = (
        effects(result.round.name, result.place.division)["structure/extra-accuracy-files"] is Effect.LOG
    )
    lenient = Severity.WARNING if forgiven else None
    for directory, stems in wanted.items():
        path = join(result.accuracy_path, directory)
        there = {name.partition(".")[0] for name in result.tree.files(path)}
        missing = [s for s in stems if s not in there and s != "captions"]
        if missing:
            yield Problem(
                f"{len(missing)} of {len(stems)} sample outputs are missing",
                path,
                found=f"without {', '.join(missing)}",
                wanted=", ".join(stems),
                severity=lenient,
                excusable=_beyond(result, missing),
            )


def _beyond(result: Result, stems: Sequence[str]) -> bool:
    """Whether none of these outputs can exist: each is the number of a sample beyond the data set of the run."""
    held = (
        None
        if result.kind == ENDPOINT or not result.accuracy_log.usable
        else result.accuracy_log.value.first(HELD)
    )
    return isinstance(held, int) and all(s.isdigit() and int(s) >= held for s in stems)

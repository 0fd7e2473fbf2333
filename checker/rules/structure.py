"""The shape of the tree: which files and directories stand where."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from checker.model import Effect, Place, Problem, Scope, Severity
from checker.rule import rule
from checker.tree import Benchmark, Result, Submission, Submitter, System, Tree, join

SILENT_ROOT = (".git", ".github", "assets")
ROOT_ENDINGS = (".md", ".pdf")


@rule(
    "structure/division-name",
    scope=Scope.SUBMISSION,
    severity=Severity.WARNING,
    title="Top-level directories are divisions",
    fix="Rename the directory to closed, open or network, or take it out of the tree.",
    good="closed/",
    bad="Closed/",
)
def division_name(submission: Submission) -> Iterator[Problem]:
    """A directory of another name is passed over: whatever lies in it is not judged and not published."""
    wanted = ", ".join(submission.round.facts["divisions"])
    for name in submission.tree.dirs(""):
        if name not in submission.divisions and name not in SILENT_ROOT:
            yield Problem(f"directory {name!r} is no division and is not looked at", name, name, wanted)


@rule(
    "structure/root-files",
    scope=Scope.SUBMISSION,
    spares_results=True,
    title="No stray files in the root",
    fix="Remove the file; only names that end in .md or .pdf may stand there.",
    good="README.md",
    bad="summary.csv",
    since="v3.1",
    until="v5.1",
)
def root_files(submission: Submission) -> Iterator[Problem]:
    """The official checker stops at the first division when the root holds other files: nothing is judged."""
    if submission.divisions:
        for name in submission.tree.files(""):
            if not name.endswith(ROOT_ENDINGS):
                yield Problem(f"file {name!r} stands in the root", name, name, "*.md or *.pdf only")


@rule(
    "structure/division-files",
    scope=Scope.SUBMISSION,
    spares_results=True,
    title="No files directly in a division",
    fix="Remove the file, or move it into a submitter's directory.",
    good="closed/Krai/README.md",
    bad="closed/README.md",
    since="v3.1",
    until="v5.1",
)
def division_files(submission: Submission) -> Iterator[Problem]:
    """A division holds submitters and nothing else; the official checker skips the whole division."""
    for division in submission.divisions:
        for name in submission.tree.files(division):
            yield Problem(
                f"file {name!r} stands directly in {division}",
                join(division, name),
                found=name,
                wanted="directories only",
                place=Place(division),
            )


@rule(
    "structure/results-present",
    scope=Scope.SUBMITTER,
    severity=Severity.WARNING,
    title="A submitter has results",
    fix="Add results/, or take the submitter out of the tree.",
    good="closed/Krai/results/",
    bad="closed/Krai/ without results/",
)
def results_present(submitter: Submitter) -> Iterator[Problem]:
    """A submitter's directory without results is passed over in silence, often because of a wrong name."""
    if "results" not in submitter.tree.dirs(submitter.path):
        yield Problem("there is no results directory", submitter.path, "none", "results/")


@rule(
    "structure/symlinks",
    scope=Scope.SUBMITTER,
    title="No broken symbolic links",
    fix="Replace the link by what it points to.",
    good="a file",
    bad="a link to a file that is not in the tree",
    since="v2.1",
    until="v5.1",
)
def symlinks(submitter: Submitter) -> Iterator[Problem]:
    """A link that leads out of the tree or nowhere cannot be published. The official checker resolves links
    from the root of the tree instead of from their own directory, so that good ones count as broken and
    some broken ones crash it."""
    tree = submitter.tree
    for folder in tree.below(submitter.path):
        for name, target in folder.links.items():
            path = join(folder.path, name)
            alive = tree.exists(path)
            from_root = (tree.root / target).exists()
            if not alive:
                effect = Effect.CRASH if from_root else None
                yield Problem("the link leads nowhere inside the tree", path, target, "a file", effect=effect)
            elif not from_root:
                yield Problem(
                    "the link is good, but the official checker resolves it from the root and calls it broken",
                    path,
                    found=target,
                    wanted="a file instead of a link",
                    severity=Severity.WARNING,
                )


@rule(
    "structure/file-size",
    scope=Scope.SUBMITTER,
    title="No file above the size limit",
    fix="Truncate the log (accuracy logs have their own tool) or leave the file out.",
    good="8 kB",
    bad="60 MB",
    since="v2.1",
    until="v5.1",
)
def file_size(submitter: Submitter) -> Iterator[Problem]:
    """Results are published in a git repository; 50 MiB a file is what fits there."""
    limit = submitter.submission.size_limit
    for folder in submitter.tree.below(submitter.path):
        for name, size in folder.files.items():
            if size > limit:
                message = f"the file is {size} bytes long"
                yield Problem(message, join(folder.path, name), f"{size} bytes", f"at most {limit} bytes")


def _names(submitter: Submitter) -> Iterator[tuple[str, str]]:
    for folder in submitter.tree.below(submitter.path):
        for name in [*folder.dirs, *folder.files]:
            yield join(folder.path, name), name


@rule(
    "structure/hidden-names",
    scope=Scope.SUBMITTER,
    title="No hidden files or directories",
    fix="Remove the file or directory.",
    good="README.md",
    bad=".DS_Store",
    since="v2.1",
    until="v5.1",
)
def hidden_names(submitter: Submitter) -> Iterator[Problem]:
    """Names with a leading dot are leftovers of editors and tools. One of them makes the official checker
    skip the submitter."""
    for path, name in _names(submitter):
        if name.startswith("."):
            yield Problem(f"{name!r} is hidden", path, name, "no leading dot")


@rule(
    "structure/space-names",
    scope=Scope.SUBMITTER,
    title="No blanks in names",
    fix="Rename it; use an underscore.",
    good="my_notes.md",
    bad="my notes.md",
    since="v2.1",
    until="v5.1",
)
def space_names(submitter: Submitter) -> Iterator[Problem]:
    """Names with blanks break the scripts that publish the results. One of them makes the official checker
    skip the submitter."""
    for path, name in _names(submitter):
        if " " in name:
            yield Problem(f"{name!r} holds a blank", path, name, "no blanks")


@rule(
    "structure/pycache",
    scope=Scope.SUBMITTER,
    title="No __pycache__ directories",
    fix="Remove the directory.",
    good="code/resnet50/main.py",
    bad="code/resnet50/__pycache__/",
    since="v2.1",
    until="v5.1",
)
def pycache(submitter: Submitter) -> Iterator[Problem]:
    """Byte code is not source. One such directory makes the official checker skip the submitter."""
    for folder in submitter.tree.below(submitter.path):
        if folder.path.endswith("__pycache__"):
            yield Problem("byte code of Python", folder.path, "__pycache__", "sources only")


@rule(
    "structure/empty-dirs",
    scope=Scope.SUBMITTER,
    title="No empty directories",
    fix="Remove the directory, or put into it what belongs there.",
    good="a directory with a file",
    bad="a directory without anything",
    since="v2.1",
    until="v5.1",
)
def empty_dirs(submitter: Submitter) -> Iterator[Problem]:
    """Git does not keep empty directories. One of them makes the official checker skip the submitter."""
    for folder in submitter.tree.below(submitter.path):
        if not folder.dirs and not folder.files and not folder.links:
            yield Problem("the directory is empty", folder.path, "nothing", "a file")


@rule(
    "structure/system-json",
    scope=Scope.SYSTEM,
    title="Every system with results has a description",
    fix="Write systems/<system>.json; `mlharness describe-system` makes a first one.",
    good="results/rpi5 and systems/rpi5.json",
    bad="results/rpi5 alone",
)
def system_json(system: System) -> Iterator[Problem]:
    """Without the description nobody knows what was measured; the name must be exactly that of the
    directory."""
    if not system.description.present:
        yield Problem("there is no system description", system.description.path, "nothing", "a JSON file")


@rule(
    "structure/benchmark-known",
    scope=Scope.BENCHMARK,
    title="The benchmark is one of the round",
    fix="Name the directory after a benchmark of the round, or move the result to the open division.",
    good="resnet50",
    bad="resnet51x",
)
def benchmark_known(benchmark: Benchmark) -> Iterator[Problem]:
    """In the closed and network divisions only the benchmarks of the round may be submitted; the directory
    carries the official name or one of its aliases."""
    if benchmark.strict and benchmark.model not in benchmark.round.benchmark_names:
        wanted = ", ".join(benchmark.round.benchmark_names)
        message = f"{benchmark.directory!r} is no benchmark of round {benchmark.round.name}"
        yield Problem(message, benchmark.path, benchmark.directory, f"one of {wanted}")


@rule(
    "structure/benchmark-for-type",
    scope=Scope.BENCHMARK,
    title="The benchmark exists for this type of system",
    fix="Take the benchmark out, or correct system_type in the system description.",
    good="bert-99 on an edge system",
    bad="bert-99.9 on an edge system (v4.1)",
    needs=("description",),
)
def benchmark_for_type(benchmark: Benchmark) -> Iterator[Problem]:
    """Some benchmarks are for datacenter systems only. In the open division the name that stands behind the
    directory must have scenarios for the type too."""
    if benchmark.system.type not in benchmark.round.facts["system_types"]:
        return
    if benchmark.strict and benchmark.model not in benchmark.round.benchmark_names:
        return
    rules = benchmark.rules
    if rules is None or rules.scenarios(benchmark.system.type) is None:
        found = benchmark.model
        yield Problem(
            f"{benchmark.model!r} has no scenarios for {benchmark.system.type} systems in this round",
            benchmark.path,
            found=found,
            wanted=f"a benchmark for {benchmark.system.type}",
        )


@rule(
    "structure/required-scenarios",
    scope=Scope.BENCHMARK,
    spares_results=True,
    title="Every required scenario is there",
    fix="Run the missing scenario, or move the benchmark to the open division.",
    good="resnet50 on an edge system: singlestream, multistream, offline",
    bad="resnet50 on an edge system without multistream",
    needs=("description",),
)
def required_scenarios(benchmark: Benchmark) -> Iterator[Problem]:
    """A closed result stands for a whole benchmark, so all its required scenarios are run. The other
    scenarios keep their numbers in the official summary, but the submission fails."""
    scenarios = benchmark.rules.scenarios(benchmark.system.type) if benchmark.rules is not None else None
    if not benchmark.strict or scenarios is None:
        return
    there = {r.canonical for r in benchmark.results}
    for missing in scenarios.required:
        if missing not in there:
            yield Problem(
                f"scenario {missing} is missing",
                benchmark.path,
                found=", ".join(sorted(s for s in there if s)) or "no scenario",
                wanted=", ".join(scenarios.required),
            )


@rule(
    "structure/scenario-dir-known",
    title="The scenario belongs to the benchmark",
    fix="Rename the directory to a scenario of the benchmark (all lower case works too), or remove it.",
    good="singlestream",
    bad="Burst",
    needs=("description",),
)
def scenario_dir_known(result: Result) -> Iterator[Problem]:
    """In the closed and network divisions a benchmark has the required and optional scenarios of its system
    type, no others. In the open division any scenario of MLPerf will do."""
    rules = result.benchmark.rules
    scenarios = rules.scenarios(result.system.type) if rules is not None else None
    if result.canonical is None:
        known = ", ".join(sorted(set(result.round.facts["scenario_aliases"].values())))
        message = f"{result.directory!r} is no scenario of MLPerf"
        yield Problem(message, result.path, result.directory, f"one of {known}")
    elif result.strict and scenarios is not None:
        allowed = (*scenarios.required, *scenarios.optional)
        if result.canonical not in allowed:
            message = f"{result.canonical} is no scenario of {result.benchmark.model} on {result.system.type}"
            yield Problem(message, result.path, result.canonical, f"one of {', '.join(allowed)}")


@rule(
    "structure/perf-run-dir",
    title="The performance run is in performance/run_1",
    fix="Put the LoadGen logs of the performance run into performance/run_1.",
    good="performance/run_1/",
    bad="performance/run_2/",
)
def perf_run_dir(result: Result) -> Iterator[Problem]:
    """Only run_1 is ever looked at."""
    if result.tree.folder(result.run.path) is None:
        yield Problem("there is no performance/run_1", result.run.path, "nothing", "a directory")


def file_list(
    tree: Tree, path: str, required: Collection[str], optional: Collection[str], tolerated: Collection[str]
) -> Iterator[Problem]:
    """One problem for each file that is missing, and one for each that does not belong; none without the
    directory."""
    if tree.folder(path) is None:
        return
    there = set(tree.files(path))
    for name in sorted(set(required) - there):
        yield Problem(f"{name} is missing", join(path, name), "nothing", name)
    for name in sorted(there - set(required) - set(optional) - set(tolerated)):
        wanted = ", ".join(sorted({*required, *optional}))
        yield Problem(f"{name} does not belong here", join(path, name), name, wanted)


@rule(
    "structure/perf-file-list",
    title="The performance run holds exactly its files",
    fix="Add what is missing, remove what does not belong there.",
    good="mlperf_log_summary.txt, mlperf_log_detail.txt (with power also spl.txt)",
    bad="mlperf_log_detail.txt and notes.txt",
)
def perf_file_list(result: Result) -> Iterator[Problem]:
    """The directory is published as it is; both a missing log and a stray file make the result invalid."""
    files = result.round.files
    required = [*files["performance_required"]]
    if result.has_power:
        required += files["performance_power_required"]
    optional, tolerated = files["performance_optional"], files["always_tolerated"]
    return file_list(result.tree, result.run.path, required, optional, tolerated)


@rule(
    "structure/acc-file-list",
    title="The accuracy run holds exactly its files",
    fix="Add what is missing, remove what does not belong there.",
    good="mlperf_log_summary.txt, mlperf_log_detail.txt, accuracy.txt, mlperf_log_accuracy.json",
    bad="no mlperf_log_accuracy.json",
    since="v4.1",
    until="v5.1",
)
def acc_file_list(result: Result) -> Iterator[Problem]:
    """Accuracy is judged from these four files; a stray or missing one makes the result invalid."""
    files = result.round.files
    if result.tree.folder(result.accuracy_path) is None:
        yield Problem("there is no accuracy directory", result.accuracy_path, "nothing", "a directory")
        return
    for problem in file_list(
        result.tree, result.accuracy_path, files["accuracy_required"], (), files["always_tolerated"]
    ):
        if problem.path != result.accuracy_txt.path:
            yield problem


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


@rule(
    "structure/extra-accuracy-files",
    title="Sample outputs that the benchmark asks for are there",
    fix="Put the listed outputs into the directory; the accuracy script of the benchmark writes them.",
    good="accuracy/images/4655.png and the nine others",
    bad="no accuracy/images",
    since="v4.0",
)
def extra_accuracy_files(result: Result) -> Iterator[Problem]:
    """For generated images a number says little; a fixed set of outputs is published for people to look
    at."""
    wanted = (result.benchmark.rules.facts["extra_accuracy_files"] or {}) if result.benchmark.rules else {}
    lenient = None if result.strict else Severity.WARNING
    effect = None if result.strict else Effect.LOG
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
                effect=effect,
            )


@rule(
    "structure/model-mapping",
    scope=Scope.SUBMITTER,
    severity=Severity.WARNING,
    title="The model mapping names benchmarks of the round",
    fix="Write a flat JSON object: directory name to official benchmark name.",
    good='{"my-net": "resnet"}',
    bad='{"my-net": ["resnet"]}',
    since="v3.0",
)
def model_mapping(submitter: Submitter) -> Iterator[Problem]:
    """In the open division the mapping says which benchmark an own name stands for."""
    source = submitter.model_mapping
    if submitter.division != "open" or not source.present:
        return
    if source.broken:
        yield Problem(
            f"the mapping {source.broken}; the official checker ends with a traceback on it",
            source.path,
            found=source.broken,
            wanted="a flat JSON object",
            line=source.line,
            severity=Severity.ERROR,
            effect=Effect.CRASH,
        )
        return
    for name, official in source.value.items():
        if official not in submitter.round.facts["benchmarks"]:
            yield Problem(
                f"{name!r} is mapped to {official!r:.60}, which the round does not know",
                source.path,
                found=repr(official)[:80],
                wanted=", ".join(submitter.round.benchmark_names),
                pointer=f"/{name}",
            )


READABLE = "structure/readable"


@rule(
    READABLE,
    scope=Scope.SUBMISSION,
    title="Every file that is judged can be read",
    fix="Restore the file from the machine that wrote it; a log may not be edited or cut.",
    good="a detail log as LoadGen wrote it",
    bad="a detail log that ends in the middle of a line",
)
def readable(submission: Submission) -> Iterator[Problem]:
    """A file that is there but cannot be read says nothing, and the rules that need it are not run. What the
    official checker does depends on the file: some are an invalid result, some end it with a traceback."""
    for path, reason in submission.tree.unreadable.items():
        yield Problem(f"the directory cannot be read: {reason}", path or ".", reason, "a readable directory")

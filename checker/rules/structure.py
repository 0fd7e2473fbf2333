"""The shape of the tree: which files and directories stand where."""

from __future__ import annotations

from collections.abc import Iterator

from checker.files import join
from checker.model import Effect, Place, Problem, Scope, Severity
from checker.rule import effects, rule
from checker.tree import Benchmark, Submission, Submitter, System

PASSED_OVER = (".git", ".github", "assets")
"""Directories of the root of which the official checker does not say a word (v2.0 and later)."""
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
    """A directory of another name is passed over: whatever lies in it is not judged and not published. The
    checker of v0.5 ended with a traceback on it."""
    wanted = ", ".join(submission.round.facts["divisions"])
    passed_over = submission.round.reading.get("passed_over", PASSED_OVER)
    for name in submission.tree.dirs(""):
        if name not in submission.divisions and name not in passed_over:
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
    "structure/system-json",
    scope=Scope.SYSTEM,
    title="Every system with results has a description",
    fix="Write systems/<system>.json; `mlharness describe-system` makes a first one.",
    good="results/rpi5/ and systems/rpi5.json",
    bad="results/rpi5/ alone",
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
    carries the official name or one of its aliases. The checker of v0.5 knew five names and no aliases, in the
    open division too."""
    names = benchmark.round.benchmark_names
    if benchmark.round.reading.get("exact_names") and benchmark.directory not in names:
        known = not benchmark.strict or benchmark.model in names
        message = f"the official checker of {benchmark.round.name} knows no benchmark {benchmark.directory!r}"
        severity = Severity.WARNING if known else None
        found, wanted = benchmark.directory, f"one of {', '.join(names)}"
        yield Problem(message, benchmark.path, found, wanted, severity=severity)
    elif benchmark.strict and benchmark.model not in benchmark.round.benchmark_names:
        wanted = ", ".join(benchmark.round.benchmark_names)
        message = f"{benchmark.directory!r} is no benchmark of round {benchmark.round.name}"
        yield Problem(message, benchmark.path, benchmark.directory, f"one of {wanted}")


@rule(
    "structure/benchmark-for-type",
    scope=Scope.BENCHMARK,
    title="The benchmark exists for this type of system",
    fix="Take the benchmark out, or correct system_type in the system description.",
    good="resnet50 on an edge system",
    bad="llama2-70b-99.9 on an edge system",
    since="v0.7",
    needs=("description",),
)
def benchmark_for_type(benchmark: Benchmark) -> Iterator[Problem]:
    """Some benchmarks are for datacenter systems only. In the open division the name that stands behind the
    directory must have scenarios for the type too (up to v5.1), or facts to judge it by (from v6.0 on)."""
    if benchmark.system.type not in benchmark.round.facts["system_types"]:
        return
    if benchmark.strict and benchmark.model not in benchmark.round.benchmark_names:
        return
    rules = benchmark.rules
    if rules is not None and not benchmark.strict and benchmark.round.reading.get("open_division_any_type"):
        known = rules.facts["performance_sample_count"] is not None
    else:
        known = rules is not None and rules.scenarios(benchmark.system.type) is not None
    if not known and not benchmark.strict and benchmark.round.reading.get("open_division_any_type"):
        message = f"the round has no facts to judge {benchmark.model!r} by"
        yield Problem(message, benchmark.path, benchmark.model, "a benchmark that the round knows")
    elif not known:
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
    bad="resnet50 on an edge system without offline",
    since="v0.7",
    needs=("description",),
)
def required_scenarios(benchmark: Benchmark) -> Iterator[Problem]:
    """A closed result stands for a whole benchmark, so all its required scenarios are run. Up to v5.1 the other
    scenarios keep their numbers in the official summary, but the submission fails; from v6.0 on they all fail."""
    scenarios = benchmark.rules.scenarios(benchmark.system.type) if benchmark.rules is not None else None
    if not benchmark.strict or scenarios is None:
        return
    there = {r.canonical for r in benchmark.results}
    if benchmark.round.reading.get("scenario_names_any_case"):
        aliases = benchmark.round.facts["scenario_aliases"]
        there |= {aliases.get(r.directory.lower()) for r in benchmark.results}
    table = effects(benchmark.round.name, benchmark.place.division)
    for missing in scenarios.required:
        if missing not in there:
            yield Problem(
                f"scenario {missing} is missing",
                benchmark.path,
                found=", ".join(sorted(s for s in there if s)) or "no scenario",
                wanted=", ".join(scenarios.required),
                aspect=None if benchmark.results else "no-scenario-at-all",
                spares_results=table["structure/required-scenarios"] is Effect.MARK,
            )


EITHER = {"Server", "Interactive"}


@rule(
    "structure/server-or-interactive",
    scope=Scope.BENCHMARK,
    spares_results=True,
    title="Server or Interactive is there where both are optional",
    fix="Run one of the two.",
    good="llama2-70b-99: Offline, Interactive",
    bad="llama2-70b-99: Offline alone",
    since="v5.1",
    needs=("description",),
)
def server_or_interactive(benchmark: Benchmark) -> Iterator[Problem]:
    """Offline alone does not show how a language model serves people who wait. The official checker of v5.1 asks
    for it in the open division too; from v6.0 on all scenarios of the benchmark fail without."""
    scenarios = benchmark.rules.scenarios(benchmark.system.type) if benchmark.rules is not None else None
    there = {r.canonical for r in benchmark.results}
    if scenarios is None or not set(scenarios.optional) >= EITHER or there & EITHER:
        return
    table = effects(benchmark.round.name, benchmark.place.division)
    yield Problem(
        "neither Server nor Interactive is there",
        benchmark.path,
        found=", ".join(sorted(s for s in there if s)) or "no scenario",
        wanted="Server or Interactive",
        severity=None if benchmark.strict else Severity.WARNING,
        aspect=None if benchmark.results else "no-scenario-at-all",
        spares_results=table["structure/server-or-interactive"] is Effect.MARK,
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
        if not isinstance(official, str) or official not in submitter.round.facts["benchmarks"]:
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
    fix="Restore the file from the machine that wrote it; a log may not be edited or cut. From JSON that people write, "
    "`mlcheck fix TREE --apply` takes a byte order mark and UTF-16.",
    good="a detail log as LoadGen wrote it",
    bad="a detail log that ends in the middle of a line",
)
def readable(submission: Submission) -> Iterator[Problem]:
    """A file that is there but cannot be read says nothing, and the rules that need it are not run. What the
    official checker does depends on the file: some are an invalid result, some end it with a traceback."""
    for path, reason in submission.tree.unreadable.items():
        yield Problem(f"the directory cannot be read: {reason}", path or ".", reason, "a readable directory")

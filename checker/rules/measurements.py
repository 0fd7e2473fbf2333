"""What goes with a result: conf files, the measurements JSON, sources, documents of the power set-up."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from checker.files import join, read_lenient
from checker.model import Effect, Problem, Severity
from checker.result import Result
from checker.rule import ENDPOINT, EVERY_KIND, rule
from checker.schema_rules import of_document


@rule(
    "measurements/dir",
    title="The measurements directory is there",
    fix="Add it, with the conf files, a README and the measurements JSON.",
    good="measurements/rpi5/resnet50/offline/",
    bad="no measurements/rpi5/resnet50/offline/",
    until="v5.1",
    kinds=EVERY_KIND,
)
def directory(result: Result) -> Iterator[Problem]:
    """It says how the result was made: settings, weights, data types. Names are spelled as under results."""
    if result.tree.folder(result.measurements_path) is None:
        yield Problem(
            "there is no measurements directory", result.measurements_path, "nothing", "a directory"
        )


@rule(
    "measurements/files",
    title="The measurements directory holds its files",
    fix="Add the file as it was for the run: user.conf and mlperf.conf hold its settings, README.md says how to "
    "repeat it.",
    good="user.conf, README.md (up to v4.1 also mlperf.conf)",
    bad="no user.conf",
    kinds=EVERY_KIND,
)
def files(result: Result) -> Iterator[Problem]:
    """Anybody must be able to repeat the run; these files say how."""
    path = result.measurements_path
    if result.tree.folder(path) is not None:
        for name in _required(result):
            if name not in result.tree.files(path):
                yield Problem(f"{name} is missing", join(path, name), "nothing", name)


def _required(result: Result) -> list[str]:
    """Files that must be there; an endpoint run has no settings of LoadGen."""
    names: list[str] = result.round.files["measurements_required"]
    return [n for n in names if n != "user.conf"] if result.kind == ENDPOINT else names


@rule(
    "measurements/files-non-empty",
    title="The files of the measurements directory are not empty",
    fix="Write into the file what it is for.",
    good="a README.md of 1200 bytes",
    bad="a README.md of 0 bytes",
    since="v3.1",
    kinds=EVERY_KIND,
)
def files_non_empty(result: Result) -> Iterator[Problem]:
    """An empty file only looks as if something had been said."""
    there = result.tree.files(result.measurements_path)
    for name in _required(result):
        if there.get(name) == 0:
            path = join(result.measurements_path, name)
            yield Problem(f"{name} is empty", path, "0 bytes", "a text")


@rule(
    "measurements/json-name",
    title="The measurements JSON is there under its name",
    fix="Name it <system>_<implementation>_<scenario>.json; from v6.0 on measurements.json.",
    good="rpi5_onnxruntime_offline.json (from v6.0: measurements.json)",
    bad="result.json",
    kinds=EVERY_KIND,
)
def json_name(result: Result) -> Iterator[Problem]:
    """The name begins with the system and tells the implementation; from v6.0 on it is the same everywhere. Without
    it the official checkers of some rounds end with a traceback."""
    if result.tree.folder(result.measurements_path) is not None and result.measurements_name is None:
        fixed = result.round.layout["measurements_json"]
        wanted = fixed if isinstance(fixed, str) else f"{result.system.name}_*_{result.directory}.json"
        yield Problem("there is no measurements JSON", result.measurements_path, "nothing", wanted)
    elif result.measurements_name is not None:
        yield from _of_another(result, result.measurements_name)


def _of_another(result: Result, name: str) -> Iterator[Problem]:
    """The official checker takes any name that begins with the system's; another system's may, too."""
    folder, longer = join(result.submitter.path, "systems"), len(result.system.name) + 1
    ends = (at for at, letter in enumerate(name[longer:], start=longer) if letter in "_.")
    for other in (name[:at] for at in ends):
        if result.tree.has_file(join(folder, f"{other}.json")):
            path, wanted = join(result.measurements_path, name), f"{result.system.name}_*.json"
            message = f"the measurements JSON is named after another system, {other}"
            yield Problem(message, path, name, wanted, severity=Severity.WARNING, effect=Effect.NONE)


@rule(
    "measurements/json-fields",
    title="The measurements JSON has its fields",
    fix="Add the field.",
    good='"weight_data_types": "int8"',
    bad="no weight_data_types",
    needs=("measurements",),
    kinds=EVERY_KIND,
)
def json_fields(result: Result) -> Iterator[Problem]:
    """Data types, weights and retraining decide in which division a result belongs."""
    source, rule_id = result.measurements, "measurements/json-fields"
    for problem in of_document("measurements", source, source.value, result.round.facts, rule_id):
        yield replace(problem, aspect=problem.wanted, raises=False)


@rule(
    "measurements/json-non-empty",
    title="The fields of the measurements JSON say something",
    fix="Fill the field in.",
    good='"retraining": "no"',
    bad='"retraining": ""',
    since="v3.1",
    needs=("measurements",),
    kinds=EVERY_KIND,
)
def json_non_empty(result: Result) -> Iterator[Problem]:
    """An empty value only looks as if something had been said."""
    source = result.measurements
    for name in result.round.facts["measurement_fields"]:
        if name in source.value and not source.value[name]:
            found = repr(source.value[name])[:80]
            yield Problem(f"{name!r} is empty", source.path, found, "something said", pointer=f"/{name}")


@rule(
    "source/code-dir",
    title="The source of the implementation is there",
    fix="Add code/<benchmark>/<implementation> (from v6.0 on src/) with the sources and how to run them.",
    good="code/resnet50/onnxruntime/ (from v6.0: src/)",
    bad="no code/resnet50",
    needs=("measurements",),
    kinds=EVERY_KIND,
)
def code_dir(result: Result) -> Iterator[Problem]:
    """Results can be repeated only with the sources. A file in place of the directory may name another
    directory of code. From v6.0 on the official checker asks for src/ alone."""
    tree, own = result.tree, result.benchmark.directory
    root = result.layout.path(result.round, "source_dir")
    path = result.layout.code_path(result.round)
    if path == root:
        if tree.folder(root) is None:
            yield Problem("there are no sources", root, "nothing", "a directory")
        elif tree.folder(join(root, own)) is None:
            message = f"there is no directory of {own!r} among the sources"
            wanted = join(root, own)
            yield Problem(message, root, "nothing", wanted, severity=Severity.NOTE, effect=Effect.NONE)
        return
    if tree.has_file(path):
        path = join(root, result.submission.source(path, "code_pointer", read_lenient).value.strip())
    if tree.folder(path) is None and not tree.exists(join(path, _implementation(result))):
        yield Problem("there are no sources of this benchmark", path, "nothing", "a directory")


def _implementation(result: Result) -> str:
    name = result.measurements_name or ""
    ending = f"_{result.directory}.json" if name.endswith(f"_{result.directory}.json") else ".json"
    return name[len(result.system.name) + 1 : -len(ending)]


@rule(
    "measurements/power-docs",
    title="A power result says with what and how power was measured",
    fix="Add analyzer_table.md and power_settings.md to measurements/, or to a directory below it.",
    good="measurements/analyzer_table.md, measurements/power_settings.md",
    bad="no measurements/analyzer_table.md",
    since="v3.1",
)
def power_docs(result: Result) -> Iterator[Problem]:
    """Reviewers need the set-up of the power meter and the power management settings of the system. The last
    match on the way up to measurements/ counts."""
    if not result.has_power or result.tree.folder(result.measurements_path) is None:
        return
    for prefix in result.round.files["power_measurement_prefixes"]:
        matches = power_documents(result, prefix)
        if not matches:
            path = result.measurements_path
            yield Problem(f"there is no {prefix} document", path, "nothing", f"{prefix}.*")
        elif matches[-1][1] == 0:
            yield Problem(f"the {prefix} document is empty", matches[-1][0], "0 bytes", "a text")


def power_documents(result: Result, prefix: str) -> list[tuple[str, int]]:
    """Paths and sizes of the documents with a name that begins so, from the result up to measurements/."""
    parts = result.measurements_path.split("/")
    places = ["/".join(parts[: len(parts) - up]) for up in range(4)]
    return [
        (join(place, name), size)
        for place in places
        for name, size in result.tree.files(place).items()
        if name.startswith(prefix)
    ]


_PERMUTATION = "sample_concatenate_permutation"


@rule(
    "measurements/equal-issue-conf",
    title="Samples are issued in concatenated permutations where that is demanded",
    fix=f"Set <model>.<scenario>.{_PERMUTATION} = 1 in user.conf and run again.",
    good=f"3d-unet.Offline.{_PERMUTATION} = 1",
    bad=f"no {_PERMUTATION}",
    since="v4.1",
    until="v4.1",
    needs=("performance_log",),
)
def equal_issue(result: Result) -> Iterator[Problem]:
    """Where samples differ much in cost, each is issued equally often. The official checker of this round
    compares the log with a text that LoadGen never writes, so that only the conf files decide, and it dies
    on a conf line of another form."""
    if not result.rules.equal_issue_required(result.submitter.division):
        return
    used, broken = _conf_says(result)
    logged = result.run.log.value.first(f"effective_{_PERMUTATION}") is True
    if broken is not None:
        yield broken
    elif not used:
        says = "the log says so, the conf files do not" if logged else "neither log nor conf files say so"
        yield Problem(
            f"samples are not issued in concatenated permutations: {says}",
            result.measurements_path,
            found="not set",
            wanted=f"{_PERMUTATION} = 1",
            severity=Severity.WARNING if logged else None,
        )


def _conf_says(result: Result) -> tuple[bool, Problem | None]:
    """Whether the conf files turn it on (user.conf wins), or the line that the official checker dies on."""
    used = False
    for name in ("mlperf.conf", "user.conf"):
        path = join(result.measurements_path, name)
        if not result.tree.has_file(path):
            continue
        text = result.submission.source(path, "conf", read_lenient).value
        for number, line in enumerate(text.splitlines(), start=1):
            setting = line.strip()
            if not setting or setting.startswith("#"):
                continue
            key, equals, value = (p.strip() for p in setting.partition("="))
            if not equals or "=" in value or key.count(".") != 2:
                message = "a line that is no model.scenario.key = value"
                problem = Problem(message, path, setting[:80], "model.scenario.key = value", number)
                return used, _as_crash(problem)
            if _matches(result, key) and re.fullmatch(r"\d+(\.\d+)?", value):
                used = float(value) == 1
                break
    return used, None


def _as_crash(problem: Problem) -> Problem:
    return Problem(
        problem.message, problem.path, problem.found, problem.wanted, problem.line,
        severity=Severity.WARNING, effect=Effect.CRASH,
    )  # fmt: skip


def _matches(result: Result, key: str) -> bool:
    model, scenario, name = key.split(".")
    own = re.sub(r"-99(\.9)?\Z", "", result.benchmark.directory)
    return name == _PERMUTATION and model in (own, "*") and scenario in (result.scenario, "*")

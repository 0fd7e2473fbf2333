"""The audit tests of the closed and network divisions: was the result earned by honest means."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from checker import accuracy_txt, metrics
from checker.files import join
from checker.model import Effect, Problem, Severity
from checker.result import Result
from checker.rule import INFERENCE, Absent, Rule, effect_of, effects, rule
from checker.rules import all_rules
from checker.rules.structure_results import file_list
from checker.run import Run
from checker.texts import line_of

PASSED, FAILED = "TEST PASS", "TEST FAIL"
WITH_VERDICT = ("TEST01", "TEST04", "TEST04-A", "TEST05")
"""Tests of which a script compares the score; the first rounds had TEST04 in two runs, the first told of both."""
WITH_PERFORMANCE = (*WITH_VERDICT, "TEST04-B")


def _tests(result: Result) -> tuple[str, ...]:
    """The tests that this result needs."""
    return result.compliance_tests if result.strict else ()


def there(result: Result) -> Iterator[str]:
    """The tests that this result needs and whose directory is there."""
    for test in _tests(result):
        if result.tree.folder(result.compliance_path(test)) is not None:
            yield test


@rule(
    "compliance/dir",
    title="The compliance runs are there",
    fix="Run the compliance tests of the benchmark and put them under compliance/.",
    good="compliance/rpi5/resnet50/offline/",
    bad="no compliance/rpi5/resnet50/offline/",
    link=INFERENCE,
    since="v0.7",
    until="v5.1",
)
def directory(result: Result) -> Iterator[Problem]:
    """Closed results are audited by extra runs; each scenario has its own."""
    path = result.compliance_path() if _tests(result) else ""
    if _tests(result) and result.tree.folder(path) is None:
        yield Problem("there are no compliance runs", path, "nothing", ", ".join(_tests(result)))


@rule(
    "compliance/test-dir",
    title="Every compliance test is there",
    fix="Run the missing test (`mlharness run <benchmark> --mode compliance`), or put its folder there if it was run.",
    good="TEST01/ (each test that the round asks for, as `mlcheck rules` and the message say)",
    bad="no TEST01/",
    link=INFERENCE,
    since="v0.7",
)
def test_dir(result: Result) -> Iterator[Problem]:
    """Which tests a benchmark needs is a fact of the round."""
    if _tests(result) and result.tree.folder(result.compliance_path()) is not None:
        for test in sorted(set(_tests(result)) - set(there(result))):
            yield Problem(f"{test} is missing", result.compliance_path(test), "nothing", test)


@cache
def run_rules(round_name: str) -> tuple[Rule, ...]:
    """The rules of a round on one LoadGen run."""
    return tuple(r for r in all_rules().values() if r.per_run is not None and r.holds_in(round_name))


@rule(
    "compliance/perf-run",
    title="The performance run of a test keeps all performance rules",
    fix="Run the test again with the settings of the submission run.",
    good="TEST01: effective_performance_sample_count: 1024 (resnet)",
    bad="TEST01: effective_performance_sample_count: 500 (resnet)",
    link=INFERENCE,
    since="v2.1",
)
def perf_run(result: Result) -> Iterator[Problem]:
    """An audit run is a performance run like any other; TEST05 has other seeds. In the official checker up to
    v5.1 a log that cannot be judged passes when an earlier test was judged, and is a traceback when it is the
    first."""
    if "TEST06" in _tests(result):
        return
    judged_one = False
    for test in there(result):
        if test not in WITH_PERFORMANCE:
            continue
        problems = list(judge(result.compliance_runs[test], test))
        if any(p.raises for p in problems):
            passed_over = Effect.NONE if judged_one else Effect.CRASH
            effect = _unjudged(result.compliance_runs[test], passed_over)
            problems = [replace(p, effect=effect) for p in problems]
        else:
            judged_one = True
        yield from problems


def _unjudged(run: Run, otherwise: Effect) -> Effect:
    """What the official checker does with a log that cannot be judged, where the round's file says so."""
    table = effects(run.result.round.name)
    unjudged = table.get("compliance/perf-run:unjudged", otherwise)
    return table.get("compliance/perf-run:garbled", unjudged) if run.log.broken else unjudged


def judge(run: Run, name: str) -> Iterator[Problem]:
    """What the rules on one run have to say of a run, under the name of it."""
    round_ = run.result.round.name
    if not run.log.usable:
        reason = run.log.broken or "is not there"
        message = f"{name}: the detail log {reason}"
        yield Problem(message, run.log.path, reason, "a detail log", run.log.line, raises=True)
        return
    for about in run_rules(round_):
        if about.per_run is None:
            continue
        try:
            for problem in about.per_run(run):
                own = effect_of(about.id, problem, round_, run.result.place.division)
                yield replace(
                    problem,
                    message=f"{name}, {about.id}: {problem.message}",
                    severity=problem.severity or about.severity,
                    effect=Effect.RESULT if own.fails else own,
                    cause=about.id,
                )
        except Absent as error:
            yield _absent(name, error, about.id)
    try:
        metrics.logged_metric(run)
    except Absent as error:
        yield _absent(name, error, "performance/metric")


def _absent(name: str, error: Absent, cause: str) -> Problem:
    message = f"{name}, {cause}: {error.what}: {error.found}"
    return Problem(message, error.path, error.found, error.wanted, error.line, raises=True, cause=cause)


@rule(
    "compliance/perf-verdict",
    title="verify_performance.txt says TEST PASS",
    fix="Where the file is missing, put it back, or let the verification script of the test write it for this log. "
    "Where it does not say PASS, find out why the score differs from that of the submission run, and run both again.",
    good="verify_performance.txt: TEST PASS",
    bad="verify_performance.txt: TEST FAIL",
    link=INFERENCE,
    since="v0.7",
    forgiven_by=("compliance_performance",),
)
def perf_verdict(result: Result) -> Iterator[Problem]:
    """The verification script compares the score of the test with the result: much faster with a repeated
    sample means a cache, another score with other seeds means tuning for the seeds. A declared short run scatters
    more; only the distance of the two scores is forgiven to it, never a missing or broken text. Up to v2.0 the
    official checker prints it and goes on."""
    for test in there(result):
        if test in WITH_VERDICT:
            yield from _says_pass(result, test, "verify_performance.txt")


def _says_pass(result: Result, test: str, name: str) -> Iterator[Problem]:
    source = result.compliance_text(test, name)
    if not source.present:
        yield Problem(f"{test} has no {name}", source.path, "nothing", PASSED, excusable=False)
    elif not source.usable:
        yield Problem(
            f"{test}: {name} {source.broken}", source.path, source.broken, PASSED,
            effect=effects(result.round.name).get("compliance/perf-verdict:garbled", Effect.CRASH), excusable=False,
        )  # fmt: skip
    elif PASSED not in source.value:
        found, missed = source.value.strip()[-120:], tolerance_missed(source.value)
        line = line_of(source.value, FAILED)
        yield Problem(f"{test} did not pass", source.path, found, PASSED, line, excusable=missed)


def tolerance_missed(text: str) -> bool:
    """Whether a verification compared two scores and failed only because they are too far apart."""
    return FAILED in text and all(re.search(rf"{s} score\s*=\s*[\d.]+", text) for s in ("reference", "test"))


@rule(
    "compliance/perf-files",
    title="The performance run of a test holds exactly its files",
    fix="Add what is missing, remove what does not belong there.",
    good="mlperf_log_summary.txt, mlperf_log_detail.txt",
    bad="no mlperf_log_summary.txt",
    since="v0.7",
)
def perf_files(result: Result) -> Iterator[Problem]:
    """The run of a test is published like the performance run; a missing log or a stray file fails it."""
    files = result.round.files
    for test in there(result):
        if test in WITH_PERFORMANCE:
            run = result.compliance_runs[test]
            if result.tree.folder(run.path) is None:
                yield Problem(f"{test} has no performance/run_1", run.path, "nothing", "a directory")
            required, optional = files["compliance_performance_required"], files["performance_optional"]
            yield from file_list(result, run.path, required, optional)


@rule(
    "compliance/test01-accuracy",
    title="TEST01 finds the same accuracy in the performance run",
    fix="Make the outputs deterministic, or add baseline_accuracy.txt and compliance_accuracy.txt.",
    good="verify_accuracy.txt: TEST PASS",
    bad="verify_accuracy.txt: TEST FAIL, and no baseline_accuracy.txt",
    link=INFERENCE,
    since="v0.7",
)
def test01_accuracy(result: Result) -> Iterator[Problem]:
    """Outputs sampled during a performance run must be those of the accuracy run. Where they are not bit by
    bit the same, the accuracy of both may differ by a small share only."""
    if "TEST01" not in there(result):
        return
    source = result.compliance_text("TEST01", "verify_accuracy.txt")
    if not source.usable:
        reason = source.broken or "is missing"
        yield Problem(f"TEST01: verify_accuracy.txt {reason}", source.path, reason, PASSED)
        return
    alone = result.round.reading.get("pass_on_its_own_line")
    passed = says_pass_alone(source.value) if alone else PASSED in source.value
    kind = "test01_accuracy_required_if_pass" if passed else "test01_accuracy_required_if_fail"
    files, path = result.round.files, join(result.compliance_path("TEST01"), "accuracy")
    aspect = "beside-a-pass" if passed else None
    if result.tree.folder(path) is None:
        wanted = ", ".join(files[kind])
        yield Problem("TEST01 has no accuracy directory", path, "nothing", wanted, aspect=aspect)
        return
    problems = list(file_list(result, path, files[kind]))
    yield from (replace(p, aspect=aspect) for p in problems)
    if not passed and not problems:
        yield from _compare(result, path)


def says_pass_alone(text: str) -> bool:
    """Whether a line of a text is the verdict and nothing else."""
    return any(line.strip() == PASSED for line in text.splitlines())


def _compare(result: Result, path: str) -> Iterator[Problem]:
    """The accuracies of the sampled outputs in both runs, metric by metric."""
    rules, own = result.rules, result.round.reading.get("accuracy_patterns")
    if rules.facts["compliance_delta_percent_default"] is None:
        return  # up to v2.0 the two texts stand for people to compare
    names = [t.metric for t in rules.lower_limits(result.scenario)]
    texts = [
        result.compliance_text("TEST01", f"accuracy/{n}_accuracy.txt") for n in ("baseline", "compliance")
    ]
    for name in names:
        last = [[s.value for s in accuracy_txt.find(t.value, [name], own)][-1:] for t in texts]
        baseline, compliance = (row[0] if row and row[0] else 0.0 for row in last)
        limit = rules.compliance_delta_percent(name)
        official = _official_delta(result, limit)
        delta = abs(1 - baseline / compliance) * 100 if baseline and compliance else math.inf
        if not delta <= min(limit, official):
            yield Problem(
                f"TEST01: {name} differs by {delta:.3g} %: baseline {baseline}, compliance {compliance}",
                join(path, "compliance_accuracy.txt"),
                found=f"{delta:.3g} %",
                wanted=f"at most {limit:g} % ({official:g} % for the official checker)",
                severity=Severity.WARNING if delta <= limit else None,
                effect=Effect.NONE if delta <= official else None,
            )


def _official_delta(result: Result, limit: float) -> float:
    """The official checker of some rounds never finds the limits that a metric has of its own."""
    default = float(result.rules.facts["compliance_delta_percent_default"])
    return default if result.round.reading.get("test01_delta") == "default" else limit


_TEST06_LINES = (
    ("First token check pass: True", "First token check pass: Skipped"),
    ("EOS check pass: True",),
    ("Sample length check pass: True",),
)


@rule(
    "compliance/test06",
    title="TEST06 finds consistent outputs of a language model",
    fix="Find out why first token, end or length of the outputs differ, and run the test again.",
    good="EOS check pass: True",
    bad="EOS check pass: False",
    link=INFERENCE,
    since="v4.0",
)
def test06(result: Result) -> Iterator[Problem]:
    """On a hundred samples the first token, the end-of-sequence token and the length are compared with what
    LoadGen counted."""
    if "TEST06" not in there(result):
        return
    source = result.compliance_text("TEST06", "verify_accuracy.txt")
    if not source.usable:
        reason = source.broken or "is missing"
        yield Problem(f"TEST06: verify_accuracy.txt {reason}", source.path, reason, "a text")
        return
    lines = {line.strip() for line in source.value.splitlines()}
    missing = [wanted for wanted in _TEST06_LINES if not lines.intersection(wanted)]
    for wanted in missing:
        line = line_of(source.value, wanted[0].partition(":")[0])
        yield Problem("TEST06 did not pass", source.path, "no such line", " or ".join(wanted), line)
    if not missing and "TEST01" in source.path:
        message = "TEST06 passed, but the path holds the word TEST01 and the official checker judges it as that test"
        wanted_name = "no directory named TEST01"
        yield Problem(message, source.path, "TEST01", wanted_name, severity=Severity.WARNING)

"""The accuracy run: does the model still answer well enough, and is the evidence there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from checker import accuracy_txt
from checker.accuracy_txt import AccuracyText, Seen
from checker.files import join
from checker.model import Effect, Problem, Severity
from checker.result import Result
from checker.rule import INFERENCE, SUBMISSION, effect_of, effects, rule
from schemas.rounds import Target

NEEDS = ("accuracy_txt",)


def read(result: Result) -> AccuracyText:
    """The accuracy text of a result, read once; ``Absent`` when it or the benchmark is not there."""
    found: AccuracyText | None = result.__dict__.get("accuracy_text")
    if found is None:
        lower = result.rules.lower_limits(result.scenario)
        found = accuracy_txt.parse(
            result.accuracy_txt.value, lower, any_value=_last_counts(result), own=patterns(result)
        )
        result.__dict__["accuracy_text"] = found
    return found


def _last_counts(result: Result) -> bool:
    """Whether the last value is the one that is judged (up to v3.0), not every one of them."""
    return result.round.reading.get("accuracy") in ("last-value", "any-line")


def patterns(result: Result) -> Mapping[str, str] | None:
    """Patterns of accuracy lines that the round has of its own."""
    found: Mapping[str, str] | None = result.round.reading.get("accuracy_patterns")
    return found


def _leniently(result: Result, about: str, problem: Problem, severity: Severity = Severity.NOTE) -> Problem:
    """The open division may be less accurate: printed only, where the round forgives a breach of the rule there."""
    if result.strict or effect_of(about, problem, result.round.name, result.place.division).fails:
        return problem
    return replace(problem, severity=severity)


@rule(
    "accuracy/target",
    title="Every accuracy is at or above its target",
    fix="Improve the model, its weights or its quantisation until the target is met, or submit to open.",
    good="accuracy=75.70% (resnet: 75.6954)",
    bad="accuracy=75.60%",
    link=INFERENCE,
    needs=NEEDS,
    forgiven_by=("accuracy",),
)
def target(result: Result) -> Iterator[Problem]:
    """A faster model that answers worse is another model. The target is a share of the reference model's
    accuracy; each value below it counts, up to the line at which all targets and the hash were seen (up to v3.0 the
    last value alone counts). The open division may miss it: the official checker prints that and goes on, from
    v5.1 on only where some accuracy is told. That of v0.5 had no targets and was content with any accuracy."""
    text, limits = read(result), result.rules.lower_limits(result.scenario)
    found = {limit.metric: _judged(result, text, limit) for limit in limits}
    for limit in limits:
        if not found[limit.metric]:
            yield _no_line(result, limit, some=any(found.values()))
        for row in found[limit.metric]:
            if row.value is not None and row.value < limit.limit:
                message = f"{limit.metric} is {row.text}, below the target {limit.limit:.10g}"
                path = result.accuracy_txt.path
                below = Problem(message, path, row.text, f"at least {limit.limit:.10g}", row.line)
                yield _leniently(result, "accuracy/target", below)
        if found[limit.metric]:
            yield from _unseen(result, text, limit)


def _unseen(result: Result, text: AccuracyText, limit: Target) -> Iterator[Problem]:
    """A value below the target behind the line at which the official checker stops reading."""
    for row in text.seen:
        if row.metric != limit.metric or row.line <= text.judged_lines:
            continue
        if row.value is not None and row.value < limit.limit:
            message = (
                f"{limit.metric} is {row.text} behind the hash, where the official checker no longer reads"
            )
            yield Problem(
                message, result.accuracy_txt.path, row.text, f"at least {limit.limit:.10g}", row.line,
                severity=Severity.WARNING, effect=Effect.NONE,
            )  # fmt: skip
            return


def _judged(result: Result, text: AccuracyText, limit: Target) -> list[Seen]:
    """The values that are held to a target."""
    if _last_counts(result):
        last = text.last(limit.metric)
        return [] if last is None else [last]
    return [s for s in text.seen if s.metric == limit.metric and s.line <= text.judged_lines]


def _no_line(result: Result, limit: Target, *, some: bool) -> Problem:
    message = f"accuracy.txt has no line with {limit.metric}"
    path, wanted = result.accuracy_txt.path, f"at least {limit.limit:.10g}"
    aspect = None if some or _any_will_do(result) else "no-number"
    found = Problem(message, path, "nothing", wanted, excusable=False, aspect=aspect)
    return _leniently(result, "accuracy/target", found, Severity.WARNING)


def _any_will_do(result: Result) -> bool:
    """Whether the number of another benchmark's metric is there, and enough for the checker (v0.5)."""
    reading, known = result.round.reading, result.round.facts.get("accuracy_patterns_metrics", ())
    return reading.get("accuracy") == "any-line" and bool(accuracy_txt.find(result.accuracy_txt.value, known))


@rule(
    "accuracy/number",
    title="The accuracy is a number",
    fix="Run the accuracy script again and keep its output as it is.",
    good="accuracy=75.912%",
    bad="accuracy=0.75.912%",
    needs=NEEDS,
)
def number(result: Result) -> Iterator[Problem]:
    """Digits with two points are no number; the official checker ends with a traceback on them."""
    text = read(result)
    for row in text.seen:
        if row.value is None and row.line <= text.judged_lines:
            message = f"{row.metric} is {row.text!r}, which is no number"
            yield Problem(message, result.accuracy_txt.path, row.text, "a number", row.line)


@rule(
    "accuracy/upper-limit",
    title="No accuracy is above its upper limit",
    fix="Check the data set and the settings of generation: the outputs are not those of the reference.",
    good="'tokens_per_sample': 290.0 (llama2-70b-99.9: at most 323.9)",
    bad="'tokens_per_sample': 400.0",
    link=INFERENCE,
    needs=NEEDS,
    since="v4.0",
    forgiven_by=("accuracy",),
)
def upper_limit(result: Result) -> Iterator[Problem]:
    """For some metrics more is not better: outputs that are much longer or scores that are too good mean
    that something else was computed."""
    limits = result.rules.upper_limits(result.scenario)
    judged = read(result).judged_lines
    rows = accuracy_txt.find(result.accuracy_txt.value, [t.metric for t in limits], patterns(result))
    for limit in limits:
        for row in rows:
            if row.metric != limit.metric or row.value is None or row.line > judged:
                continue
            if row.value > limit.limit:
                message = f"{limit.metric} is {row.text}, above the limit {limit.limit:.10g}"
                path = result.accuracy_txt.path
                beyond = Problem(message, path, row.text, f"at most {limit.limit:.10g}", row.line)
                yield _leniently(result, "accuracy/upper-limit", beyond)


@rule(
    "accuracy/hash",
    title="accuracy.txt holds the hash of the full accuracy log",
    fix="`mlcheck fix TREE --apply` truncates a full accuracy log and appends its hash. Where the log is truncated "
    "already, take accuracy.txt from the original run, or run accuracy again.",
    good="hash=324366b2…",
    bad="no hash line",
    link=SUBMISSION,
    needs=NEEDS,
    since="v0.7",
)
def hash_line(result: Result) -> Iterator[Problem]:
    """The full log is too large to publish; its SHA-256 lets it be checked later."""
    if read(result).hash is None:
        found = Problem("there is no hash line", result.accuracy_txt.path, "nothing", "hash=<sha-256>")
        yield _leniently(result, "accuracy/hash", found, Severity.WARNING)


@rule(
    "accuracy/log-truncated",
    title="The accuracy log is truncated",
    fix="`mlcheck fix TREE --apply` truncates it and appends its hash to accuracy.txt. It refuses where "
    "accuracy.txt has the hash of another log: then put the files of one run together, or run accuracy again.",
    good="mlperf_log_accuracy.json of 8199 bytes",
    bad="mlperf_log_accuracy.json of 11 MB",
    since="v0.7",
)
def log_truncated(result: Result) -> Iterator[Problem]:
    """Only head and tail of the log are published; the hash in accuracy.txt stands for the rest."""
    path = join(result.accuracy_path, "mlperf_log_accuracy.json")
    limit = result.round.facts["limits"]["accuracy_log_max_bytes"]
    size = result.tree.files(result.accuracy_path).get("mlperf_log_accuracy.json")
    if size is None and not _missed_by_list(result.round.name):
        found = Problem("the accuracy log is missing", path, "nothing", "the truncated log")
        yield _leniently(result, "accuracy/log-truncated", found, Severity.WARNING)
    elif size is not None and size > limit:
        message = f"the log has {size} bytes, it was not truncated"
        found = Problem(message, path, f"{size} bytes", f"at most {limit} bytes")
        yield _leniently(result, "accuracy/log-truncated", found, Severity.WARNING)


def _missed_by_list(round_name: str) -> bool:
    """Whether the list of files of the round already fails a result without the log."""
    table, of_list = effects(round_name), "structure/acc-file-list"
    return (table.get(f"{of_list}:mlperf_log_accuracy.json") or table.get(of_list, Effect.NONE)).fails


@rule(
    "accuracy/loadgen-errors",
    title="No errors in the detail log of the accuracy run",
    fix="Correct what the entry names and run again.",
    good='"metadata": {"is_error": false}',
    bad='"metadata": {"is_error": true}',
    link=INFERENCE,
    needs=("accuracy_log",),
)
def loadgen_errors(result: Result) -> Iterator[Problem]:
    """An entry that LoadGen marks as an error says that the run was not what it should be."""
    errors = result.accuracy_log.value.errors
    if errors:
        message = f"{len(errors)} errors, the first is {errors[0].key}: {str(errors[0].value)[:160]}"
        path, line = result.accuracy_log.path, errors[0].line
        found = Problem(message, path, f"{len(errors)} errors", "none", line)
        yield _leniently(result, "accuracy/loadgen-errors", found, Severity.WARNING)

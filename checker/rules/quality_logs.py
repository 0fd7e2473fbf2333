"""Our own rules on texts of a result: summary against detail log, mangled numbers, the build of LoadGen."""

from __future__ import annotations

from collections.abc import Iterator

from checker.files import join
from checker.model import Problem, Severity
from checker.result import Result
from checker.rule import INFERENCE, rule
from checker.run import Run, in_summary
from checker.summary_text import disagreements
from checker.texts import MANGLED, text_of
from checker.wording import shorten
from schemas.loadgen_summary import SUMMARY


@rule(
    "quality/summary-detail",
    severity=Severity.WARNING,
    title="Summary and detail log tell of the same run",
    fix="Publish both logs as LoadGen wrote them.",
    good="Samples per second : 168720 and result_samples_per_second 168720",
    bad="Samples per second : 210000 beside result_samples_per_second 168720",
    link=INFERENCE,
    since="v1.0",
    needs=("performance_log",),
)
def summary_detail(result: Result) -> Iterator[Problem]:
    """LoadGen writes both from the same numbers. The official checker reads the detail log only, so a summary of
    another run, or a detail log that was edited, is not noticed."""
    if in_summary(result.round):
        return
    for run in (result.run, result.ranging) if result.has_power else (result.run,):
        if run.log.usable:
            yield from _compared(result, run)


def _compared(result: Result, run: Run) -> Iterator[Problem]:
    path = join(run.path, SUMMARY)
    text = text_of(result.submission, path)
    found = list(disagreements(text, run.log.value)) if text is not None else []
    if found:
        first = found[0]
        labels = ", ".join(dict.fromkeys(f.label for f in found))
        message = f"summary and detail log disagree in {shorten(labels, 100)}"
        yield Problem(message, path, shorten(first.found, 80), shorten(first.wanted, 80), first.line)


@rule(
    "quality/numpy-text",
    severity=Severity.WARNING,
    title="Numbers in accuracy.txt are written as numbers",
    fix="`mlcheck fix TREE --apply` takes the type names off; print with float(...) in the accuracy script.",
    good="{'rouge1': 38.78}",
    bad="{'rouge1': np.float64(38.78)}",
    link=INFERENCE,
    needs=("accuracy_txt",),
)
def numpy_text(result: Result) -> Iterator[Problem]:
    """numpy 2 prints its numbers with their type inside lists and dictionaries. The official checker does not find
    such a number, and says that the accuracy is missing."""
    text = result.accuracy_txt.value
    if "numpy." not in text and "np." not in text:
        return
    for number, line in enumerate(text.splitlines(), start=1):
        match = MANGLED.search(line.encode("utf-8", "replace"))
        if match is not None:
            found = match.group().decode("utf-8", "replace")
            wanted = match.group(1).decode("utf-8", "replace")
            message = f"numpy 2 wrote a number with its type: {shorten(found, 40)}"
            yield Problem(message, result.accuracy_txt.path, shorten(found, 40), shorten(wanted, 40), number)
            return


@rule(
    "quality/loadgen-build",
    severity=Severity.WARNING,
    title="LoadGen was built from unchanged sources",
    fix="Build LoadGen from a clean checkout of the official repository and run again.",
    good='"loadgen_git_status_message": ""',
    bad='"loadgen_git_status_message": " M loadgen/loadgen.cc"',
    link=INFERENCE,
    needs=("performance_log",),
)
def loadgen_build(result: Result) -> Iterator[Problem]:
    """The policy asks for an unmodified LoadGen. At its build it writes down which of its files differ from their
    commit; nothing in the official checker reads that."""
    for run in result.runs:
        entry = run.entry("loadgen_git_status_message") if run.log.usable else None
        said = entry.value if entry is not None and entry.raw.startswith(b'"') else ""
        if said.strip():
            files = shorten(", ".join(line.strip() for line in said.strip().splitlines()), 120)
            message = f"LoadGen was built with changed files: {files}"
            line = run.line("loadgen_git_status_message")
            yield Problem(message, run.log.path, files, "no changed files", line)

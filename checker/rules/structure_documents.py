"""JSON that one program reads so and another otherwise."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from checker.files import Source
from checker.model import Problem, Severity
from checker.reading import Noted
from checker.result import Result
from checker.rule import EVERY_KIND, rule
from checker.texts import text_of


@rule(
    "structure/strict-json",
    severity=Severity.WARNING,
    title="JSON says one thing to every program",
    fix="Write each key once, and a number or null in place of NaN and Infinity.",
    good='{"accelerators_per_node": 1}',
    bad='{"accelerators_per_node": 1, "accelerators_per_node": 2}',
    kinds=EVERY_KIND,
)
def strict_json(result: Result) -> Iterator[Problem]:
    """Of a key that stands twice in an object most programs take the last value and some the first; NaN and Infinity
    are no JSON, numbers of hundreds of digits fit nowhere, and many programs refuse the whole file. The official
    checker takes the last value and all words."""
    for source, depth in _documents(result):
        if source.usable and isinstance(source.value, Noted):
            for kind, text in source.value.oddities:
                yield _problem(source, kind, text, result, depth)


def _documents(result: Result) -> Iterator[tuple[Source[Any], int]]:
    """The JSON files of a result, each with how deep in the tree it belongs."""
    yield result.submitter.model_mapping, 2
    yield result.description, 3
    yield from ((source, 5) for source in (result.measurements, result.run_record))
    if result.has_power:
        yield from ((source, 5) for source in (result.client, result.server))
    if result.round.facts.get("endpoints"):
        yield from (
            (source, 5) for source in (result.client_report.performance, result.client_report.accuracy)
        )


def _problem(source: Source[Any], kind: str, text: str, result: Result, depth: int) -> Problem:
    place = result.place.cut(depth)
    if kind == "repeated":
        message = f"the key {text!r:.60} stands more than once in an object; the last value counts here"
        line = _line(result, source.path, json.dumps(text, ensure_ascii=False), 2)
        return Problem(message, source.path, f"{text!r:.60} again", "each key once", line, place=place)
    message, line = f"{text} is no value that every program reads", _line(result, source.path, text, 1)
    return Problem(message, source.path, text, "a number or null", line, place=place)


def _line(result: Result, path: str, word: str, nth: int) -> int | None:
    """The line in which a word stands for the n-th time; None where it is spelled otherwise."""
    rows = (text_of(result.submission, path) or "").splitlines()
    hits = [n for n, row in enumerate(rows, start=1) for _ in range(row.count(word))]
    return hits[nth - 1] if len(hits) >= nth else None

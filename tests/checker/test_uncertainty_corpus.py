"""Every uncertainty that PTDaemon printed in the published sessions follows from its sample and the ranges."""

from __future__ import annotations

import re

import pytest

from checker.files import Tree
from checker.result import Result
from checker.rules import quality_meter
from checker.tree import Submission
from schemas.rounds import load_round
from schemas.units import parse_log_time
from tests.checker.corpus import needs_corpus, published_trees

WARNING = re.compile(r"^(.{23}): WARNING: Uncertainty \d+\.\d+%", re.MULTILINE)


def powered() -> list[Result]:
    trees = [Submission(Tree(path), load_round(name)) for path, name in published_trees()]
    return [r for tree in trees for r in tree.results if r.has_power]


@needs_corpus
def test_every_line_of_the_daemons_logs() -> None:
    lines = 0
    for result in powered():
        own = quality_meter.meter(result)
        assert own is not None, result.path
        samples = result.run.spl.value.samples
        for line, printed, ours in quality_meter._lines(result, samples, own.percents(samples)):
            assert abs(printed - ours) <= quality_meter.PRINTED, (result.path, line)
            lines += 1
    assert lines > 1500


@needs_corpus
def test_every_summary_of_the_daemon_to_all_its_digits() -> None:
    summaries = 0
    for result in powered():
        told, own = quality_meter._summary(result.server.value), quality_meter.meter(result)
        if told is None or own is None:
            continue
        samples = result.run.spl.value.samples
        shares = [p / 100 for p in own.percents(samples) if p is not None]
        computed = (sum(shares) / len(shares), min(shares), max(shares))
        assert told[:3] == pytest.approx(computed, abs=1.5e-6), result.path
        assert told[3] == len(samples)
        summaries += 1
    assert summaries == 11


@needs_corpus
def test_no_printed_number_is_left_out() -> None:
    """Each printed number has a sample beside it, but for one that was finished after the stop of a session."""
    for result in powered():
        own = quality_meter.meter(result)
        assert own is not None
        samples = result.run.spl.value.samples
        text, last = result.ptd_logs.value, max(samples.at)
        stamps = [parse_log_time(m[1]) for m in WARNING.finditer(text)]
        printed = sum(at <= last + quality_meter.NEAR_NS for at in stamps)
        assert len(list(quality_meter._lines(result, samples, own.percents(samples)))) == printed, result.path

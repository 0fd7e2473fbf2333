"""The figures of a run as lines for people."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from harness.audit import issued
from harness.figures import metric_text
from harness.live.text import with_bound
from harness.scenarios import BY_NAME
from harness.service import Outcome


def summary(outcome: Outcome, *, holes: bool = True) -> list[str]:
    """The figures of a run, one line each; ``holes`` adds what the system description lacks."""
    lines = []
    rules = outcome.plan.round.benchmark(outcome.plan.official)
    unit = rules.counted_in(outcome.plan.scenario)
    for name, result in outcome.done.results.items():
        if result.metric is not None:
            lines.append(f"{name}: {metric_text(unit, result.metric)}, {_queries(result.query_count)}")
    lines += power_lines(outcome)
    if outcome.accuracy is not None:
        lines.append(f"over {outcome.accuracy.total} samples: {outcome.accuracy.line}")
    lines += compliance_line(outcome)
    return lines + (holes_line(outcome) if holes else [])


def next_line(outcome: Outcome) -> str:
    """The command that judges the tree, as what it is."""
    request = outcome.plan.request
    words = ["mlcheck", str(outcome.written.tree)]
    words += ["--rehearsal"] if request.rehearsal_s is not None or request.fixture is not None else []
    words += ["--power", "unofficial"] if outcome.power is not None else []
    return f"next: {shlex.join(words)}"


def _queries(number: int) -> str:
    return f"{number} {'query' if number == 1 else 'queries'}"


def compliance_line(outcome: Outcome) -> list[str]:
    """The compliance tests and how each ended."""
    words = []
    for name, verdict in outcome.done.verdicts.items():
        missed = [] if verdict.performance.passed else ["score outside the tolerance"]
        if not verdict.accuracy_passed:
            missed.append("accuracy differs")
        words.append(f"{name} {' and '.join(missed) or 'passed'}")
    return [f"compliance: {', '.join(words)}"] if words else []


def holes_line(outcome: Outcome) -> list[str]:
    """What has to be filled in by hand in the system description."""
    if not outcome.holes:
        return []
    return [f"system description: {len(outcome.holes)} fields to fill in: {', '.join(outcome.holes)}"]


def samples_per_joule(samples: int, window: Mapping[str, Any]) -> str:
    """Samples of the run over the energy of its window, with the bound that the energy's gives."""
    energy_j, u95_j = window["energy_j"], window["energy_u95_j"]
    if energy_j <= 0:
        return "samples per joule: the window holds no energy"
    each = samples / energy_j
    return f"samples per joule: {each:.4g} ± {each * u95_j / energy_j:.2g} (u95)"


def power_lines(outcome: Outcome) -> list[str]:
    """Energy and power of the testing window, with its bound and its coverage."""
    if outcome.power is None:
        return []
    window = outcome.power.windows["testing"]
    lines = []
    queries = outcome.done.results["performance"].query_count
    if BY_NAME[outcome.plan.scenario].energy_unit == "stream":
        each_j, u95_j = window["energy_j"] / queries, window["energy_u95_j"] / queries
        lines.append(f"energy per stream: {with_bound(each_j, u95_j, 'J')}")
    lines.append(samples_per_joule(issued(outcome.done.results["performance"].log_dir), window))
    mean = f"{window['average_w']:.4g} W ± {window['average_u95_w']:.2g} W (u95)"
    word = "average" if BY_NAME[outcome.plan.scenario].energy_unit == "stream" else "system"
    lines.append(f"{word} power: {mean} over {window['duration_s']:.1f} s, {window['samples']} samples")
    simulated = " SIMULATED" if window.get("simulated") else ""
    lines.append(
        f"coverage of the testing window: {window['coverage']:.4f}, quality {window['quality']}{simulated}"
    )
    return lines

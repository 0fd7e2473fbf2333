"""Scenarios of which a benchmark needs one or the other."""

from __future__ import annotations

from collections.abc import Iterator

from checker.model import Problem, Scope, Severity
from checker.rule import rule
from checker.tree import Benchmark

EITHER = ("Server", "Interactive")


@rule(
    "structure/server-or-interactive",
    scope=Scope.BENCHMARK,
    spares_results=True,
    title="Server or Interactive is there where either will do",
    fix="Run Server or Interactive, or move the benchmark to the open division.",
    good="llama2-70b-99: Offline and Server",
    bad="llama2-70b-99: Offline alone",
    since="v5.1",
    needs=("description",),
)
def server_or_interactive(benchmark: Benchmark) -> Iterator[Problem]:
    """Language models are served to people: beside Offline one scenario with latency limits is wanted, and the
    submitter chooses which. The official checker of v5.1 wants it in the open division too."""
    scenarios = benchmark.rules.scenarios(benchmark.system.type) if benchmark.rules is not None else None
    if scenarios is None or not set(EITHER) <= set(scenarios.optional):
        return
    there = {r.canonical for r in benchmark.results}
    if there.isdisjoint(EITHER):
        yield Problem(
            "neither Server nor Interactive is there",
            benchmark.path,
            found=", ".join(sorted(s for s in there if s)) or "no scenario",
            wanted="Server or Interactive",
            severity=None if benchmark.strict else Severity.WARNING,
        )

"""Memory: the model, the samples that a run holds, and the queries that LoadGen prepares."""

from __future__ import annotations

from collections.abc import Iterator

from harness import run_times
from harness.checks.base import Line, Situation, fail, ok, warn
from harness.estimate import QUERY_BYTES
from harness.machine import available_memory

SUBJECT = "memory"
LEAST = 1 << 30
"""What is wanted where nothing was measured."""
TIGHT = 1.25


def check(situation: Situation) -> Iterator[Line]:
    """What is available, within the control group, against what the largest run needs."""
    machine = situation.machine
    available = available_memory(machine)
    if available is None:
        yield warn(SUBJECT, "the system does not tell", "enough memory", "look at it by hand with: free -m")
        return
    needed, why = bytes_needed(situation)
    found, wanted = f"{available / 2**30:.1f} GiB available", f"{needed / 2**30:.1f} GiB{why}"
    cure = "end other programs, or take a machine with more memory"
    if "queries" in why:
        cure = "give a larger --target-latency-ms or a smaller --target-qps, or leave it out to calibrate"
    if available < needed:
        yield fail(SUBJECT, found, wanted, cure)
    elif available < TIGHT * needed:
        yield warn(SUBJECT, found, wanted, cure)
    else:
        yield ok(SUBJECT, found, wanted)


def bytes_needed(situation: Situation) -> tuple[int, str]:
    """What the largest run needs, and for what most of it is."""
    probe = situation.probe
    if probe is None or probe.memory_bytes is None:
        opened = situation.weights_bytes
        return (LEAST, "") if opened is None or opened < LEAST else (opened, " for the weights alone")
    held = situation.round.benchmark(situation.official).performance_sample_count
    samples = held * (probe.sample_bytes or 0)
    prepared = 0
    for scenario in situation.scenarios:
        one = run_times.performance(situation, scenario)
        prepared = max(prepared, 0 if one is None else one.prepared * QUERY_BYTES)
    why = (
        " for the model and the samples"
        if prepared < samples + probe.memory_bytes
        else " for prepared queries"
    )
    return probe.memory_bytes + samples + prepared, why

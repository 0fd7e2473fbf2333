"""The checkpoint: does the runtime open it, and are its inputs and outputs those of the benchmark's contract."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness.benchmarks.base import PLAIN, Contract, traits
from harness.checks.base import Line, Situation, fail, ok, told, warn
from harness.contracts import differences
from harness.practice import rehearsal
from harness.probe import LIMIT_S, Probe

SUBJECT = "model"
REHEARSAL_S = 60
CURE = "give the checkpoint of the reference implementation, or one exported with the same names, shapes and types"


def check(situation: Situation) -> Iterator[Line]:
    """It opens; names, shapes and types fit; a query of each scenario can be answered."""
    work, bench = situation.workload, situation.benchmark
    if work is None:
        cure = "give --model and --dataset, or --fixture"
        yield warn(SUBJECT, "none was given, so it was not looked at", "a model", cure)
        return
    if situation.broken is not None:
        cure = "give the path of the checkpoint with --model"
        yield told(SUBJECT, situation.broken, traits(bench).model_about or "a checkpoint", cure)
        return
    probe = situation.probe
    assert probe is not None
    if probe.too_large or (probe.late and traits(bench).stall_s > PLAIN.stall_s):
        yield _not_seen(situation, probe)
        return
    if not probe.opened:
        yield told(SUBJECT, probe.fault or "it could not be opened", "a checkpoint of the benchmark", CURE)
        return
    wrong: tuple[tuple[str, str], ...] = ()
    if isinstance(bench, Contract) and probe.tensors is not None:
        wrong = tuple(differences(bench.tensors, probe.tensors))
        for found, wanted in wrong:
            yield fail(SUBJECT, found, wanted, CURE)
    if probe.fault is not None:
        yield told(SUBJECT, probe.fault, "an answer to a query", CURE)
    elif not wrong:
        versions = ", ".join(f"{name} {version}" for name, version in probe.versions.items())
        fits = "its inputs and outputs are those of the benchmark; " if probe.tensors is not None else ""
        yield ok(SUBJECT, f"{fits}answered by {versions}")


def _not_seen(situation: Situation, probe: Probe) -> Line:
    """A large model that was not waited for, with what is known of it without opening it."""
    about = "" if situation.weights is None else f"; by the headers of its files it has {situation.weights}"
    if probe.too_large:
        return warn(SUBJECT, f"{probe.fault}{about}", "a look at it", "see what is said of the memory")
    step = "answered" if probe.opened else "opened"
    found = f"not {step} within the {LIMIT_S:.0f} s that are given to it here{about}"
    cure = f"measure it by `{_rehearsal(situation)}`, then give its latency or rate to this look"
    return warn(SUBJECT, found, "a look at it", cure)


def _rehearsal(situation: Situation) -> str:
    """The command of a short run of what was asked for."""
    work, fixture = situation.workload, situation.fixture
    assert work is not None
    given = ["--model", str(work.model), "--dataset", str(work.dataset)]
    return rehearsal(
        situation.benchmark,
        situation.scenarios[0].name,
        given if fixture is None else ["--fixture", str(fixture.path)],
        round_name=situation.round.name,
        system_type=situation.system_type,
        seconds=REHEARSAL_S,
        output=Path("practice"),
        backend=work.backend,
    )

"""What is installed: the packages of the extra, and LoadGen in the version of the round."""

from __future__ import annotations

from collections.abc import Iterator

from harness import loadgens
from harness.checks.base import Line, Situation, fail, ok
from harness.extras import PACKAGES, is_there, missing, sentence, version
from harness.registry import needs_of

SUBJECT = "packages"


def check(situation: Situation) -> Iterator[Line]:
    """Missing packages, then LoadGen's version."""
    gone = missing()
    if gone:
        wanted = "the packages of the extra harness"
        yield fail(
            SUBJECT, f"{', '.join(gone)} not installed", wanted, "run `pip install 'edgewatt[harness]'`"
        )
    runtime = () if situation.workload is None else needs_of(situation.workload.backend)
    for module in dict.fromkeys((*situation.benchmark.extra, *runtime)):
        if module not in PACKAGES and not is_there(module):
            found, _, advice = sentence(module).partition("; ")
            wanted = f"what {situation.benchmark.name} needs"
            yield fail(SUBJECT, found, wanted, f"run `{advice.partition(': ')[2]}`")
    yield _loadgen(situation)


def _loadgen(situation: Situation) -> Line:
    """The version of the round: here, in the cache, or still to be fetched."""
    round_ = situation.round
    demanded = loadgens.wanted(round_)
    if loadgens.here(demanded):
        return ok(SUBJECT, f"LoadGen {demanded}, as the round has it")
    if loadgens.there(demanded):
        return ok(SUBJECT, f"LoadGen {demanded}, as the round has it, in {loadgens.folder(demanded)}")
    found = version(loadgens.PACKAGE)
    cure = f"run `mlharness fetch --round {round_.name}`; without a network also give --wheelhouse DIR"
    return fail(SUBJECT, f"LoadGen {found or 'none'}", f"{demanded}, that of round {round_.name}", cure)

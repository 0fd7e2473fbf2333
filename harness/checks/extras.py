"""What is installed: the packages of the extra, and LoadGen in the version of the round."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.base import Line, Situation, fail, ok, warn
from harness.extras import missing, version

SUBJECT = "packages"


def check(situation: Situation) -> Iterator[Line]:
    """Missing packages, then LoadGen's version."""
    gone = missing()
    if gone:
        wanted = "the packages of the extra harness"
        yield fail(
            SUBJECT, f"{', '.join(gone)} not installed", wanted, "run: pip install 'edgewatt[harness]'"
        )
    facts = situation.round.facts.get("loadgen") or {}
    name, demanded = str(facts.get("package", "mlcommons-loadgen")), facts.get("version")
    found = version(name)
    if found is None:
        return
    if demanded is None or found == demanded:
        yield ok(SUBJECT, f"{name} {found}, as the round has it" if demanded else f"{name} {found}")
    else:
        cure = f"run: pip install {name}=={demanded}; another version has other settings built in"
        yield warn(SUBJECT, f"{name} {found}", f"{demanded}, that of round {situation.round.name}", cure)

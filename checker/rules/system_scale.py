"""How large a system is: nodes, accelerators, and what its power supplies could deliver (from v6.0 on)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from checker import nameplate
from checker.model import Problem, Scope, Severity
from checker.result import Result
from checker.rule import EVERY_KIND, POWER, rule
from checker.tree import System

COUNTS = ("number_of_nodes", "accelerators_per_node")
_WHOLE = re.compile(r"\s*[-+]?\d+(_\d+)*\s*\Z")


@rule(
    "system/node-counts",
    scope=Scope.SYSTEM,
    needs=("description",),
    title="Nodes and accelerators are whole numbers",
    fix='Write the number alone, as text or number: "number_of_nodes": "1".',
    good='"accelerators_per_node": "0"',
    bad='"accelerators_per_node": "N/A"',
    since="v6.0",
)
def node_counts(system: System) -> Iterator[Problem]:
    """The list of results shows their product as the number of all accelerators. The official checker ends with a
    traceback when it comes to list a result of a system that gives something else."""
    facts = system.description.value
    for name in COUNTS:
        if name in facts and not _whole(facts[name]):
            found = repr(facts[name])[:80]
            message = f"{name} is {found}, wanted a whole number"
            yield Problem(message, system.description.path, found, "a whole number", pointer=f"/{name}")


def _whole(value: object) -> bool:
    if isinstance(value, str):
        return _WHOLE.match(value) is not None
    return isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))


@rule(
    "system/nameplate-power",
    title="A power result says what the power supplies could deliver",
    fix="Write systems/<system>_power.yaml with the power supplies, or system_power_capacity into the description.",
    good="Min PSUs Needed: 1, PSUs: [{PowerCapacityWatts: 800}]",
    bad="an empty <system>_power.yaml",
    link=POWER,
    since="v6.1",
    needs=("description",),
    kinds=EVERY_KIND,
)
def nameplate_power(result: Result) -> Iterator[Problem]:
    """Readers compare what a system draws with what it is built for: of each group of power supplies as many as
    it needs, the largest ones. Without the file the official checker prints a line and goes on."""
    if not result.has_power or nameplate.CAPACITY in result.system.facts:
        return
    source = nameplate.document(result.system)
    if not source.present:
        yield Problem(
            "nothing says what the power supplies could deliver",
            source.path,
            found="nothing",
            wanted="power supplies of the system",
            severity=Severity.WARNING,
            aspect="missing",
        )
        return
    reason, named = source.broken, True
    try:
        named = bool(reason) or nameplate.has_leaves(source.value)
    except nameplate.NoNameplate as error:
        reason = str(error)
    if reason:
        yield Problem(
            f"the nameplate power {reason}", source.path, reason, "power supplies", line=source.line
        )
    elif not named:
        found, wanted = "no PSUs", "PSUs and Min PSUs Needed"
        message = "the file names no power supplies"
        severity = Severity.WARNING
        yield Problem(message, source.path, found, wanted, severity=severity, aspect="no-supplies")

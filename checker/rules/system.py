"""The system description: what is demanded of ``systems/<system>.json``."""

from __future__ import annotations

from collections.abc import Iterator

from checker.model import Problem, Scope, Severity
from checker.rule import rule, run_rule
from checker.run import Run
from checker.schema_rules import of_system
from checker.tree import NETWORKED, System
from checker.wording import pointer_to

NEEDS = ("description",)


@rule(
    "system/status",
    scope=Scope.SYSTEM,
    needs=NEEDS,
    title="The availability is one of the known ones",
    fix='Set "status" to available, preview or rdi.',
    good='"status": "available"',
    bad='"status": "soon"',
)
def status(system: System) -> Iterator[Problem]:
    """Results are published in three lists: systems one can buy, systems one soon can, and research. The
    status says which. Where it is missing the official checker stops with an exception (up to v5.1)."""
    return of_system(system, "system/status")


@rule(
    "system/system-type",
    scope=Scope.SYSTEM,
    needs=NEEDS,
    title="The system type is one of the known ones",
    fix='Set "system_type" to edge, datacenter, or both joined by a comma without a blank.',
    good='"system_type": "edge"',
    bad='"system_type": "Edge"',
    since="v0.7",
)
def system_type(system: System) -> Iterator[Problem]:
    """The type decides which scenarios a benchmark must have."""
    return of_system(system, "system/system-type")


@rule(
    "system/required-fields",
    scope=Scope.SYSTEM,
    needs=NEEDS,
    title="Every required field is in the system description",
    fix="Add the field; `mlharness describe-system` fills most of them from the machine.",
    good='"number_of_nodes": "1"',
    bad="no number_of_nodes",
)
def required_fields(system: System) -> Iterator[Problem]:
    """Readers compare systems by these fields; the list is a fact of the round."""
    return of_system(system, "system/required-fields")


@rule(
    "system/non-empty",
    scope=Scope.SYSTEM,
    needs=NEEDS,
    title="Fields that must say something do",
    fix='Fill the field in; write a zero as text ("0").',
    good='"accelerators_per_node": "0"',
    bad='"accelerators_per_node": 0',
    since="v3.1",
)
def non_empty(system: System) -> Iterator[Problem]:
    """An empty text, an empty list, null, false and the number 0 all count as nothing said."""
    facts = system.description.value
    for name in system.round.facts["system_fields"]["non_empty"]:
        if name in facts and not facts[name]:
            number = facts[name] == 0 and facts[name] is not False
            message = f"{name!r} is the number 0, which counts as empty" if number else f"{name!r} is empty"
            wanted = f'"{facts[name]}", as text' if number else "something said"
            found = repr(facts[name])[:80]
            yield Problem(message, system.description.path, found, wanted, pointer=f"/{name}")


@rule(
    "system/unknown-fields",
    scope=Scope.SYSTEM,
    severity=Severity.NOTE,
    needs=NEEDS,
    title="Only known fields are in the system description",
    fix="Nothing needs to be done; check the spelling when a required field is missing too.",
    good='"cooling": "air"',
    bad='"coolng": "air"',
)
def unknown_fields(system: System) -> Iterator[Problem]:
    """Other names are allowed and nobody reads them; often one is a misspelt known one."""
    fields = system.round.facts["system_fields"]
    known = {
        *fields["required"],
        *fields["power_known"],
        *fields.get("optional_known", ()),
        fields["network_flag"],
    }
    if system.networked:
        known |= set(fields["network_required"])
    unknown = sorted(set(system.description.value) - known)
    if unknown:
        yield Problem(
            f"fields that nobody reads: {', '.join(unknown)[:200]}",
            system.description.path,
            found=f"{len(unknown)} unknown fields",
            wanted="known names",
            pointer=pointer_to(unknown[0]),
        )


@rule(
    "system/submitter",
    scope=Scope.SYSTEM,
    needs=NEEDS,
    title="The submitter in the description is the one of the directory",
    fix='Set "submitter" to the name of the submitter\'s directory.',
    good='"submitter": "Krai" under closed/Krai',
    bad='"submitter": "KRAI Ltd" under closed/Krai',
)
def submitter(system: System) -> Iterator[Problem]:
    """The description may have been copied from somebody else's tree. Upper and lower case are not told
    apart, but by the checker of v0.5."""
    exact = system.round.reading.get("exact_names", False)
    return _same(system, "submitter", system.submitter.name, ignore_case=not exact)


@rule(
    "system/division",
    scope=Scope.SYSTEM,
    needs=NEEDS,
    title="The division in the description is the one of the directory",
    fix='Set "division" to the name of the division directory.',
    good='"division": "closed" under closed/',
    bad='"division": "open" under closed/',
)
def division(system: System) -> Iterator[Problem]:
    """A description moved between divisions keeps the old one's name. The template of v0.5 does not demand the
    field, but its checker ends with a traceback where it is missing."""
    demanded = "division" in system.round.facts["system_fields"]["required"]
    if not demanded and "division" not in system.description.value:
        path, wanted = system.description.path, system.submitter.division
        yield Problem("'division' is missing", path, "nothing", wanted, aspect="missing")
    ignore_case = bool(system.round.reading.get("division_ignores_case"))
    yield from _same(system, "division", system.submitter.division, ignore_case=ignore_case)


def _same(system: System, field: str, wanted: str, *, ignore_case: bool) -> Iterator[Problem]:
    facts = system.description.value
    if field not in facts:
        return
    found = facts[field]
    fold = str.lower if ignore_case else str
    if not isinstance(found, str) or fold(found) != fold(wanted):
        yield Problem(
            f"{field} is {found!r:.80}, the directory says {wanted!r}",
            system.description.path,
            found=repr(found)[:80],
            wanted=wanted,
            pointer=f"/{field}",
            raises=ignore_case and not isinstance(found, str),
        )


@rule(
    "system/network-mode",
    scope=Scope.SYSTEM,
    needs=NEEDS,
    title="Networked systems stand in the network division, and only they",
    fix='Move the results to the other division, or correct "is_network" ("true" or "false", as text).',
    good='"is_network": "true" under network/',
    bad='"is_network": "true" under closed/',
    since="v2.1",
)
def network_mode(system: System) -> Iterator[Problem]:
    """In the network division queries travel to the system over a network; closed results may not."""
    yield from of_system(system, "system/network-mode")
    where = system.submitter.division
    wrong = (where == "closed" and system.networked) or (where == NETWORKED and not system.networked)
    flag = system.round.facts["system_fields"]["network_flag"]
    if wrong and isinstance(system.description.value.get(flag, ""), str):
        says = "networked" if system.networked else "not networked"
        yield Problem(
            f"the system is {says} and stands in the {where} division",
            system.description.path,
            found=repr(system.description.value.get(flag)),
            wanted='"true"' if where == NETWORKED else 'not "true"',
            pointer=f"/{flag}",
        )


@rule(
    "system/network-fields",
    scope=Scope.SYSTEM,
    needs=NEEDS,
    title="A networked system describes its network",
    fix="Add the field to the system description.",
    good='"network_type": "Ethernet"',
    bad="no network_type",
    since="v2.1",
)
def network_fields(system: System) -> Iterator[Problem]:
    """What lies between LoadGen and the system decides the result as much as the system does. From v6.0 on the
    official checker asks for these fields as soon as is_network says anything at all, "false" too."""
    fields, facts, path = (
        system.round.facts["system_fields"],
        system.description.value,
        system.description.path,
    )
    missing = [name for name in fields["network_required"] if name not in facts]
    if system.networked:
        for name in missing:
            yield Problem(f"{name!r} is missing", path, "nothing", name)
    elif (
        missing
        and facts.get(fields["network_flag"])
        and system.round.reading.get("network_fields_with_any_flag")
    ):
        yield Problem(
            "is_network is given, and the official checker wants the network fields then, although they are not needed",
            path,
            found=repr(facts[fields["network_flag"]])[:40],
            wanted="no is_network",
            pointer=f"/{fields['network_flag']}",
            severity=Severity.WARNING,
            aspect="any-flag",
        )


@run_rule(
    "system/sut-name",
    title="A networked system names itself so in the log",
    fix="Give the SUT the name that the network division asks for, and run again.",
    good="sut_name: Network SUT",
    bad="sut_name: PySUT",
    since="v2.1",
)
def sut_name(run: Run) -> Iterator[Problem]:
    """In the network division LoadGen and the system stand on two machines; the name of the SUT in the log
    says so. A missing name passes the official checker."""
    if not run.result.system.networked or run.result.submitter.division == "closed":
        return  # a networked system in closed is told by system/network-mode
    wanted = run.result.round.facts["system_fields"]["network_sut_name_substring"]
    found = run.log.value.first("sut_name")
    if not isinstance(found, str) or wanted not in found:
        yield Problem(
            f"sut_name is {found!r:.80}, wanted a name with {wanted!r}",
            run.log.path,
            found=repr(found)[:80],
            wanted=f"a name with {wanted}",
            line=run.line("sut_name"),
            aspect="missing" if found is None else None,
        )

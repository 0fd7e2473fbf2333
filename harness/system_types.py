"""Edge or datacenter: which type a system is of, and which scenarios that lets it run.

A type is a fact of the system, so it is the same for all its results: what the tree's description says holds
until somebody changes it there. Types and scenario lists are facts of the round.
"""

from __future__ import annotations

import json

from harness.model import RunRequest
from harness.registry import unknown
from harness.scenarios import BY_NAME
from schemas.errors import UserError
from schemas.layout import ResultPath
from schemas.rounds import Round

DEFAULT = "edge"


def resolve(request: RunRequest, round_: Round) -> str:
    """The type asked for, else that of the tree's description, else edge.

    ``UserError`` for an unknown type and for one that contradicts the description in the tree.
    """
    known: tuple[str, ...] = tuple(round_.facts["system_types"])
    asked = request.system_type
    if asked is not None and asked not in known:
        raise UserError(unknown("system type", asked, known))
    described = _described(request, round_)
    if asked is not None and described is not None and asked != described:
        raise UserError(
            f"{request.system} is described as {described} in {request.output}, and --system-type says {asked}; "
            "leave out --system-type, correct the description, or choose another --system"
        )
    return asked or described or DEFAULT


def _described(request: RunRequest, round_: Round) -> str | None:
    """What the description in the tree says; None without one that can be read."""
    try:
        place = ResultPath(request.division, request.submitter, request.system, "any", "any")
        text = (request.output / place.system_json(round_)).read_text(encoding="utf-8")
        found = json.loads(text).get("system_type")
    except (OSError, ValueError, AttributeError):
        return None
    return found if isinstance(found, str) else None


def canonical(round_: Round, asked: str) -> str:
    """The canonical name of a scenario that this version runs; ``UserError`` for others."""
    name = round_.canonical_scenario(asked) or round_.canonical_scenario(asked.lower())
    if name is None:
        raise UserError(unknown("scenario", asked, BY_NAME))
    if name not in BY_NAME:
        raise UserError(f"scenario {name} cannot be run yet; this version runs {', '.join(BY_NAME)}")
    return name


def scenario(request: RunRequest, round_: Round, official: str, system_type: str) -> str:
    """The canonical name of the scenario asked for; ``UserError`` when it cannot or may not be run.

    The open division takes any scenario of MLPerf, the others only those that the round lists for the benchmark
    and the type. A benchmark without any scenario for the type is refused everywhere.
    """
    name = canonical(round_, request.scenario)
    rules = round_.benchmark(official).scenarios(system_type)
    if rules is None:
        raise UserError(
            f"round {round_.name} has no {official} for systems of the type {system_type}; "
            "choose another benchmark or another --system-type"
        )
    allowed = (*rules.required, *rules.optional)
    if request.division != "open" and name not in allowed:
        raise UserError(
            f"round {round_.name} has no scenario {name} for {official} on {system_type} systems in the "
            f"{request.division} division; it has {', '.join(allowed)}; choose one of these, another "
            "--system-type, or --division open"
        )
    return name

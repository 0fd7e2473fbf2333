"""What speaks for a round: a list of clues, each a comparison of what a tree shows with facts of a round.

A clue answers with how much of what it looked at fits the round. The clues stand in order of their weight; what
a round looks like is data, so that a new round needs no new clue.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from checker.look import CLIENT_SEEDS, Look
from schemas.layout import ResultPath
from schemas.rounds import Round

Fit = tuple[int, int]
"""How many fit, of how many."""


@dataclass(frozen=True, slots=True)
class Clue:
    """``says`` puts a fit into words with {fit}, {all} and {rounds}. ``excludes``: a round that does not fit at all,
    while another does, is out; more it does not say, and nothing is decided by it alone."""

    name: str
    fit: Callable[[Look, Round], Fit]
    says: str
    excludes: bool = False


def _layout(look: Look, round_: Round) -> Fit:
    """How many results have their measurements where the round wants them. Most rounds want them in one place."""
    fixed, template = round_.layout["measurements_json"], round_.layout["measurements_dir"]
    key = f"measured in {template} as {fixed}"
    found: int | None = look.__dict__.get(key)
    if found is None:
        found = look.__dict__[key] = sum(_measured(look, p, template, fixed) for p in look.results)
    return found, len(look.results)


def _measured(look: Look, place: ResultPath, template: str, fixed: object) -> bool:
    """Whether the measurements of a result lie in a place. ``fixed`` is their name, where it is a text."""
    files = look.tree.files(template.format(**place.names))
    if isinstance(fixed, str):
        return fixed in files
    return any(n.startswith(place.system) and n.endswith(".json") for n in files)


def _log_form(look: Look, round_: Round) -> Fit:
    form = round_.facts.get("log_format", "detail")
    return sum(log.form == form for log in look.logs), len(look.logs)


def _seeds(look: Look, round_: Round) -> Fit:
    wanted = dict(round_.seeds())
    return sum(dict(log.seeds) == wanted for log in look.logs), len(look.logs)


def _client_seeds(look: Look, round_: Round) -> Fit:
    wanted = {name: round_.seeds()[name] for name in CLIENT_SEEDS} if round_.facts.get("endpoints") else None
    return sum(dict(seeds) == wanted for seeds in look.clients), len(look.clients)


def _loadgen(look: Look, round_: Round) -> Fit:
    wanted = round_.name.removeprefix("v")
    fitting = (log.version == wanted or log.version.startswith(f"{wanted}.") for log in look.logs)
    return sum(fitting), len(look.logs)


def _daemon(look: Look, round_: Round) -> Fit:
    known = (round_.facts["power"] or {}).get("ptd_versions", ())
    return sum(version in known for version in look.daemons), len(look.daemons)


def _benchmarks(look: Look, round_: Round) -> Fit:
    names = {(p.division, p.benchmark) for p in look.results if p.division != "open"}
    return sum(round_.official_name(name) in round_.benchmark_names for _, name in names), len(names)


def _fields(look: Look, round_: Round) -> Fit:
    required = set(round_.facts["system_fields"]["required"])
    return sum(required <= set(d) for d in look.descriptions), len(look.descriptions)


CLUES = (
    Clue(
        "layout",
        _layout,
        "{fit} of {all} results have their measurements in the place of {rounds}",
        excludes=True,
    ),
    Clue("log form", _log_form, "{fit} of {all} performance logs have the form of {rounds}", excludes=True),
    Clue("seeds", _seeds, "{fit} of {all} performance logs have the seeds of {rounds}"),
    Clue("seeds of clients", _client_seeds, "{fit} of {all} clients of endpoints have the seeds of {rounds}"),
    Clue("LoadGen", _loadgen, "LoadGen of {rounds} wrote {fit} of {all} performance logs"),
    Clue("power daemon", _daemon, "{fit} of {all} power daemons are of a version of {rounds}"),
    Clue("benchmarks", _benchmarks, "{fit} of {all} benchmarks are benchmarks of {rounds}"),
    Clue("fields", _fields, "{fit} of {all} system descriptions have the fields of {rounds}"),
)

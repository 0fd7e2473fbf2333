"""Which round a tree is for, told from the random seeds in its performance logs."""

from __future__ import annotations

from collections import Counter

from checker.files import Tree, join
from schemas.errors import UserError
from schemas.loadgen import LogGarbled, stream
from schemas.rounds import Round, known_rounds, load_round

ENOUGH_LOGS = 12
_SEEDS = ("qsl_rng_seed", "sample_index_rng_seed", "schedule_rng_seed")


def choose(name: str, tree: Tree) -> tuple[Round, str]:
    """The round to judge by and why; UserError naming the candidates when it cannot be told."""
    if name != "auto":
        return load_round(name), "asked for with --round"
    votes: Counter[str] = Counter()
    looked = 0
    for path in _logs(tree):
        seeds = _seeds(tree, path)
        looked += 1
        for candidate in known_rounds():
            if seeds == dict(load_round(candidate).seeds()):
                votes[candidate] += 1
        if looked >= ENOUGH_LOGS:
            break
    if not votes:
        known = ", ".join(known_rounds())
        raise UserError(
            f"the round cannot be told: no performance log of {looked} has the seeds of a known round; "
            f"name it with --round ({known})"
        )
    (best, count), *others = votes.most_common()
    if others and others[0][1] == count:
        names = ", ".join(sorted(votes))
        raise UserError(f"the round cannot be told: the seeds fit {names}; name it with --round")
    return load_round(best), f"{count} of {looked} performance logs have the seeds of {best}"


def _logs(tree: Tree) -> list[str]:
    name = "mlperf_log_detail.txt"
    ending = "/performance/run_1"
    return [
        join(f.path, name)
        for f in tree.folders.values()
        if f.path.endswith(ending) and "/results/" in f.path and name in f.files
    ]


def _seeds(tree: Tree, path: str) -> dict[str, object]:
    found: dict[str, object] = {}
    try:
        for entry in stream(tree.root / path):
            key = entry.key.removeprefix("effective_")
            if key in _SEEDS and entry.key != key:
                found.setdefault(key, entry.value)
            if len(found) == len(_SEEDS):
                break
    except (OSError, LogGarbled):
        return found
    return found

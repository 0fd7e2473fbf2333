"""Which round a tree is for: clues in order of their weight narrow the known rounds down until one is left."""

from __future__ import annotations

from collections.abc import Sequence

from checker.clues import CLUES, Clue, Fit
from checker.files import Tree
from checker.look import Look
from checker.wording import listing
from schemas.errors import UserError
from schemas.rounds import Round, known_rounds, load_round


def choose(name: str, tree: Tree) -> tuple[Round, str]:
    """The round to judge by and why; UserError naming the candidates when it cannot be told."""
    if name != "auto":
        return load_round(name), "asked for with --round"
    return recognise(Look(tree), [load_round(n) for n in known_rounds()])


def recognise(look: Look, candidates: Sequence[Round]) -> tuple[Round, str]:
    """The one round that fits best and why; UserError when several are left, or nothing speaks for the one."""
    reasons: list[str] = []
    told = False
    for clue in CLUES:
        if len(candidates) == 1 and told:
            break
        best, fit = narrowed(clue, look, candidates)
        if fit[0] and len(best) < len(candidates):
            reasons.append(sentence(clue, fit, best))
            told = told or not clue.excludes
        candidates = best
    if len(candidates) == 1 and told:
        return candidates[0], "; ".join(reasons)
    left = listing([r.name for r in candidates], len(candidates))
    what = "; ".join(reasons) or "nothing in it speaks for one round more than for another"
    raise UserError(f"the round cannot be told: {what}; candidates are {left}; name one with --round")


def narrowed(clue: Clue, look: Look, candidates: Sequence[Round]) -> tuple[list[Round], Fit]:
    """The candidates that a clue leaves, and how well they fit: those that fit best, or for a clue that excludes
    all that fit at all. All of them where none does."""
    fits = [(clue.fit(look, round_), round_) for round_ in candidates]
    best = max((fit for fit, _ in fits), default=(0, 0))
    if best[0] == 0:
        return list(candidates), best
    left = [r for fit, r in fits if fit == best or (clue.excludes and fit[0])]
    return left, best


def names(rounds: Sequence[Round]) -> str:
    """Names of rounds; a row of them by its ends."""
    own, known = [r.name for r in rounds], list(known_rounds())
    at = known.index(own[0]) if own and own[0] in known else 0
    if len(own) > 2 and own == known[at : at + len(own)]:
        return f"{own[0]} to {own[-1]}"
    return listing(own, len(own))


def sentence(clue: Clue, fit: Fit, rounds: Sequence[Round]) -> str:
    """What a clue says for the rounds that it leaves."""
    return clue.says.format(fit=fit[0], all=fit[1], rounds=names(rounds))

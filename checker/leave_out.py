"""What of a tree has to be left out because it is invalid, and what then belongs to no result any more."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from checker.changes import Removal
from checker.files import Tree, join
from checker.model import Finding, Place, Report, Scope
from checker.options import Options
from checker.rule_pass import RulePass, unique
from checker.rules import all_rules
from checker.tree import Submission
from schemas.rounds import Round, load_round

STRAY = (
    "structure/root-files", "structure/division-files", "structure/division-name", "structure/hidden-names",
    "structure/space-names", "structure/pycache", "structure/empty-dirs", "structure/symlinks",
    "structure/file-size",
)  # fmt: skip
"""Rules whose finding names a file or directory that has no business in the tree, whatever is in the others."""
EMPTY = "structure/empty-dirs"
LISTS = (
    "structure/perf-file-list", "structure/acc-file-list", "compliance/perf-files", "compliance/test01-accuracy",
)  # fmt: skip
"""Rules on exact lists of files: what does not belong there is left out, what is missing cannot be made up."""
RESULT_DEPTH = 5
"""Slashes in the path of a result. What is left empty from there up belongs to no result, and ``orphans`` says so."""
NAMES = ("division", "submitter", "system", "benchmark", "scenario")
KINDS = ("scenario_dir", "measurements_dir", "compliance_dir")


def strays(submission: Submission) -> Iterator[Removal]:
    """Files and directories that do not belong in the tree, all that there are: their rules alone say so. Then what
    is an empty directory without them."""
    found = {f.location.path: f for f in _stray(submission) if submission.tree.exists(f.location.path)}
    removed = list(_topmost(found))
    yield from removed
    if all_rules()[EMPTY].holds_in(submission.round.name):
        for path in _emptied(submission.tree, [r.path for r in removed]):
            yield Removal(path, EMPTY, "the directory is empty")


def too_much(tree: Tree, report: Report) -> Iterator[Removal]:
    """What is not on an exact list of files."""
    yield from _topmost(
        {
            f.location.path: f
            for f in report.findings
            if f.rule in LISTS
            and tree.has_file(f.location.path)
            and f.found == f.location.path.rpartition("/")[2]
        }
    )


def _stray(submission: Submission) -> list[Finding]:
    rules = [all_rules()[name] for name in STRAY if all_rules()[name].holds_in(submission.round.name)]
    alone = RulePass(submission, Options(), rules, most=sys.maxsize)
    found, _ = alone.judge(submission, Scope.SUBMISSION)
    for submitter in submission.submitters:
        found += alone.judge(submitter, Scope.SUBMITTER)[0]
    return unique(found)


def _topmost(found: Mapping[str, Finding]) -> Iterator[Removal]:
    """What is found; what lies below another of them goes with it."""
    for path, finding in found.items():
        names = path.split("/")
        if not any("/".join(names[:depth]) in found for depth in range(1, len(names))):
            yield Removal(path, finding.rule, finding.message)


def _emptied(tree: Tree, gone: Sequence[str]) -> Iterator[str]:
    """Directories in results and the like that hold nothing once others are gone, the deepest first."""
    left: dict[str, int] = {}
    while gone:
        above = Counter(path.rpartition("/")[0] for path in gone)
        for path, number in above.items():
            folder = tree.folders[path]
            left[path] = left.get(path, len(folder.dirs) + len(folder.files)) - number
        gone = sorted(path for path in above if not left[path] and path.count("/") > RESULT_DEPTH)
        yield from gone


def invalid(
    submission: Submission, blocking: Sequence[Finding], *, depths: Sequence[int]
) -> Iterator[Removal]:
    """Everything of the places where something blocks, at the first depth at which there is one: 5 for
    results, 4 for benchmarks, 3 for systems."""
    for depth in depths:
        places = {f.place: f for f in reversed(blocking) if sum(map(bool, f.place.names)) == depth}
        for place, found in places.items():
            for path in paths_of(submission.round, place):
                if submission.tree.exists(path):
                    yield Removal(path, found.rule, found.message)
        if places:
            return


def paths_of(round_: Round, place: Place) -> list[str]:
    """Directories that belong to a result, a benchmark or a system, and the description of a system."""
    depth = sum(map(bool, place.names))
    names = dict(zip(NAMES, place.names, strict=True))
    templates = [round_.layout[kind] for kind in KINDS if round_.layout[kind] is not None]
    found = [_prefix(template, NAMES[depth - 1]).format(**names) for template in templates]
    if depth == 3:
        found.append(round_.layout["system_json"].format(**names))
    return list(dict.fromkeys(found))


def _prefix(template: str, name: str) -> str:
    """A template up to the directory that carries a name."""
    parts = template.split("/")
    return "/".join(parts[: parts.index(f"{{{name}}}") + 1])


Folders = tuple[str, ...]


def folders_of(round_name: str) -> Folders:
    """Names of the directories of a submitter whose content belongs to results, that of the results first."""
    layout = load_round(round_name).layout
    return tuple(dict.fromkeys(layout[kind].split("/")[2] for kind in KINDS if layout[kind] is not None))


def orphans(tree: Tree, folders: Folders) -> Iterator[Removal]:
    """What to leave out because no result is left that it belongs to."""
    for path, reason in _orphans(tree, folders):
        yield Removal(path, EMPTY, reason)


def _orphans(tree: Tree, folders: Folders) -> Iterator[tuple[str, str]]:
    for division in ("closed", "open", "network"):
        submitters = tree.dirs(division)
        alive = [name for name in submitters if _results(tree, join(division, name))]
        if not alive and tree.folder(division) is not None:
            yield division, "no result is left in this division"
            continue
        for name in submitters:
            if name in alive:
                yield from _of_submitter(tree, join(division, name), folders)
            else:
                yield join(division, name), "no result of this submitter is left"


def _of_submitter(tree: Tree, path: str, folders: Folders) -> Iterator[tuple[str, str]]:
    results = _results(tree, path)
    alive = {"/".join(r.split("/")[:depth]) for r in results for depth in (1, 2, 3)}
    for folder in folders:
        yield from _dead(tree, join(path, folder), "", alive)
    for name in tree.files(join(path, "systems")):
        system = name.removesuffix(".json").removesuffix("_power.yaml")
        if name.endswith((".json", "_power.yaml")) and system not in alive:
            yield join(path, "systems", name), "the system has no result left"


def _results(tree: Tree, submitter: str) -> list[str]:
    """``system/benchmark/scenario`` of every result of a submitter."""
    base = join(submitter, "results")
    return [
        join(s, b, c)
        for s in tree.dirs(base)
        for b in tree.dirs(join(base, s))
        for c in tree.dirs(join(base, s, b))
    ]


def _dead(tree: Tree, base: str, at: str, alive: set[str]) -> Iterator[tuple[str, str]]:
    """Directories of systems, benchmarks and scenarios that are not among the living, topmost first."""
    for name in tree.dirs(join(base, at)):
        below = join(at, name)
        if below not in alive:
            yield join(base, below), "no result is left that it belongs to"
        elif below.count("/") < 2:
            yield from _dead(tree, base, below, alive)

"""What of a tree has to be left out because it is invalid, and what then belongs to no result any more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from checker.changes import Removal
from checker.files import Tree, join
from checker.model import Finding, Place, Report
from checker.tree import Submission
from schemas.rounds import Round, load_round

STRAY = (
    "structure/root-files", "structure/division-files", "structure/division-name", "structure/hidden-names",
    "structure/space-names", "structure/pycache", "structure/empty-dirs", "structure/symlinks",
    "structure/file-size",
)  # fmt: skip
"""Rules whose finding names a file or directory that has no business in the tree."""
LISTS = (
    "structure/perf-file-list", "structure/acc-file-list", "compliance/perf-files", "compliance/test01-accuracy",
)  # fmt: skip
"""Rules on exact lists of files: what does not belong there is left out, what is missing cannot be made up."""
NAMES = ("division", "submitter", "system", "benchmark", "scenario")
KINDS = ("scenario_dir", "measurements_dir", "compliance_dir")


def strays(tree: Tree, report: Report) -> Iterator[Removal]:
    """Files and directories that do not belong there; what lies below another of them goes with it."""
    found = dict(_stray(tree, report))
    for path, finding in found.items():
        if not any(path.startswith(other + "/") for other in found):
            yield Removal(path, finding.rule, finding.message)


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


def _stray(tree: Tree, report: Report) -> Iterator[tuple[str, Finding]]:
    for found in report.findings:
        path = found.location.path
        too_much = found.rule in LISTS and tree.has_file(path) and found.found == path.rpartition("/")[2]
        if too_much or (found.rule in STRAY and tree.exists(path)):
            yield path, found


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


def orphans(tree: Tree, folders: Folders) -> Iterator[tuple[str, str]]:
    """Paths to leave out because no result is left that they belong to, each with its reason."""
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

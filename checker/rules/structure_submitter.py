"""What a submitter's directory holds beside the results: systems that all have results, a calibration document."""

from __future__ import annotations

from collections.abc import Iterator

from checker.files import join
from checker.model import Problem, Scope
from checker.rule import rule
from checker.tree import Submitter


@rule(
    "structure/systems-have-results",
    scope=Scope.SUBMITTER,
    spares_results=True,
    title="Every described system has results",
    fix="Take the description and the measurements of the system out, or add its results.",
    good="systems/rpi5.json, measurements/rpi5/ and results/rpi5/",
    bad="systems/rpi4.json without results/rpi4/",
    since="v5.1",
)
def systems_have_results(submitter: Submitter) -> Iterator[Problem]:
    """A description or measurements without results are left over from a system that was not submitted. The
    official checker of v5.1 ends with a traceback where one of the two directories is missing; later ones do not
    look."""
    tree, names = submitter.tree, dict[str, str]()
    if "results" not in tree.dirs(submitter.path):
        return  # told by structure/results-present
    for path in _described_in(submitter):
        if tree.folder(path) is None:
            yield Problem("the directory is missing", path, "nothing", "a directory", aspect="no-directory")
        files = {n.replace(".json", ""): join(path, n) for n in tree.files(path) if n.endswith(".json")}
        names |= files | {n: join(path, n) for n in tree.dirs(path)}
    there = tree.dirs(join(submitter.path, "results"))
    for name in sorted(set(names) - set(there)):
        wanted = f"results/{name}/"
        yield Problem(f"system {name!r} has no results", names[name], "no results", wanted)


def _described_in(submitter: Submitter) -> list[str]:
    """Directories that hold something for each system: descriptions, and measurements where these stand apart."""
    parts = (submitter.round.layout[key].split("/")[2] for key in ("system_json", "measurements_dir"))
    return [join(submitter.path, name) for name in parts if name != "results"]


CALIBRATION = ("calibration.md", "documentation/calibration.md")


@rule(
    "calibration/doc",
    scope=Scope.SUBMITTER,
    spares_results=True,
    title="The calibration of quantised models is described",
    fix="Write calibration.md, even if it only says that nothing was calibrated.",
    good="closed/Krai/calibration.md",
    bad="closed/Krai/calibration.adoc",
    since="v5.1",
)
def calibration(submitter: Submitter) -> Iterator[Problem]:
    """Whoever quantises says how the ranges were found, so that nobody tunes on the validation set. The official
    checker of v5.1 knows the file by exactly this name, beside the results or under documentation/; later ones do
    not look."""
    if not submitter.strict or "results" not in submitter.tree.dirs(submitter.path):
        return
    if not any(submitter.tree.has_file(join(submitter.path, name)) for name in CALIBRATION):
        wanted = " or ".join(CALIBRATION)
        yield Problem("there is no calibration document", submitter.path, "nothing", wanted)

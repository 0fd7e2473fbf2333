"""The shape of the tree: names, sizes, links and leftovers anywhere below a submitter."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import chain

from checker.files import join
from checker.model import Effect, Problem, Scope, Severity
from checker.rule import effects, rule
from checker.tree import Submitter


@rule(
    "structure/symlinks",
    scope=Scope.SUBMITTER,
    title="No broken symbolic links",
    fix="Replace the link by a copy of what it points to, or remove it.",
    good="a file",
    bad="a link to a file that is not in the tree",
    since="v3.0",
)
def symlinks(submitter: Submitter) -> Iterator[Problem]:
    """A link that leads out of the tree or nowhere cannot be published. The official checker resolves links
    from the root of the tree instead of from their own directory, so that good ones count as broken and
    some broken ones crash it; that of v3.0 refuses every link to a file, and from v6.0 on it does not look at them."""
    tree = submitter.tree
    refused = submitter.round.reading.get("file_links") == "refused"
    looked_at = effects(submitter.round.name)["structure/symlinks"].fails
    for folder in tree.below(submitter.path):
        for name, target in folder.links.items():
            path = join(folder.path, name)
            from_root = not refused and os.path.exists(tree.root / target)
            if not tree.exists(path):
                effect = Effect.CRASH if from_root and looked_at else None
                yield Problem("the link leads nowhere inside the tree", path, target, "a file", effect=effect)
            elif looked_at and not from_root and not (refused and name in folder.dirs):
                does = "refuses all links" if refused else "resolves it from the root and calls it broken"
                yield Problem(
                    f"the link is good, but the official checker {does}",
                    path,
                    found=target,
                    wanted="a file instead of a link",
                    severity=Severity.WARNING,
                )


@rule(
    "structure/special-file",
    scope=Scope.SUBMITTER,
    title="Nothing but files and directories",
    fix="Remove it, or put the file there that it stands for.",
    good="a file",
    bad="a named pipe",
)
def special_file(submitter: Submitter) -> Iterator[Problem]:
    """Pipes, sockets and devices cannot be published. They are never opened here; the official checker passes over
    them, and waits without end for one that stands in the place of a log."""
    for folder in submitter.tree.below(submitter.path):
        for name, kind in folder.special.items():
            yield Problem(f"{name!r} is {kind}", join(folder.path, name), kind, "a file or a directory")


@rule(
    "structure/file-size",
    scope=Scope.SUBMITTER,
    title="No file above the size limit",
    fix="Leave the file out, and say in a README where it comes from. `mlcheck fix TREE --apply` cuts accuracy logs; "
    "any other log must be as LoadGen wrote it.",
    good="8 kB",
    bad="60 MB",
    since="v3.0",
)
def file_size(submitter: Submitter) -> Iterator[Problem]:
    """Results are published in a git repository; 50 MiB a file is what fits there."""
    limit = submitter.submission.size_limit
    for folder in submitter.tree.below(submitter.path):
        for name, size in folder.files.items():
            if size > limit:
                message = f"the file is {size} bytes long"
                yield Problem(message, join(folder.path, name), f"{size} bytes", f"at most {limit} bytes")


def _names(submitter: Submitter) -> Iterator[tuple[str, str]]:
    """All names, each with its directory."""
    for folder in submitter.tree.below(submitter.path):
        for name in chain(folder.dirs, folder.files):
            yield folder.path, name


@rule(
    "structure/hidden-names",
    scope=Scope.SUBMITTER,
    title="No hidden files or directories",
    fix="Remove the file or directory.",
    good="README.md",
    bad=".DS_Store",
    since="v3.0",
)
def hidden_names(submitter: Submitter) -> Iterator[Problem]:
    """Names with a leading dot are leftovers of editors and tools. One of them makes the official checker
    skip the submitter."""
    for folder, name in _names(submitter):
        if name.startswith("."):
            yield Problem(f"{name!r} is hidden", join(folder, name), name, "no leading dot")


@rule(
    "structure/space-names",
    scope=Scope.SUBMITTER,
    title="No blanks in names",
    fix="Rename it; use an underscore.",
    good="my_notes.md",
    bad="my notes.md",
    since="v3.0",
)
def space_names(submitter: Submitter) -> Iterator[Problem]:
    """Names with blanks break the scripts that publish the results. One of them makes the official checker
    skip the submitter."""
    for folder, name in _names(submitter):
        if " " in name:
            yield Problem(f"{name!r} holds a blank", join(folder, name), name, "no blanks")


@rule(
    "structure/pycache",
    scope=Scope.SUBMITTER,
    title="No __pycache__ directories",
    fix="Remove the directory.",
    good="code/resnet50/main.py",
    bad="code/resnet50/__pycache__/",
    since="v3.0",
)
def pycache(submitter: Submitter) -> Iterator[Problem]:
    """Byte code is not source. One such directory makes the official checker skip the submitter."""
    for folder in submitter.tree.below(submitter.path):
        if folder.path.endswith("__pycache__"):
            yield Problem("byte code of Python", folder.path, "__pycache__", "sources only")


@rule(
    "structure/empty-dirs",
    scope=Scope.SUBMITTER,
    title="No empty directories",
    fix="Remove the directory, or put into it what belongs there.",
    good="a directory with a file",
    bad="a directory without anything",
    since="v3.0",
)
def empty_dirs(submitter: Submitter) -> Iterator[Problem]:
    """Git does not keep empty directories. One of them makes the official checker skip the submitter."""
    for folder in submitter.tree.below(submitter.path):
        if not folder.dirs and not folder.files and not folder.links:
            yield Problem("the directory is empty", folder.path, "nothing", "a file")

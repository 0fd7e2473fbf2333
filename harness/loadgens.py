"""LoadGen in the version of a round: that of this environment, or one in a folder of its own in the user's cache.

Each round has settings compiled into its LoadGen, and one environment holds one version. So another version is
installed by pip into ``<cache>/edgewatt/loadgen/<version>-<python>-<machine>`` and comes first on the path of the
child process only. It is fetched by ``mlharness fetch`` or from a folder of wheels, never while a run is planned or
under way.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from harness import extras
from schemas.errors import UserError
from schemas.rounds import Round

PACKAGE = "mlcommons-loadgen"
LIMIT_S = 300
"""How long pip may take; without a wheel for the machine it compiles, which takes a minute on a small board."""


def wanted(round_: Round) -> str:
    """The version that serves a round; ``UserError`` where nothing is known of it: such a round is judged, not run."""
    facts = round_.facts.get("loadgen")
    if facts is None:
        raise UserError(
            f"round {round_.name} is judged by mlcheck and not run by this version; choose another --round"
        )
    return str(facts["version"])


def folder(version: str) -> Path:
    """Where a version lies, or would lie, in the user's cache."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    python = f"cp{sys.version_info.major}{sys.version_info.minor}"
    platform = sysconfig.get_platform()
    return Path(base).expanduser() / "edgewatt" / "loadgen" / f"{version}-{python}-{platform}"


def here(version: str) -> bool:
    """Whether this environment itself has the version."""
    return extras.version(PACKAGE) == version


def there(version: str) -> bool:
    """Whether the cache has it."""
    return any(folder(version).glob("mlperf_loadgen*"))


def chosen(round_: Round) -> Path | None:
    """The folder that holds the round's LoadGen; None when it is in this environment.

    ``UserError`` with the command that fetches it when it is in neither.
    """
    version = wanted(round_)
    if here(version):
        return None
    if there(version):
        return folder(version)
    raise UserError(
        f"round {round_.name} wants LoadGen {version}, which is not on this machine (without a network give its wheel "
        f"by --wheelhouse DIR); fetch it with: mlharness fetch --round {round_.name}"
    )


def fetch(round_: Round, wheelhouse: Path | None = None) -> Path | None:
    """Make the round's LoadGen available; its folder, or None when this environment has it.

    ``UserError`` in one sentence when it can be had neither from the network nor from ``wheelhouse``.
    """
    version = wanted(round_)
    place = folder(version)
    if here(version):
        return None
    if not there(version):
        _install(version, place, wheelhouse)
    return place


def _install(version: str, place: Path, wheelhouse: Path | None) -> None:
    """Install beside the place and move it there in one step, so that a broken download leaves nothing."""
    source = [] if wheelhouse is None else ["--no-index", "--find-links", str(wheelhouse)]
    if wheelhouse is not None and not wheelhouse.is_dir():
        raise UserError(f"--wheelhouse {wheelhouse} is not a folder; give the folder that holds the wheels")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".new-", dir=place.parent) as new:
            target = Path(new) / "made"
            _pip(version, ["install", "--target", str(target), *source, f"{PACKAGE}=={version}"], wheelhouse)
            if not there(version):  # another process may have been faster
                target.rename(place)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(
            f"LoadGen {version} cannot be put into {place} ({reason}); make room there or set XDG_CACHE_HOME"
        ) from error


def _pip(version: str, arguments: list[str], wheelhouse: Path | None) -> None:
    quiet = ["--quiet", "--disable-pip-version-check", "--no-input", "--no-deps", "--retries", "1"]
    command = [sys.executable, "-m", "pip", arguments[0], *quiet, *arguments[1:]]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=LIMIT_S, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        raise UserError(
            f"LoadGen {version} was not there after {LIMIT_S} s; give a folder with its wheel by --wheelhouse DIR"
        ) from None
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        reason = (said[-1] if said else done.stderr.strip())[:160].removeprefix("ERROR: ")
        cure = (
            f"put the wheel of {PACKAGE} {version} for this Python and machine there"
            if wheelhouse
            else "connect this machine to a package index, or give a folder with its wheel by --wheelhouse DIR"
        )
        where = wheelhouse or "the package index"
        raise UserError(f"LoadGen {version} could not be had from {where} ({reason}); {cure}")

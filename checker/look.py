"""What a tree shows without being judged: where its files lie, and what its first logs and sessions say of
themselves. From this the round is told."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from checker.client_report import PATHS, SETTINGS, lookup, read_settings
from checker.reading import read_json, read_lenient
from checker.session import identity
from checker.walk import Folder, Tree, join
from schemas.kept import kept
from schemas.layout import ResultPath
from schemas.loadgen import LogGarbled, stream
from schemas.rounds import known_rounds, load_round

ENOUGH = 12
"""Logs and sessions of each kind that are looked at, spread over the tree."""
DETAIL, SUMMARY = "mlperf_log_detail.txt", "mlperf_log_summary.txt"
_SEEDS = ("qsl_rng_seed", "sample_index_rng_seed", "schedule_rng_seed")
CLIENT_SEEDS = _SEEDS[1:]
"""Those that the client of an endpoint has: there is no library of samples to draw from."""
_TEXT_SEED = re.compile(r"\b(" + "|".join(_SEEDS) + r")\s*:\s*(\d{1,20}+)\s*$")
LARGEST_SUMMARY = 1 << 20
"""Bytes of a summary with seeds; published ones have up to four thousand."""
_RESULT_DEPTH = 5


@dataclass(frozen=True, slots=True)
class LogLook:
    """One performance log: its form (``detail`` for one entry a line, ``summary`` for plain text with seeds, empty
    for neither), who wrote it, and its seeds."""

    form: str
    version: str
    seeds: Mapping[str, object]


class Look:
    """The first look at a tree; every part is made when a clue asks for it."""

    def __init__(self, tree: Tree) -> None:
        """Nothing is read yet."""
        self.tree = tree

    @kept
    def results(self) -> list[ResultPath]:
        """Places of the scenario directories."""
        split = (path.split("/") for path in self.tree.folders if path.count("/") == _RESULT_DEPTH)
        return [ResultPath(*parts[:2], *parts[3:]) for parts in split if parts[2] == "results"]

    @kept
    def logs(self) -> list[LogLook]:
        """Some performance logs."""
        folders = [f for f in self._below_results("performance/run_1") if DETAIL in f.files]
        return [_log(self.tree, f.path) for f in spread(folders)]

    @kept
    def clients(self) -> list[Mapping[str, object]]:
        """Seeds in the settings of some clients of served endpoints, where LoadGen took no part."""
        folders = (f for f in self._below_results("") if any(n in f.files for n in SETTINGS))
        return [_client_seeds(self.tree, f) for f in spread([f for f in folders if not self._logged(f)])]

    def _logged(self, folder: Folder) -> bool:
        run = self.tree.folder(join(folder.path, "performance/run_1"))
        return run is not None and DETAIL in run.files

    @kept
    def daemons(self) -> list[str]:
        """Versions of the power daemon in some sessions."""
        name = "server.json"
        folders = [f for f in self._below_results("performance/power") if name in f.files]
        documents = (_document(self.tree, join(f.path, name)) for f in spread(folders))
        return [version for version in (identity(d)[1] for d in documents) if version]

    @kept
    def descriptions(self) -> list[dict[str, Any]]:
        """Some system descriptions."""
        folders = [path for path in self.tree.folders if path.count("/") == 2 and path.endswith("/systems")]
        paths = [join(path, n) for path in folders for n in self.tree.files(path) if n.endswith(".json")]
        return [d for d in (_document(self.tree, p) for p in spread(paths)) if d]

    def _below_results(self, path: str) -> Iterator[Folder]:
        """A directory of each result, of those that have it."""
        for place in self.results:
            scenario = f"{place.division}/{place.submitter}/results/{place.system}/{place.benchmark}/{place.scenario}"
            found = self.tree.folder(join(scenario, path) if path else scenario)
            if found is not None:
                yield found


def spread(items: Sequence[Any], number: int = ENOUGH) -> list[Any]:
    """At most ``number`` of the items, as far apart from each other as they can be."""
    if len(items) <= number:
        return list(items)
    return [items[at * len(items) // number] for at in range(number)]


def _log(tree: Tree, folder: str) -> LogLook:
    seeds: dict[str, object] = {}
    version, marked = "", False
    try:
        for entry in stream(tree.root / folder / DETAIL, _markers()):
            marked = True
            if entry.key == "loadgen_version":
                version = str(entry.value)
            name = entry.key.removeprefix("effective_")
            if name in _SEEDS and entry.key != name:
                seeds.setdefault(name, entry.value)
            if len(seeds) == len(_SEEDS):
                break
    except (OSError, LogGarbled, RecursionError):
        pass
    if marked:
        return LogLook("detail", version.partition(" @")[0].strip(), seeds)
    told = dict(_text_seeds(tree, folder))
    return LogLook("summary" if told else "", "", told)


def _markers() -> tuple[str, ...]:
    """What a line of a detail log that counts begins with in any round."""
    return tuple(sorted({marker for name in known_rounds() for marker in load_round(name).log_markers}))


def _client_seeds(tree: Tree, folder: Folder) -> dict[str, object]:
    name = next(n for n in SETTINGS if n in folder.files)
    try:
        settings = read_settings(tree.root / folder.path / name)
    except (OSError, ValueError, RecursionError):
        return {}
    return {seed: lookup(settings, PATHS[f"effective_{seed}"]) for seed in CLIENT_SEEDS}


def _text_seeds(tree: Tree, folder: str) -> Iterator[tuple[str, int]]:
    """Seeds of a summary in plain text."""
    try:
        text = read_lenient(tree.root / folder / SUMMARY, LARGEST_SUMMARY)
    except (OSError, ValueError):
        return
    for line in text.splitlines():
        match = _TEXT_SEED.search(line)
        if match is not None:
            yield match.group(1), int(match.group(2))


def _document(tree: Tree, path: str) -> dict[str, Any]:
    try:
        found = read_json(tree.root / path)
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}

"""A campaign file (``edgewatt/campaign/1``, TOML) to the results that are to be made.

Values come from ``[defaults]``, then ``[systems.NAME]``, then ``[benchmarks.NAME]``, then the ``[[run]]`` itself;
the later one counts. ``benchmark``, ``scenario``, ``system`` and ``mode`` of a ``[[run]]`` may be lists, which
multiply. Every other key is an option of ``run``. ``mlcheck --rerun`` writes the same form; what it cannot know
(model, data set, meter) may stand in a second file of which only the three tables count.
"""

from __future__ import annotations

import itertools
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.campaign.values import Mistakes, Options
from harness.model import RunRequest
from schemas.errors import UserError
from schemas.toml_file import read_toml

SCHEMA = "edgewatt/campaign/1"
TOP = ("schema", "tool", "tree", "output", "round", "defaults", "systems", "benchmarks", "run")
MODES = ("performance", "accuracy", "compliance")
MULTIPLY = ("system", "benchmark", "scenario", "mode")
OWN = ("compliance", "tests", "reason", "expected_seconds")
"""Keys of a ``[[run]]`` that are no options of ``run``."""
Request = Callable[[Namespace], RunRequest]


@dataclass(frozen=True, slots=True)
class Entry:
    """One result to be made: ``request`` with the mode to come from ``modes``.

    ``named`` says that compliance was asked for by name, so that none to be made is a mistake; ``tests`` None: all;
    ``reason`` is set where a result that is there already is to be made again; ``expected_s`` counts all modes.
    """

    place: str
    request: RunRequest
    modes: tuple[str, ...]
    named: bool
    tests: tuple[str, ...] | None
    reason: str | None
    expected_s: float | None


@dataclass(frozen=True, slots=True)
class Campaign:
    """What a file asks for."""

    path: Path
    output: Path
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class _Layer:
    """A table of values and the folder that its paths are seen from."""

    place: str
    row: Mapping[str, Any]
    folder: Path


def read(
    path: Path,
    extra: Path | None,
    output: Path | None,
    options: Options,
    request: Request,
    mistakes: Mistakes,
) -> Campaign:
    """A file with what ``extra`` adds, as far as it can be understood; what is wrong goes to ``mistakes``.

    ``output`` takes the place of the tree that the file names; ``request`` is how ``run`` reads its arguments.
    ``UserError`` for a file that is no TOML or asks for nothing.
    """
    document = _document(path)
    more = {} if extra is None else _document(extra)
    mistakes.keys("the file", document, TOP)
    mistakes.keys(str(extra), more, TOP)
    if document.get("schema", SCHEMA) != SCHEMA:
        mistakes.add(f"schema: found {document['schema']!r}, wanted {SCHEMA!r}")
    tree = _tree(document, more, path, extra, output, mistakes)
    reader = _Reader(document, more, path, extra, tree, options, request, mistakes)
    entries = tuple(reader.entries())
    if not entries and not mistakes.found:
        raise UserError(f"{path} asks for no run; write at least one [[run]]")
    return Campaign(path, tree, entries)


def _document(path: Path) -> dict[str, Any]:
    return read_toml(path, "the campaign", "give the TOML file of a campaign")


def _tree(
    document: Mapping[str, Any],
    more: Mapping[str, Any],
    path: Path,
    extra: Path | None,
    output: Path | None,
    mistakes: Mistakes,
) -> Path:
    if output is not None:
        return output
    for rows, source in ((more, extra), (document, path)):
        for key in ("output", "tree"):
            if key in rows and source is not None:
                if not isinstance(rows[key], str) or not rows[key]:
                    mistakes.add(f"{key}: found {rows[key]!r}, wanted the folder of a submission tree")
                    return path.parent
                # mlcheck writes the tree as it was named on its command line, seen from where it ran.
                return Path(rows[key]) if key == "tree" else source.parent / Path(rows[key]).expanduser()
    mistakes.add('no output: write output = "TREE" above the tables, or give --output TREE')
    return path.parent


class _Reader:
    """Goes through the runs of a file."""

    def __init__(
        self,
        document: Mapping[str, Any],
        more: Mapping[str, Any],
        path: Path,
        extra: Path | None,
        tree: Path,
        options: Options,
        request: Request,
        mistakes: Mistakes,
    ) -> None:
        self._rows = document.get("run", [])
        self._round = _Layer("the file", {k: document[k] for k in ("round",) if k in document}, path.parent)
        self._sources = [(document, path.parent)]
        if extra is not None:
            self._sources.append((more, extra.parent))
        self._here, self._tree = path.parent, tree
        self._options, self._request, self._mistakes = options, request, mistakes
        self._known = tuple(n for n in options.names if n != "output")
        self._tables()

    def _tables(self) -> None:
        """Every table of values is looked at, whether a run uses it or not."""
        plain = tuple(n for n in self._known if n != "benchmark")
        for document, folder in self._sources:
            self._values(_Layer("[defaults]", self._table(document, "defaults"), folder), plain)
            for kind in ("systems", "benchmarks"):
                for name in self._table(document, kind):
                    place = f"[{kind}.{name}]"
                    row = self._table(document[kind], name, place)
                    self._values(_Layer(place, row, folder), tuple(n for n in plain if n != kind[:-1]))

    def _table(self, document: Mapping[str, Any], name: str, place: str | None = None) -> Mapping[str, Any]:
        row = document.get(name, {})
        if isinstance(row, Mapping):
            return row
        self._mistakes.add(f"{name} is no table: write {place or f'[{name}]'}")
        return {}

    def entries(self) -> Iterator[Entry]:
        """One entry for every result that is asked for."""
        if not isinstance(self._rows, list) or not all(isinstance(row, dict) for row in self._rows):
            self._mistakes.add("run is no list of tables: write [[run]], with two brackets")
            return
        for number, row in enumerate(self._rows, start=1):
            place = f"[[run]] {number}"
            own = {k: v for k, v in row.items() if k not in (*MULTIPLY, *OWN)}
            self._mistakes.keys(place, row, (*self._known, *OWN))
            self._values(_Layer(place, {k: v for k, v in own.items() if k in self._known}, self._here), None)
            for parts in self._multiplied(row, place):
                entry = self._entry(place, row, own, parts)
                if entry is not None:
                    yield entry

    def _multiplied(self, row: Mapping[str, Any], place: str) -> Iterator[dict[str, str]]:
        """Every combination of the lists; what stands nowhere in the row may come from a table."""
        lists: list[list[tuple[str, str]]] = []
        for key in ("system", "benchmark", "scenario"):
            if key not in row:
                lists.append([(key, "")])
                continue
            values = row[key] if isinstance(row[key], list) else [row[key]]
            if not values or not all(isinstance(v, str) and v for v in values):
                self._mistakes.add(f"{place}: {key}: found {row[key]!r}, wanted a name or a list of names")
                return
            lists.append([(key, v) for v in values])
        for parts in itertools.product(*lists):
            yield {key: value for key, value in parts if value}

    def _entry(
        self, place: str, row: Mapping[str, Any], own: Mapping[str, Any], parts: Mapping[str, str]
    ) -> Entry | None:
        before = len(self._mistakes.found)
        values: dict[str, Any] = {}
        power = _Power()
        for layer in self._layers(place, {**own, **parts}, parts):
            values |= self._values(layer, None)
            power.see(layer.row)
        place = f"{place} ({' '.join(parts.values())})" if parts else place
        for key in ("benchmark", "scenario"):
            if not values.get(key):
                self._mistakes.add(f"{place}: no {key}")
        modes, named = self._modes(row, values, place)
        values["power"] = self._power(power, place)
        if values["power"] is None:
            for key in ("meter", "power_mode"):
                values.pop(key, None)
        tests = row.get("tests")
        if tests is not None and not (
            isinstance(tests, list) and tests and all(isinstance(t, str) for t in tests)
        ):
            self._mistakes.add(f'{place}: tests: found {tests!r}, wanted a list such as ["TEST01"]')
        if len(self._mistakes.found) > before:
            return None
        values |= {"output": self._tree, "mode": "all"}
        try:
            request = self._request(self._options.namespace(values))
        except UserError as error:
            self._mistakes.add(f"{place}: {error}")
            return None
        words = ("run", *self._options.words(values))
        seconds = row.get("expected_seconds")
        return Entry(
            place=place,
            request=replace(request, command_line=words),
            modes=modes,
            named=named,
            tests=None if tests is None else tuple(tests),
            reason=row.get("reason"),
            expected_s=None if seconds is None else float(seconds),
        )

    def _layers(self, place: str, own: Mapping[str, Any], parts: Mapping[str, str]) -> Iterator[_Layer]:
        """Tables from the weakest to the strongest; of each the second file's before the first's."""
        yield self._round
        sources = tuple(reversed(self._sources))
        for document, folder in sources:
            yield _Layer("[defaults]", self._table(document, "defaults"), folder)
        for kind in ("systems", "benchmarks"):
            for document, folder in sources:
                row = self._table(document, kind).get(parts.get(kind[:-1], ""), {})
                if isinstance(row, Mapping):
                    yield _Layer(f"[{kind}]", row, folder)
        yield _Layer(place, own, self._here)

    def _values(self, layer: _Layer, known: tuple[str, ...] | None) -> dict[str, Any]:
        """The values of a table, each as its option wants it. ``power`` may be true or false as well."""
        if known is not None:
            self._mistakes.keys(layer.place, layer.row, known)
        found = {}
        for key, value in layer.row.items():
            if key not in self._options.names or (key == "power" and isinstance(value, bool)):
                continue
            if key == "mode":
                found[key] = value
                continue
            try:
                found[key] = self._options.read(key, value, layer.folder)
            except ValueError as error:
                self._mistakes.add(f"{layer.place}: {key}: {error}")
        return found

    def _modes(
        self, row: Mapping[str, Any], values: Mapping[str, Any], place: str
    ) -> tuple[tuple[str, ...], bool]:
        asked = row.get("mode", values.get("mode", "all"))
        words = asked if isinstance(asked, list) else [asked]
        wrong = [w for w in words if w not in (*MODES, "all")]
        if wrong or not words:
            self._mistakes.add(f"{place}: mode: found {asked!r}, wanted all or some of {', '.join(MODES)}")
            return (), False
        compliance = row.get("compliance", True)
        if not isinstance(compliance, bool):
            self._mistakes.add(f"{place}: compliance: found {compliance!r}, wanted true or false")
        names = MODES if "all" in words else tuple(m for m in MODES if m in words)
        return tuple(
            m for m in names if m != "compliance" or compliance
        ), "compliance" in words or "tests" in row

    def _power(self, power: _Power, place: str) -> str | None:
        if power.wanted and power.source is None:
            self._mistakes.add(
                f"{place}: power = true, but nothing says with which daemon or meter; write "
                'power = "http://HOST:PORT" or "spawn:DRIVER:PORT" into [defaults] or [systems.NAME] (with --with FILE '
                "into another file), or power = false"
            )
        return power.source if power.wanted else None


class _Power:
    """``power`` through the tables: a text says which one, true and false whether."""

    def __init__(self) -> None:
        self.source: str | None = None
        self.wanted = False

    def see(self, row: Mapping[str, Any]) -> None:
        """The value of a stronger table."""
        value = row.get("power")
        if isinstance(value, str):
            self.source, self.wanted = value, True
        elif isinstance(value, bool):
            self.wanted = value

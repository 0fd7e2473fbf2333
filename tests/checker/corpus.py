"""The published submissions and what the official checkers said of them: where they are and how to edit one."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas.rounds import known_rounds

NAME = "EDGEWATT_CORPUS"
needs_corpus = pytest.mark.skipif(
    not os.environ.get(NAME), reason=f"{NAME} does not name the folder of published submissions"
)

SHARES = pytest.mark.parametrize(
    "every", [pytest.param(10, id="a tenth"), pytest.param(1, id="all", marks=pytest.mark.proof)]
)
"""How many of the broken results a test judges, one after the other; all of them take minutes, as a proof."""


def folder() -> Path:
    return Path(os.environ[NAME])


def rounds() -> list[str]:
    """Known rounds of which there are broken results; none without the corpus."""
    broken = {row["round"] for row in golden("golden-mutants.csv")}
    return [name for name in known_rounds() if name in broken]


def published_trees() -> list[tuple[Path, str]]:
    """Every tree of the corpus whose round is known, with that round."""
    trees = {name: name for name in known_rounds()}
    trees |= {f"v6-derived/{name}": name for name in known_rounds()}
    here = Path(os.environ.get(NAME, "/nonexistent"))
    return [(here / path, name) for path, name in trees.items() if (here / path).is_dir()]


def golden(name: str) -> list[dict[str, str]]:
    if not os.environ.get(NAME):
        return []
    csv.field_size_limit(sys.maxsize)
    with (folder() / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def in_corpus(row: dict[str, str]) -> bool:
    """Whether the files that a row of a golden table speaks of are there."""
    names = (row["division"], row["submitter"], "results", row["system"], row["benchmark"])
    path = folder() / row["round"] / Path(*names) / row["scenario_dir"]
    return bool(row["scenario_dir"]) and path.is_dir()


def control_tree(
    target: Path, round_name: str, division: str, submitter: str, system: str, *, corpus: Path | None = None
) -> None:
    """One system of a published tree, as the mutants were made from it; files are linked, not copied."""
    source = (corpus or folder()) / round_name / division / submitter
    base = target / division / submitter
    for part in ("results", "measurements", "compliance"):
        if (source / part / system).is_dir():
            shutil.copytree(source / part / system, base / part / system, copy_function=_link)
    for name in ("code", "documentation"):
        if (source / name).is_dir():
            shutil.copytree(source / name, base / name, copy_function=_link)
    (base / "systems").mkdir(parents=True)
    _link(source / "systems" / f"{system}.json", base / "systems" / f"{system}.json")
    for file in source.iterdir():
        if file.is_file() and file.suffix in (".md", ".json", ".adoc", ".pdf"):
            _link(file, base / file.name)
    for path in [base, *base.rglob("*")]:
        if path.is_dir():
            path.chmod(0o755)


def _link(source: str | Path, target: str | Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _own(path: Path) -> None:
    """Part a file from the one it is linked to, before it is written."""
    if path.is_file():
        data = path.read_bytes()
        path.unlink()
        path.write_bytes(data)


@contextmanager
def edited(tree: Path, edits: list[dict[str, Any]], spare: Path) -> Iterator[None]:
    """A tree with these edits, put back afterwards; what they change lies in ``spare`` meanwhile."""
    undo: list[tuple[Path, Path | None]] = []
    touched = dict.fromkeys(tree / edit[key] for edit in edits for key in ("path", "to") if key in edit)
    for number, path in enumerate(touched):
        kept = spare / str(number) if os.path.lexists(path) else None
        if kept is not None and path.is_dir():
            shutil.copytree(path, kept, copy_function=_link)
        elif kept is not None:
            kept.parent.mkdir(parents=True, exist_ok=True)
            _link(path, kept)
        first = path
        while kept is None and not first.parent.exists():
            first = first.parent
        undo.append((first, kept))
    try:
        apply(tree, edits)
        yield
    finally:
        for path, _ in undo:
            _remove(path)
        for path, kept in undo:
            if kept is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(kept, path)
        shutil.rmtree(spare, ignore_errors=True)


def contents(tree: Path) -> dict[str, bytes | None]:
    """Every file and directory of a tree, to see that it is as it was."""
    return {
        str(path.relative_to(tree)): path.read_bytes() if path.is_file() else None for path in tree.rglob("*")
    }


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def apply(tree: Path, edits: list[dict[str, Any]]) -> None:
    for edit in edits:
        path = tree / edit["path"]
        _own(path)
        _OPS[edit["op"]](path, edit, tree)


def _sub(path: Path, edit: dict[str, Any], tree: Path) -> None:
    text = path.read_bytes().decode("utf-8")
    path.write_bytes(re.sub(edit["pattern"], edit["repl"], text, flags=re.MULTILINE).encode())


def _write(path: Path, edit: dict[str, Any], tree: Path) -> None:
    times = re.fullmatch(r"<(\d+) times the letter a>", edit["text"])
    text = "a" * int(times.group(1)) if times else edit["text"]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _delete(path: Path, edit: dict[str, Any], tree: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def _json_set(path: Path, edit: dict[str, Any], tree: Path) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    at = document
    for key in edit["keys"][:-1]:
        at = at[key]
    if edit.get("remove"):
        at.pop(edit["keys"][-1], None)
    else:
        at[edit["keys"][-1]] = edit["value"]
    path.write_text(json.dumps(document, indent=2), encoding="utf-8")


def _append(path: Path, edit: dict[str, Any], tree: Path) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(edit["text"])


def _truncate(path: Path, edit: dict[str, Any], tree: Path) -> None:
    path.write_bytes(path.read_bytes()[: edit["bytes"]])


def _rename(path: Path, edit: dict[str, Any], tree: Path) -> None:
    path.rename(tree / edit["to"])


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
        yield number, line.split(",")


def _spl(path: Path, change: Any) -> None:
    rows = []
    for number, fields in _lines(path):
        if fields[0] == "Time":
            change(number, fields)
        rows.append(",".join(fields))
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")


def _spl_watts(path: Path, edit: dict[str, Any], tree: Path) -> None:
    def change(number: int, fields: list[str]) -> None:
        if number % edit["every"] == 0:
            fields[3] = edit["value"]

    _spl(path, change)


def _spl_scale(path: Path, edit: dict[str, Any], tree: Path) -> None:
    def change(number: int, fields: list[str]) -> None:
        fields[3] = f"{float(fields[3]) * edit['factor']:.6f}"

    _spl(path, change)


def _spl_shift(path: Path, edit: dict[str, Any], tree: Path) -> None:
    form = "%m-%d-%Y %H:%M:%S.%f"

    def change(number: int, fields: list[str]) -> None:
        later = datetime.strptime(fields[1], form) + timedelta(seconds=edit["seconds"])
        fields[1] = later.strftime(form)[:-3]

    _spl(path, change)


def _crlf(path: Path, edit: dict[str, Any], tree: Path) -> None:
    """Lines that end in LF get CRLF, and the other way round."""
    data = path.read_bytes()
    plain = data.replace(b"\r\n", b"\n")
    path.write_bytes(plain if plain != data else plain.replace(b"\n", b"\r\n"))


_OPS = {
    "crlf": _crlf,
    "sub": _sub,
    "write": _write,
    "delete": _delete,
    "json_set": _json_set,
    "append": _append,
    "truncate": _truncate,
    "rename": _rename,
    "mkdir": lambda path, edit, tree: path.mkdir(parents=True),
    "symlink": lambda path, edit, tree: path.symlink_to(edit["target"]),
    "spl_watts": _spl_watts,
    "spl_scale": _spl_scale,
    "spl_shift": _spl_shift,
}

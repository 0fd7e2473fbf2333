"""Ways to break a valid tree: what a stranger, a bad disk or a hurried script may leave behind."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.checker.trees import TreeUnderTest

DETAIL = "mlperf_log_detail.txt"
Edit = Callable[[TreeUnderTest], None]
DEEP = b"[" * 100_000 + b"]" * 100_000
ENTRY = b':::MLLOG {"key": "k%d", "value": %s, "metadata": {"is_error": true}}\n'


def files(tree: TreeUnderTest, pattern: str = "*") -> list[Path]:
    return sorted(p for p in tree.root.rglob(pattern) if p.is_file())


def sparse(path: Path, size: int = 10 << 30) -> None:
    with path.open("wb") as file:
        file.truncate(size)


def every(data: bytes, pattern: str = "*") -> Edit:
    """All files of a name hold these bytes."""

    def edit(tree: TreeUnderTest) -> None:
        for path in files(tree, pattern):
            path.write_bytes(data)

    return edit


def before(data: bytes, pattern: str = "*") -> Edit:
    """All files of a name begin with these bytes."""

    def edit(tree: TreeUnderTest) -> None:
        for path in files(tree, pattern):
            path.write_bytes(data + path.read_bytes())

    return edit


def ends_of_windows(tree: TreeUnderTest) -> None:
    for path in files(tree):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))


def ten_gigabytes(tree: TreeUnderTest) -> None:
    for path in files(tree):
        sparse(path)


def all_pipes(tree: TreeUnderTest) -> None:
    for path in files(tree):
        path.unlink()
        os.mkfifo(path)


def all_zero_devices(tree: TreeUnderTest) -> None:
    for path in files(tree):
        path.unlink()
        path.symlink_to("/dev/zero")


def all_directories(tree: TreeUnderTest) -> None:
    for path in files(tree):
        path.unlink()
        path.mkdir()


def all_links_to_each_other(tree: TreeUnderTest) -> None:
    found = files(tree)
    for path, other in zip(found, [*found[1:], found[0]], strict=True):
        path.unlink()
        path.symlink_to(other)


def nothing_at_all(tree: TreeUnderTest) -> None:
    shutil.rmtree(tree.root / tree.division)


def empty_folders(tree: TreeUnderTest) -> None:
    for path in files(tree):
        path.unlink()


def code(tree: TreeUnderTest) -> Path:
    """The folder for code, which some rounds do without."""
    (tree.base / "code").mkdir(exist_ok=True)
    return tree.base / "code"


def strange_names(tree: TreeUnderTest) -> None:
    code(tree)
    base = os.fsencode(tree.base)
    for name in (
        b"new\nline",
        b"\x1b]0;title\x07\x1b[31m",
        b"\xff\xfe\xed\xa0\x80",
        "\u202egnp".encode(),
        b"::error::x",
    ):
        os.mkdir(base + b"/code/" + name)
        with open(base + b"/code/" + name + b"/" + name, "wb"):
            pass
        shutil.copytree(os.fsdecode(base) + "/results/board", os.fsdecode(base + b"/results/" + name))


def strange_texts(tree: TreeUnderTest) -> None:
    """Surrogates, escapes and line ends in every text of every document."""
    for path in files(tree, "*.json"):
        document = json.loads(path.read_text())
        if isinstance(document, dict):
            nasty = {
                k: v + "\ud800\udcff\x1b[31m\n::error::" if isinstance(v, str) else v
                for k, v in document.items()
            }
            path.write_text(json.dumps(nasty | {"\ud800\x1b": "\n"}))


def many_systems(number: int) -> Edit:
    def edit(tree: TreeUnderTest) -> None:
        for at in range(number):
            (tree.base / "results" / f"s{at}").mkdir()

    return edit


def flood_of_names(tree: TreeUnderTest) -> None:
    folder = code(tree)
    for at in range(20_000):
        (folder / f" .{at}").touch()
        (folder / f"l{at}").symlink_to("nowhere")


EDITS: dict[str, Edit] = {
    "ten gigabytes": ten_gigabytes,
    "one line of a gigabyte": lambda t: sparse(t.run("offline") / DETAIL, 1 << 30),
    "one long line": every(b":::MLLOG " + b"x" * (40 << 20), DETAIL),
    "blanks": every(b" " * (4 << 20)),
    "commas": every(b"," * (4 << 20)),
    "short lines": every(b"x\n" * (1 << 20)),
    "nested": every(DEEP, "*.json"),
    "nested entries": every(ENTRY % (1, DEEP), DETAIL),
    "digits": every(ENTRY % (1, b"9" * 10_000), DETAIL),
    "many entries": every(b"".join(ENTRY % (at, b"1") for at in range(120_000)), DETAIL),
    "many accuracies": every(b"accuracy=1\n" * 90_000, "accuracy.txt"),
    "many lists": every(b"[" + b"[]," * (1 << 20) + b"[]]", "*.json"),
    "NaN": every(b'{"a": NaN, "a": -Infinity, "results": NaN, "phases": [NaN]}', "*.json"),
    "no UTF-8": before(b"\xff\xfe\xed\xa0\x80"),
    "byte order mark": before(b"\xef\xbb\xbf"),
    "ends of Windows": ends_of_windows,
    "nothing in any file": every(b""),
    "zeros": every(b"\0" * 1000),
    "pipes": all_pipes,
    "devices": all_zero_devices,
    "directories": all_directories,
    "links in a circle": all_links_to_each_other,
    "empty tree": nothing_at_all,
    "empty folders": empty_folders,
    "strange names": strange_names,
    "strange texts": strange_texts,
    "flood of names": flood_of_names,
}

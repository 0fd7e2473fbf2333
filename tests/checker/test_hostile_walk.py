"""The walk and the door: nothing in a tree makes them wait, loop, leave the tree, or read without end."""

from __future__ import annotations

import ast
import os
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from checker import reading
from checker.files import Source
from checker.reading import Noted, parse_json, read_text
from checker.walk import Tree
from checker.watch import signature
from schemas.errors import UserError
from schemas.plainfile import FilePath, NotPlain, TooLarge, open_plain

CHECKER = Path(reading.__file__).parent
SCHEMAS = CHECKER.parent / "schemas"
OPENS = {"open", "read_text", "read_bytes", "file_digest", "open_binary", "open_text"}
NO_TREE = {
    "checker/reading.py": "the door itself",
    "checker/outputs.py": "writes the report that was asked for",
    "checker/changes.py": "writes the new file beside the old one, on request",
    "checker/prepare.py": "writes the copy that was asked for",
    "checker/explorer/page.py": "reads data of ours",
    "checker/explorer/tables.py": "reads data of ours, and writes the tables that were asked for",
    "checker/rule.py": "reads data of ours",
    "checker/sources.py": "reads data of ours",
    "checker/cache/stamp.py": "reads code and data of ours",
    "checker/cache/store.py": "reads and writes the cache of the user",
    "schemas/plainfile.py": "the door itself",
    "schemas/documents.py": "reads data of ours",
    "schemas/model_words.py": "reads data of ours",
    "schemas/ptd_uncertainty.py": "reads data of ours",
    "schemas/published.py": "reads data of ours",
    "schemas/seed_page.py": "reads data of ours",
    "schemas/metrology.py": "reads data of ours",
    "schemas/rounds/__init__.py": "reads data of ours",
    "schemas/cliapp.py": "gives stdout up",
    "schemas/toml_file.py": "reads files that a user names: configurations, waivers, campaigns",
    "schemas/power_session.py": "reads what our own daemon wrote, and hashes through the door",
}
"""Modules that may open something themselves, and why that is no file of a submission."""


def openings(path: Path) -> list[int]:
    """Lines on which a module opens something without the door."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            called = node.func
            if isinstance(called, ast.Name) and called.id == "open":
                found.append(node.lineno)
            if isinstance(called, ast.Attribute) and called.attr in OPENS:
                found.append(node.lineno)
    return found


def test_every_file_of_a_tree_goes_through_the_door() -> None:
    bare = {
        path.relative_to(CHECKER.parent).as_posix(): openings(path)
        for folder in (CHECKER, SCHEMAS)
        for path in folder.rglob("*.py")
    }
    assert {name for name, lines in bare.items() if lines} == set(NO_TREE)


def test_what_is_no_file_is_told_and_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        (tmp_path / "zero").symlink_to("/dev/zero")
        tree = Tree(tmp_path)
    folder = tree.folders[""]
    assert folder.special == {"pipe": "a named pipe", "socket": "a socket"}
    assert folder.files == {}
    assert folder.links == {"zero": "/dev/zero"}
    assert tree.exists("pipe")
    assert not tree.exists("zero")
    for name in ("pipe", "socket", "zero", ""):
        with pytest.raises(NotPlain):
            open_plain(tmp_path / name)


def test_a_link_to_a_pipe_is_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    assert Tree(tmp_path).folders[""].special == {"link": "a named pipe", "pipe": "a named pipe"}


def test_circles_of_links_end(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "up").symlink_to("..")
    (tmp_path / "a" / "root").symlink_to(tmp_path)
    (tmp_path / "self").symlink_to("self")
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    tree = Tree(tmp_path)
    assert list(tree.folders) == ["", "a", "a/b"]
    assert not tree.exists("self")
    assert tree.exists("a/b/up")


def test_directories_full_of_links_to_each_other_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve directories with links to all others have 12! ways through them."""
    monkeypatch.setattr("checker.walker.MOST_BEHIND_LINKS", 100)
    for name in "abcdefghijkl":
        (tmp_path / name).mkdir()
        for other in "abcdefghijkl":
            if other != name:
                (tmp_path / name / other).symlink_to(f"../{other}")
    tree = Tree(tmp_path)
    assert len(tree.folders) == 1 + 12 + 100
    assert "links lead to more than 100 directories" in tree.unreadable.values()


def test_links_out_of_the_tree_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree2").mkdir()
    (tmp_path / "tree2" / "secret").write_text("x")
    for name, target in (("out", "../tree2"), ("file", "../tree2/secret"), ("etc", "/etc")):
        (tmp_path / "tree" / name).symlink_to(target)
    tree = Tree(tmp_path / "tree")
    assert list(tree.folders) == [""]
    assert tree.files("") == {}


@pytest.fixture
def deep() -> Iterator[Path]:
    """A folder with 1100 directories in each other, which the clean-up of pytest cannot remove.

    It lies outside of what pytest cleans, and is removed by a process that sees the end of this one, however it ends.
    """
    folder = Path(tempfile.mkdtemp(prefix="edgewatt-deep-"))
    remover = subprocess.Popen(
        ["sh", "-c", 'cat > /dev/null; exec rm -rf "$0"', folder],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    with remover:  # leaving closes its standard input and waits for it
        handle = os.open(folder, os.O_RDONLY)
        for _ in range(1100):
            os.mkdir("d", dir_fd=handle)
            below = os.open("d", os.O_RDONLY, dir_fd=handle)
            os.close(handle)
            handle = below
        os.close(handle)
        yield folder
    assert not folder.exists()


def test_a_tree_deeper_than_anybody_submits_is_told(deep: Path) -> None:
    tree = Tree(deep)
    assert len(list(tree.below(""))) == 65
    assert list(tree.unreadable.values()) == ["it lies more than 64 directories deep"]
    assert len(signature([deep])) == 66


def test_a_tree_with_more_entries_than_anybody_submits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("checker.walker.MOST_ENTRIES", 10)
    for at in range(11):
        (tmp_path / str(at)).touch()
    with pytest.raises(UserError, match="more than 10 files and directories"):
        Tree(tmp_path)


def test_names_of_any_bytes_are_kept(tmp_path: Path) -> None:
    names = [b"new\nline", b"\x1b[31mred", b"\xff\xfe", b" ", b"-rf", "\u202e".encode()]
    for name in names:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_text("x")
    assert {os.fsencode(n) for n in Tree(tmp_path).files("")} == set(names)


def test_stats_say_whether_a_file_is_still_the_same(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("x")
    tree = Tree(tmp_path)
    seen = tree.stat("f")
    assert seen is not None
    found = path.stat()
    assert seen == (1, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev)
    assert not tree.changed("f")
    path.write_text("yy")
    assert tree.changed("f")
    path.unlink()
    assert tree.changed("f")


def become(path: Path, what: str) -> None:
    """Make something else of a file."""
    before = path.stat()
    if what == "longer":
        path.write_text("yy")
        return
    path.rename(path.with_name("old"))
    if what == "its like":  # also to the nanosecond
        path.write_text("y")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    elif what == "a pipe":
        os.mkfifo(path)
    elif what == "a socket":
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
    elif what == "a device":
        path.symlink_to("/dev/zero")
    elif what == "a directory":
        path.mkdir()
    elif what == "much":
        path.write_text("y" * 101)


BECAME = {
    "longer": "has changed since the tree was looked at",
    "its like": "has changed since the tree was looked at",
    "nothing": "cannot be read: No such file",
    "a pipe": "is a named pipe, not a file",
    "a socket": "is a socket, not a file",
    "a device": "is a device, not a file",
    "a directory": "is a directory, not a file",
    "much": "is 101 bytes long, more than the 100 that are read",
}


def read_opened(path: FilePath) -> bytes:
    with open_plain(path, 100) as file:
        return file.read()


@pytest.mark.parametrize("read", [partial(read_text, limit=100), read_opened], ids=["in one go", "opened"])
@pytest.mark.parametrize("what", BECAME)
def test_a_file_that_becomes_another_during_the_check(
    tmp_path: Path, what: str, read: Callable[[FilePath], object]
) -> None:
    path = tmp_path / "f"
    path.write_text("x")
    source = Source(Tree(tmp_path), "f", "kind", read, 100)
    become(path, what)
    assert not source.usable
    assert source.broken.startswith(BECAME[what])


@pytest.mark.parametrize("late", ["as it is read", "between two readings"])
def test_a_file_that_is_written_to_while_it_is_read(
    tmp_path: Path, late: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "f"
    path.write_text("x")
    real = os.read

    def read_and_write(handle: int, size: int) -> bytes:
        data = real(handle, size)
        path.write_text("yy")
        return data

    def twice(where: FilePath) -> object:
        found = read_text(where)
        path.write_text("yy")
        return found, read_opened(where)

    if late == "as it is read":
        monkeypatch.setattr("schemas.plainfile.os.read", read_and_write)
    source = Source(Tree(tmp_path), "f", "kind", read_text if late == "as it is read" else twice, 100)
    assert source.broken.startswith("has changed")


def test_a_link_that_is_bent_out_of_the_tree_during_the_check(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "a").write_text("x")
    (tmp_path / "secret").write_text("s")
    link = tmp_path / "tree" / "link"
    link.symlink_to("a")
    source = Source(Tree(tmp_path / "tree"), "link", "kind", read_text, 100)
    link.unlink()
    link.symlink_to("../secret")
    assert source.broken.startswith("has changed")


def test_limits_on_bytes_and_lines(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"x" * 70_000 + b"\n")
    with pytest.raises(ValueError, match=r"has a line of more than 65536 bytes \(line 1\)"):
        read_text(path)
    path.write_bytes((b"x" * 60_000 + b"\n") * 3)
    assert len(read_text(path)) == 180_003
    with pytest.raises(TooLarge, match="180003 bytes long, more than the 1000"):
        read_text(path, 1000)
    path.write_bytes(b"a\r\nb\rc")
    assert read_text(path) == "a\nb\nc"


def test_limits_on_documents() -> None:
    assert parse_json(b"[" * 100 + b"]" * 100)
    for deep in (b"[" * 102 + b"]" * 102, b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 100_000):
        with pytest.raises(ValueError, match="nested more than 100 levels deep"):
            parse_json(deep)
    assert parse_json(b"9" * 308) == 10**308 - 1
    assert parse_json(b"9" * 5000) == float("inf")
    with pytest.raises(ValueError, match="BOM"):
        parse_json(b"\xef\xbb\xbf{}")


def test_oddities_of_a_document_are_kept() -> None:
    found = parse_json(b'{"a": 1, "a": 2, "b": [{"c": NaN, "c": -Infinity}]}')
    assert isinstance(found, Noted)
    assert found == {"a": 2, "b": [{"c": float("-inf")}]}
    assert set(found.oddities) == {
        ("repeated", "a"), ("repeated", "c"), ("word", "NaN"), ("word", "-Infinity"),
    }  # fmt: skip
    assert type(parse_json(b'{"a": 1}')) is dict

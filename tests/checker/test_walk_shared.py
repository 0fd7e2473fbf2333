"""A tree walked by two processes is the tree that one sees, whatever becomes of the other one."""

from __future__ import annotations

import os
import random
import signal
import socket
from pathlib import Path
from typing import Any

import pytest

from checker import walk_shared
from checker.walk import Tree
from checker.walker import Walker
from schemas.errors import UserError

NAMES = ("a", "b", "a b", "a.b", "A", "\udcff", "\n", "run_1", "é", "-", "a0", "\x01", "\U0001f600")


children: list[int] = []


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small trees are shared too, on a machine with one processor as well, and beside whatever else pytest runs."""
    fork = os.fork

    def counted() -> int:
        child = fork()
        children.append(child)
        return child

    children.clear()
    monkeypatch.setattr(walk_shared, "SHARE_AFTER", 4)
    monkeypatch.setattr(walk_shared, "cores", lambda: 2)
    monkeypatch.setattr(walk_shared, "may_fork", lambda: True)
    monkeypatch.setattr(os, "fork", counted)


def grow(root: Path, chance: random.Random, depth: int = 0) -> None:
    """A folder with files, folders, links of all kinds, pipes and sockets."""
    for name in chance.sample(NAMES, chance.randrange(1, len(NAMES))):
        path, kind = root / name, chance.random()
        if kind < 0.5 and depth < 4:
            path.mkdir()
            grow(path, chance, depth + 1)
        elif kind < 0.8:
            path.write_bytes(b"x" * chance.randrange(100))
        elif kind < 0.95:
            path.symlink_to(chance.choice(("..", "a", "b", "../a", "../..", "nowhere", "/etc", name)))
        elif kind < 0.98 or len(os.fsencode(path)) > 100:
            os.mkfifo(path)
        else:
            with socket.socket(socket.AF_UNIX) as own:
                own.bind(os.fspath(path))


def seen(tree: Tree) -> tuple[Any, ...]:
    return list(tree.folders.items()), tree.unreadable, tree.live_links


def no_children() -> bool:
    """Whether there was another process, and is none any more."""
    for child in children:
        with pytest.raises(ChildProcessError):
            os.waitpid(child, os.WNOHANG)
    return bool(children)


@pytest.mark.parametrize("seed", range(40))
def test_two_processes_see_what_one_sees(tmp_path: Path, seed: int) -> None:
    grow(tmp_path, random.Random(seed))
    before = os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else []
    assert seen(Tree(tmp_path, share=True)) == seen(Tree(tmp_path))
    assert no_children() or len(Tree(tmp_path).folders) < 6
    assert not before or len(os.listdir("/proc/self/fd")) == len(before)


@pytest.mark.parametrize("folders", [1, 2, 254, 255, 256, 700])
def test_any_number_of_folders_is_shared(tmp_path: Path, folders: int) -> None:
    for at in range(folders):
        (tmp_path / f"{at}" / "x").mkdir(parents=True)
        (tmp_path / f"{at}" / "x" / "file").write_text("x")
    assert seen(Tree(tmp_path, share=True)) == seen(Tree(tmp_path))


def test_both_take_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other process has its share even where the first one waits for it."""
    for at in range(50):
        (tmp_path / f"{at}").mkdir()
    take = walk_shared._take

    def slow(walker: Walker, pieces: Any, pile: int) -> None:
        if os.getpid() != parent:
            take(walker, pieces, pile)

    parent = os.getpid()
    monkeypatch.setattr(walk_shared, "_take", slow)
    assert seen(Tree(tmp_path, share=True)) == seen(Tree(tmp_path))


@pytest.mark.parametrize("said", [b"", b"\x00", b"(", None])
def test_what_the_other_process_did_not_say_is_walked_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: bytes | None
) -> None:
    grow(tmp_path, random.Random(3))

    def answer(walker: Walker, pieces: Any, pile: int, send: int) -> None:
        walk_shared._take(walker, pieces, pile)
        if said is None:
            os.kill(os.getpid(), signal.SIGKILL)
        os.write(send, said)
        os._exit(0)

    monkeypatch.setattr(walk_shared, "_answer", answer)
    assert seen(Tree(tmp_path, share=True)) == seen(Tree(tmp_path))
    assert no_children()


def test_without_another_process_all_is_walked_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    grow(tmp_path, random.Random(4))
    expected = seen(Tree(tmp_path))
    monkeypatch.setattr(os, "fork", refuse)
    assert seen(Tree(tmp_path, share=True)) == expected


def test_limits_hold_for_both_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for at in range(40):
        (tmp_path / f"{at}").mkdir()
        (tmp_path / f"{at}" / "file").touch()
    monkeypatch.setattr("checker.walker.MOST_ENTRIES", 79)
    with pytest.raises(UserError, match="more than 79 files and directories"):
        Tree(tmp_path, share=True)
    assert no_children()
    monkeypatch.setattr("checker.walker.MOST_ENTRIES", 80)
    assert len(Tree(tmp_path, share=True).folders) == 41


def test_links_are_counted_for_both_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("checker.walker.MOST_BEHIND_LINKS", 10)
    for at in range(20):
        (tmp_path / f"{at:02}").mkdir()
        (tmp_path / f"{at:02}" / "next").symlink_to(f"../{(at + 1) % 20:02}")
    assert seen(Tree(tmp_path, share=True)) == seen(Tree(tmp_path))


def test_an_interrupt_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for at in range(20):
        (tmp_path / f"{at}").mkdir()
    parent = os.getpid()
    take = walk_shared._take

    def interrupted(walker: Walker, pieces: Any, pile: int) -> None:
        if os.getpid() == parent:
            raise KeyboardInterrupt
        take(walker, pieces, pile)

    monkeypatch.setattr(walk_shared, "_take", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Tree(tmp_path, share=True)
    assert no_children()

"""A file that several results stand on is read once, by whoever asks first; each of them notes that it stands on it."""

from __future__ import annotations

from pathlib import Path

from checker.cache.noted import FILE, Noted
from checker.files import LARGEST_SHARED, MOST_SHARED, SharedSource, Tree
from schemas.plainfile import FilePath

LIMIT = 1 << 20


class Reader:
    """Reads a text, and remembers which files it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, path: FilePath) -> str:
        self.asked.append(Path(path).name)
        return Path(path).read_text(encoding="utf-8")


def ask(tree: Tree, name: str, read: Reader) -> tuple[SharedSource[str], Noted]:
    """What one result sees of a file, on a tree of its own."""
    noted = Noted(tree)
    source = SharedSource(noted, name, "text", read, LIMIT)
    assert source.present
    return source, noted


def test_the_second_result_does_not_read_again(tmp_path: Path) -> None:
    (tmp_path / "system.json").write_text("what it is")
    tree, read = Tree(tmp_path), Reader()
    for _ in range(2):
        source, noted = ask(tree, "system.json", read)
        assert source.value == "what it is"
        assert FILE + "system.json" in noted.notes
        assert not noted.loose
    assert read.asked == ["system.json"]


def test_another_kind_of_the_same_file_is_read_for_itself(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    tree, read = Tree(tmp_path), Reader()
    for kind in ("text", "description"):
        assert SharedSource(tree, "a", kind, read, LIMIT).value == "x"
    assert read.asked == ["a", "a"]


def test_of_many_files_few_are_kept_and_of_large_ones_none(tmp_path: Path) -> None:
    names = [f"{number:03d}" for number in range(MOST_SHARED + 1)]
    for name in names:
        (tmp_path / name).write_text(name)
    (tmp_path / "large").write_text("x" * (LARGEST_SHARED + 1))
    tree, read = Tree(tmp_path), Reader()
    for name in (*names, names[-1], names[0], "large", "large"):
        assert ask(tree, name, read)[0].usable
    assert read.asked == [*names, names[0], "large", "large"]
    assert len(tree.shared) == MOST_SHARED


def test_a_file_that_changes_while_it_is_read_stays_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("before")
    tree = Tree(tmp_path)
    (tmp_path / "a").write_text("afterwards")
    read = Reader()
    for _ in range(2):
        assert "has changed" in ask(tree, "a", read)[0].broken
    assert read.asked == ["a"]

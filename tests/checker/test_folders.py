"""A packed directory is the directory again, whatever its names and numbers are."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from checker.cache.noted import Noted
from checker.folders import MANY, Folder, Folders, Stat, packed, unpacked
from checker.walk import Tree

NAMES = st.lists(
    st.text(st.characters(exclude_characters="/\0"), min_size=1, max_size=5), unique=True, max_size=4
)
NUMBERS = st.integers(-(2**63), 2**64 - 1) | st.integers()
STATS = st.builds(Stat, *[NUMBERS] * 5)


@given(NAMES, st.dictionaries(st.text(max_size=5), STATS, max_size=4))
@example(["\udcff"], {})
@example([], {"\udcff": Stat(1, 2, 3, 4, 5)})
@example([], {"a": Stat(0, 2**70, -5, 2**64 - 1, 0)})
def test_a_directory_is_packed_and_unpacked(dirs: list[str], stats: dict[str, Stat]) -> None:
    columns = [number for stat in stats.values() for number in stat]
    found = unpacked("a/b", packed("a/b", dirs, list(stats), columns))
    assert found == Folder("a/b", dirs, {name: s.size for name, s in stats.items()}, {}, stats, {})
    assert list(found.files) == list(found.stats) == list(stats)


def test_what_fits_is_packed_and_what_does_not_is_kept_as_it_is() -> None:
    assert isinstance(packed("", ["a"], ["f"], [1, 2**63, 3, 2**64 - 1, 5]), bytes)
    assert isinstance(packed("", ["\udcff"], [], []), Folder)
    assert isinstance(packed("", list(map(str, range(MANY - 1))), [], []), bytes)
    assert isinstance(packed("", list(map(str, range(MANY))), [], []), Folder)
    assert isinstance(packed("", [], ["f"], [1, 2**65, 3, 4, 5]), Folder)


def test_directories_are_a_mapping() -> None:
    folders = Folders({"": packed("", ["a"], [], []), "a": Folder("a", links={"up": ".."})})
    assert (list(folders), len(folders), "a" in folders, "b" in folders) == (["", "a"], 2, True, False)
    assert folders[""].dirs == ["a"]
    assert folders.get("a") == Folder("a", links={"up": ".."})
    assert (folders.get("b"), folders.get("b", "none")) == (None, "none")
    assert [found.path for found in folders.values()] == ["", "a"]


def test_a_large_tree_stays_small(tmp_path: Path) -> None:
    """What a walk keeps of a directory with one file is less than one object of Python for each of its parts."""
    for at in range(200):
        (tmp_path / f"{at}").mkdir()
        (tmp_path / f"{at}" / "mlperf_log_detail.txt").touch()
    tree = Tree(tmp_path)
    sizes = [sys.getsizeof(data) for path, data in tree.packed.items() if path]
    assert len(sizes) == 200
    assert max(sizes) < 150


def test_a_unit_unpacks_a_directory_once(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "f").write_text("x")
    tree = Noted(Tree(tmp_path))
    assert tree.folder("a") is tree.folder("a")
    assert tree.has_file("a/f")
    assert tree.stat("a/f") is tree.stat("a/f")
    assert os.fspath(tree.file("a/f")) == os.fspath(tmp_path / "a" / "f")
    assert tree.notes == {"Da", "Fa/f"}

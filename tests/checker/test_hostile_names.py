"""The name of a tree comes from whoever packed it: no command gives its escape sequences to a terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

from checker.cli import main
from tests.checker.trees import build

NAME = "tree\x1b[31m\x07\nx"


def edit(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text().replace(old, new))


@pytest.mark.parametrize(
    "words",
    [
        ("check", "TREE"),
        ("summary", "TREE"),
        ("fix", "TREE", "--diff"),
        ("fix", "TREE", "--apply"),
        ("prepare", "TREE", "--output", "TREE ready"),
        ("report", "TREE", "--html", "TREE.html", "--results", "TREE.csv", "--samples", "TREE.s.csv"),
        ("diff", "TREE", "TREE"),
        ("check", "TREE", "--rerun", "TREE.toml"),
        ("check", "TREE", "--waivers", "TREE"),
        ("check", "TREE nowhere"),
        ("verify", "TREE"),
        ("schemas", "--output", "TREE schemas"),
    ],
    ids=" ".join,
)
def test_the_name_of_a_tree_is_spelled_out(
    words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = build(tmp_path / NAME)
    for path in tree.root.rglob("accuracy.txt"):
        edit(path, "76.001", "np.float64(76.001)")
        edit(path, "hash=", "\x1b]0;title\x07\nhash=")
    tree.set_log(tree.run("offline"), effective_min_duration_ms=1)
    assert main([word.replace("TREE", str(tree.root)) for word in words]) in (0, 1, 2)
    out, err = capsys.readouterr()
    assert "\x1b" not in out + err
    assert "\x07" not in out + err
    assert "\nx" not in out + err

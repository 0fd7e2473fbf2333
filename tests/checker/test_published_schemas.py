"""``mlcheck schemas``, and the definitions for editors, CI and pre-commit that lie in the repository."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatch
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from checker.cli import main
from checker.reports import writers
from schemas.documents import names
from schemas.published import everything
from schemas.rounds import known_rounds, load_round
from tests.checker.trees import build

ROOT = Path(__file__).resolve().parents[2]
FILES = everything(load_round("v4.1"))


@pytest.mark.parametrize("name", [n for n in FILES if n != "catalog.json"])
def test_every_published_schema_is_one(name: str) -> None:
    document = FILES[name]
    Draft202012Validator.check_schema(document)
    assert document["$id"].startswith("urn:edgewatt:schema:")
    assert document["title"]
    assert document["description"]
    assert "$fact" not in json.dumps(document)


def test_ids_differ() -> None:
    ids = [d["$id"] for d in FILES.values() if "$id" in d]
    assert len(set(ids)) == len(ids) == len(names())


def test_every_field_that_people_fill_in_is_described() -> None:
    for name in ("system", "measurements"):
        fields = FILES[f"{name}.schema.json"]["properties"]
        assert len(fields) >= 5
        assert [f for f, row in fields.items() if not row.get("description")] == []
    assert FILES["system.schema.json"]["properties"]["status"]["examples"] == ["available", "preview", "rdi"]


def test_the_schemas_judge_what_an_editor_shows(tmp_path: Path) -> None:
    tree = build(tmp_path)
    for name, path in (
        ("system", tree.base / "systems" / "board.json"),
        ("measurements", tree.measurements() / "board_ort_singlestream.json"),
    ):
        validator = Draft202012Validator(FILES[f"{name}.schema.json"])
        document = json.loads(path.read_text())
        assert validator.is_valid(document)
        document.pop(next(iter(FILES[f"{name}.schema.json"]["properties"])))
        assert not validator.is_valid(document)


def test_the_catalogue_finds_the_files_of_a_tree(tmp_path: Path) -> None:
    tree = build(tmp_path)
    rows = {row["url"]: row.get("fileMatch", []) for row in FILES["catalog.json"]["schemas"]}
    assert set(rows) == {f"./{name}" for name in FILES if name != "catalog.json"}

    def schemas_for(path: Path) -> set[str]:
        return {url for url, globs in rows.items() if any(fnmatch(path.as_posix(), g) for g in globs)}

    assert schemas_for(tree.base / "systems" / "board.json") == {"./system.schema.json"}
    assert schemas_for(tree.measurements() / "board_ort_singlestream.json") == {"./measurements.schema.json"}
    assert schemas_for(tree.measurements() / "edgewatt.json") == {"./run-record.schema.json"}
    assert schemas_for(tree.power() / "server.json") == {"./power-session.schema.json"}


def test_the_command_writes_them_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schemas", "--output", str(tmp_path / "a" / "b")]) == 0
    written = {p.name: json.loads(p.read_text(encoding="utf-8")) for p in (tmp_path / "a" / "b").iterdir()}
    assert written == everything(load_round(known_rounds()[-1]))
    capsys.readouterr()
    assert main(["schemas"]) == 0
    assert "System description of a submission" in capsys.readouterr().out
    (tmp_path / "file").write_text("x")
    assert main(["schemas", "--output", str(tmp_path / "file")]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_the_settings_in_the_docs_name_files_that_are_written() -> None:
    text = (ROOT / "docs/editors.md").read_text(encoding="utf-8")
    block = re.search(r"\n\n((?: {4}.*\n)+)\nThe TOML lines", text)
    assert block is not None
    settings = json.loads(block[1])
    used = [row["url"] for row in settings["json.schemas"]]
    used += settings["evenBetterToml.schema.associations"].values()
    assert len(used) == 5
    assert {url.rpartition("/")[2] for url in used} <= set(FILES)


def test_every_form_is_documented() -> None:
    text = (ROOT / "docs/mlcheck.md").read_text(encoding="utf-8")
    assert [f for f in writers() if f"| `{f}` |" not in text] == []


def test_the_hooks_call_commands_that_are_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
    entries = re.findall(r"^  entry: (mlcheck.*)$", text, re.MULTILINE)
    ids = re.findall(r"^- id: (\S+)$", text, re.MULTILINE)
    assert ids == ["mlcheck", "mlcheck-fix"]
    tree = build(tmp_path)
    for entry in entries:
        assert main([*entry.split()[1:], str(tree.root)]) == 0
    capsys.readouterr()


def test_the_commands_of_the_docs_are_understood() -> None:
    """Every option that the documents name for mlcheck is one."""
    from checker.cli import COMMANDS, DESCRIPTION
    from schemas.cliapp import build_parser
    from schemas.discovery import modules

    parser = build_parser("mlcheck", DESCRIPTION, modules(COMMANDS))
    known = set(re.findall(r"--[a-z-]+", parser.format_help()))
    subparsers = next(a for a in parser._actions if hasattr(a, "choices") and isinstance(a.choices, dict))
    for child in (subparsers.choices or {}).values():
        known |= set(re.findall(r"--[a-z-]+", child.format_help()))
    for name in ("mlcheck", "ci", "editors"):
        text = (ROOT / f"docs/{name}.md").read_text(encoding="utf-8")
        assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)) <= known

"""``mlcheck fix``: each cure, what it never touches, the record; twice is once."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checker import changes, fixing
from checker.api import check
from checker.changes import Content, Move, Refusal, Rewrite
from checker.cli import main
from checker.fixes.accuracy_log import KEPT, MARK
from checker.fixes.json_text import cured
from checker.fixes.numpy_numbers import MANGLED
from checker.fixing import diff, steps
from schemas.documents import violations
from schemas.errors import UserError
from tests.checker.corpus import folder, needs_corpus
from tests.checker.trees import TreeUnderTest, build

LONG = b"[\n" + b",\n".join(b'{ "seq_id" : %d, "data" : "00" }' % n for n in range(2000)) + b"\n]"


def plan(tree: TreeUnderTest) -> list[changes.Step]:
    return steps(tree.root, "v4.1")


def whole_log(tree: TreeUnderTest, scenario: str = "offline", text: str = "accuracy=76.0%\n") -> Path:
    accuracy = tree.result(scenario) / "accuracy"
    (accuracy / "mlperf_log_accuracy.json").write_bytes(LONG)
    (accuracy / "accuracy.txt").write_text(text)
    return accuracy


def snapshot(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_a_good_tree_needs_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = build(tmp_path / "tree")
    assert plan(tree) == []
    assert main(["fix", str(tree.root)]) == 0
    assert main(["fix", str(tree.root), "--apply"]) == 0
    assert capsys.readouterr().out == ""
    assert os.listdir(tmp_path) == ["tree"]


def test_a_log_is_cut_as_the_official_tool_does(tmp_path: Path) -> None:
    tree = build(tmp_path / "tree")
    accuracy = whole_log(tree)
    assert {f.rule for f in check(tree.root).findings} == {"accuracy/hash", "accuracy/log-truncated"}
    assert main(["fix", str(tree.root), "--apply"]) == 0
    log = (accuracy / "mlperf_log_accuracy.json").read_bytes()
    assert log == LONG[:4096] + b"\n\n...\n\n" + LONG[-4096:]
    assert (accuracy / "accuracy.txt").read_text().splitlines()[
        -1
    ] == f"hash={hashlib.sha256(LONG).hexdigest()}"
    assert check(tree.root).valid
    assert plan(tree) == []


@pytest.mark.parametrize(
    ("size", "cut"), [(KEPT - 1, False), (KEPT, True), (KEPT + 1, True), (2 * KEPT + len(MARK), True)]
)
def test_short_logs_get_their_hash_and_stay(size: int, cut: bool, tmp_path: Path) -> None:
    tree = build(tmp_path)
    accuracy = whole_log(tree)
    log = accuracy / "mlperf_log_accuracy.json"
    log.write_bytes(LONG[:size])
    found = plan(tree)
    assert [s.rule for s in found] == ["accuracy/hash", *["accuracy/log-truncated"] * cut]


def test_a_log_with_its_own_hash_is_only_cut(tmp_path: Path) -> None:
    tree = build(tmp_path)
    whole_log(tree, text=f"accuracy=76.0%\nhash={hashlib.sha256(LONG).hexdigest()}\n")
    assert [s.rule for s in plan(tree)] == ["accuracy/log-truncated"]


@pytest.mark.parametrize(
    ("text", "log", "part"),
    [
        ("hash=" + "ab" * 32, LONG, "hash of another log"),
        ("accuracy=76.0%", LONG[:KEPT] + MARK + LONG[-KEPT:], "cut without its hash"),
        (None, LONG, "there is no accuracy.txt"),
    ],
)
def test_a_hash_is_never_made_up(text: str | None, log: bytes, part: str, tmp_path: Path) -> None:
    tree = build(tmp_path)
    accuracy = whole_log(tree, text=text or "")
    (accuracy / "mlperf_log_accuracy.json").write_bytes(log)
    if text is None:
        (accuracy / "accuracy.txt").unlink()
    (refusal,) = plan(tree)
    assert isinstance(refusal, Refusal)
    assert part in refusal.reason
    before = snapshot(tree.root)
    assert main(["fix", str(tree.root), "--apply"]) == 1
    assert snapshot(tree.root) == before


def test_logs_of_compliance_tests_are_cut_too(tmp_path: Path) -> None:
    tree = build(tmp_path)
    accuracy = tree.compliance("TEST01") / "accuracy"
    (accuracy / "mlperf_log_accuracy.json").write_bytes(LONG)
    (accuracy / "accuracy.txt").write_text("accuracy=76.0%")
    assert main(["fix", str(tree.root), "--apply"]) == 0
    assert len((accuracy / "mlperf_log_accuracy.json").read_bytes()) == 2 * KEPT + len(MARK)
    digest = hashlib.sha256(LONG).hexdigest()
    assert (accuracy / "accuracy.txt").read_text() == f"accuracy=76.0%\nhash={digest}\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("accuracy=np.float64(76.1)%", "accuracy=76.1%"),
        (
            "{'rouge1': np.float64(42.9), 'gen_len': np.int64(4016878)}",
            "{'rouge1': 42.9, 'gen_len': 4016878}",
        ),
        ("mAP=numpy.float32( 1.5e-3 )", "mAP=1.5e-3"),
        ("np.float64(nan) xnp.float64(1) np.float64(1", None),
    ],
)
def test_numbers_lose_what_numpy_printed(before: str, after: str | None) -> None:
    assert MANGLED.sub(rb"\1", before.encode()).decode() == (after or before)


def test_numbers_and_hash_in_one_go(tmp_path: Path) -> None:
    tree = build(tmp_path / "tree")
    accuracy = whole_log(tree, text="accuracy=np.float64(76.1)%\n")
    original = (accuracy / "accuracy.txt").read_bytes()
    assert main(["fix", str(tree.root), "--apply"]) == 0
    assert (accuracy / "accuracy.txt").read_text().startswith("accuracy=76.1%\nhash=")
    assert check(tree.root).valid
    kept = tmp_path / "tree.fix-1" / "originals" / accuracy.relative_to(tree.root)
    assert (kept / "accuracy.txt").read_bytes() == original
    assert (kept / "mlperf_log_accuracy.json").read_bytes() == LONG


@pytest.mark.parametrize("mark", ["\ufeff", "\r\n", "utf-16"])
def test_marks_of_editors_go(mark: str, tmp_path: Path) -> None:
    tree = build(tmp_path)
    path = tree.base / "systems" / "board.json"
    document = json.loads(path.read_text())
    text = json.dumps(document, indent=1)
    raw = {
        "\ufeff": ("\ufeff" + text).encode(),
        "\r\n": text.replace("\n", "\r\n").encode(),
        "utf-16": text.encode("utf-16"),
    }[mark]
    path.write_bytes(raw)
    assert main(["fix", str(tree.root), "--apply"]) == 0
    assert path.read_bytes() == text.encode()
    assert check(tree.root).valid


@given(
    st.binary(max_size=60)
    | st.text(max_size=20).map(lambda t: b"\xef\xbb\xbf" + json.dumps([t, "\r\n"]).encode())
)
def test_the_meaning_of_json_never_changes(data: bytes) -> None:
    after, reasons = cured(data)
    assert bool(reasons) == (after != data)
    if reasons and data[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        assert json.loads(after) == json.loads(data.decode("utf-8-sig"))


def test_evidence_is_never_touched(tmp_path: Path) -> None:
    tree = build(tmp_path)
    for path in (*tree.run().parent.rglob("*.json"), *tree.run().parent.rglob("*.txt")):
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    (tree.measurements() / "edgewatt.json").write_bytes(b"\xef\xbb\xbf{}\r\n")
    before = snapshot(tree.root)
    main(["fix", str(tree.root), "--round", "v4.1", "--apply"])
    assert snapshot(tree.root) == before


def test_what_is_not_json_stays(tmp_path: Path) -> None:
    tree = build(tmp_path)
    (tree.base / "systems" / "board.json").write_bytes(b"\xef\xbb\xbf{\r\n")
    assert plan(tree) == []


@pytest.mark.parametrize(
    ("bad", "good"),
    [("Off-Line", "offline"), ("OFFLINE", "offline"), ("off_line", "offline"), ("off line", "offline")],
)
def test_scenarios_get_a_spelling_that_is_known(bad: str, good: str, tmp_path: Path) -> None:
    tree = build(tmp_path)
    for part in ("results", "measurements", "compliance"):
        at = tree.base / part / "board" / "resnet50"
        (at / "offline").rename(at / bad)
    at = tree.measurements(bad)
    (at / "board_ort_offline.json").rename(at / f"board_ort_{bad}.json")
    before = check(tree.root, round_name="v4.1")
    assert "structure/scenario-dir-known" in {f.rule for f in before.findings}
    assert main(["fix", str(tree.root), "--apply"]) == 0
    assert sorted(p.name for p in tree.measurements(good).iterdir())[-1] == "user.conf"
    assert (tree.measurements(good) / f"board_ort_{good}.json").is_file()
    assert check(tree.root).valid
    assert plan(tree) == []


def test_canonical_where_the_others_are(tmp_path: Path) -> None:
    tree = build(tmp_path)
    for part in ("results", "measurements", "compliance"):
        at = tree.base / part / "board" / "resnet50"
        (at / "offline").rename(at / "OFFLINE")
        (at / "multistream").rename(at / "MultiStream")
        (at / "singlestream").rename(at / "SingleStream")
    moves = [s for s in plan(tree) if isinstance(s, Move) and not s.path.endswith(".json")]
    assert {m.target.rpartition("/")[2] for m in moves} == {"Offline"}
    assert len(moves) == 3


def test_measurements_follow_their_result(tmp_path: Path) -> None:
    tree = build(tmp_path)
    at = tree.base / "measurements" / "board" / "resnet50"
    (at / "offline").rename(at / "Offline")
    assert not check(tree.root).valid
    assert main(["fix", str(tree.root), "--apply"]) == 0
    assert check(tree.root).valid


def test_a_name_that_is_taken_is_left_to_people(tmp_path: Path) -> None:
    tree = build(tmp_path)
    shutil.copytree(tree.result("offline"), tree.result("OFF-LINE"))
    (refusal,) = plan(tree)
    assert isinstance(refusal, Refusal)
    assert "offline is there already" in refusal.reason


def test_the_diff_is_the_default_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = build(tmp_path / "tree")
    whole_log(tree, text="accuracy=np.float64(76.1)%\n\x1b[31m\n")
    before = snapshot(tmp_path)
    assert main(["fix", str(tree.root), "--diff"]) == 1
    assert main(["fix", str(tree.root)]) == 1
    out, err = capsys.readouterr()
    assert "-accuracy=np.float64(76.1)%\n+accuracy=76.1%\n" in out
    assert f"({len(LONG)} bytes)" in out
    assert "\x1b" not in out
    assert "`--apply` makes them" in err
    assert snapshot(tmp_path) == before


def test_the_record_says_what_was_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = build(tmp_path / "tree")
    whole_log(tree)
    (tmp_path / "tree.fix-1").mkdir()
    assert main(["fix", str(tree.root), "--apply"]) == 0
    assert "2 changes made, 0 that need you" in capsys.readouterr().err
    document = json.loads((tmp_path / "tree.fix-2" / "record.json").read_text())
    assert list(violations("changes", document)) == []
    assert [r["kind"] for r in document["changes"]] == ["rewrite", "rewrite"]
    assert document["changes"][1]["before"] == {
        "bytes": len(LONG),
        "sha256": hashlib.sha256(LONG).hexdigest(),
    }


def test_the_record_stands_though_the_work_breaks_off(tmp_path: Path) -> None:
    tree = build(tmp_path / "tree")
    whole_log(tree)
    rows = plan(tree)
    (tree.result("offline") / "accuracy" / "mlperf_log_accuracy.json").write_bytes(b"another")
    with pytest.raises(UserError, match="has become another file"):
        fixing.apply(tree.root, rows, tmp_path / "record")
    document = json.loads((tmp_path / "record" / "record.json").read_text())
    assert [r["rule"] for r in document["changes"]] == ["accuracy/hash"]


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("nowhere",), "nothing to fix"),
        (("tree", "--apply", "--record", "tree/inside"), "lies in the tree"),
        (("tree", "--apply", "--record", "there"), "exists already"),
        (("tree", "--apply", "--record", "file/x"), "cannot be made"),
    ],
)
def test_mistakes_are_one_sentence(
    words: tuple[str, ...],
    part: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    whole_log(build(tmp_path / "tree"))
    (tmp_path / "there").mkdir()
    (tmp_path / "file").write_text("x")
    assert main(["fix", *words]) == 2
    err = capsys.readouterr().err
    assert part in err
    assert err.count("\n") == 1


def test_links_are_not_written_through(tmp_path: Path) -> None:
    tree = build(tmp_path / "tree")
    accuracy = whole_log(tree)
    outside = tmp_path / "outside"
    (accuracy / "mlperf_log_accuracy.json").rename(outside)
    (accuracy / "mlperf_log_accuracy.json").symlink_to(outside)
    assert plan(tree) == []
    step = Rewrite(
        f"{accuracy.relative_to(tree.root)}/mlperf_log_accuracy.json", Content.of(LONG), b"", "a/b", "r"
    )
    with pytest.raises(UserError, match="another file"):
        changes.apply(tree.root, step)
    assert outside.read_bytes() == LONG


def test_every_kind_of_step_has_words() -> None:
    rows: list[changes.Step] = [
        changes.rewrite("a", b"x\r\n", b"x\n", "a/b", "r"),
        Move("a", "b", "a/b", "r"),
        changes.Copy("a", "b", "a/b", "r"),
        changes.Removal("a\x1b", "a/b", "r"),
        Refusal("a", "a/b", "r"),
    ]
    assert all("\x1b" not in line for row in rows for line in diff(row))
    assert "-x\\r" in list(diff(rows[0]))
    document = changes.record("fix", "tree", None, rows)
    assert [r["kind"] for r in document["changes"]] == ["rewrite", "rename", "copy", "leave-out", "refused"]


@needs_corpus
def test_a_published_tree_needs_nothing() -> None:
    assert changes.made(steps(folder() / "v4.1", "v4.1")) == []

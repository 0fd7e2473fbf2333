"""BERT's data by hand: tokens, windows, the text behind logits, and the score."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from harness.datasets.squad import LENGTH, Squad, split
from harness.metrics import squad
from harness.wordpiece import WordPiece, words
from schemas.errors import UserError

VOCABULARY = (
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "who", "made", "it", "?", "un", "##aff", "##able"),
    *(",", "naive", "do", "中", "'", "s", "x", "1", "##st"),
)


def folder(
    path: Path, context: str, question: str = "Who made it?", answers: tuple[str, ...] = ("x",)
) -> Path:
    (path / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n", encoding="utf-8")
    entry = {"id": "a", "question": question, "answers": [{"answer_start": 0, "text": a} for a in answers]}
    document = {"data": [{"title": "", "paragraphs": [{"context": context, "qas": [entry]}]}]}
    (path / "dev-v1.1.json").write_text(json.dumps(document), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("UNaffable, Naïve?", ["unaffable", ",", "naive", "?"]),
        ("do中x", ["do", "中", "x"]),
        ("it's\tx\u00a0 1st\u200b", ["it", "'", "s", "x", "1st"]),
        ("a$b^c`d", ["a", "$", "b", "^", "c", "`", "d"]),
        ("€5 — ¿x?", ["€5", "—", "¿", "x", "?"]),
        ("\0 \ufffd", []),
    ],
)
def test_words(text: str, wanted: list[str]) -> None:
    assert words(text) == wanted


def test_pieces(tmp_path: Path) -> None:
    pieces = WordPiece(folder(tmp_path, "x") / "vocab.txt")
    assert pieces.tokens("Unaffable naïves 1st " + "x" * 101) == [
        *("un", "##aff", "##able", "[UNK]", "1", "##st", "[UNK]")
    ]
    assert pieces.ids(["[CLS]", "who", "##st"]) == [2, 4, 19]


def test_one_window_by_hand(tmp_path: Path) -> None:
    data = Squad(folder(tmp_path, "unaffable,  made\u202fit"))
    assert split("unaffable,  made\u202fit") == ["unaffable,", "made", "it"]
    sample = data.load(0)
    ids = [2, 4, 5, 6, 7, 3, 8, 9, 10, 11, 5, 6, 3]
    assert sample["input_ids"].tolist() == ids + [0] * (LENGTH - 13)
    assert sample["input_mask"].tolist() == [1] * 13 + [0] * (LENGTH - 13)
    assert sample["segment_ids"].tolist() == [0] * 6 + [1] * 7 + [0] * (LENGTH - 13)
    assert {a.dtype for a in sample.values()} == {np.dtype("int64")}
    assert data.windows[0].word_of == {6: 0, 7: 0, 8: 0, 9: 0, 10: 1, 11: 2}


def test_windows_of_a_long_paragraph(tmp_path: Path) -> None:
    """Question of 4 tokens: 384 - 4 - 3 = 377 fit, the next window begins 128 later."""
    data = Squad(folder(tmp_path, " ".join(["x"] * 600)))
    spans = [(min(w.word_of.values()), max(w.word_of.values())) for w in data.windows]
    assert spans == [(0, 376), (128, 504), (256, 599)]
    first, second, third = data.windows
    owned = [sorted(w.word_of[t] for t in w.best) for w in (first, second, third)]
    assert sorted(n for part in owned for n in part) == list(range(600)), (
        "each word is answered in one window"
    )
    # Word 251: 125 to its right in the first window, 123 to its left in the second; word 253: 123 and 125.
    assert 251 in owned[0]
    assert 253 in owned[1]


def logits(peaks: dict[tuple[int, int], float]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    values = np.full((LENGTH, 2), -9.0, dtype=np.float32)
    for place, value in peaks.items():
        values[place] = value
    return values


def test_the_best_pair_that_may_be(tmp_path: Path) -> None:
    data = Squad(folder(tmp_path, "Unaffable, Naïve do"))
    (window,) = data.windows
    # [CLS] who made it ? [SEP] un ##aff ##able , naive do [SEP]; the question's own tokens are no answer.
    values = logits({(1, 0): 9, (2, 1): 9, (6, 0): 5, (8, 1): 5, (10, 0): 6, (7, 1): 6})
    assert squad.answer(data.questions[0], [(window, values)]) == "Unaff"
    values = logits({(10, 0): 5, (11, 1): 5})
    assert squad.answer(data.questions[0], [(window, values)]) == "Naïve do"
    assert squad.answer(data.questions[0], [(window, np.zeros((0, 2), dtype=np.float32))]) == "empty"


@pytest.mark.parametrize(
    ("tokens", "original", "wanted"),
    [("naive", "(Naïve),", "Naïve"), ("is it", "It Is It.", "Is It"), ("nothing", "Here", "Here")],
)
def test_back_to_the_original(tokens: str, original: str, wanted: str) -> None:
    assert squad.in_original(tokens, original) == wanted


def test_score_by_hand(tmp_path: Path) -> None:
    assert squad.normal("The  Cat's, a hat!") == "cats hat"
    assert squad.f1("the big cat", "a cat sat") == 0.5
    assert squad.f1("x", "y") == 0.0
    data = Squad(folder(tmp_path, "x", answers=("big cat", "cat")))
    assert squad.score(data.questions, {0: "The cat"}) == (100.0, 100.0)
    exact, f1 = squad.score(data.questions, {0: "big cat now"})
    assert (exact, f1) == (0.0, pytest.approx(80.0))


@pytest.mark.parametrize("text", ["", "[]", '{"data": [{}]}', '{"data": 3}'])
def test_garbled_questions(tmp_path: Path, text: str) -> None:
    (folder(tmp_path, "x") / "dev-v1.1.json").write_text(text)
    with pytest.raises(UserError, match=r"is not a file of SQuAD v1\.1"):
        Squad(tmp_path)


def test_missing_and_foreign_vocabulary(tmp_path: Path) -> None:
    (folder(tmp_path, "x") / "vocab.txt").write_text("[PAD]\n[UNK]\n")
    with pytest.raises(UserError, match=r"lacks \[CLS\], \[SEP\]"):
        Squad(tmp_path)
    (tmp_path / "vocab.txt").unlink()
    with pytest.raises(UserError, match=r"there is no .*vocab\.txt"):
        Squad(tmp_path)

"""ROUGE against values computed by hand, and the line that the checkers of all rounds read."""

from __future__ import annotations

import re

import pytest

from harness.metrics import rouge
from harness.metrics.rouge import Scores, score, sentences


def test_equal_texts_score_a_hundred() -> None:
    found = score(["The cat sat. The dog ran."], ["The cat sat. The dog ran."])
    assert found == Scores(100.0, 100.0, 100.0, 100.0, 25, 1)


def test_half_of_the_words_by_hand() -> None:
    """Given a b c d, right a b x y: 2 of 4 words, 1 of 3 pairs, a sequence of 2 of 4."""
    found = score(["alfa bravo carla delta"], ["alfa bravo xerxes yankee"])
    assert (found.rouge1, found.rouge2, found.rougeL) == (50.0, 33.3333, 50.0)


def test_precision_and_recall_differ_by_hand() -> None:
    """3 words given, all right; 6 wanted: P 1, R 1/2, F 2/3."""
    found = score(["alfa bravo carla"], ["alfa bravo carla delta echo foxtrot"])
    assert found.rouge1 == round(200 / 3, 4)


def test_words_are_stemmed_and_case_and_signs_do_not_count() -> None:
    assert score(["Running, QUICKLY!"], ["run quickly"]).rouge1 == 100.0


def test_the_mean_is_over_texts_and_lengths_are_summed() -> None:
    found = score(["alfa", "bravo "], ["alfa", "carla"])
    assert (found.rouge1, found.gen_len, found.gen_num) == (50.0, 9, 2)


def test_lsum_takes_sentences_one_by_one() -> None:
    """In another order the longest common sequence of the whole is shorter, that of the sentences is not."""
    found = score(["Alfa bravo carla. Delta echo golf."], ["Delta echo golf. Alfa bravo carla."])
    assert found.rougeLsum == 100.0
    assert found.rougeL == 50.0


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ('He said "no." Then he left.', ['He said "no."', "Then he left."]),
        ("Mr. Smith met Dr. Jones. They talked.", ["Mr. Smith met Dr. Jones.", "They talked."]),
        ("It cost 3.5 dollars. 20 came.", ["It cost 3.5 dollars.", "20 came."]),
        ("e.g. this one stays", ["e.g. this one stays"]),
        ("", []),
    ],
)
def test_our_own_sentences(text: str, found: list[str]) -> None:
    assert rouge._sentences(text) == found


def test_sentences_lose_nothing_but_the_blanks_between_them() -> None:
    text = "Alfa was here.  Bravo was not. Carla?"
    assert "".join(sentences(text)) == text.replace(". ", ".").replace(" Bravo", "Bravo")


@pytest.mark.parametrize(
    "pattern", [r".*'rouge1':\s([\d.]+)", r".*'gen_len':\s([\d.]+)", r".*'rougeLsum':\s+'?([\d.]+)"]
)
def test_the_line_has_plain_numbers(pattern: str) -> None:
    """numpy 2 prints np.float64(…), which no checker reads."""
    line = score(["alfa bravo"], ["alfa carla"]).line
    assert (
        line
        == "{'rouge1': 50.0, 'rouge2': 0.0, 'rougeL': 50.0, 'rougeLsum': 50.0, 'gen_len': 10, 'gen_num': 1}"
    )
    assert re.match(pattern, line)

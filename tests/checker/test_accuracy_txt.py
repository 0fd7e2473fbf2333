"""The parser of accuracy.txt, on lines that scripts write and on anything else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checker.accuracy_txt import PATTERNS, find, parse
from schemas.rounds import Target, load_round

LINES = [
    ("acc", "accuracy=75.920%, good=37960, total=50000", "75.920"),
    ("mAP", "mAP=37.572%", "37.572"),
    ("bleu", "BLEU: 22.1", "22.1"),
    ("F1", '{"exact_match": 83.6, "f1": 90.87}', "90.87"),
    ("F1", "{'exact_match': 83.6, 'f1': 90.87}", "90.87"),
    ("WER", "Word Error Rate: 7.45%, accuracy=92.55%", "92.55"),
    ("DICE", "Accuracy: mean = 0.86330, kidney = 0.93, tumor = 0.79", "0.86330"),
    ("AUC", "AUC=80.31%", "80.31"),
    ("ROUGE1", "x {'rouge1': 42.9, 'rouge2': 20.1, 'rougeL': 29.9, 'gen_len': 4016878}", "42.9"),
    ("GEN_LEN", "x {'rouge1': 42.9, 'gen_len': 4016878}", "4016878"),
    ("TOKENS_PER_SAMPLE", "{'tokens_per_sample': 294.4}", "294.4"),
    ("CLIP_SCORE", "Accuracy Results: {'FID_SCORE': 23.5, 'CLIP_SCORE': 31.7}", "31.7"),
    ("gsm8k_accuracy", "{'gsm8k': 73.8, 'mbxp': 60.1}", "73.8"),
]
NO_LINES = [
    ("acc", " accuracy=75.9"),
    ("acc", "accuracy = 75.9"),
    ("acc", "accuracy=-75.9"),
    ("F1", '{"exact_match": 83.6, "f1": 90.87, "more": 1}'),
    ("ROUGE1", "{'rouge1':  42.9}"),
    ("DICE", "mean = 0.86"),
]


@pytest.mark.parametrize(("metric", "line", "value"), LINES)
def test_lines_that_count(metric: str, line: str, value: str) -> None:
    found = find(line, [metric])
    assert [(s.metric, s.text, s.line) for s in found] == [(metric, value, 1)]


@pytest.mark.parametrize(("metric", "line"), NO_LINES)
def test_lines_that_do_not(metric: str, line: str) -> None:
    assert find(line, [metric]) == ()


def test_the_last_of_several_on_a_line_counts() -> None:
    assert find("{'gsm8k': 1.0} {'gsm8k': 2.0}", ["gsm8k_accuracy"])[0].text == "2.0"


def test_every_metric_of_the_round_has_a_pattern() -> None:
    round_ = load_round("v4.1")
    for name in round_.benchmark_names:
        rules = round_.benchmark(name)
        for target in (*rules.lower_limits(), *rules.upper_limits()):
            assert target.metric in PATTERNS


TARGETS = (Target("acc", 75.0, 75.0, 1.0), Target("mAP", 30.0, 30.0, 1.0))
PIECES = st.sampled_from(
    ["accuracy=", "mAP=", "hash=", "75.9", "1.2.3", ".", "%", "\n", "ab12", " ", "{", "\u0669", "\r", "\x00"]
)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(max_size=200), st.lists(PIECES, max_size=30).map("".join)))
def test_any_text_is_read(text: str) -> None:
    found = parse(text, TARGETS)
    assert 0 <= found.judged_lines <= max(len(text.splitlines()), 0)
    for seen in found.seen:
        assert seen.text in text
        assert set(seen.text) <= set("0123456789.") | {c for c in seen.text if c.isdigit()}
        assert seen.value is None or seen.value >= 0
    last = found.last("acc")
    assert last is None or last.line <= found.judged_lines

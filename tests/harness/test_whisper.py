"""Whisper by hand: symbols, decoding turn by turn, the score with its normaliser, folders that do not fit."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from harness import accuracy_log, audio, transcription
from harness.benchmarks.base import Counted, Setting
from harness.benchmarks.whisper import ALPHABET, BENCHMARK, MANIFESTS, NUMBER_OF, SPELLINGS
from harness.extras import need
from harness.fixtures.torch_random import one_thread
from harness.model import Fixture
from schemas.errors import Failed, UserError
from tests.harness.test_speech import entry, write_wav

Program = Callable[..., tuple[int, str, str]]
PROMPT, END = (7, 8), 9


def test_symbols() -> None:
    """42 of them; other characters are left out, capitals and outer blanks are not kept."""
    assert len(ALPHABET) == 42
    rows, counts = transcription.spelled([" It's 5 €, 3 % - ok!", "", " b"], NUMBER_OF)
    assert counts.tolist() == [16, 0, 1]
    assert "".join(ALPHABET[n] for n in rows[0]) == "it's 5  3 % - ok"
    assert rows[1].tolist() == [-1] * 16
    assert rows[2][0] == 2


class Script:
    """A network that says what is written for each recording, one token a turn."""

    def __init__(self, texts: list[list[int]]) -> None:
        self.texts, self.given = texts, []  # type: ignore[var-annotated]

    def get_encoder(self) -> Callable[[Any], Any]:
        return lambda mels: ("heard", len(mels))

    def forward(self, cache: Any) -> None:
        """Only its arguments are looked at."""

    def __call__(self, *, encoder_outputs: Any, decoder_input_ids: Any, use_cache: bool, cache: Any) -> Any:
        torch = need("torch")
        assert encoder_outputs == ("heard", len(self.texts))
        assert use_cache
        self.given.append(decoder_input_ids.tolist())
        turn = len(self.given) - 1
        logits = torch.zeros(len(self.texts), decoder_input_ids.shape[1], 12)
        for row, text in enumerate(self.texts):
            logits[row, -1, text[turn] if turn < len(text) else END] = 1.0
        return SimpleNamespace(logits=logits)


def run(texts: list[list[int]]) -> tuple[list[list[int]], Script, list[Any]]:
    torch, net = need("torch"), Script(texts)
    said: list[Any] = []
    rows = transcription.greedy(
        torch, net, torch.zeros(len(texts), 1), PROMPT, END, lambda places, tokens: said.append(list(tokens))
    )
    return rows, net, said


def test_greedy_by_hand() -> None:
    """Until the end token, which counts; a recording that has ended says nothing more while others go on."""
    rows, net, said = run([[1, 2], [3], [4, 5, 6]])
    assert rows == [[1, 2, END], [3, END], [4, 5, 6, END]]
    assert net.given == [[[7, 8]] * 3, [[1], [3], [4]], [[2], [END], [5]], [[END], [END], [6]]]
    assert said == [[1, 3, 4]]


def test_at_most_two_hundred_tokens() -> None:
    rows, net, _ = run([[1] * 300])
    assert rows == [[1] * 200]
    assert len(net.given) == 200


def test_answers_say_their_tokens() -> None:
    outputs = [np.array([[1, 2, -1], [3, -1, -1]]), np.array([2, 0]), np.array([5, 4])]
    made = BENCHMARK.responses(outputs, [0, 1])
    assert isinstance(made, Counted)
    assert [row.tolist() for row in made.rows] == [[1, 2], []]
    assert made.tokens == [5, 4]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Fixture:
    folder = tmp_path_factory.mktemp("whisper") / "fixture"
    return BENCHMARK.make_fixture(folder, width="small", seed=3, samples=5)


def test_greedy_is_what_transformers_generates(made: Fixture) -> None:
    """The library's own loop, without anything suppressed, on the same network and recordings together."""
    torch, transformers = need("torch"), need("transformers")
    tokens = need("tokenizers").Tokenizer.from_file(str(made.model / transcription.TOKENIZER))
    prompt = transcription.numbers(tokens, transcription.PROMPT, made.model)
    data = BENCHMARK.dataset(made.dataset)
    sound: list[Any] = [audio.floats(data.load(n)) for n in range(3)]
    features = transformers.WhisperFeatureExtractor.from_pretrained(made.model)
    mels = features(sound, sampling_rate=16_000, return_tensors="pt").input_features
    net = transformers.WhisperForConditionalGeneration.from_pretrained(made.model).eval()
    with one_thread():
        found = transformers.GenerationMixin.generate(
            net, mels, decoder_input_ids=torch.tensor([prompt] * 3), max_new_tokens=200, do_sample=False
        )
        ours = BENCHMARK.responses(
            BENCHMARK.program(made.model, Setting())(sound, lambda p, t: None), [0, 1, 2]
        )
    texts = tokens.decode_batch(found.tolist(), skip_special_tokens=True)
    wanted, counts = transcription.spelled(texts, NUMBER_OF)
    assert [row.tolist() for row in ours.rows] == [
        row[:n].tolist() for row, n in zip(wanted, counts, strict=True)
    ]
    end = tokens.token_to_id(transcription.END)
    lengths = [row[len(prompt) :].index(end) + 1 for row in found.tolist()]
    assert ours.tokens == lengths


def scored(folder: Path, pairs: list[tuple[str, str]]) -> Any:
    """Transcripts and answers, by the benchmark's own way."""
    entries = []
    for number, (right, _) in enumerate(pairs):
        write_wav(folder / f"repack/{number}.wav", [1, 2])
        entries.append(entry(f"repack/{number}.wav", right))
    (folder / MANIFESTS[0]).write_text(json.dumps(entries))
    (folder / SPELLINGS).write_text('{"colour": "color"}')
    log = folder / "log.json"
    rows = [
        {
            "seq_id": n,
            "qsl_idx": n,
            "data": np.array([NUMBER_OF[c] for c in given], dtype="<i8").tobytes().hex(),
        }
        for n, (_, given) in enumerate(pairs)
    ]
    accuracy_log.write(log, rows)
    return BENCHMARK.accuracy(log, folder)


def test_score_by_hand(tmp_path: Path) -> None:
    """Spellings, titles, contractions, numbers and joined words are no errors; two of 17 words are."""
    found = scored(
        tmp_path,
        [
            ("the colour of mister smith's car", "the color of mr smith's car"),  # mister smith 's, no error
            ("i will see every one", "i'll see everyone"),
            ("twenty five men", "25 women"),  # one replaced
            ("um it is not", "it is"),  # one left out; um never counts
        ],
    )
    assert found.figures == {"errors": 2, "words": 17}
    assert found.metric == "ACCURACY"
    assert found.value == (1 - 2 / 17) * 100
    assert found.line == f"Word Error Rate: {2 / 17 * 100}%, accuracy={found.value}%"


def test_numbers_that_are_no_symbols(tmp_path: Path) -> None:
    scored(tmp_path, [("a", "a")])
    log = tmp_path / "bad.json"
    accuracy_log.write(log, [{"seq_id": 0, "qsl_idx": 0, "data": np.array([42]).tobytes().hex()}])
    with pytest.raises(Failed, match="no symbols of Whisper"):
        BENCHMARK.accuracy(log, tmp_path)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


Spoil = Callable[[Path, Path], object]
FAULTS: Mapping[str, tuple[Spoil, str]] = {
    "weights cut off": (lambda m, d: cut(m / "model.safetensors"), "model.safetensors has"),
    "no weights": (lambda m, d: (m / "model.safetensors").unlink(), "has no weights"),
    "no tokenizer": (lambda m, d: (m / "tokenizer.json").unlink(), "has no tokenizer.json"),
    "no feature extractor": (
        lambda m, d: (m / "preprocessor_config.json").unlink(),
        "no preprocessor_config.json",
    ),
    "no model": (lambda m, d: shutil.rmtree(m), "there is no folder"),
    "no spellings": (lambda m, d: (d / SPELLINGS).unlink(), "copy it there from the checkpoint of Whisper"),
    "spellings cut off": (lambda m, d: (d / SPELLINGS).write_text("{"), "normalizer.json cannot be read"),
    "no manifest": (lambda m, d: (d / MANIFESTS[0]).unlink(), "has no dev-all-repack.json"),
    "empty manifest": (lambda m, d: (d / MANIFESTS[0]).write_text("[]"), "is no manifest of recordings"),
    "recording missing": (lambda m, d: next(d.rglob("*.wav")).unlink(), "1 of the 5 recordings"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_bad_input_is_one_sentence(made: Fixture, program: Program, tmp_path: Path, fault: str) -> None:
    spoil, wrong = FAULTS[fault]
    model, data = tmp_path / "model", tmp_path / "data"
    shutil.copytree(made.model, model)
    shutil.copytree(made.dataset, data)
    spoil(model, data)
    options = ["--round", "v6.1", "--scenario", "Offline", "--output", tmp_path / "tree"]
    code, _, err = program("run", "whisper", "--model", model, "--dataset", data, *options)
    assert code == 2
    assert wrong in err
    assert err.count("\n") == 1
    assert not (tmp_path / "tree").exists()
    assert not (tmp_path / "tree.work").exists()


def test_a_tokenizer_without_the_first_tokens(made: Fixture, tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(made.model, model)
    path = model / transcription.TOKENIZER
    path.write_text(path.read_text().replace("<|en|>", "<|de|>"))
    with pytest.raises(UserError, match=r"has no <\|en\|>; give a multilingual checkpoint of Whisper"):
        BENCHMARK.program(model, Setting())

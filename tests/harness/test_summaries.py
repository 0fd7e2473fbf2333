"""GPT-J and Llama: prompts, generation by the reference's rules, and what a user is told of bad input."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness import extras, opening
from harness.benchmarks.base import Setting
from harness.benchmarks.gptj import BENCHMARK as GPTJ
from harness.benchmarks.llama31_8b import BENCHMARK as LLAMA
from harness.datasets.cnn_dailymail import LONGEST, PROMPT, TOKENIZER, CnnDailymail
from harness.fixtures import words
from harness.generation import counts, padded
from harness.handback import FirstTokens
from harness.model import Fixture
from schemas.errors import UserError

Program = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def gptj(tmp_path_factory: pytest.TempPathFactory) -> Fixture:
    return GPTJ.make_fixture(tmp_path_factory.mktemp("gptj") / "f", width="small", seed=5, samples=4)


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Fixture:
    return LLAMA.make_fixture(tmp_path_factory.mktemp("llama") / "f", width="small", seed=5, samples=5)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    words.tokenizer(tmp_path / TOKENIZER, ["<|endoftext|>"])
    return tmp_path


def data(folder: Path, records: Any) -> CnnDailymail:
    (folder / "cnn_eval.json").write_text(json.dumps(records), encoding="utf-8")
    return CnnDailymail(folder, ("cnn_eval.json",))


def test_a_prompt_is_put_together_and_becomes_tokens_and_text_again(folder: Path) -> None:
    row = {"instruction": "Summarize:", "input": "Alfa said: bobo.", "output": "bo"}
    found = data(folder, [row])
    assert found.text(found.load(0).tolist()) == PROMPT.format_map(row)
    assert found.load(0).dtype == np.int64
    assert found.right(0) == "bo"


def test_a_long_prompt_keeps_its_first_tokens(folder: Path) -> None:
    row = {"instruction": "", "input": "z" * 5000, "output": ""}
    found = data(folder, [row])
    assert len(found.load(0)) == LONGEST
    assert found.text(found.load(0).tolist()).startswith(PROMPT[:40])


def test_tokens_that_come_with_the_data_are_taken_as_they_are(folder: Path) -> None:
    found = data(folder, [{"input": "x", "tok_input": [5, 6, 7], "output": "y"}])
    assert found.load(0).tolist() == [5, 6, 7]


def test_end_tokens_are_not_in_the_text_and_blanks_are_tidied(folder: Path) -> None:
    found = data(folder, [{"input": "x", "tok_input": [1], "output": "y"}])
    ids = found._tokenizer.encode("It is n't here , is it ? No .<|endoftext|>").ids
    assert found.ends == {ids[-1]}
    assert found.text(ids) == "It isn't here, is it? No."


def test_prompts_are_filled_up_at_their_left() -> None:
    ids, mask = padded([np.array([1, 2, 3]), np.array([4])], 9)
    assert ids.tolist() == [[1, 2, 3], [9, 9, 4]]
    assert mask.tolist() == [[1, 1, 1], [0, 0, 1]]


def test_an_answer_ends_with_its_first_end_token() -> None:
    assert counts(np.array([[1, 9, 9], [1, 2, 3], [8, 1, 9]]), [9, 8]).tolist() == [2, 3, 1]


def test_gptj_answers_in_30_to_128_tokens_as_the_library_s_own_beams(gptj: Fixture) -> None:
    """The same call made by hand, on the checkpoint read anew."""
    import torch
    import transformers

    dataset = GPTJ.dataset(gptj.dataset)
    engine = opening.opened(GPTJ, "pytorch", gptj.model, threads=1, precision="fp32")
    (row,) = GPTJ.responses(engine.infer([dataset.load(0)]), [0])
    assert 30 <= len(row) <= 128
    assert row.dtype == np.int64
    net = transformers.AutoModelForCausalLM.from_pretrained(gptj.model).eval()
    prompt = torch.from_numpy(dataset.load(0)[None])
    with torch.no_grad():
        made = net.generate(
            prompt,
            attention_mask=torch.ones_like(prompt),
            num_beams=4,
            early_stopping=True,
            min_new_tokens=30,
            max_new_tokens=128,
            pad_token_id=net.config.eos_token_id,
        )
    assert made[0, prompt.shape[1] :].tolist() == row.tolist()


def test_llama_says_its_first_tokens_once_and_counts_them_all(llama: Fixture) -> None:
    dataset = LLAMA.dataset(llama.dataset)
    engine: Any = opening.opened(LLAMA, "pytorch", llama.model, threads=1, precision="bf16")
    told: list[tuple[list[int], list[int]]] = []
    batch = [dataset.load(i) for i in range(3)]
    answers = LLAMA.responses(
        engine.generate(batch, lambda places, tokens: told.append((list(places), list(tokens)))), range(3)
    )
    assert told == [([0, 1, 2], [int(row[0]) for row in answers.rows])]
    assert list(answers.tokens) == [len(row) for row in answers.rows]
    ends = LLAMA.ends(llama.dataset)
    for row in answers.rows:
        assert 2 <= len(row) <= 128
        assert int(row[-1]) in ends
        assert not set(row[:-1].tolist()) & ends
    assert len({len(row) for row in answers.rows}) > 1


@pytest.mark.parametrize("bench", [GPTJ, LLAMA])
def test_generation_ends_at_the_next_token_when_nobody_waits(
    bench: Any, gptj: Fixture, llama: Fixture
) -> None:
    """A board may take minutes for an answer; Ctrl-C does not."""
    fixture = {GPTJ.name: gptj, LLAMA.name: llama}[bench.name]
    dataset = bench.dataset(fixture.dataset)
    program = bench.program(fixture.model, Setting())
    asked: list[int] = []

    def over() -> bool:
        asked.append(1)
        return len(asked) == 2

    ids, _ = program([dataset.load(0)], FirstTokens(None, (), over))
    assert len(asked) == 2
    assert ids.shape[1] == 2


def test_a_fixture_of_another_seed_differs(gptj: Fixture, tmp_path: Path) -> None:
    other = GPTJ.make_fixture(tmp_path / "f", width="small", seed=6, samples=4)
    weights = [(f.model / "model.safetensors").read_bytes() for f in (gptj, other)]
    assert weights[0] != weights[1]


# --- bad input: one sentence, exit 2 ---


@pytest.fixture
def copy(gptj: Fixture, tmp_path: Path) -> tuple[Path, Path]:
    """Model and data of the fixture, to be harmed."""
    shutil.copytree(gptj.model, tmp_path / "model")
    shutil.copytree(gptj.dataset, tmp_path / "data")
    return tmp_path / "model", tmp_path / "data"


def asked(program: Program, model: Path, dataset: Path, *more: object) -> str:
    """What ``run`` says; it must refuse, in one sentence, and write nothing."""
    tree = model.parent / "tree"
    code, out, err = program(
        "run",
        "gptj",
        "--round",
        "v4.1",
        "--scenario",
        "Offline",
        "--model",
        model,
        "--dataset",
        dataset,
        "--output",
        tree,
        *more,
    )
    assert (code, out) == (2, "")
    assert len(err.strip().splitlines()) == 1, err
    assert "Traceback" not in err
    assert not tree.exists()
    return err


def cut_weights(model: Path, dataset: Path) -> None:
    data = (model / "model.safetensors").read_bytes()
    (model / "model.safetensors").write_bytes(data[: len(data) // 2])


def cases(model: Path, dataset: Path, text: str) -> None:
    (dataset / "cnn_eval.json").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (cut_weights, "header speaks of"),
        (lambda m, d: (m / "config.json").unlink(), "there is no"),
        (lambda m, d: (d / TOKENIZER).unlink(), "copy tokenizer.json of the checkpoint there"),
        (lambda m, d: (d / "cnn_eval.json").unlink(), "has no cnn_eval.json"),
        (lambda m, d: cases(m, d, "[]"), "holds no records"),
        (lambda m, d: cases(m, d, "{"), "cannot be read"),
        (lambda m, d: cases(m, d, '[{"input": "x"}]'), "record 0"),
        (lambda m, d: shutil.rmtree(m), "give a folder with the fine-tuned GPT-J 6B"),
    ],
)
def test_harmed_input(
    copy: tuple[Path, Path], program: Program, harm: Callable[[Path, Path], object], said: str
) -> None:
    harm(*copy)
    assert said in asked(program, *copy)


def test_a_runtime_that_cannot(copy: tuple[Path, Path], program: Program) -> None:
    assert "onnxruntime cannot run gptj; give --backend pytorch" in asked(
        program, *copy, "--backend", "onnxruntime"
    )


def test_a_precision_that_nobody_has(copy: tuple[Path, Path], program: Program) -> None:
    assert "precision 'fp8' is not known" in asked(program, *copy, "--precision", "fp8")


def test_a_package_that_is_missing(
    copy: tuple[Path, Path], program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = extras.is_there
    monkeypatch.setattr(extras, "is_there", lambda module: module != "torch" and there(module))
    assert "pip install 'edgewatt[torch]'" in asked(program, *copy)


def test_a_checkpoint_of_another_kind_is_said_by_the_runtime(copy: tuple[Path, Path]) -> None:
    """Whole, but not of a language model: found when it is opened, in the child."""
    model, _ = copy
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    (model / "config.json").write_text(json.dumps({**config, "n_embd": 48}), encoding="utf-8")
    with pytest.raises(UserError, match="cannot be opened by PyTorch"):
        opening.opened(GPTJ, "pytorch", model, threads=1, precision="fp32")


def test_weights_that_are_not_in_the_checkpoint(copy: tuple[Path, Path]) -> None:
    """The library would fill them with random numbers and go on."""
    from safetensors.numpy import load_file, save_file

    path = copy[0] / "model.safetensors"
    kept = {name: array for name, array in load_file(path).items() if "lm_head.weight" not in name}
    save_file(kept, path, metadata={"format": "pt"})
    with pytest.raises(UserError, match="lacks 1 of the model's weights"):
        opening.opened(GPTJ, "pytorch", copy[0], threads=1, precision="fp32")


def test_a_tokenizer_that_is_none(copy: tuple[Path, Path]) -> None:
    _, folder = copy
    (folder / TOKENIZER).write_text("{}", encoding="utf-8")
    with pytest.raises(UserError, match="is no tokenizer"):
        GPTJ.dataset(folder).load(0)

"""RNN-T by hand: decoding step by step, the network in PyTorch against its ONNX files, bad checkpoints."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness import loadgens, mel
from harness.benchmarks.rnnt import BENCHMARK, MOST_SYMBOLS, greedy, text_of
from harness.extras import need
from harness.fixtures.rnnt import WIDTHS, weights
from harness.metrics import wer
from harness.model import Fixture
from harness.networks import rnnt, rnnt_onnx
from harness.opening import opened
from harness.parts import Parts
from harness.registry import backend
from schemas.errors import Failed, UserError
from schemas.rounds import load_round

Program = Callable[..., tuple[int, str, str]]


class Script:
    """A model that says what is written for each step, one symbol a turn, and knows what was said before."""

    def __init__(self, steps: list[list[int]]) -> None:
        self.steps = steps
        self.turns: list[int] = []
        self.said: list[int] = []
        self.calls: list[str] = []

    def __call__(self, batch: Mapping[str, Any]) -> list[Any]:
        if "symbol" in batch:
            self.calls.append("prediction")
            self.said.append(int(batch["symbol"][0]))
            return [batch["hidden"][0] + 1, batch["hidden"] + 1, batch["cell"]]
        self.calls.append("joint")
        step = int(batch["encoded_step"][0, 0])
        assert batch["predicted_step"][0, 0] == len(self.said)
        turn = self.turns.count(step)
        self.turns.append(step)
        logits = np.zeros((1, rnnt.BLANK + 1), dtype=np.float32)
        logits[0, self.steps[step][turn] if turn < len(self.steps[step]) else rnnt.BLANK] = 1.0
        return [logits]


def encoded(steps: int) -> Any:
    return np.arange(steps, dtype=np.float32).reshape(1, steps, 1)


def test_greedy_by_hand() -> None:
    """Two symbols in the first step, none in the second, one in the third; the prediction only hears symbols."""
    model = Script([[3, 1], [], [20]])
    assert greedy(model, encoded(3)) == [3, 1, 20]
    assert model.said == [rnnt.BLANK, 3, 1, 20]
    assert model.calls == [
        "prediction",
        *["joint", "prediction"] * 2,
        "joint",
        "joint",
        "joint",
        "prediction",
        "joint",
    ]


def test_a_step_ends_after_thirty_symbols() -> None:
    model = Script([[5] * 40, [6]])
    assert greedy(model, encoded(2)) == [5] * MOST_SYMBOLS + [6]
    assert model.turns.count(0) == MOST_SYMBOLS


def test_an_answer_is_symbols_and_may_be_empty() -> None:
    assert text_of(np.array([], dtype=np.int64)) == ""
    assert text_of(np.array([1, 0, 27, 26])) == "a 'z"
    with pytest.raises(Failed, match="no symbols of RNN-T"):
        text_of(np.array([28]))


def test_published_widths() -> None:
    found = rnnt.shapes(1024, 512)
    assert found["encoder.post_rnn.lstm.weight_ih_l0"] == (4096, 2048)
    assert found["joint.net.0.weight"] == (512, 1344)
    assert found["prediction.dec_rnn.lstm.weight_hh_l1"] == (1280, 320)
    assert found["joint.net.3.weight"] == (29, 512)


def random_weights(seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {n: (rng.standard_normal(s) * 0.2).astype(np.float32) for n, s in rnnt.shapes(24, 12).items()}


def test_onnx_files_compute_what_pytorch_does(tmp_path: Path) -> None:
    """Random weights everywhere, odd and even numbers of vectors: a gate in the wrong place would show."""
    made = random_weights()
    rnnt_onnx.write(made, tmp_path)
    engine = Parts([backend("onnxruntime") for _ in rnnt.PARTS], BENCHMARK)
    engine.load(tmp_path, inputs=(), outputs=(), threads=1)
    torch = rnnt.parts(made, "cpu", "float32")
    rng = np.random.default_rng(1)

    def floats(*shape: int) -> Any:
        return rng.standard_normal(shape).astype(np.float32)

    state = {"hidden": floats(2, 1, 320), "cell": floats(2, 1, 320)}
    for batch in (
        {"features": floats(1, 7, mel.FEATURES)},
        {"features": floats(1, 8, mel.FEATURES)},
        {"symbol": np.array([4]), **state},
        {"symbol": np.array([rnnt.BLANK]), **state},
        {"encoded_step": floats(1, 24), "predicted_step": floats(1, 320)},
    ):
        for ours, theirs in zip(engine.infer(batch), torch(batch), strict=True):
            assert ours == pytest.approx(theirs, abs=1e-5)
    assert {t.name for t in engine.tensors()} == {*BENCHMARK.inputs, *BENCHMARK.outputs}


def test_another_runtime_hears_the_same(made: Fixture) -> None:
    data = BENCHMARK.dataset(made.dataset)
    heard = []
    for name in ("onnxruntime", "openvino"):
        engine = opened(BENCHMARK, name, made.model, threads=1, precision=None)
        rows = (BENCHMARK.answer(engine.infer, data.load(n)[None], [n])[0] for n in range(len(data)))
        heard.append([row.tolist() for row in rows])
    assert heard[0] == heard[1]
    assert [len(row) > 0 for row in heard[0]] == [False, True, True, True]


def checkpoint(path: Path, state: Mapping[str, Any], **more: Any) -> Path:
    """As the reference publishes it: the older form of file, other names for the joint, the filters of the features."""
    torch = need("torch")
    tensors = {n.replace("joint.net", "joint_net"): torch.from_numpy(a.copy()) for n, a in state.items()}
    extra = {f"audio_preprocessor.featurizer.{n}": torch.zeros(2) for n in ("fb", "window")}
    document = {"epoch": 100, "state_dict": {**tensors, **extra}, **more}
    torch.save(document, path, _use_new_zipfile_serialization=False)
    return path


def test_checkpoint_of_the_reference(tmp_path: Path) -> None:
    made = random_weights()
    path = checkpoint(tmp_path / "rnnt.pt", made)
    for _ in ("the older form of file", "today's"):
        found = rnnt.read_checkpoint(path)
        assert set(found) == set(made)
        assert all(np.array_equal(found[name], made[name]) for name in made)
        need("torch").save({n: need("torch").from_numpy(a) for n, a in made.items()}, path)


class Code:
    """What no checkpoint may hold."""


def test_bad_checkpoints_are_one_sentence(tmp_path: Path) -> None:
    path = checkpoint(tmp_path / "rnnt.pt", random_weights())
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=r"rnnt\.pt cannot be read as weights .* copy it again"):
        rnnt.read_checkpoint(path)
    checkpoint(path, random_weights(), optimizer=Code())
    with pytest.raises(UserError, match=r"rnnt\.pt cannot be read as weights .*or save its state_dict alone"):
        rnnt.read_checkpoint(path)
    with pytest.raises(UserError, match=r"there is no .*gone"):
        rnnt.read_checkpoint(tmp_path / "gone.pt")
    need("torch").save([1, 2], path)
    with pytest.raises(UserError, match="holds no state_dict of arrays"):
        rnnt.read_checkpoint(path)


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"joint.net.3.bias": None}, r"has no joint\.net\.3\.bias"),
        (
            {"prediction.embed.weight": np.zeros((28, 64), np.float32)},
            r"has the shape \[28, 64\], wanted \[28, 320\]",
        ),
        (
            {"encoder.attention": np.zeros(3, np.float32)},
            r"has weights that RNN-T has not: encoder\.attention",
        ),
    ],
)
def test_weights_of_another_network(tmp_path: Path, change: dict[str, Any], wrong: str) -> None:
    state = {n: a for n, a in {**random_weights(), **change}.items() if a is not None}
    with pytest.raises(UserError, match=wrong):
        rnnt.read_checkpoint(checkpoint(tmp_path / "rnnt.pt", state))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Fixture:
    folder = tmp_path_factory.mktemp("rnnt") / "fixture"
    return BENCHMARK.make_fixture(folder, width="small", seed=5, samples=4)


@pytest.fixture(scope="module")
def published(made: Fixture) -> Path:
    """The fixture's network as the reference would publish it."""
    return checkpoint(
        made.path.parent / "rnnt.pt", weights(WIDTHS["small"], np.random.default_rng(made.seed))
    )


def test_planted_errors(made: Fixture) -> None:
    """Four recordings: silence (one word missed), one word replaced, one put in, one left out."""
    right = BENCHMARK.dataset(made.dataset).transcripts(wer.plain)
    assert right[0] == "silence"
    assert "queue" in right[1]
    assert "quickly" in right[3]
    total = sum(len(text.split()) for text in right)
    assert made.value == (1 - 4 / total) * 100


def test_export_makes_the_fixtures_own_files(
    made: Fixture, published: Path, program: Program, tmp_path: Path
) -> None:
    code, out, err = program("export", "rnnt", published, tmp_path / "new" / "onnx")
    assert (code, err) == (0, "")
    assert out.endswith(f"weights in {tmp_path}/new/onnx: encoder.onnx, joint.onnx, prediction.onnx\n")
    for part in rnnt.PARTS:
        name = f"{part}.onnx"
        assert (tmp_path / "new/onnx" / name).read_bytes() == (made.model / name).read_bytes()


def test_the_checkpoint_itself_scores_the_same_in_pytorch(
    made: Fixture, published: Path, program: Program, tmp_path: Path
) -> None:
    loadgens.fetch(load_round("v4.0"))
    options = ["--round", "v4.0", "--scenario", "Offline", "--mode", "accuracy", "--division", "open"]
    given = ["--backend", "pytorch", "--model", published, "--dataset", made.dataset]
    code, _, _ = program(
        "run",
        "rnnt",
        *options,
        *given,
        "--rehearsal",
        "0.2",
        "--target-qps",
        "5",
        "--output",
        tmp_path / "tree",
    )
    assert code == 0
    (text,) = (tmp_path / "tree").rglob("accuracy.txt")
    assert f"accuracy={made.value}%" in text.read_text()


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        ("run rnnt --model {model} --dataset gone", "there is no folder gone"),
        ("run rnnt --model {model} --dataset empty", "empty has no dev-clean-wav.json"),
        ("run rnnt --model {model} --dataset nothing", "is no manifest of recordings"),
        ("run rnnt --model {model} --dataset lacking", "1 of the 4 recordings of"),
        ("run rnnt --model gone --dataset {data}", "there is no gone; give a folder with encoder.onnx"),
        ("run rnnt --model empty --dataset {data}", "empty has no encoder.onnx, prediction.onnx, joint.onnx"),
        ("run rnnt --model blank.pt --dataset {data}", "blank.pt is empty; copy the checkpoint again"),
        ("export rnnt cut.pt new", "cut.pt cannot be read as weights"),
        ("export rnnt gone.pt new", "there is no gone.pt"),
        ("export bert gone.pt new", "export is for rnnt"),
        ("export rnnt cut.pt {data}", "is not empty; give a new folder"),
    ],
)
def test_bad_input_is_one_sentence(
    made: Fixture, published: Path, program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    words: str, wrong: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "nothing").mkdir()
    (tmp_path / "nothing/dev-clean-wav.json").write_text("[]")
    shutil.copytree(made.dataset, tmp_path / "lacking")
    next((tmp_path / "lacking").rglob("*.wav")).unlink()
    (tmp_path / "blank.pt").touch()
    (tmp_path / "cut.pt").write_bytes(published.read_bytes()[:9000])
    before = sorted(p.name for p in tmp_path.iterdir())
    more = ["--round", "v4.0", "--scenario", "Offline", "--output", "tree"] if words.startswith("run") else []
    code, _, err = program(*words.format(model=made.model, data=made.dataset).split(), *more)
    assert code == 2
    assert wrong in err
    assert err.count("\n") == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == before, "nothing half-written"


@pytest.mark.parametrize(
    ("backend_name", "wrong"), [("onnxruntime", "has no encoder.onnx"), ("pytorch", "is a folder")]
)
def test_a_model_of_the_other_form_is_one_sentence(
    made: Fixture, published: Path, program: Program, tmp_path: Path, backend_name: str, wrong: str
) -> None:
    model = published if backend_name == "onnxruntime" else made.model
    options = ["--round", "v4.0", "--scenario", "Offline", "--output", tmp_path / "tree"]
    code, _, err = program(
        "run", "rnnt", "--backend", backend_name, "--model", model, "--dataset", made.dataset, *options
    )
    assert code == 2
    assert wrong in err

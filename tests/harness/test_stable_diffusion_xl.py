"""Stable Diffusion XL: a checkpoint that is not whole, pictures of a log, both scores in TEST01, pictures to show."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from checker.api import check
from harness import loadgens, service
from harness.accuracy_log import write
from harness.benchmarks.stable_diffusion_xl import BENCHMARK, logged, read_program, score, threads
from harness.compliance.base import Evidence
from harness.datasets.coco2014 import CLIP, STATISTICS, Captions
from harness.model import Fixture
from harness.registry import compliance_test
from schemas import documents
from schemas.errors import Failed, UserError
from schemas.rounds import load_round
from tests.harness.conftest import plain_request

torch = pytest.importorskip("torch", reason="the extra torch is not installed")
pytest.importorskip("diffusers", reason="the extra images is not installed")


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Small models wait for each other with more, and other tests run beside this one."""
    with threads(1):
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Fixture:
    """Four captions."""
    return BENCHMARK.make_fixture(
        tmp_path_factory.mktemp("sdxl") / "fixture", width="small", seed=5, samples=4
    )


@pytest.fixture(scope="module")
def pictures(made: Fixture) -> dict[int, Any]:
    """The pictures of the fixture, made one by one."""
    program, data = read_program(made.model), BENCHMARK.dataset(made.dataset)
    samples = [data.load(index) for index in range(len(data))]
    return {n: program([sample], lambda places, tokens: None)[0][0] for n, sample in enumerate(samples)}


def log_of(path: Path, pictures: dict[int, Any]) -> Path:
    """An accuracy log with these answers."""
    rows = [{"seq_id": n, "qsl_idx": n, "data": p.tobytes().hex().upper()} for n, p in pictures.items()]
    write(path, rows)
    return path


def test_both_scores_are_planted_whatever_the_threads(
    made: Fixture, pictures: dict[int, Any], tmp_path: Path
) -> None:
    accuracy = BENCHMARK.accuracy(log_of(tmp_path / "log.json", pictures), made.dataset)
    assert (accuracy.metric, accuracy.value, made.value) == ("FID_SCORE", 23.5, 23.5)
    assert accuracy.figures["CLIP_SCORE"] == pytest.approx(31.75, abs=1e-3)
    assert accuracy.line == (
        f"Accuracy Results: {{'FID_SCORE': 23.5, 'CLIP_SCORE': {accuracy.figures['CLIP_SCORE']}}}"
    )
    assert set(accuracy.files) == {"statistics", "inception", "clip"}
    with threads(2):
        program = read_program(made.model)
        again = program([Captions(made.dataset).load(2)], lambda places, tokens: None)[0][0]
    assert again.tobytes() == pictures[2].tobytes()
    assert pictures[0].shape == (64, 64, 3)
    assert len({p.tobytes() for p in pictures.values()}) == 4


def test_other_pictures_score_otherwise(made: Fixture, pictures: dict[int, Any]) -> None:
    """Exchanged captions change the CLIP score alone, negatives both."""
    mixed = score(made.dataset, [(0, pictures[1]), (1, pictures[0]), (2, pictures[3]), (3, pictures[2])])
    assert mixed.fid == pytest.approx(23.5)
    assert mixed.clip != pytest.approx(31.75, abs=1e-4)
    assert score(made.dataset, [(n, 255 - p) for n, p in pictures.items()]).fid > 23.6


def test_pictures_of_a_log(pictures: dict[int, Any], tmp_path: Path) -> None:
    rows = [
        {"seq_id": n, "qsl_idx": i, "data": bytes(size).hex()}
        for n, (i, size) in enumerate([(3, 12), (3, 27)])
    ]
    write(tmp_path / "log", rows)
    assert [(n, p.shape) for n, p in logged(tmp_path / "log")] == [(3, (2, 2, 3))], "the first answer counts"
    for size in (0, 11, 15):
        write(tmp_path / "log", [{"seq_id": 0, "qsl_idx": 7, "data": bytes(size).hex()}])
        with pytest.raises(
            Failed, match=f"answer of {size} bytes for sample 7, and that is no square picture"
        ):
            list(logged(tmp_path / "log"))
    write(tmp_path / "log", [])
    with pytest.raises(Failed, match="holds no answers"):
        list(logged(tmp_path / "log"))


def test_statistics_of_another_network(made: Fixture, pictures: dict[int, Any], tmp_path: Path) -> None:
    data = shutil.copytree(made.dataset, tmp_path / "data")
    np.savez(data / STATISTICS, mu=np.zeros(2048), sigma=np.eye(2048))
    with pytest.raises(UserError, match=r"gives 128 features, and .*val2014\.npz is of 2048"):
        score(data, pictures.items())
    (data / CLIP / "config.json").write_text('{"model_type": "bert"}')
    shutil.copy(made.dataset / STATISTICS, data / STATISTICS)
    with pytest.raises(UserError, match="holds no CLIP"):
        score(data, pictures.items())


def gone(name: str) -> Callable[[Path], object]:
    return lambda root: shutil.rmtree(root / name) if (root / name).is_dir() else (root / name).unlink()


def cut(name: str) -> Callable[[Path], object]:
    return lambda root: (root / name).write_bytes((root / name).read_bytes()[:-1000])


UNET = "checkpoint_pipe/unet/diffusion_pytorch_model.safetensors"


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (
            gone("checkpoint_pipe"),
            r"model_index\.json cannot be read; --model wants the folder with checkpoint_pipe",
        ),
        (gone("checkpoint_pipe/model_index.json"), r"model_index\.json cannot be read"),
        (
            lambda r: (r / "checkpoint_pipe/model_index.json").write_text('{"_class_name": "FluxPipeline"}'),
            "is of a FluxPipeline; the benchmark wants a StableDiffusionXLPipeline",
        ),
        (gone("checkpoint_pipe/text_encoder_2/config.json"), r"there is no .*text_encoder_2/config\.json"),
        (gone("checkpoint_pipe/vae"), r"there is no .*vae/config\.json"),
        (gone(UNET), "unet has no weights"),
        (cut(UNET), r"has \d+ bytes and its header speaks of \d+; copy it again"),
        (gone("checkpoint_pipe/tokenizer/tokenizer.json"), r"has no tokenizer\.json and no vocab\.json"),
        (gone("checkpoint_scheduler"), r"there is no .*scheduler_config\.json; copy .* whole"),
    ],
)
def test_a_checkpoint_that_is_not_whole(
    edit: Callable[[Path], object], message: str, made: Fixture, tmp_path: Path
) -> None:
    model = shutil.copytree(made.model, tmp_path / "model")
    BENCHMARK.refuse(model)
    edit(model)
    with pytest.raises(UserError, match=message):
        BENCHMARK.refuse(model)


def test_a_checkpoint_in_the_form_of_hugging_face(
    made: Fixture, pictures: dict[int, Any], tmp_path: Path
) -> None:
    model = shutil.copytree(made.model / "checkpoint_pipe", tmp_path / "stable-diffusion-xl-base-1.0")
    BENCHMARK.refuse(model)
    (picture,) = read_program(model)([Captions(made.dataset).load(1)], lambda places, tokens: None)[0]
    assert picture.tobytes() == pictures[1].tobytes()


@pytest.mark.parametrize(
    "missing", ["scoring/val2014.npz", "scoring/inception.pth", "scoring/clip", "latents"]
)
def test_what_would_be_missed_after_days_is_refused_at_once(
    missing: str, made: Fixture, tmp_path: Path, program: Callable[..., tuple[int, str, str]]
) -> None:
    data = shutil.copytree(made.dataset, tmp_path / "data")
    gone(missing)(data)
    code, _, said = program(
        *("run", "stable-diffusion-xl", "--scenario", "Offline", "--model", made.model, "--dataset", data),
        *("--output", tmp_path / "tree"),
    )
    assert code == 2
    assert "there is no" in said or "wants one .pth" in said
    assert len(said.strip().splitlines()) == 1
    assert not (tmp_path / "tree").exists()


def test_scoring_that_fails_only_in_use_is_refused_at_once(
    made: Fixture, tmp_path: Path, program: Callable[..., tuple[int, str, str]]
) -> None:
    """Whole files that do not belong together: what is there at a glance does not tell."""
    data = shutil.copytree(made.dataset, tmp_path / "data")
    np.savez(data / STATISTICS, mu=np.zeros(64), sigma=np.eye(64))
    code, _, said = program(
        *("run", "stable-diffusion-xl", "--scenario", "Offline", "--model", made.model, "--dataset", data),
        *("--mode", "accuracy", "--output", tmp_path / "tree"),
    )
    assert (code, len(said.strip().splitlines())) == (2, 1)
    assert "gives 128 features" in said
    assert not list(tmp_path.glob("tree*"))


def test_pictures_to_show(made: Fixture, pictures: dict[int, Any], tmp_path: Path) -> None:
    """The first picture as the reference's script does, and of those of the round the ones that are there."""
    pillow = pytest.importorskip("PIL.Image")
    log = log_of(tmp_path / "log.json", pictures)
    shown = dict(BENCHMARK.samples_to_show(log, made.dataset, {"images": ["3", "4655", "captions"]}))
    assert sorted(shown) == ["images/0.png", "images/3.png", "images/captions.txt"]
    seen = np.asarray(pillow.open(io.BytesIO(shown["images/3.png"])))
    assert seen.tobytes() == pictures[3].tobytes()
    captions = Captions(made.dataset).captions
    assert shown["images/captions.txt"].decode() == f"0  {captions[0]}\n3  {captions[3]}\n"


def test_test01_holds_both_scores_against_their_limits(
    made: Fixture, pictures: dict[int, Any], tmp_path: Path
) -> None:
    """Pictures that differ in one pixel: FID may be 2 % apart and the CLIP score 1 %, by v6.0."""
    other = {n: p.copy() for n, p in pictures.items()}
    other[1][0, 0, 0] ^= 255
    (tmp_path / "test").mkdir()
    log_of(tmp_path / "test/mlperf_log_accuracy.json", other)
    evidence = Evidence(
        scenario="Offline",
        round=load_round("v6.0"),
        official="stable-diffusion-xl",
        benchmark=BENCHMARK,
        dataset=made.dataset,
        reference=1.0,
        measured=1.0,
        baseline=log_of(tmp_path / "whole.json", pictures),
        log_dir=tmp_path / "test",
    )
    verdict = compliance_test("TEST01").verify(evidence)
    assert verdict.accuracy is not None
    assert (verdict.accuracy.passed, verdict.accuracy_passed) == (False, True)
    fid, clip = verdict.accuracy.lines[-2:]
    assert fid.startswith("FID_SCORE over these samples: 23.500 in the accuracy run")
    assert fid.endswith("allowed 2 %")
    assert clip.startswith("CLIP_SCORE over these samples: 31.750 in the accuracy run")
    assert clip.endswith("allowed 1 %")
    text = verdict.files["accuracy/compliance_accuracy.txt"].decode()
    assert "'FID_SCORE'" in text
    assert "'CLIP_SCORE'" in text
    log_of(tmp_path / "test/mlperf_log_accuracy.json", {n: 255 - p for n, p in pictures.items()})
    assert not compliance_test("TEST01").verify(evidence).accuracy_passed


def test_the_tree_has_the_pictures_that_exist(made: Fixture, tmp_path: Path) -> None:
    """v6.0 wants ten pictures. A set of four has none of them: that is declared, forgiven, and nothing else is."""
    loadgens.fetch(load_round("v6.0"))
    request = replace(
        plain_request(made, tmp_path / "tree"),
        benchmark="stable-diffusion-xl",
        backend=None,
        scenario="Offline",
        round_name="v6.0",
        division="closed",
        mode="accuracy",
        target_qps=5.0,
    )
    outcome = service.run(request, lambda text: None)
    images = outcome.written.results / "accuracy/images"
    assert sorted(p.name for p in images.iterdir()) == ["0.png", "captions.txt"]
    record = json.loads(outcome.written.record.read_text())
    assert list(documents.violations("run-record", record)) == []
    assert set(record["accuracy"]["files"]) == {"statistics", "inception", "clip"}
    report = check(tmp_path / "tree", round_name="v6.0", rehearsal=True)
    found = [f for f in report.findings if f.rule == "structure/extra-accuracy-files"]
    assert [f.forgiven for f in found] == [True]
    assert not [f for f in report.findings if f.rule.startswith("accuracy/") and not f.forgiven]

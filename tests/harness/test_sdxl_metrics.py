"""FID, Inception and CLIP score on arrays small enough to reckon by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.fixtures import sdxl_scoring
from harness.metrics import clip_score, fid, inception
from schemas.errors import UserError

torch = pytest.importorskip("torch", reason="the extra torch is not installed")


def features(spread: float, mean: float) -> Any:
    """Two directions, each with the variance 2 spread² / 3 at four points."""
    cross = np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]])
    return spread * cross + mean


@pytest.mark.parametrize(
    ("mean", "variances", "wanted"),
    [
        # Variance of each direction: 2/3 of the square of the spread, which is 3: 6. The root of 6 x 6 is 6.
        ((0, 0), (6, 6), 0),
        ((3, 4), (6, 6), 25),
        # 6 + 6 + 24 + 6 - 2 (12 + 6)
        ((0, 0), (24, 6), 6),
        ((1, 0), (0, 0), 1 + 12),
    ],
)
def test_distance_by_hand(mean: tuple[int, int], variances: tuple[int, int], wanted: float) -> None:
    other = np.array(mean, dtype=float)
    assert fid.distance(features(3, 0), other, np.diag(variances).astype(float)) == pytest.approx(
        wanted, abs=1e-9
    )


def test_distance_is_that_of_the_root_of_the_product() -> None:
    """As the reference reckons it, by the root of a matrix that is not symmetric."""
    linalg = pytest.importorskip("scipy.linalg")
    rng = np.random.default_rng(5)
    ours, theirs = rng.normal(size=(40, 6)), rng.normal(size=(50, 6)) @ rng.normal(size=(6, 6)) + 1
    mean, covariance = theirs.mean(axis=0), np.cov(theirs, rowvar=False)
    own = np.cov(ours, rowvar=False)
    apart = ours.mean(axis=0) - mean
    root = linalg.sqrtm(own @ covariance).real
    wanted = apart @ apart + np.trace(own + covariance - 2 * root)
    assert fid.distance(ours, mean, covariance) == pytest.approx(float(wanted), rel=1e-10)


def test_fewer_pictures_than_features() -> None:
    """Three pictures, a hundred features: the product has no root that sqrtm finds, and the distance is known."""
    rng = np.random.default_rng(6)
    ours = rng.normal(size=(3, 100))
    spread = float(np.trace(np.cov(ours, rowvar=False)))
    mean = ours.mean(axis=0) + np.eye(100)[7]
    assert fid.distance(ours, mean, 4 * np.cov(ours, rowvar=False)) == pytest.approx(1 + spread, rel=1e-10)
    assert fid.distance(ours[:1], ours[0], np.zeros((100, 100))) == 0


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (b"", "holds no statistics"),
        (b"PK\x03\x04 and no more", "holds no statistics"),
        ({"mu": np.zeros(3)}, r"holds no statistics.*sigma"),
        ({"mu": np.zeros(3), "sigma": np.zeros((2, 2))}, r"mu \[3\] and sigma \[2, 2\]"),
        ({"mu": np.zeros(1), "sigma": np.full((1, 1), np.nan)}, "not finite"),
    ],
)
def test_statistics_that_are_none(wrong: Any, message: str, tmp_path: Path) -> None:
    path = tmp_path / "val2014.npz"
    if isinstance(wrong, bytes):
        path.write_bytes(wrong)
    else:
        np.savez(path, **wrong)
    with pytest.raises(UserError, match=message):
        fid.read_statistics(path)


def test_inception_has_the_size_of_the_real_one() -> None:
    """21 785 568 weights without the classifier, as torchvision's Inception-v3 has, in 94 convolutions."""
    total, names = 0, []
    wide: dict[str, int] = {}
    for name, (channels, high, across) in sdxl_scoring.layers():
        names.append(name)
        wide[name] = channels
        total += channels * inputs_of(name, wide) * high * across + 2 * channels
    assert (len(names), total) == (94, 21_785_568)


def inputs_of(name: str, wide: dict[str, int]) -> int:
    """Input channels, from the paper's table of what each block gives."""
    stem = {"1a": 3, "2a": 32, "2b": 32, "3b": 64, "4a": 80}
    blocks = {"5b": 192, "5c": 256, "5d": 288, "6a": 288, "7a": 768, "7b": 1280, "7c": 2048}
    block, _, layer = name.partition(".")
    if not layer:
        return stem[block.split("_")[1]]
    number = layer.rpartition("_")[2]
    if layer.startswith("branch") and number[0].isdigit() and number not in ("1", "pool"):
        before = {"2a": "1", "2b": "1", "3a": "2", "3b": "2"}.get(number, str(int(number[0]) - 1))
        return wide[f"{block}.{layer.rpartition('_')[0]}_{before}"]
    return blocks.get(block.removeprefix("Mixed_"), 768)


def test_inception_averages_without_the_padding_and_ends_with_a_maximum() -> None:
    """A branch whose convolution does nothing: 3 x 3 ones stay ones, and the last block takes the largest."""
    bn = {"weight": 1.0, "bias": 0.0, "running_mean": 0.0, "running_var": 1.0 - inception.EPSILON}
    weights = {
        f"{block}.branch_pool.{part}": tensor
        for block in ("Mixed_5b", "Mixed_7c")
        for part, tensor in {
            "conv.weight": torch.ones(1, 1, 1, 1),
            **{f"bn.{name}": torch.full((1,), value) for name, value in bn.items()},
        }.items()
    }
    network = inception.Inception(weights)
    assert network._pooled("Mixed_5b", torch.ones(1, 1, 3, 3).double()).flatten().tolist() == pytest.approx(
        [1] * 9
    )
    ramp = torch.arange(9.0).reshape(1, 1, 3, 3).double()
    assert network._pooled("Mixed_5b", ramp)[0, 0, 0].tolist() == pytest.approx([2, 2.5, 3])
    assert network._pooled("Mixed_7c", ramp)[0, 0, 0].tolist() == pytest.approx([4, 5, 5])


def test_inception_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "inception.pth"
    sdxl_scoring.inception(path, narrower=32, seed=1)
    network = inception.read(path)
    picture = np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)
    found = network.features(picture)
    assert (found.shape, found.dtype, bool((found >= 0).all())) == ((64,), np.dtype("float64"), True)
    assert not np.allclose(found, network.features(255 - picture))


def without(name: str) -> Any:
    return lambda weights: {k: v for k, v in weights.items() if not k.startswith(name)}


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (without("Mixed_7c.branch_pool.conv"), r"lacks Mixed_7c\.branch_pool\.conv\.weight"),
        (without(""), r"lacks Conv2d_1a_3x3\.conv\.weight"),
        (
            lambda w: {**w, "Conv2d_2a_3x3.conv.weight": torch.zeros(4, 9, 3, 3)},
            "is not the Inception of FID",
        ),
        (lambda w: {**w, "Conv2d_2a_3x3.conv.weight": "text"}, "is not the Inception of FID"),
        (lambda w: [1, 2], "lacks Conv2d_1a_3x3"),
    ],
)
def test_weights_of_something_else(edit: Any, message: str, tmp_path: Path) -> None:
    path = tmp_path / "inception.pth"
    sdxl_scoring.inception(path, narrower=64, seed=1)
    torch.save(edit(torch.load(path, weights_only=True)), path)
    with pytest.raises(UserError, match=message):
        inception.read(path)


def test_weights_that_are_damaged(tmp_path: Path) -> None:
    path = tmp_path / "inception.pth"
    sdxl_scoring.inception(path, narrower=64, seed=1)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="cannot be read as weights of PyTorch"):
        inception.read(path)
    named = tmp_path / "pt_inception-2015-12-05-6726825d.pth"
    named.write_bytes(whole)
    with pytest.raises(UserError, match=r"its name says 6726825d…; fetch it again"):
        inception.read(named)


def test_weights_that_would_run_code_are_not_read(tmp_path: Path) -> None:
    import pickle

    class Evil:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "ran",))

    path = tmp_path / "inception.pth"
    path.write_bytes(pickle.dumps(Evil(), protocol=2))
    with pytest.raises(UserError, match="cannot be read as weights of PyTorch"):
        inception.read(path)
    assert not (tmp_path / "ran").exists()


def test_picture_as_clip_takes_it() -> None:
    """Black is minus mean over deviation; of a wide picture the middle is taken."""
    pytest.importorskip("PIL")
    black = clip_score.prepared(np.zeros((4, 8, 3), dtype=np.uint8), 4)
    assert (black.shape, black.dtype) == ((3, 4, 4), np.dtype("float32"))
    assert black[:, 0, 0].tolist() == pytest.approx([-1.7922626, -1.7520971, -1.4802197], abs=1e-6)
    striped = np.zeros((4, 8, 3), dtype=np.uint8)
    striped[:, 2:6] = 255
    white = clip_score.prepared(striped, 4)
    assert white[:, 1, 3].tolist() == pytest.approx([1.9303361, 2.0748837, 2.1458970], abs=1e-6)
    assert np.ptp(white, axis=(1, 2)).tolist() == [0, 0, 0]
    assert clip_score.prepared(np.full((9, 6, 3), 128, dtype=np.uint8), 3).shape == (3, 3, 3)


def test_a_folder_that_is_no_clip(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(UserError, match=r"holds no CLIP .*wants the files of openai/clip-vit-base-patch32"):
        clip_score.read(tmp_path)

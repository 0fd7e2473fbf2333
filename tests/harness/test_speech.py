"""Speech by hand: sound files, the features of RNN-T step by step, manifests, and word error rates."""

from __future__ import annotations

import json
import math
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness import audio, mel
from harness.datasets.librispeech import LibriSpeech
from harness.extras import need
from harness.metrics import wer
from schemas.errors import UserError

NAMES = ("dev-clean-wav.json",)


def write_wav(path: Path, samples: list[int], *, rate_hz: int = 16_000, channels: int = 1) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(np.array(samples, dtype="<i2").tobytes())


def entry(name: str, text: str = "a b", duration_s: float = 1.0, **more: Any) -> dict[str, Any]:
    files = [{"fname": name.replace(".wav", "-0.9.wav"), "speed": 0.9}, {"fname": name, "speed": 1}]
    return {"files": files, "original_duration": duration_s, "transcript": text, **more}


def manifest(folder: Path, entries: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / NAMES[0]).write_text(json.dumps(entries))
    return folder


def test_sound_is_a_share_of_full_scale(tmp_path: Path) -> None:
    """It is held as it is stored, in 16 bits, where it has one channel of them."""
    write_wav(tmp_path / "one.wav", [0, 16_384, -32_768])
    made = audio.read(tmp_path / "one.wav", 16_000)
    assert (made.dtype, made.tolist()) == (np.int16, [0, 16_384, -32_768])
    assert audio.floats(made).tolist() == [0.0, 0.5, -1.0]
    assert audio.floats(made).dtype == np.float32
    write_wav(tmp_path / "two.wav", [0, 16_384, -16_384, -16_384], channels=2)
    assert audio.read(tmp_path / "two.wav", 16_000).tolist() == [0.25, -0.5]


def test_flac_is_the_same_sound(tmp_path: Path) -> None:
    samples = np.array([0, 16_384, -32_768, 3], dtype=np.int16)
    need("soundfile").write(tmp_path / "one.flac", samples, 16_000)
    write_wav(tmp_path / "one.wav", samples.tolist())
    assert np.array_equal(audio.read(tmp_path / "one.flac", 16_000), audio.read(tmp_path / "one.wav", 16_000))
    deep = np.array([0, 1 << 22, -(1 << 23)], dtype=np.int32) << 8
    need("soundfile").write(tmp_path / "deep.flac", deep, 16_000, subtype="PCM_24")
    assert audio.read(tmp_path / "deep.flac", 16_000).tolist() == [0.0, 0.5, -1.0]


def test_bad_sound_is_one_sentence(tmp_path: Path) -> None:
    write_wav(tmp_path / "slow.wav", [0] * 9, rate_hz=8000)
    with pytest.raises(UserError, match=r"slow\.wav has 8000 samples a second, wanted 16000"):
        audio.read(tmp_path / "slow.wav", 16_000)
    with pytest.raises(UserError, match=r"there is no .*gone"):
        audio.read(tmp_path / "gone.wav", 16_000)
    write_wav(tmp_path / "cut.wav", [5] * 900)
    (tmp_path / "cut.wav").write_bytes((tmp_path / "cut.wav").read_bytes()[:-100])
    with pytest.raises(UserError, match=r"cut\.wav is cut off: 1700 of 1800 bytes"):
        audio.read(tmp_path / "cut.wav", 16_000)
    (tmp_path / "text.wav").write_text("no sound")
    with pytest.raises(UserError, match=r"text\.wav cannot be decoded as sound"):
        audio.read(tmp_path / "text.wav", 16_000)
    write_wav(tmp_path / "none.wav", [])
    with pytest.raises(UserError, match=r"none\.wav"):
        audio.read(tmp_path / "none.wav", 16_000)


def test_emphasis_by_hand() -> None:
    made = mel.emphasised(np.array([1.0, 1.0, 0.0, -1.0], dtype=np.float32))
    assert made.tolist() == pytest.approx([1.0, 0.03, -0.97, -1.0], rel=1e-6)


def test_window_is_hann_with_both_ends_zero() -> None:
    made = mel.hann()
    assert len(made) == 512
    assert not made[:97].any()
    assert not made[-97:].any()
    assert made[96 + 80] == pytest.approx(0.5 - 0.5 * math.cos(2 * math.pi * 80 / 319), rel=1e-6)


def test_power_of_one_impulse() -> None:
    """An impulse has the same power at every frequency: the square of the window where it lies."""
    sound = np.zeros(1600, dtype=np.float32)
    sound[800] = 1.0
    made = mel.power_spectrum(sound)
    assert made.shape == (257, 11)
    for frame, place in ((4, 256 + 160), (5, 256), (6, 256 - 160)):
        assert made[:, frame] == pytest.approx(np.full(257, mel.hann()[place] ** 2), rel=1e-4, abs=1e-9)
    assert not made[:, :4].any()
    assert not made[:, 7:].any()


def test_power_at_the_ends_is_that_of_the_mirrored_sound() -> None:
    sound = np.arange(600, dtype=np.float32)
    around = np.concatenate((sound[256:0:-1], sound[:256]))
    wanted = np.abs(np.fft.rfft(around * mel.hann())) ** 2
    assert mel.power_spectrum(sound)[:, 0] == pytest.approx(wanted, rel=1e-3)


def test_mel_scale_by_hand() -> None:
    assert mel.mel_of(500.0) == pytest.approx(7.5)
    assert mel.mel_of(1000.0) == 15.0
    assert mel.mel_of(6400.0) == pytest.approx(42.0)
    for frequency_hz in (0.0, 321.0, 999.0, 1001.0, 8000.0):
        assert mel.hz_of(mel.mel_of(frequency_hz)) == pytest.approx(frequency_hz)


def test_filters_by_hand() -> None:
    """Three filters over 9 frequencies of 250 Hz: five edges, equally spaced in mels from 0 to 2000 Hz."""
    top = 15 + math.log(2) / (math.log(6.4) / 27)
    edges = [0.0, top / 4 * 200 / 3, top / 2 * 200 / 3, 0.0, 2000.0]
    edges[3] = 1000 * math.exp((top * 3 / 4 - 15) * math.log(6.4) / 27) if top * 3 / 4 > 15 else top * 50
    made = mel.slaney_filters(3, 16, 4000)
    assert made.shape == (3, 9)
    for row, (left, middle, right) in enumerate(zip(edges, edges[1:], edges[2:], strict=False)):
        for column in range(9):
            f = 250.0 * column
            high = max(0.0, min((f - left) / (middle - left), (right - f) / (right - middle)))
            assert made[row, column] == pytest.approx(high * 2 / (right - left), rel=1e-5)


def test_filters_are_those_of_another_implementation() -> None:
    utils = need("transformers.audio_utils")
    wanted = utils.mel_filter_bank(257, 80, 0.0, 8000.0, 16_000, norm="slaney", mel_scale="slaney").T
    assert mel.slaney_filters(80, 512, 16_000) == pytest.approx(wanted, rel=1e-4, abs=1e-9)


def test_power_is_that_of_another_implementation() -> None:
    torch = need("torch")
    sound = np.random.default_rng(1).standard_normal(4000).astype(np.float32)
    window = torch.hann_window(320, periodic=False)
    found = torch.stft(torch.from_numpy(sound), 512, 160, 320, window, center=True, return_complex=True)
    assert mel.power_spectrum(sound) == pytest.approx(found.abs().pow(2).numpy(), rel=1e-3, abs=1e-4)


def test_splicing_by_hand() -> None:
    frames = np.array([[1, 2, 3, 4, 5], [6, 7, 8, 9, 10]], dtype=np.float32)
    assert mel.spliced(frames).tolist() == [[1, 4], [6, 9], [2, 5], [7, 10], [3, 0], [8, 0]]


def test_normalising_by_hand() -> None:
    """Mean 2 and deviation 1 (over n - 1) of the first three; what comes after them is left out."""
    made = mel.normalised(np.array([[1, 2, 3, 99], [5, 5, 5, 7]], dtype=np.float32), 3)
    assert made.tolist() == [pytest.approx([-1 / 1.00001, 0, 1 / 1.00001]), [0, 0, 0]]


def test_features_of_a_recording() -> None:
    """16 001 samples: 101 hops begun, 34 vectors. Silence is the same in all of them: 0 when normalised."""
    sound = np.zeros(16_001, dtype=np.float32)
    assert mel.vectors(len(sound)) == 34
    made = mel.rnnt_features(sound)
    assert (made.shape, made.dtype) == ((34, 240), np.float32)
    assert np.abs(made[:, :80]).max() < 0.5, "a spread of rounding only, divided by 1e-5"
    sound[8000:] = np.sin(np.arange(8001) * 2 * np.pi * 1000 / 16_000)
    loud = mel.rnnt_features(sound)
    nearest = min(range(80), key=lambda n: abs(mel.hz_of(mel.mel_of(8000) * (n + 1) / 81) - 1000))
    assert loud[20:, nearest].min() > loud[:15, nearest].max()
    with pytest.raises(UserError, match="a recording has 480 samples; wanted 481"):
        mel.rnnt_features(np.zeros(480, dtype=np.float32))


def test_manifest(tmp_path: Path) -> None:
    """Speed 1 is taken, long recordings are not, and a path of another machine is found by its last two names."""
    names = ["dev/1/one.wav", "dev/1/long.wav", "/data/repack/two.wav"]
    folder = manifest(
        tmp_path / "data", [entry(names[0], "ONE"), entry(names[1], "no", 15.001), entry(names[2], "two", 15)]
    )
    write_wav(folder / "dev/1/one.wav", [1, 2])
    write_wav(folder / "repack/two.wav", [-32_768])
    data = LibriSpeech(folder, NAMES, 15.0)
    assert len(data) == 2
    assert data.files() == [folder / "dev/1/one.wav", folder / "repack/two.wav"]
    assert audio.floats(data.load(1)).tolist() == [-1.0]
    assert data.transcripts(wer.plain) == ("one", "two")


@pytest.mark.parametrize(
    ("entries", "wrong"),
    [
        ([], "is no manifest of recordings .*empty one"),
        ({"files": []}, "is no manifest of recordings"),
        ([entry("a.wav", duration_s=16.0)], "has no recording of at most 15 s"),
        ([entry("a.wav"), entry("b.wav")], "2 of the 2 recordings .* are missing, the first is .*a.wav"),
        ([{"files": [], "original_duration": 1.0, "transcript": "a"}], "no file of speed 1"),
        ([{"original_duration": 1.0, "transcript": "a"}], "KeyError: 'files'"),
        ([entry("a.wav", transcript=None)], "or no transcript"),
        ([7], "is no manifest of recordings"),
    ],
)
def test_bad_manifest_is_one_sentence(tmp_path: Path, entries: object, wrong: str) -> None:
    with pytest.raises(UserError, match=wrong):
        LibriSpeech(manifest(tmp_path, entries), NAMES, 15.0)


def test_no_manifest_or_half_a_one(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"has no dev-clean-wav\.json: --dataset wants a folder"):
        LibriSpeech(tmp_path, NAMES, 15.0)
    (manifest(tmp_path, [entry("a.wav")]) / NAMES[0]).write_text('[{"files": [')
    with pytest.raises(UserError, match="is no manifest of recordings"):
        LibriSpeech(tmp_path, NAMES, 15.0)


@pytest.mark.parametrize(
    ("transcript", "wanted"),
    [
        ("MISTER QUILTER'S  manner ", "mister quilter's manner"),
        ("well-known; (old) friend!", "well known old friend"),
        ("salt & pepper+oil", "salt and pepper plus oil"),
        ("Mr. and Mrs. Rev. St. John, co", "mister and misess reverend saint john co"),
    ],
)
def test_transcripts_as_the_reference_has_them(transcript: str, wanted: str) -> None:
    assert wer.plain(transcript) == wanted


@pytest.mark.parametrize("transcript", ["at 8 pm", "café"])
def test_transcripts_that_librispeech_has_not(transcript: str) -> None:
    with pytest.raises(ValueError, match="has digits or letters outside a to z"):
        wer.plain(transcript)


@pytest.mark.parametrize(
    ("mine", "right", "wanted"),
    [
        ("a b c", "a b c", 0),
        ("a x c", "a b c", 1),
        ("a c", "a b c", 1),
        ("a b b c", "a b c", 1),
        ("", "a b c", 3),
        ("a b", "", 2),
        ("b c d", "a b c", 2),
    ],
)
def test_errors(mine: str, right: str, wanted: int) -> None:
    assert wer.errors(mine.split(), right.split()) == wanted


@pytest.mark.parametrize(
    ("mine", "right", "wanted"),
    [
        ("everyone came", "every one came", 0),
        ("every one came", "everyone came", 0),
        ("now a days", "nowadays", 0),
        ("n o w a", "nowa", 4),  # four words are too many
        ("x everyone", "every one", 2),  # side by side: x is laid against every, everyone against one
        ("everyone left", "every one came", 1),
    ],
)
def test_errors_but_joined(mine: str, right: str, wanted: int) -> None:
    assert wer.errors_but_joined(mine.split(), right.split()) == wanted


def test_rate_and_line() -> None:
    wrong, total = wer.rate([("a b", "a c"), ("x y", "xy z")], wer.errors_but_joined)
    assert (wrong, total) == (2, 4)
    wrong, total = wer.rate([("a b", "a c"), ("b", "b c")])
    assert (wrong, total) == (2, 4)
    assert wer.line(2, 4) == (50.0, "Word Error Rate: 50.0%, accuracy=50.0%")
    assert wer.line(0, 0)[0] == 0.0

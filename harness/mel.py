"""Log mel features of speech, as the reference implementation of RNN-T makes them.

Each step is a function of its own, in the order in which ``rnnt_features`` takes them. Definitions: the feature
extraction of the RNN-T reference (80 filters, window 20 ms, hop 10 ms, three frames side by side, each feature
normalised over its recording); the filters are Slaney's (Auditory Toolbox, 1998), linear up to 1000 Hz, logarithmic
above, each with an area of 1.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

from schemas.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

RATE_HZ = 16_000
FILTERS = 80
SPLICED = 3
"""Frames that stand side by side in one feature vector."""
FEATURES = FILTERS * SPLICED
WINDOW, HOP, POINTS = 320, 160, 512
"""Samples of a window (20 ms), between two windows (10 ms), and of a transform."""
EMPHASIS = 0.97
DITHER = 1e-5
SMALLEST = 1e-20
"""Added before the logarithm."""
SPREAD = 1e-5
"""Added to a standard deviation before it divides."""
LEAST_SAMPLES = HOP * SPLICED + 1
"""Below, there is one vector only, and no deviation to divide by."""

_LINEAR_HZ = 200.0 / 3.0
_BREAK_HZ, _BREAK_MEL = 1000.0, 15.0
_LOG_STEP = math.log(6.4) / 27.0


def rnnt_features(sound: Floats) -> Floats:
    """A recording float32 [samples] at 16 kHz to float32 [vectors, 240]; ``UserError`` for one of 30 ms or less."""
    import numpy as np

    if len(sound) < LEAST_SAMPLES:
        raise UserError(
            f"a recording has {len(sound)} samples; wanted {LEAST_SAMPLES} and more (30 ms of speech)"
        )
    power = power_spectrum(emphasised(sound)) + np.float32(DITHER**2)
    mels = np.log(slaney_filters(FILTERS, POINTS, RATE_HZ) @ power + np.float32(SMALLEST))
    return np.ascontiguousarray(normalised(spliced(mels), vectors(len(sound))).T)


def vectors(samples: int) -> int:
    """How many feature vectors a recording has: one per three hops, begun ones included."""
    return math.ceil(samples / (HOP * SPLICED))


def emphasised(sound: Floats) -> Floats:
    """Each sample less 0.97 of the one before it; the first as it is."""
    import numpy as np

    return np.concatenate((sound[:1], sound[1:] - np.float32(EMPHASIS) * sound[:-1]))


def power_spectrum(sound: Floats) -> Floats:
    """Float32 [257, 1 + samples // 160]: the squared transform around every 160th sample.

    The recording is mirrored at both ends; the window (Hann, both ends zero) stands in the middle of 512 samples.
    """
    import numpy as np

    mirrored = np.pad(sound, POINTS // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(mirrored, POINTS)[::HOP]
    found = np.fft.rfft(frames * hann(), axis=-1)
    return np.ascontiguousarray((found.real**2 + found.imag**2).T.astype(np.float32))


@cache
def hann() -> Floats:
    """The window of 320 samples, with zeros to 512."""
    import numpy as np

    side = (POINTS - WINDOW) // 2
    return np.pad(np.hanning(WINDOW), side).astype(np.float32)


def spliced(mels: Floats) -> Floats:
    """[80, frames] to [240, every third frame]: a frame above the two that follow it, zeros after the end."""
    import numpy as np

    rows = [np.pad(mels[:, n:], ((0, 0), (0, n))) for n in range(SPLICED)]
    return np.concatenate(rows)[:, ::SPLICED]


def normalised(features: Floats, count: int) -> Floats:
    """The first ``count`` vectors [features, count]: each feature less its mean, by its deviation (over count - 1)."""
    import numpy as np

    kept = features[:, :count]
    mean = kept.mean(axis=1, keepdims=True, dtype=np.float32)
    deviation = kept.std(axis=1, keepdims=True, ddof=1, dtype=np.float32) + np.float32(SPREAD)
    made: Floats = (kept - mean) / deviation
    return made


@cache
def slaney_filters(filters: int, points: int, rate_hz: int) -> Floats:
    """Float32 [filters, points // 2 + 1]: triangles between equally spaced mels from 0 Hz to half the rate."""
    import numpy as np

    top = mel_of(rate_hz / 2)
    edges = np.array([hz_of(top * n / (filters + 1)) for n in range(filters + 2)])
    frequencies = np.fft.rfftfreq(points, 1.0 / rate_hz)
    left, middle, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising = (frequencies - left) / (middle - left)
    falling = (right - frequencies) / (right - middle)
    triangles = np.maximum(0.0, np.minimum(rising, falling)).astype(np.float32)
    made: Floats = (triangles * (2.0 / (right - left))).astype(np.float32)
    return made


def mel_of(frequency_hz: float) -> float:
    """Slaney's mel scale."""
    if frequency_hz < _BREAK_HZ:
        return frequency_hz / _LINEAR_HZ
    return _BREAK_MEL + math.log(frequency_hz / _BREAK_HZ) / _LOG_STEP


def hz_of(mel: float) -> float:
    """The inverse of ``mel_of``."""
    return mel * _LINEAR_HZ if mel < _BREAK_MEL else _BREAK_HZ * math.exp(_LOG_STEP * (mel - _BREAK_MEL))

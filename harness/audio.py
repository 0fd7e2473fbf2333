"""Sound files as arrays: WAV of 16-bit whole numbers by the standard library, FLAC and the rest by soundfile."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import TYPE_CHECKING

from harness.extras import need
from schemas.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SCALE = 1.0 / 32768.0
"""What one step of a 16-bit sample is worth: full scale is 1."""


def read(path: Path, rate_hz: int) -> NDArray[np.float32]:
    """A recording as float32 [samples] from -1 to 1, channels averaged; ``UserError`` for another rate or form."""
    found = _wav(path)
    samples, rate = _other(path) if found is None else found
    if rate != rate_hz:
        raise UserError(f"{path} has {rate} samples a second, wanted {rate_hz}; convert it")
    if samples.ndim == 2:
        samples = samples.mean(axis=1, dtype="float32")
    return samples


def _wav(path: Path) -> tuple[NDArray[np.float32], int] | None:
    """Samples [n] or [n,channels] and rate; None when it is no WAV of 16-bit whole numbers."""
    import numpy as np

    try:
        with wave.open(str(path), "rb") as file:
            channels, width, rate, count = file.getparams()[:4]
            if width != 2:
                return None
            data = file.readframes(count)
    except FileNotFoundError:
        raise UserError(f"there is no {path}; copy it there") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror or error}); copy it again") from error
    except (wave.Error, EOFError):
        return None
    if len(data) != count * channels * width or not data:
        raise UserError(
            f"{path} is cut off: {len(data)} of {count * channels * width} bytes of sound; copy it again"
        )
    samples = np.frombuffer(data, dtype="<i2").astype(np.float32) * np.float32(SCALE)
    return (samples if channels == 1 else samples.reshape(-1, channels)), rate


def _other(path: Path) -> tuple[NDArray[np.float32], int]:
    soundfile = need("soundfile")
    try:
        samples, rate = soundfile.read(str(path), dtype="float32")
    except Exception as error:
        raise UserError(f"{path} cannot be decoded as sound ({error}); copy it again") from error
    if not len(samples):
        raise UserError(f"{path} holds no sound; copy it again")
    return samples, int(rate)

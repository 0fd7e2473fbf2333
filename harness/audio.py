"""Sound files as arrays: WAV of 16-bit whole numbers by the standard library, FLAC and the rest by soundfile."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.extras import need
from schemas.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Sound = NDArray[np.int16] | NDArray[np.float32]

SCALE = 1.0 / 32768.0
"""What one step of a 16-bit sample is worth: full scale is 1."""


def read(path: Path, rate_hz: int) -> Sound:
    """A recording [samples]: int16 as it is stored where it has one channel of 16 bits, else float32 from -1 to 1.

    Half a minute of 16-bit sound takes half the memory of floats, and a data set is held as a whole. Channels are
    averaged. ``UserError`` for another rate or form.
    """
    found = _wav(path)
    samples, rate = _other(path) if found is None else found
    if rate != rate_hz:
        raise UserError(f"{path} has {rate} samples a second, wanted {rate_hz}; convert it")
    return floats(samples).mean(axis=1, dtype="float32") if samples.ndim == 2 else samples


def floats(sound: Sound) -> NDArray[np.float32]:
    """Sound as float32 from -1 to 1, without a loss."""
    import numpy as np

    if sound.dtype == np.float32:
        return sound  # type: ignore[return-value]  # mypy does not know it by its dtype
    return sound.astype(np.float32) * np.float32(SCALE)


def _wav(path: Path) -> tuple[Sound, int] | None:
    """Samples [n] or [n,channels] and rate; None when it is no WAV of 16-bit whole numbers."""
    import wave

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
    samples = np.frombuffer(data, dtype="<i2")
    return (samples if channels == 1 else samples.reshape(-1, channels)), rate


def _other(path: Path) -> tuple[Sound, int]:
    soundfile = need("soundfile")
    try:
        with soundfile.SoundFile(str(path)) as file:
            samples = file.read(dtype="int16" if file.subtype == "PCM_16" else "float32")
            rate = int(file.samplerate)
    except Exception as error:
        raise UserError(f"{path} cannot be decoded as sound ({error}); copy it again") from error
    if not len(samples):
        raise UserError(f"{path} holds no sound; copy it again")
    return samples, rate

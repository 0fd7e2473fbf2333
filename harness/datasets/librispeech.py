"""LibriSpeech with a manifest: a JSON list of recordings with their transcripts, and the sound files beside it.

The form of the reference implementations of RNN-T and Whisper: each entry has ``files`` (the one of ``speed`` 1 is
taken; ``fname`` is relative to the folder), ``original_duration`` in seconds and ``transcript``. Longer recordings
than the benchmark takes are left out, as its definition says; a sample's index is its place among the rest.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import audio
from harness.datasets import missing
from schemas.errors import UserError

RATE_HZ = 16_000


@dataclass(frozen=True, slots=True)
class Recording:
    """One entry of the manifest: where its sound lies, how long it is, and what is said in it."""

    path: Path
    duration_s: float
    transcript: str


class LibriSpeech:
    """The data set; sound is read when it is loaded."""

    def __init__(self, folder: Path, manifests: Sequence[str], longest_s: float) -> None:
        """``manifests``: names of which the first that is there counts.

        ``UserError`` names what is missing or wrong.
        """
        path = _manifest(folder, manifests)
        entries = [r for r in recordings(path, folder) if r.duration_s <= longest_s]
        if not entries:
            raise UserError(f"{path} has no recording of at most {longest_s:g} s; give the whole data set")
        lost = [r.path for r in entries if not r.path.is_file()]
        missing.refuse(lost, f"of the {len(entries)} recordings of {path}", "a recording")
        self.recordings = tuple(entries)

    def __len__(self) -> int:
        """Number of recordings that are not too long."""
        return len(self.recordings)

    def files(self) -> list[Path]:
        """The sound files in the order of the manifest."""
        return [r.path for r in self.recordings]

    def load(self, index: int) -> audio.Sound:
        """One recording at 16 kHz, [samples] as ``harness.audio`` reads it: 16-bit sound stays 16-bit sound."""
        return audio.read(self.recordings[index].path, RATE_HZ)

    def transcripts(self, normal: Callable[[str], str]) -> tuple[str, ...]:
        """What is said in each recording, as ``normal`` makes it; ``UserError`` where it refuses a text."""
        texts = []
        for recording in self.recordings:
            try:
                texts.append(normal(recording.transcript))
            except ValueError as error:
                raise UserError(
                    f"the transcript of {recording.path.name} {error}; LibriSpeech has none like it: copy the "
                    "manifest again"
                ) from error
        return tuple(texts)


def _manifest(folder: Path, names: Sequence[str]) -> Path:
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise UserError(
        f"{folder} has no {' or '.join(names)}: --dataset wants a folder with that manifest and the recordings it names"
    )


def recordings(path: Path, folder: Path) -> list[Recording]:
    """Every entry of a manifest; ``UserError`` when it is empty or not of the form."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(document, list) or not document:
            raise ValueError("it is no list of recordings, or an empty one")
        return [_recording(entry, folder) for entry in document]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, StopIteration) as error:
        raise UserError(
            f"{path} is no manifest of recordings ({type(error).__name__}: {error}); copy it again"
        ) from error


def _recording(entry: Any, folder: Path) -> Recording:
    try:
        names = [str(file["fname"]) for file in entry["files"] if float(file.get("speed", 1)) == 1.0]
    except TypeError:
        raise ValueError("an entry has no files") from None
    if not names or not isinstance(entry["transcript"], str):
        raise ValueError("an entry has no file of speed 1, or no transcript")
    return Recording(_place(folder, names[0]), float(entry["original_duration"]), entry["transcript"])


def _place(folder: Path, name: str) -> Path:
    """Where a file lies: below the folder as named, or under its last two names.

    The tool that makes Whisper's recordings writes the path as it was on the machine that ran it.
    """
    parts = Path(name).parts
    short = folder.joinpath(*[p for p in parts if p not in ("/", "..")][-2:])
    inside = not Path(name).is_absolute() and ".." not in parts
    return folder / name if inside and ((folder / name).is_file() or not short.is_file()) else short

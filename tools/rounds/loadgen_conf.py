"""Print the settings that a LoadGen package applies to every run, as the ``conf`` of a round's supplement.

    python tools/rounds/loadgen_conf.py mlcommons_loadgen-6.0.17-….whl

LoadGen has its ``mlperf.conf`` compiled in as one text (4.1 and later), which is found by a key that every
version has. Order is kept; percentages and latencies stay as they are written, whole numbers as integers.
"""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path

MARK = b"resnet50.*.performance_sample_count_override"


def conf(library: bytes) -> dict[str, int | float]:
    """Keys and values of the text in an extension module; ValueError when there is none."""
    at = library.find(MARK)
    if at < 0:
        raise ValueError("no mlperf.conf is compiled into this library")
    text = library[library.rfind(b"\0", 0, at) + 1 : library.find(b"\0", at)].decode("ascii")
    rows = (line.split("#", 1)[0].partition("=") for line in text.splitlines())
    return {key.strip(): _number(value.strip()) for key, mark, value in rows if mark}


def _number(text: str) -> int | float:
    return float(text) if "." in text else int(text)


def of_wheel(path: Path) -> dict[str, int | float]:
    """The settings in a wheel; ValueError when it holds no LoadGen."""
    with zipfile.ZipFile(path) as wheel:
        names = [
            n for n in wheel.namelist() if n.startswith("mlperf_loadgen") and n.endswith((".so", ".pyd"))
        ]
        if len(names) != 1:
            raise ValueError(f"{path.name} holds {len(names)} LoadGen modules, wanted 1")
        return conf(wheel.read(names[0]))


if __name__ == "__main__":
    print(json.dumps(of_wheel(Path(sys.argv[1])), indent=1))

"""Published power runs as readings of ours: what PTDaemon wrote, with the ranges that it was told to take.

Signs of PTDaemon in a log: -1 is no reading; x below -3 is the reading -(3 + x) whose peaks it held to be clipped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from powerd.model import Quality, Reading, Stamps, Values
from schemas.loadgen import LoadgenLog
from schemas.metrology import Specification, series
from schemas.powerlog import PowerLine, read_spl

S = 1_000_000_000


@dataclass(frozen=True)
class Published:
    """One testing run: its samples with the end of the interval in UTC, and LoadGen's begin of the run."""

    folder: Path
    begin_unix_ns: int
    readings: list[Reading]
    specification: Specification
    bad: int


def published(corpus: Path) -> Iterator[Published]:
    """Every power run of the corpus once (inferred scenarios repeat their files)."""
    seen: set[bytes] = set()
    for log in sorted(corpus.rglob("run_1/spl.txt")):
        content = log.read_bytes()
        if content not in seen and (log.parent.parent / "power/server.json").exists():
            seen.add(content)
            yield _read(log)


def _read(log: Path) -> Published:
    power = log.parent.parent / "power"
    model = re.search(r"YOKOGAWA,(WT3\w+),", (power / "ptd_logs.txt").read_text(errors="replace"))
    name = model[1] if model is not None else "WT310"  # a WT210 has the ranges of a WT310
    specification = series("yokogawa-wt300").get(name) or series("yokogawa-wt300")["WT310E"]
    volts, amperes = _ranges(power / "server.json", specification)
    lines = [line for line in read_spl(log) if isinstance(line, PowerLine)]
    readings = [_reading(i, line, volts, amperes) for i, line in enumerate(lines, 1)]
    windows = LoadgenLog.read(log.parent / "mlperf_log_detail.txt").power_windows
    begin = next((w.begin_ns for w in windows), None)
    return Published(
        log.parent, int(begin or lines[0].at), readings, specification, sum(not x.plain for x in lines)
    )


def _ranges(session: Path, specification: Specification) -> tuple[float, float]:
    commands = [m["cmd"] for m in json.loads(session.read_text())["ptd_messages"]]
    testing = next(i for i, x in enumerate(commands) if x.startswith("Go,") and x.endswith("testing"))
    asked = {
        x.split(",")[1]: float(x.split(",")[2])
        for x in commands[:testing]
        if re.match(r"SR,[AV],[0-9.]+$", x)
    }
    volts = specification.range_for(asked.get("V", 300.0), specification.voltage_ranges_v)
    return volts, specification.range_for(asked.get("A", 20.0), specification.current_ranges_a)


def _reading(number: int, line: PowerLine, volts: float, amperes: float) -> Reading:
    flagged = line.power_w < -3 or line.current_a < -3
    quality = Quality.OVERRANGE if flagged else Quality.GOOD if line.plain else Quality.NODATA
    good = quality is Quality.GOOD
    values = Values(
        channel="1",
        power_w=line.power_w if good else None,
        voltage_v=line.voltage_v,
        current_a=line.current_a if good else None,
        power_factor=line.power_factor if good else None,
        frequency_hz=None,
        voltage_range_v=volts,
        current_range_a=amperes,
        crest_factor=3,
        quality=quality,
    )
    at = int(line.at)
    return Reading("wall", number, "published", Stamps(at, at, at), at, 0, S, values, False)

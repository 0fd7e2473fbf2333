"""A closed window, watched again: from its export (``json``) or its evidence bundle, at its own pace or faster."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from powerd.clock import ClockFix, ClockModel, Instant
from powerd.dashboard.snapshot import Snapshot, take
from powerd.model import Quality, Reading, Stamps, Values
from powerd.running import RunningSum
from powerd.views import sample as shown
from schemas import bundle
from schemas.combine import summed
from schemas.documents import violations
from schemas.errors import UserError
from schemas.units import NS_PER_S, exact
from schemas.witness import record_reading

LONGEST_BYTES = 2 << 30
"""A larger file is no window of a month."""
_VALUES = ("channel", "power_w", "voltage_v", "current_a", "power_factor", "frequency_hz", "voltage_range_v",
           "current_range_a", "crest_factor")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Recording:
    """A window's document and its readings, whose ``end_ns`` is UTC, in order."""

    source: str
    window: Mapping[str, Any]
    readings: Sequence[Reading]

    @property
    def begin_ns(self) -> int:
        """UTC of its begin."""
        return int(self.window["begin_unix_ns"])

    @property
    def end_ns(self) -> int:
        """UTC of its end, or of its last reading where that is later."""
        return max(int(self.window["end_unix_ns"]), self.readings[-1].end_ns if self.readings else 0)


def load(path: Path) -> Recording:
    """``UserError`` for a file that is neither."""
    try:
        if path.stat().st_size > LONGEST_BYTES:
            raise UserError(f"{path} is larger than any window, wanted an export or a bundle of one")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}; name an export of a window") from error
    except UnicodeDecodeError:
        raise _neither(path) from None
    try:
        if text.startswith('{"member"'):
            return _bundle(path, text)
        return _export(path, json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        raise _neither(path) from None


def _neither(path: Path) -> UserError:
    return UserError(
        f"{path} is no window, wanted what `powerd export ID --format json` or `--format bundle` wrote"
    )


def _export(path: Path, document: Any) -> Recording:
    if any(True for _ in violations("export", document)):
        raise ValueError("no export")
    window = document["window"]
    only = str(window["meter"]).partition("/")[0]
    return _recording(path, window, [_reading(row, only) for row in document["samples"]])


def _reading(row: Mapping[str, Any], only: str) -> Reading:
    """A sample of an export; windows of several meters have the meter before the channel."""
    meter, slash, channel = str(row["channel"]).rpartition("/")
    values = Values(**{k: row[k] for k in _VALUES}, quality=Quality(row["quality"]))
    end = int(row["unix_ns"])
    return Reading(
        meter if slash else only, int(row["sequence"]), "", Stamps(end, end, end), end, 0, int(row["interval_ns"]),
        replace(values, channel=channel), False, b"",
    )  # fmt: skip


def _bundle(path: Path, text: str) -> Recording:
    """Its records as they stand; whether nobody changed them is asked of ``mlcheck verify``."""
    found: dict[str, list[Any]] = {}
    for line in text.splitlines():
        record = json.loads(line)
        found.setdefault(record["member"], []).append(record["data"])
    if found["header"][0]["schema"] != bundle.SCHEMA:
        raise ValueError("no bundle of ours")
    fixes: dict[str, list[tuple[int, ClockFix]]] = {}
    for data in found["fix"]:
        row = dict(data)
        ident = row.pop("id")
        fixes.setdefault(row["boot_id"], []).append((ident, ClockFix(**row)))
    models = {boot: ClockModel.from_fixes(rows) for boot, rows in fixes.items()}
    readings = []
    for data in found.get("reading", []):
        reading = record_reading(data).reading
        end = models[reading.boot_id].to_remote(reading.end_ns).ns
        readings.append(replace(reading, end_ns=end))
    return _recording(path, found["window"][-1], readings)


def _recording(path: Path, window: Mapping[str, Any], readings: list[Reading]) -> Recording:
    """Only what belongs to the window, with one usual interval around."""
    begin, end = int(window["begin_unix_ns"]), int(window["end_unix_ns"])
    usual = min((r.interval_ns for r in readings), default=NS_PER_S)
    inside = [r for r in readings if begin - usual <= r.end_ns <= end + usual]
    return Recording(str(path), window, sorted(inside, key=lambda r: (r.end_ns, r.meter, r.values.channel)))


class Player:
    """Goes through a recording; time only runs forward."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._next = 0
        self._latest: dict[tuple[str, str], Reading] = {}
        self._counts: dict[str, list[int]] = {}
        self._running = RunningSum(recording.begin_ns, sorted(_places(recording)))
        self.at_ns = recording.begin_ns

    @property
    def ended(self) -> bool:
        """Whether everything was shown."""
        return self.at_ns >= self._recording.end_ns

    def advance(self, seconds: float, before: Snapshot | None) -> Snapshot:
        """The screen so much later."""
        self.at_ns = min(self._recording.end_ns, self.at_ns + round(seconds * NS_PER_S))
        snapshot = before
        rows = self._recording.readings
        while self._next < len(rows) and rows[self._next].end_ns <= self.at_ns:
            at = rows[self._next].end_ns
            while self._next < len(rows) and rows[self._next].end_ns == at:
                self._take(rows[self._next])
                self._next += 1
            snapshot = self._shot(at, snapshot)  # every reading is one point of the graph
        return self._shot(self.at_ns, snapshot)

    def steps(self) -> Iterator[tuple[int, Snapshot]]:
        """The screen after every reading, without waiting, and at last the end."""
        snapshot = None
        while not self.ended:
            rows = self._recording.readings
            upto = rows[self._next].end_ns if self._next < len(rows) else self._recording.end_ns
            snapshot = self.advance(max(0, upto - self.at_ns) / NS_PER_S, snapshot)
            yield self.at_ns, snapshot
            if self._next >= len(rows):
                self.at_ns = self._recording.end_ns

    def _take(self, reading: Reading) -> None:
        self._latest[reading.meter, reading.values.channel] = reading
        count = self._counts.setdefault(reading.meter, [0, 0])
        count[0] += 1
        count[1] += reading.values.quality is not Quality.GOOD
        if self._recording.begin_ns <= reading.end_ns <= int(self._recording.window["end_unix_ns"]):
            self._running.add(reading)

    def _shot(self, at_ns: int, before: Snapshot | None) -> Snapshot:
        window, end = self._recording.window, int(self._recording.window["end_unix_ns"])
        done = at_ns >= end
        health = {
            "status": "ok",
            "version": (window.get("daemon") or {}).get("version", ""),
            "clock": {"source": window["clock"]["source"], "u95_s": window["clock"]["u95_s"]},
            "problems": list(window.get("reasons") or ()) if done else [],
        }
        seconds = (at_ns - self._recording.begin_ns) / NS_PER_S
        note = f"REPLAY {exact(at_ns)[:19]}Z, {max(0.0, seconds):.0f} of {float(window['duration_s']):.0f} s"
        open_one = {k: window[k] for k in ("id", "name", "meter", "labels")} | {"state": "open"}
        so_far = self._running.so_far()
        row = dict(window) if done else open_one | {
            "opened_unix_ns": self._recording.begin_ns, **({} if so_far is None else {"so_far": asdict(so_far)})
        }  # fmt: skip
        meters = [self._meter(name) for name in sorted({m for m, _ in _places(self._recording)})]
        return take(self._recording.source, health, meters, [row], at_ns, before, note=note)

    def _meter(self, name: str) -> dict[str, Any]:
        window = self._recording.window
        own = [r for (meter, _), r in sorted(self._latest.items()) if meter == name]
        newest = max((r.sequence for r in own), default=0)
        update = [r for r in own if r.sequence == newest]
        ranges = (window.get("settings") or [{}])[-1]
        latest = shown(summed(update), Instant(update[0].end_ns, 0)) if update else None
        info = _info(window, name)
        samples, bad = self._counts.get(name, [0, 0])
        return {
            "name": name,
            "driver": info.get("driver", ""),
            "port": "a recording",
            "connected": True,
            "info": info | {"simulated": bool(window.get("simulated"))},
            "settings": {
                "interval_s": update[0].interval_ns / NS_PER_S if update else None,
                "voltage_range_v": ranges.get("voltage_range_v"),
                "current_range_a": ranges.get("current_range_a"),
            },
            "latest": latest,
            "channels": [
                {"channel": r.values.channel, "latest": {"power_w": r.values.power_w}}
                for r in own
                if len(own) > 1
            ],
            "samples": samples,
            "bad_samples": bad,
        }


def _places(recording: Recording) -> set[tuple[str, str]]:
    return {(r.meter, r.values.channel) for r in recording.readings}


def _info(window: Mapping[str, Any], meter: str) -> dict[str, Any]:
    """Who measured: of several meters by name."""
    for row in window.get("sources") or ():
        if row["meter"] == meter and row.get("meter_info"):
            return dict(row["meter_info"])
    return dict(window.get("meter_info") or {})

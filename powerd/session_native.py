"""powerd's own flow: the client is ``powerd.client``, ranges are found from the stored readings of ranging.

Ranging measures with auto-range; testing uses the next range up from the largest voltage and from 1.1 times the
largest current of ranging, and begins after three good samples on it. The files have the names and the form of
published power sessions (``schemas.power_session``), with our own greeting; no ptd message is exchanged, so none is
written.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from powerd import drivers
from powerd.boottime import boottime_ns
from powerd.clock import ClockModel
from powerd.errors import Gone, Refused
from powerd.exports.spl import spl_line
from powerd.model import MeterInfo, Quality, Reading, Settings
from powerd.session_record import NATIVE, Session, put_lines, server_file
from powerd.store import Store
from schemas import __version__
from schemas.combine import by_update, summed
from schemas.power_session import MODES, RUN_FOLDER
from schemas.units import NS_PER_S, UnixNs, format_log_time

CURRENT_MARGIN = 1.1
GOOD_BEFORE_TESTING = 3
SETTLE_S = 30.0
FILES = ("power/server.json", "power/server.log", "power/ptd_logs.txt", "ranging/spl.txt", "run_1/spl.txt")


class MeterControl:
    """What a session needs of a meter; the service gives it."""

    def __init__(
        self,
        set_range: Callable[[str, float | None, float | None], Settings],
        info: Callable[[str], MeterInfo],
        latest: Callable[[str], Reading | None],
        channels: Callable[[str], tuple[str, ...]],
    ) -> None:
        """A session's meter may name channels (``powerd.sources``); the ranges are those of the whole meter."""
        self.set_range = set_range
        self.info = info
        self.latest = latest
        self.channels = channels


class NativeFlow:
    """``powerd.session_record.Flow``."""

    name = NATIVE

    def __init__(self, store: Store, meters: MeterControl, take_fix: Callable[[], None]) -> None:
        self._store = store
        self._meters = meters
        self._take_fix = take_fix

    def start(self, session: Session, mode: str) -> str:
        """Set the ranges of the mode and wait for good samples on them."""
        voltage = current = None
        if mode == "testing":
            voltage, current = self._ranges_after_ranging(session)
        self._meters.set_range(session.meter, voltage, current)
        first_end_ns = self._await_good(session.meter, 1 if mode == "ranging" else GOOD_BEFORE_TESTING)
        session.ranges[mode] = {"voltage_v": voltage, "current_a": current}
        session.spans[mode] = [first_end_ns]
        return "OK auto" if mode == "ranging" else f"OK {voltage:g} V {current:g} A"

    def stop(self, session: Session, mode: str) -> str:
        """Wait for the last interval of the mode."""
        now = boottime_ns()
        give_up = now + 5 * NS_PER_S
        while boottime_ns() < give_up:
            latest = self._meters.latest(session.meter)
            if latest is not None and latest.end_ns >= now:
                break
            time.sleep(0.02)
        self._take_fix()
        session.spans[mode].append(boottime_ns())
        self._store.writer.flush()
        return f"OK {len(self._readings(session, mode))} samples"

    def _ranges_after_ranging(self, session: Session) -> tuple[float, float]:
        """Next range up from max V and from max A times 1.1; ``Refused`` without a ranging pass."""
        rows = (r.values for update in self._updates(session, "ranging") for r in update)
        good = [v for v in rows if v.quality is Quality.GOOD]
        volts = max((v.voltage_v for v in good if v.voltage_v is not None), default=None)
        amps = max((v.current_a for v in good if v.current_a is not None), default=None)
        if volts is None or amps is None:
            raise Refused(
                f"session {session.name} has no good sample of ranging, so the ranges are not known"
            )
        info = self._meters.info(session.meter)
        specification = drivers.find(info.driver).specification(info)
        try:
            return (
                specification.range_for(volts, specification.voltage_ranges_v),
                specification.range_for(amps * CURRENT_MARGIN, specification.current_ranges_a),
            )
        except ValueError as error:
            raise Refused(f"the load is too large for the meter: {error}") from error

    def _await_good(self, meter: str, wanted: int) -> int:
        """Wait for so many good samples in a row whose interval began after now; the end of the last of them.

        ``Gone`` when they do not come within 30 s.
        """
        since, seen, last = boottime_ns(), 0, None
        while boottime_ns() < since + int(SETTLE_S * NS_PER_S):
            latest = self._meters.latest(meter)
            if latest is not None and latest != last and latest.end_ns - latest.interval_ns >= since:
                last = latest
                seen = seen + 1 if latest.values.quality is Quality.GOOD else 0
                if seen >= wanted:
                    return latest.end_ns
            time.sleep(0.01)
        raise Gone(
            f"meter {meter} gave no {wanted} good samples in a row within {SETTLE_S:g} s: look at its range"
        )

    def _updates(self, session: Session, mode: str) -> list[tuple[Reading, ...]]:
        """The updates of a mode, each with the readings of all channels."""
        if len(session.spans[mode]) != 2:
            return []
        meter, channels = session.meter.partition("/")[0], self._meters.channels(session.meter)
        rows = [
            row.reading
            for channel in channels
            for row in self._store.readings(meter, channel, session.boot_id, *session.spans[mode])
        ]
        return by_update(rows, channels)

    def _readings(self, session: Session, mode: str) -> list[Reading]:
        """The updates of a mode, each as one reading."""
        return [summed(update) for update in self._updates(session, mode)]

    def write(self, session: Session, root: Path, windows: Mapping[str, Mapping[str, Any]]) -> list[str]:
        """The five files of the daemon's side."""
        info = self._meters.info(session.meter)
        for mode in MODES:
            put_lines(root / RUN_FOLDER[mode] / "spl.txt", self._spl(session, mode))
        put_lines(root / "power/ptd_logs.txt", self._meter_log(session, info))
        put_lines(root / "power/server.log", session.log)
        written = [p for p in FILES if p != "power/server.json"]
        file = server_file(session, root, written, info, windows)
        put_lines(root / "power/server.json", [file.to_json()])
        return list(FILES)

    def _spl(self, session: Session, mode: str) -> list[str]:
        begin, end = session.spans[mode]
        utc = ClockModel.from_fixes(self._store.fixes(session.boot_id, begin, end))
        mark = f"{session.name}_{mode}"
        updates = self._updates(session, mode)
        return [spl_line(UnixNs(utc.to_remote(u[0].end_ns).ns), u, mark) for u in updates]

    def _meter_log(self, session: Session, info: MeterInfo) -> list[str]:
        """What the daemon has to say of the measurement; the file has the name that readers look for."""
        lines = [
            f"powerd {__version__} measured this session; this is not a log of SPEC PTDaemon",
            f"meter {info.identity} by driver {info.driver}" + (", SIMULATED" if info.simulated else ""),
        ]
        for mode in MODES:
            begin, end = session.spans[mode]
            utc = ClockModel.from_fixes(self._store.fixes(session.boot_id, begin, end))
            stamps = [format_log_time(UnixNs(utc.to_remote(at).ns)) for at in (begin, end)]
            chosen = session.ranges[mode]
            words = (
                "auto"
                if chosen["voltage_v"] is None
                else f"{chosen['voltage_v']:g} V, {chosen['current_a']:g} A"
            )
            lines.append(f"{stamps[0]}: begin {session.name}_{mode}, range {words}")
            rows = self._readings(session, mode)
            bad = [r for r in rows if r.values.quality is not Quality.GOOD]
            lines += [
                f"{format_log_time(UnixNs(utc.to_remote(r.end_ns).ns))}: no good reading: {r.values.quality}"
                for r in bad
            ]
            lines.append(f"{stamps[1]}: end {session.name}_{mode}, {len(rows)} samples, {len(bad)} not good")
        return lines

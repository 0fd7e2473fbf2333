"""Ranging-and-testing sessions: fixed ranges found by an auto-range pass, and the files that powerd writes.

A session has two modes, ``ranging`` and ``testing``, each with four marks: before and after its start, before
and after its stop. Ranging measures with auto-range; testing uses the next range up from the largest voltage
and from 1.1 times the largest current of ranging, and begins after three good samples on it. The files have
the names and the form of published power sessions (``schemas.power_session``), with our own greeting; the
``edgewatt`` object in ``server.json`` says which daemon and which meter measured.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from powerd import drivers
from powerd.boottime import boottime_ns
from powerd.clock import ClockModel
from powerd.errors import Gone, NotThere, Refused
from powerd.exports.spl import spl_line
from powerd.model import MeterInfo, Quality, Reading, Settings
from powerd.store import Store
from powerd.windows import Conflict
from schemas import __version__
from schemas.power_session import (
    CLIENT_GREETING,
    MODES,
    RUN_FOLDER,
    SERVER_GREETING,
    Message,
    Phase,
    SessionFile,
    hash_file,
)
from schemas.units import NS_PER_S, UnixNs, format_log_time

CURRENT_MARGIN = 1.1
GOOD_BEFORE_TESTING = 3
SETTLE_S = 30.0
_LABEL = re.compile(r"[A-Za-z0-9_-]{0,64}\Z")
FILES = ("power/server.json", "power/server.log", "power/ptd_logs.txt", "ranging/spl.txt", "run_1/spl.txt")


@dataclass(slots=True)
class Session:
    """What is known of one session; kept as JSON in the store after every change."""

    ident: str
    name: str
    meter: str
    uuid_client: str
    uuid_server: str
    messages: list[dict[str, Any]] = field(default_factory=list)
    phases: dict[str, list[list[float]]] = field(default_factory=lambda: {m: [] for m in MODES})
    spans: dict[str, list[int]] = field(default_factory=lambda: {m: [] for m in MODES})
    ranges: dict[str, dict[str, float | None]] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    boot_id: str = ""
    finished: bool = False

    def to_document(self) -> dict[str, Any]:
        """For the store and the API."""
        return {name: getattr(self, name) for name in self.__slots__}


class MeterControl:
    """What a session needs of a meter; the service gives it."""

    def __init__(
        self,
        set_range: Callable[[str, float | None, float | None], Settings],
        info: Callable[[str], MeterInfo],
        latest: Callable[[str], Reading | None],
    ) -> None:
        self.set_range = set_range
        self.info = info
        self.latest = latest


class Sessions:
    """All sessions of one store. Thread safe: one change at a time."""

    def __init__(
        self,
        store: Store,
        meters: MeterControl,
        folder: Path,
        windows: Callable[[str], Sequence[Mapping[str, Any]]],
        take_fix: Callable[[], None],
    ) -> None:
        """``folder`` takes the files; ``windows`` gives the window documents that name a session."""
        self._store = store
        self._meters = meters
        self._folder = folder
        self._windows = windows
        self._take_fix = take_fix
        self._lock = threading.Lock()

    def begin(self, greeting: str, label: str, meter: str, uuid_client: str) -> dict[str, Any]:
        """A new session; ``Refused`` for another greeting or a label that is no plain word."""
        if not greeting.endswith(CLIENT_GREETING):
            raise Refused(f"found greeting {greeting[:80]!r}, wanted {CLIENT_GREETING!r}")
        if not _LABEL.match(label):
            raise Refused(f"label {label[:80]!r} may hold letters, digits, - and _ only, 64 at most")
        try:
            client = str(uuid.UUID(uuid_client))
        except ValueError:
            raise Refused(f"{uuid_client[:80]!r} is not a UUID") from None
        self._meters.info(meter)
        now = time.time()
        name = time.strftime("%Y-%m-%d_%H-%M-%S", time.gmtime(now)) + (f"_{label}" if label else "")
        session = Session(
            uuid.uuid4().hex, name, meter, client, str(uuid.uuid4()), boot_id=self._store.boot_id
        )
        self._say(session, greeting, SERVER_GREETING, now)
        reply = f"OK {session.name},{session.uuid_server}"
        self._say(session, f"new,{label},{client}", reply, now)
        session.log.append(_log_line(f"session {session.name} on meter {meter}"))
        self._save(session)
        return {
            "schema": "edgewatt/session-begun/1",
            "id": session.ident,
            "session_name": session.name,
            "greeting": SERVER_GREETING,
            "reply": reply,
            "uuid": {"client": client, "server": session.uuid_server},
        }

    def phase(self, ident: str, mode: str, action: str) -> dict[str, Any]:
        """``start`` or ``stop`` of a mode; returns the server's two marks and what it did."""
        if mode not in MODES or action not in {"start", "stop"}:
            raise Refused(
                f"found {action[:20]!r} of {mode[:20]!r}, wanted start or stop of ranging or testing"
            )
        with self._lock:
            session = self._load(ident)
            if session.finished:
                raise Conflict(f"session {session.name} is done: begin a new one")
            marks = session.phases[mode]
            if len(marks) != (0 if action == "start" else 2):
                raise Conflict(
                    f"session {session.name} cannot {action} {mode} now: start, then stop, once each"
                )
            asked = time.time()
            marks.append(_now())
            reply = self._start(session, mode) if action == "start" else self._stop(session, mode)
            marks.append(_now())
            session.log.append(_log_line(f"{action} {mode}: {reply}"))
            self._say(session, f"session,{session.name},{action},{mode}", reply, asked)
            self._save(session)
            return {
                "schema": "edgewatt/session-phase/1",
                "reply": reply,
                "marks": marks[-2:],
                "ranges": session.ranges.get(mode, {}),
            }

    def finish(self, ident: str) -> dict[str, Any]:
        """Write the files; the session is done. ``Refused`` before both modes have been stopped."""
        with self._lock:
            session = self._load(ident)
            missing = [m for m in MODES if len(session.phases[m]) != 4]
            if missing:
                raise Conflict(f"session {session.name} has not finished {' and '.join(missing)} yet")
            if not session.finished:
                self._write(session)
                session.finished = True
                self._save(session)
            return {"schema": "edgewatt/session-files/1", "files": list(FILES)}

    def file(self, ident: str, name: str) -> Path:
        """One of the files of a finished session; ``NotThere`` for others."""
        session = self._load(ident)
        path = self._folder / session.ident / name
        if name not in FILES or not session.finished or not path.is_file():
            raise NotThere(
                f"session {session.name} has no file {name[:80]!r} (after it is done: {', '.join(FILES)})"
            )
        return path

    def get(self, ident: str) -> dict[str, Any]:
        """The state of a session."""
        return {"schema": "edgewatt/session/1", **self._load(ident).to_document()}

    def _load(self, ident: str) -> Session:
        text = self._store.session(ident)
        if text is None:
            raise NotThere(f"there is no session {ident[:80]!r}")
        return Session(**json.loads(text))

    def _save(self, session: Session) -> None:
        self._store.save_session(session.ident, json.dumps(session.to_document()))

    @staticmethod
    def _say(session: Session, cmd: str, reply: str, asked: float) -> None:
        session.messages.append({"cmd": cmd, "cmd_time": asked, "reply": reply, "reply_time": time.time()})

    def _start(self, session: Session, mode: str) -> str:
        voltage = current = None
        if mode == "testing":
            voltage, current = self._ranges_after_ranging(session)
        self._meters.set_range(session.meter, voltage, current)
        first_end_ns = self._await_good(session.meter, 1 if mode == "ranging" else GOOD_BEFORE_TESTING)
        session.ranges[mode] = {"voltage_v": voltage, "current_a": current}
        session.spans[mode] = [first_end_ns]
        return "OK auto" if mode == "ranging" else f"OK {voltage:g} V {current:g} A"

    def _stop(self, session: Session, mode: str) -> str:
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
        good = [r.values for r in self._readings(session, "ranging") if r.values.quality is Quality.GOOD]
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
            if latest is not None and latest is not last and latest.end_ns - latest.interval_ns >= since:
                last = latest
                seen = seen + 1 if latest.values.quality is Quality.GOOD else 0
                if seen >= wanted:
                    return latest.end_ns
            time.sleep(0.01)
        raise Gone(
            f"meter {meter} gave no {wanted} good samples in a row within {SETTLE_S:g} s: look at its range"
        )

    def _readings(self, session: Session, mode: str) -> list[Reading]:
        if len(session.spans[mode]) != 2:
            return []
        begin, end = session.spans[mode]
        info = self._meters.info(session.meter)
        rows = self._store.readings(session.meter, info.channels[0], session.boot_id, begin, end)
        return [r.reading for r in rows]

    # files

    def _write(self, session: Session) -> None:
        root = self._folder / session.ident
        info = self._meters.info(session.meter)
        for mode in MODES:
            self._put(root / RUN_FOLDER[mode] / "spl.txt", self._spl(session, mode))
        self._put(root / "power/ptd_logs.txt", self._meter_log(session, info))
        self._put(root / "power/server.log", session.log)
        written = [p for p in FILES if p != "power/server.json"]
        windows = {
            str(w["labels"].get("mode")): w
            for w in self._windows(session.ident)
            if w.get("state") == "closed"
        }
        file = SessionFile(
            side="server",
            version="1.0",
            timezone=0,
            modules={},
            sources=own_sources(),
            messages=tuple(Message(**m) for m in session.messages),
            uuid_client=session.uuid_client,
            uuid_server=session.uuid_server,
            session_name=session.name,
            results={name: hash_file(root / name) for name in written},
            phases={mode: tuple(Phase(*mark) for mark in marks) for mode, marks in session.phases.items()},
            edgewatt=_evidence(session, info, windows),
        )
        self._put(root / "power/server.json", [file.to_json()])

    @staticmethod
    def _put(path: Path, lines: Sequence[str]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def _spl(self, session: Session, mode: str) -> list[str]:
        begin, end = session.spans[mode]
        utc = ClockModel.from_fixes(self._store.fixes(session.boot_id, begin, end))
        mark = f"{session.name}_{mode}"
        return [spl_line(UnixNs(utc.to_remote(r.end_ns).ns), r, mark) for r in self._readings(session, mode)]

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


def _evidence(session: Session, info: MeterInfo, windows: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "daemon": "powerd",
        "version": __version__,
        "official": False,
        "simulated": info.simulated,
        "meter": {
            "name": session.meter,
            "driver": info.driver,
            "maker": info.maker,
            "model": info.model,
            "serial": info.serial,
            "firmware": info.firmware,
        },
        "ranges": dict(session.ranges),
        "windows": {mode: dict(document) for mode, document in windows.items()},
    }


def own_sources() -> dict[str, str]:
    """SHA-1 of our own source files, by path below the folder that holds the packages."""
    home = Path(__file__).resolve().parent
    return {
        path.relative_to(home.parent).as_posix(): hashlib.sha1(
            path.read_bytes(), usedforsecurity=False
        ).hexdigest()
        for path in sorted(home.rglob("*.py"))
    }


def _now() -> list[float]:
    return [time.time(), time.monotonic()]


def _log_line(text: str) -> str:
    return f"powerd {time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime())} {text}"

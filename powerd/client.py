"""The other end of the daemon's HTTP API, with the clock exchange; standard library only.

One connection is kept open, so that a clock exchange costs one round trip on a warm socket. Every failure is a
``ClientError`` with one sentence.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, urlencode

from powerd.client_line import TIMEOUT_S, ClientError, Line
from schemas import __version__
from schemas.power_session import (
    CLIENT_GREETING,
    MODES,
    RUN_FOLDER,
    Message,
    Phase,
    SessionFile,
    hash_file,
)

ROUNDS = 8
LOOKS = 5
TOGETHER_NS = 200_000
_REFUSED = 422
PAGE = 5_000
CLOSING_POLL_S = 0.2
CLOSING_LIMIT_S = 45.0
__all__ = ["ClientError", "ClockTie", "PowerSession", "PowerdClient"]
Mode = Literal["ranging", "testing"]
LOGS = ("mlperf_log_detail.txt", "mlperf_log_summary.txt")


@dataclass(frozen=True, slots=True)
class ClockTie:
    """How the daemon's UTC stands to our clock: ``offset_s`` is the daemon's minus ours."""

    clock: str
    offset_s: float
    u95_s: float
    drift_ppm: float | None
    exchanges: int


class PowerdClient:
    """A daemon at a URL. Thread safe: one request at a time."""

    def __init__(
        self, url: str, token: str | None = None, ca_file: str | None = None, timeout_s: float = TIMEOUT_S
    ) -> None:
        """Connects at the first request; ``ClientError`` for a URL that is none.

        ``url`` is ``http://HOST:PORT``, ``https://HOST:PORT`` or ``unix:PATH``. Without ``token`` and ``ca_file`` those
        of the environment count: ``POWERD_TOKEN``, and ``POWERD_CA_FILE``, a PEM file of authorities to trust.
        """
        self.url = url
        self._line = Line(url, token, ca_file, timeout_s)
        self._lock = threading.Lock()

    def health(self) -> dict[str, Any]:
        """How the daemon is doing."""
        return self._json("GET", "/v1/health")

    def meters(self) -> list[dict[str, Any]]:
        """All meters."""
        found: list[dict[str, Any]] = self._json("GET", "/v1/meters")["meters"]
        return found

    def meter(self, name: str) -> dict[str, Any]:
        """One meter; of ``METER/CHANNEL`` the latest sample is that of the channel."""
        meter, _, channel = name.partition("/")
        found = self._json("GET", f"/v1/meters/{quote(meter, safe='')}")
        own = [c["latest"] for c in found.get("channels", ()) if c["channel"] == channel]
        return {**found, "latest": own[0]} if own else found

    def samples(
        self, meter: str, begin_unix_ns: int | None = None, end_unix_ns: int | None = None, limit: int = 1000
    ) -> list[dict[str, Any]]:
        """Samples of a meter's channels, or of ``METER/CHANNEL``, oldest first, all pages together up to ``limit``."""
        wanted: dict[str, int | str] = {}
        meter, _, channel = meter.partition("/")
        if channel:
            wanted["channel"] = channel
        if begin_unix_ns is not None:
            wanted["begin_unix_ns"] = begin_unix_ns
        if end_unix_ns is not None:
            wanted["end_unix_ns"] = end_unix_ns
        found: list[dict[str, Any]] = []
        while len(found) < limit:
            wanted["limit"] = min(limit - len(found), PAGE)
            page = self._json("GET", f"/v1/meters/{quote(meter, safe='')}/samples?{urlencode(wanted)}")
            found += page["samples"]
            if page["next"] is None:
                break
            wanted["cursor"] = int(page["next"])
        return found

    def sync_clock(self, clock: str | None = None, rounds: int = ROUNDS) -> ClockTie:
        """Exchange timestamps ``rounds`` times; the narrowest counts. Sets nobody's clock.

        Rounds that the daemon refuses (the clock was set in between) are left out, as long as one is good.
        """
        tie: dict[str, Any] = {}
        refused: ClientError | None = None
        for _ in range(rounds):
            unix, mono = _now()
            begun = self._json(
                "POST", "/v1/clock/exchange", {"clock": clock, "t1_ns": unix, "t1_mono_ns": mono}
            )
            unix, mono = _now()
            clock = str(begun["clock"])
            second = {"clock": clock, "exchange_id": begun["exchange_id"], "t4_ns": unix, "t4_mono_ns": mono}
            try:
                tie = self._json("POST", "/v1/clock/exchange", second)
            except ClientError as error:
                if error.status != _REFUSED:
                    raise
                refused = error
        if refused is not None and not tie:
            raise refused
        return ClockTie(tie["clock"], tie["offset_s"], tie["u95_s"], tie["drift_ppm"], tie["exchanges"])

    def clock(self) -> dict[str, Any]:
        """What the daemon knows of its own clock; nothing is exchanged."""
        return self._json("GET", "/v1/clock")

    def export(self, ident: str, form: str) -> bytes:
        """A closed window in a form: ``spl``, ``csv``, ``parquet``, ``json``, ``png``, ``svg`` or ``bundle``."""
        path = f"/v1/windows/{quote(ident, safe='')}/export?{urlencode({'format': form})}"
        return self._request("GET", path, None)

    def windows(self, limit: int = 100) -> list[dict[str, Any]]:
        """Windows, newest first."""
        found: list[dict[str, Any]] = self._json("GET", f"/v1/windows?limit={limit}")["windows"]
        return found

    def window(self, ident: str) -> dict[str, Any]:
        """One window."""
        return self._json("GET", f"/v1/windows/{quote(ident, safe='')}")

    def open_window(
        self, name: str, meter: str, labels: Mapping[str, str] | None = None, ident: str | None = None
    ) -> dict[str, Any]:
        """Open a window; with an id of ours it may be asked for twice."""
        body = {"id": ident or uuid.uuid4().hex, "name": name, "meter": meter, "labels": dict(labels or {})}
        return self._json("POST", "/v1/windows", body)

    def mark(self, ident: str, text: str) -> dict[str, Any]:
        """Mark this instant in an open window."""
        return self._json("POST", f"/v1/windows/{quote(ident, safe='')}/mark", {"text": text})

    def close_window(
        self,
        ident: str,
        begin_unix_ns: int,
        end_unix_ns: int,
        clock: str | None = None,
        idle: str | None = None,
    ) -> dict[str, Any]:
        """Close a window over an interval of our clock, and wait until it is closed.

        ``idle`` names a closed window of idling on the same meter, above which the net energy is given.
        """
        body: dict[str, Any] = {"begin_unix_ns": begin_unix_ns, "end_unix_ns": end_unix_ns, "clock": clock}
        if idle is not None:
            body["idle"] = idle
        window = self._json("POST", f"/v1/windows/{quote(ident, safe='')}/close", body)
        give_up = time.monotonic() + CLOSING_LIMIT_S
        while window["state"] == "closing":
            if time.monotonic() > give_up:
                raise ClientError(
                    f"window {ident} is still closing after {CLOSING_LIMIT_S:g} s: the meter gives no samples; "
                    "look at `powerd watch`"
                )
            time.sleep(CLOSING_POLL_S)
            window = self.window(ident)
        return window

    def set_range(self, meter: str, voltage_v: float | None, current_a: float | None) -> dict[str, Any]:
        """Fix a meter's ranges (None: auto-range); refused while a window is open on it."""
        body = {"voltage": voltage_v, "current": current_a}
        whole = meter.partition("/")[0]
        return self._json("POST", f"/v1/meters/{quote(whole, safe='')}/range", body)

    def begin_session(self, label: str, meter: str, client_uuid: str) -> dict[str, Any]:
        """Begin a ranging-and-testing session."""
        body = {"greeting": CLIENT_GREETING, "label": label, "meter": meter, "client_uuid": client_uuid}
        return self._json("POST", "/v1/sessions", body)

    def phase(self, session: str, action: str, mode: str | None = None) -> dict[str, Any]:
        """``start`` or ``stop`` a mode of a session, or ``done``."""
        return self._json("POST", f"/v1/sessions/{session}/phase", {"action": action, "mode": mode})

    def session_file(self, session: str, name: str) -> bytes:
        """A file of a finished session."""
        return self._request("GET", f"/v1/sessions/{session}/files/{quote(name)}", None)

    def close(self) -> None:
        """Give the connection back."""
        with self._lock:
            self._line.close()

    def _json(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        data = self._request(method, path, body)
        try:
            found = json.loads(data)
        except ValueError as error:
            raise ClientError(f"{self.url} does not answer as powerd does: {error}") from error
        if not isinstance(found, dict):
            raise ClientError(f"{self.url} does not answer as powerd does: found {type(found).__name__}")
        return found

    def _request(self, method: str, path: str, body: Mapping[str, Any] | None) -> bytes:
        data = None if body is None else json.dumps(body)
        with self._lock:
            status, answer = self._line.send(method, path, data)
        if status >= 400:
            raise ClientError(_detail(answer) or f"{self.url} answered with status {status}", status)
        return answer


def _now() -> tuple[int, int]:
    """Our clock and the one that nobody sets, at one instant: a look that was interrupted is taken again."""
    for _ in range(LOOKS):
        before, unix, after = time.monotonic_ns(), time.time_ns(), time.monotonic_ns()
        if after - before <= TOGETHER_NS:
            break
    return unix, (before + after) // 2


def _detail(answer: bytes) -> str | None:
    try:
        document = json.loads(answer)
    except ValueError:
        return None
    return str(document["detail"]) if isinstance(document, dict) and "detail" in document else None


class PowerSession:
    """The client's half of a ranging-and-testing session: marks, messages, windows, files.

    Use: ``start(mode)``, run LoadGen, ``stop(mode, begin, end)`` for ranging, then for testing, then ``done``.
    """

    def __init__(self, client: PowerdClient, meter: str, label: str = "") -> None:
        """Begins the session; ``ClientError`` when the daemon refuses."""
        self._client = client
        self._meter = meter
        self._uuid = str(uuid.uuid4())
        self._log: list[str] = []
        self._messages: list[Message] = []
        self._phases: dict[str, list[Phase]] = {mode: [] for mode in MODES}
        self._open: dict[str, str] = {}
        self.windows: dict[str, dict[str, Any]] = {}
        self.clock = client.sync_clock()
        asked = time.time()
        begun = client.begin_session(label, meter, self._uuid)
        self.ident, self.name = str(begun["id"]), str(begun["session_name"])
        self._server_uuid = str(begun["uuid"]["server"])
        self._say(CLIENT_GREETING, str(begun["greeting"]), asked)
        self._say(f"new,{label},{self._uuid}", str(begun["reply"]), asked)

    def start(self, mode: Mode) -> dict[str, Any]:
        """Set the ranges of the mode and open its window; returns the ranges. The run may begin afterwards."""
        self.clock = self._client.sync_clock(self.clock.clock)
        answer = self._phase(mode, "start")
        labels = {"session": self.ident, "mode": mode}
        window = self._client.open_window(f"{self.name} {mode}", self._meter, labels)
        self._open[mode] = str(window["id"])
        ranges: dict[str, Any] = answer["ranges"]
        return ranges

    def window_id(self, mode: Mode) -> str:
        """The id of the window that ``start`` opened for a mode."""
        return self._open[mode]

    def stop(self, mode: Mode, begin_unix_ns: int, end_unix_ns: int) -> dict[str, Any]:
        """The run is over; close the window over ``[begin, end]`` on our clock and return its document."""
        self._phase(mode, "stop")
        self.clock = self._client.sync_clock(self.clock.clock)
        window = self._client.close_window(self._open[mode], begin_unix_ns, end_unix_ns, self.clock.clock)
        self.windows[mode] = window
        self._note(f"window {window['id']} of {mode}: {window['energy_j']} J, coverage {window['coverage']}")
        return window

    def abandon(self) -> None:
        """The run failed: close what is open over no more than its own life, so that the channel is free."""
        for mode, ident in self._open.items():
            if mode not in self.windows:
                now = time.time_ns()
                self.windows[mode] = self._client.close_window(ident, now - 1_000_000, now, self.clock.clock)

    def done(self, performance: Path, logs: Mapping[str, Path]) -> None:
        """Write ``power``, ``ranging`` and ``run_1`` below ``performance``.

        ``logs`` names per mode the folder that LoadGen wrote; its detail and summary logs are copied.
        """
        self._client.phase(self.ident, "done")
        for mode in MODES:
            folder = performance / RUN_FOLDER[mode]
            folder.mkdir(parents=True, exist_ok=True)
            for name in LOGS:
                shutil.copyfile(logs[mode] / name, folder / name)
        (performance / "power").mkdir(parents=True, exist_ok=True)
        for name in (
            "power/server.json",
            "power/server.log",
            "power/ptd_logs.txt",
            "ranging/spl.txt",
            "run_1/spl.txt",
        ):
            (performance / name).write_bytes(self._client.session_file(self.ident, name))
        log = performance / "power/client.log"
        log.write_text("\n".join(self._log) + "\n", encoding="utf-8")
        own = ["power/client.log", *(f"{RUN_FOLDER[mode]}/{name}" for mode in MODES for name in LOGS)]
        file = self._file({name: hash_file(performance / name) for name in own})
        (performance / "power/client.json").write_text(file.to_json(), encoding="utf-8")

    def _file(self, results: Mapping[str, str]) -> SessionFile:
        return SessionFile(
            side="client",
            version="1.0",
            timezone=0,
            modules={},
            sources={
                "powerd/client.py": hashlib.sha1(
                    Path(__file__).read_bytes(), usedforsecurity=False
                ).hexdigest()
            },
            messages=tuple(self._messages),
            uuid_client=self._uuid,
            uuid_server=self._server_uuid,
            session_name=self.name,
            results=results,
            phases={mode: tuple(marks) for mode, marks in self._phases.items()},
            edgewatt={
                "client": "powerd.client",
                "version": __version__,
                "clock": {"id": self.clock.clock, "offset_s": self.clock.offset_s, "u95_s": self.clock.u95_s},
            },
        )

    def _phase(self, mode: Mode, action: str) -> dict[str, Any]:
        asked = time.time()
        self._phases[mode].append(Phase(asked, time.monotonic()))
        answer = self._client.phase(self.ident, action, mode)
        self._phases[mode].append(Phase(time.time(), time.monotonic()))
        self._say(f"session,{self.name},{action},{mode}", str(answer["reply"]), asked)
        return answer

    def _say(self, cmd: str, reply: str, asked: float) -> None:
        self._messages.append(Message(cmd, asked, reply, time.time()))
        self._note(f"{cmd}: {reply}")

    def _note(self, text: str) -> None:
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
        self._log.append(f"powerd.client {os.getpid()} {stamp} {text}")

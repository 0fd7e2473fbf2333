"""Ranging-and-testing sessions: their life, whoever leads them, and the files that powerd writes.

A session has two modes, ``ranging`` and ``testing``, each with four marks: before and after its start, before
and after its stop. What starting and stopping means, and what the files hold, is the flow's: ``NativeFlow`` for
``powerd.client``; a foreign protocol brings its own. The ``edgewatt`` object in ``server.json`` says which daemon
and which meter measured.
"""

from __future__ import annotations

import json
import logging
import re
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from powerd.errors import NotThere, Refused
from powerd.session_native import FILES, MeterControl, NativeFlow
from powerd.session_record import Flow, Session, log_line
from powerd.store import Store
from powerd.windows import Conflict
from schemas.power_session import CLIENT_GREETING, MODES, SERVER_GREETING

log = logging.getLogger(__name__)
_LABEL = re.compile(r"[A-Za-z0-9_-]{0,64}\Z")


class Sessions:
    """All sessions of one store. Thread safe: one change of a session at a time."""

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
        self._native = NativeFlow(store, meters, take_fix)
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._last_name_s = 0

    def begin(self, greeting: str, label: str, meter: str, uuid_client: str) -> dict[str, Any]:
        """A new session of our own flow; ``Refused`` for another greeting or a label that is no plain word."""
        if not greeting.endswith(CLIENT_GREETING):
            raise Refused(f"found greeting {greeting[:80]!r}, wanted {CLIENT_GREETING!r}")
        now = time.time()
        session = self.create(self._native, label, meter, uuid_client)
        session.say(greeting, SERVER_GREETING, now)
        reply = f"OK {session.name},{session.uuid_server}"
        session.say(f"new,{label},{session.uuid_client}", reply, now)
        self.save(session)
        return {
            "schema": "edgewatt/session-begun/1",
            "id": session.ident,
            "session_name": session.name,
            "greeting": SERVER_GREETING,
            "reply": reply,
            "uuid": {"client": session.uuid_client, "server": session.uuid_server},
        }

    def create(self, flow: Flow, label: str, meter: str, uuid_client: str) -> Session:
        """A new session that ``flow`` leads; ``Refused`` for a label that is no plain word or for no UUID."""
        if not _LABEL.match(label):
            raise Refused(f"label {label[:80]!r} may hold letters, digits, - and _ only, 64 at most")
        try:
            client = str(uuid.UUID(uuid_client))
        except ValueError:
            raise Refused(f"{uuid_client[:80]!r} is not a UUID") from None
        self._meters.info(meter)
        name = self._name(label)
        session = Session(
            uuid.uuid4().hex,
            name,
            meter,
            client,
            str(uuid.uuid4()),
            boot_id=self._store.boot_id,
            flow=flow.name,
        )
        session.log.append(log_line(f"session {session.name} on meter {meter}"))
        self.save(session)
        return session

    def _name(self, label: str) -> str:
        """The second of the beginning and the label; two sessions never have the same second."""
        with self._lock:
            second = self._last_name_s = max(int(time.time()), self._last_name_s + 1)
        return time.strftime("%Y-%m-%d_%H-%M-%S", time.gmtime(second)) + (f"_{label}" if label else "")

    def phase(self, ident: str, mode: str, action: str, flow: Flow | None = None) -> dict[str, Any]:
        """``start`` or ``stop`` of a mode; returns the server's two marks and what it did."""
        if mode not in MODES or action not in {"start", "stop"}:
            raise Refused(
                f"found {action[:20]!r} of {mode[:20]!r}, wanted start or stop of ranging or testing"
            )
        with self._of(ident):
            session = self._led_by(ident, flow)
            if session.finished:
                raise Conflict(f"session {session.name} is done: begin a new one")
            marks = session.phases[mode]
            if len(marks) != (0 if action == "start" else 2):
                raise Conflict(
                    f"session {session.name} cannot {action} {mode} now: start, then stop, once each"
                )
            asked = time.time()
            before = [asked, time.monotonic()]
            leader = flow or self._native
            reply = leader.start(session, mode) if action == "start" else leader.stop(session, mode)
            marks += [before, [time.time(), time.monotonic()]]
            session.log.append(log_line(f"{action} {mode}: {reply}"))
            if flow is None:
                session.say(f"session,{session.name},{action},{mode}", reply, asked)
            self.save(session)
            return {
                "schema": "edgewatt/session-phase/1",
                "reply": reply,
                "marks": marks[-2:],
                "ranges": session.ranges.get(mode, {}),
            }

    def finish(self, ident: str, flow: Flow | None = None, *, needs: Sequence[str] = MODES) -> dict[str, Any]:
        """Write the files; the session is done. ``Conflict`` before the modes of ``needs`` have been stopped."""
        with self._of(ident):
            session = self._led_by(ident, flow)
            missing = [m for m in needs if len(session.phases[m]) != 4]
            if missing:
                raise Conflict(f"session {session.name} has not finished {' and '.join(missing)} yet")
            if not session.finished:
                windows = {
                    str(w["labels"].get("mode")): w
                    for w in self._windows(session.ident)
                    if w.get("state") == "closed"
                }
                session.files = (flow or self._native).write(session, self.folder(ident), windows)
                session.finished = True
                self.save(session)
            return {"schema": "edgewatt/session-files/1", "files": list(session.files)}

    def end(self, ident: str, flow: Flow, why: str) -> None:
        """End a session before it is done; its files are written with what there is, and say why."""
        with self._of(ident):
            session = self._led_by(ident, flow)
            if not session.finished and not session.ended:
                session.ended = why
                session.log.append(log_line(f"session {session.name} ended before it was done: {why}"))
                self.save(session)
                log.warning("session %s ended before it was done: %s", session.name, why)
        self.finish(ident, flow, needs=())

    def led_by(self, flow: Flow, limit: int) -> list[Session]:
        """The newest sessions of a flow, newest first."""
        found = [self._read(text) for text in self._store.sessions(limit)]
        return [session for session in found if session.flow == flow.name]

    def folder(self, ident: str) -> Path:
        """Where the files of a session lie."""
        return self._folder / ident

    def file(self, ident: str, name: str) -> Path:
        """One of the files of a finished session; ``NotThere`` for others."""
        session = self.load(ident)
        path = self.folder(ident) / name
        if name not in session.files or not session.finished or not path.is_file():
            there = ", ".join(session.files) or "none yet"
            raise NotThere(f"session {session.name} has no file {name[:80]!r} (after it is done: {there})")
        return path

    def get(self, ident: str) -> dict[str, Any]:
        """The state of a session."""
        return {"schema": "edgewatt/session/1", **self.load(ident).to_document()}

    def load(self, ident: str) -> Session:
        """A session as it was saved last; ``NotThere``."""
        text = self._store.session(ident)
        if text is None:
            raise NotThere(f"there is no session {ident[:80]!r}")
        return self._read(text)

    @staticmethod
    def _read(text: str) -> Session:
        session = Session(**json.loads(text))
        if session.finished and not session.files:
            session.files = list(FILES)  # of a powerd that wrote no list
        return session

    def save(self, session: Session) -> None:
        """Keep a session as it is now."""
        self._store.save_session(session.ident, json.dumps(session.to_document()))

    def _led_by(self, ident: str, flow: Flow | None) -> Session:
        session = self.load(ident)
        if session.flow != (flow or self._native).name:
            raise Conflict(
                f"session {session.name} is led by {session.flow}: only its own client goes on with it"
            )
        return session

    def _of(self, ident: str) -> threading.Lock:
        """The lock of a session: a slow meter of one holds up no other."""
        self.load(ident)
        with self._lock:
            return self._locks.setdefault(ident, threading.Lock())

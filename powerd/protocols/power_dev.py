"""``power_dev``: the protocol of MLCommons power-dev's server, for its ``client.py``, port 4950.

Source: power-dev's client, published session files and a live rig (docs/protocols.md). Confidence: high for what the
client sends. Each session is one of ``powerd.sessions``, led over a ptd conversation inside the daemon: its files
are those of power-dev. What power-dev gets wrong is not copied: nobody waits for a silent peer, a session outlives its
connection, no clock is set, ``stop`` ends nothing, ``cleanup`` deletes nothing, and errors say why.

    mlcommons/power client v3 · time · set_ntp · stop · new,<label>,<uuid> · session,<name>,start|stop,ranging|testing
    session,<name>,start,testing,<volts>,<amps> · session,<name>,done · download,<name>,<file> · cleanup,<name>
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from powerd.errors import NotThere, PowerdError, Refused
from powerd.protocols.analyzer import close_left_windows
from powerd.protocols.base import Lab, Line
from powerd.protocols.power_dev_flow import FILES, LeftFlow, PowerDevFlow, interrupted
from powerd.session_record import Session
from schemas.power_session import MODES

log = logging.getLogger("powerd.power_dev")
CLIENT, SERVER = "mlcommons/power client v3", "mlcommons/power server v3"
CHUNK = 1 << 20
KEPT = 50
"""Sessions that can still be asked for by their name; older ones are in the store and the API."""
ORPHAN_S = 600.0
"""So long a session goes on measuring without a connection, for a client that comes back."""
IDLE_S = 120.0
"""A client that says nothing for so long while it measures nothing gives way to the next."""
MOST_MESSAGES = 10_000


@dataclass(slots=True)
class Live:
    """A session that this daemon leads, and the connection that speaks for it (None: it was lost)."""

    ident: str
    name: str
    flow: PowerDevFlow
    speaker: object | None
    lost_at: float = 0.0
    heard_at: float = field(default_factory=time.monotonic)
    over: bool = False
    why: str = ""
    """Why it was over before it was done."""
    done: dict[str, str] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)


class PowerDevConversations:
    """``powerd.protocols.base.Conversations``."""

    def __init__(self, lab: Lab, meters: tuple[str, ...]) -> None:
        self.lab = lab
        self.meters = meters
        self._lives: dict[str, Live] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        close_left_windows(lab, meters)
        self._left_flow = LeftFlow(lab)
        self._before = {s.name: s for s in lab.sessions.led_by(self._left_flow, KEPT)}
        """Sessions of an earlier life of the daemon: what is left to be had of them is their files."""
        self._left = [self._end_left(s) for s in self._before.values() if not s.finished]
        self._write_left()
        self._keeper = threading.Thread(target=self._keep, name="power_dev orphans", daemon=True)
        self._keeper.start()

    def hold(self, line: Line) -> None:
        """Question and answer until the other side ends; its session stays."""
        _Conversation(self, line).hold()

    def close(self) -> None:
        """End what is measured; every session keeps what it has."""
        self._closing.set()
        with self._lock:
            lives = list(self._lives.values())
        for live in lives:
            self.set_aside(live, f"powerd was stopped {self._where(live)}")

    def begin(self, label: str, uuid_client: str, speaker: object) -> Live:
        """A new session; orphans give way to it. ``Refused`` while another client's session goes on."""
        with self._lock:
            lives = [live for live in self._lives.values() if not live.over]
        for live in lives:
            if live.speaker not in {None, speaker} and not self._is_idle(live):
                raise Refused(
                    f"another client leads session {live.name} on this meter: wait until it is done"
                )
            self.set_aside(
                live, f"its client was gone or silent {self._where(live)} and another one began a session"
            )
        flow = PowerDevFlow(self.lab, self.meters)
        session = self.lab.sessions.create(flow, label, self.meters[0], uuid_client)
        flow.begin(session, self.lab.sessions.folder(session.ident))
        flow.keep(session)
        self.lab.sessions.save(session)
        live = Live(session.ident, session.name, flow, speaker)
        with self._lock:
            self._lives[live.name] = live
            over = [name for name, one in self._lives.items() if one.over]
            for name in over[: max(0, len(self._lives) - KEPT)]:
                del self._lives[name]
        return live

    @staticmethod
    def _is_idle(live: Live) -> bool:
        """Whether a client has said nothing for long while nothing was measured for it."""
        return not live.flow.measuring and time.monotonic() - live.heard_at > IDLE_S

    def find(self, name: str, own: Live | None, speaker: object) -> Live:
        """The session of this name, ``*`` being one's own; who asks for an orphan by its name takes it over."""
        with self._lock:
            live = own if name == "*" else self._lives.get(name)
            if live is None and name in self._before:
                raise Refused(_over(name, self._before[name].ended))
            if live is None:
                raise NotThere("unknown session")
            if live.speaker is None:
                live.speaker = speaker
            elif live.speaker is not speaker:
                raise Refused(f"another client leads session {live.name}")
            live.heard_at = time.monotonic()
            return live

    def orphan(self, speaker: object) -> None:
        """A connection has ended: its sessions wait for whoever asks for them by name."""
        with self._lock:
            for live in self._lives.values():
                if live.speaker is speaker:
                    live.speaker, live.lost_at = None, time.monotonic()

    def is_before(self, name: str) -> bool:
        """Whether a session of this name was led by an earlier life of the daemon."""
        return name in self._before

    def files_of(self, name: str) -> str | None:
        """The id of a session of an earlier life whose files may be asked for."""
        return self._before[name].ident if name in self._before else None

    def _where(self, live: Live) -> str:
        return interrupted(self.lab.sessions.load(live.ident))

    def _end_left(self, session: Session) -> Session:
        """A session that was going on when the daemon died cannot go on: the samples of its run are not known."""
        at = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
        session.ended = session.ended or f"powerd was started again at {at} UTC {interrupted(session)}"
        return session

    def _write_left(self) -> None:
        """End what an earlier life left, as soon as its meters are known."""
        for session in list(self._left):
            try:
                self.lab.sessions.end(session.ident, self._left_flow, session.ended)
            except (PowerdError, OSError) as error:
                log.info("session %s is ended later: %s", session.name, error)
            else:
                self._left.remove(session)

    def set_aside(self, live: Live, why: str) -> None:
        """End a session that was not done; the files of what it has are written."""
        with live.lock:
            if live.over:
                return
            live.over, live.why = True, why
            live.flow.abandon()
            try:
                self.lab.sessions.end(live.ident, live.flow, why)
            except (PowerdError, OSError) as error:
                log.warning("session %s could not be written: %s", live.name, error)

    def _keep(self) -> None:
        while not self._closing.wait(1.0):
            self._write_left()
            with self._lock:
                late = [
                    live
                    for live in self._lives.values()
                    if not live.over and live.speaker is None and time.monotonic() - live.lost_at > ORPHAN_S
                ]
            for live in late:
                self.set_aside(live, f"its client was gone for {ORPHAN_S:g} s {self._where(live)}")


class _Conversation:
    """One connection."""

    def __init__(self, room: PowerDevConversations, line: Line) -> None:
        self._room = room
        self._line = line
        self._live: Live | None = None
        self._before: list[tuple[str, str, float]] = []

    def hold(self) -> None:
        try:
            command = self._line.read_line()
            if command is None:
                return
            self._answer(command, SERVER, time.time())
            while command == CLIENT and (command_line := self._line.read_line()) is not None:
                asked = time.time()
                if command_line.startswith("download,"):
                    self._download(command_line.split(",")[1:])
                else:
                    self._obey(command_line, asked)
        finally:
            self._room.orphan(self)

    def _answer(self, command: str, reply: str, asked: float) -> None:
        self._line.write(f"{reply}\r\n")
        self._note(command, reply, asked)

    def _note(self, command: str, reply: str, asked: float) -> None:
        """Keep the exchange in the session; before there is one, for the next."""
        if self._live is not None:
            if not self._live.over:
                self._live.flow.note(command, reply, asked)
        elif len(self._before) < MOST_MESSAGES:
            self._before.append((command, reply, asked))

    def _obey(self, command: str, asked: float) -> None:
        word, *words = command.split(",")
        simple: dict[str, Callable[[], str]] = {
            "time": lambda: str(time.time()),
            # Asked for by a client whose clock is off: the daemon's clock is left as it is.
            "set_ntp": lambda: "OK",
            "stop": lambda: "OK",
        }
        try:
            if word in simple and not words:
                reply = simple[word]()
            elif word == "new" and len(words) == 2:
                reply = self._new(words)
            elif word == "session" and len(words) >= 2:
                reply = self._session(words)
            elif word == "cleanup" and len(words) == 1:
                if not self._room.is_before(words[0]):
                    self._find(words[0])
                reply = "OK"
            else:
                reply = "Error"
        except PowerdError as error:
            reply = f"Error: {' '.join(str(error).split())}"
            log.info("%s: %s: %s", self._line.peer, command[:80], reply)
        if word == "session" and words[1:] == ["done"]:
            self._line.write(f"{reply}\r\n")
        else:
            self._answer(command, reply, asked)

    def _new(self, words: Sequence[str]) -> str:
        live = self._room.begin(words[0], words[1], self)
        for exchange in self._before:
            live.flow.note(*exchange)
        self._before = []
        self._live = live
        return f"OK {live.name},{live.flow.session.uuid_server}"

    def _find(self, name: str) -> Live:
        live = self._room.find(name, self._live, self)
        if self._live is None:
            for exchange in self._before:
                live.flow.note(*exchange)
            self._before = []
        self._live = live
        return live

    def _session(self, words: Sequence[str]) -> str:
        live = self._find(words[0])
        action, rest = words[1], list(words[2:])
        with live.lock:
            if action == "done" and not rest:
                return self._done(live)
            if action not in {"start", "stop"} or not rest or rest[0] not in MODES:
                return "Error Unknown session command"
            step = ",".join((action, rest[0]))
            if step in live.done:
                return live.done[step]  # asked again: it is done
            if live.over:
                raise Refused(_over(live.name, live.why))
            live.flow.fix(rest[1:] if action == "start" and rest[0] == "testing" else [])
            answer: dict[str, Any] = self._room.lab.sessions.phase(live.ident, rest[0], action, live.flow)
            live.done[step] = str(answer["reply"])
            return live.done[step]

    def _done(self, live: Live) -> str:
        if not live.over:
            live.flow.restore()
            self._room.lab.sessions.finish(live.ident, live.flow, needs=("testing",))
            live.over = True
        return "OK"

    def _download(self, words: Sequence[str]) -> None:
        """Any number of ``<length>\\r\\n<bytes>``, then ``0\\r\\n``."""
        try:
            path = self._path(words)
        except PowerdError as error:
            self._line.write(f"Error: {error}\r\n")
            return
        with path.open("rb") as file:
            while data := file.read(CHUNK):
                self._line.write_bytes(f"{len(data)}\r\n".encode() + data)
        self._line.write("0\r\n")

    def _path(self, words: Sequence[str]) -> Path:
        if len(words) != 2 or words[1] not in FILES:
            raise Refused(f"wanted one of {', '.join(FILES)}")
        ident = self._room.files_of(words[0]) or self._find(words[0]).ident
        return self._room.lab.sessions.file(ident, words[1])


def _over(name: str, why: str) -> str:
    return f"session {name} has ended: {why}; begin a new one" if why else f"session {name} is done"


class PowerDev:
    """``powerd.protocols.base.ForeignProtocol``."""

    name = "power_dev"
    default_listen = "127.0.0.1:4950"

    def open(self, lab: Lab, meters: tuple[str, ...]) -> PowerDevConversations:
        """Serve these meters as one analyzer."""
        return PowerDevConversations(lab, meters)


PROTOCOL = PowerDev()

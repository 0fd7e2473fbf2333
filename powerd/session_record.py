"""What is known of one session, and ``Flow``: how a session is led and which files it leaves."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from powerd.model import MeterInfo
from schemas import __version__
from schemas.power_session import MODES, Message, Phase, SessionFile, hash_file

NATIVE = "native"


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
    flow: str = NATIVE
    files: list[str] = field(default_factory=list)
    ended: str = ""
    """Why it ended before it was done; empty for others."""
    kept: dict[str, Any] = field(default_factory=dict)
    """What its flow needs for the files, should powerd be started again before they are written."""

    def to_document(self) -> dict[str, Any]:
        """For the store and the API."""
        return {name: getattr(self, name) for name in self.__slots__}

    def say(self, cmd: str, reply: str, asked: float) -> None:
        """One exchange with the client; times in Unix seconds."""
        self.messages.append({"cmd": cmd, "cmd_time": asked, "reply": reply, "reply_time": time.time()})


class Flow(Protocol):
    """One way of leading a session; called with the session's lock held."""

    @property
    def name(self) -> str:
        """As it stands in the session."""

    def start(self, session: Session, mode: str) -> str:
        """Begin a mode; the reply."""

    def stop(self, session: Session, mode: str) -> str:
        """End a mode; the reply."""

    def write(self, session: Session, root: Path, windows: Mapping[str, Mapping[str, Any]]) -> list[str]:
        """Write the files below ``root`` and name them; ``windows`` are the closed ones by mode."""


def put_lines(path: Path, lines: Sequence[str]) -> None:
    """A text file of these lines; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def evidence(session: Session, info: MeterInfo, windows: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The ``edgewatt`` object of ``server.json``: which daemon and which meter measured."""
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


def server_file(
    session: Session,
    root: Path,
    written: Sequence[str],
    info: MeterInfo,
    windows: Mapping[str, Mapping[str, Any]],
    **more: Any,
) -> SessionFile:
    """``server.json`` of a session whose other files are ``written`` below ``root``; ``more`` fields are the flow's."""
    return SessionFile(
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
        edgewatt=evidence(session, info, windows),
        **more,
    )


def own_sources() -> dict[str, str]:
    """SHA-1 of our own source files, by path below the folder that holds the packages."""
    home = Path(__file__).resolve().parent
    return {
        path.relative_to(home.parent).as_posix(): hashlib.sha1(
            path.read_bytes(), usedforsecurity=False
        ).hexdigest()
        for path in sorted(home.rglob("*.py"))
    }


def log_line(text: str) -> str:
    """A line of ``server.log``."""
    return f"powerd {time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime())} {text}"

"""The session files around a measured run, as typed records.

``client.json`` and ``server.json`` stand in ``performance/power`` of a power result: who talked to whom, when
the phases were, which files came out and their SHA-1. The field names are those of the published results
(MLCommons power-dev); a session of powerd uses the same names, its own greeting, and an ``edgewatt`` object in
the server's file that says which daemon and meter measured.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from schemas.plainfile import open_plain

Side = Literal["client", "server"]
MODES = ("ranging", "testing")
CLIENT_GREETING = "edgewatt powerd client v1"
SERVER_GREETING = "edgewatt powerd server v1"
RUN_FOLDER = {"ranging": "ranging", "testing": "run_1"}
"""Where the logs of a mode lie below ``performance``."""


class SessionGarbled(ValueError):
    """A session file that is not what power sessions write; the text says which part."""


@dataclass(frozen=True, slots=True)
class Message:
    """One exchange between client and server; times are Unix seconds of the side that wrote the file."""

    cmd: str
    cmd_time: float
    reply: str
    reply_time: float


@dataclass(frozen=True, slots=True)
class Phase:
    """One of the four marks of a mode: before start, after start, before stop, after stop."""

    unix_s: float
    monotonic_s: float


@dataclass(frozen=True, slots=True)
class SessionFile:
    """One side of a session. ``results`` maps paths below ``performance`` to SHA-1 in hex."""

    side: Side
    version: str
    timezone: int
    modules: Mapping[str, str]
    sources: Mapping[str, str]
    messages: tuple[Message, ...]
    uuid_client: str
    uuid_server: str
    session_name: str
    results: Mapping[str, str]
    phases: Mapping[str, tuple[Phase, ...]]
    ptd_messages: tuple[Mapping[str, str], ...] = ()
    ptd_config: Any = None
    debug: bool | None = None
    edgewatt: Mapping[str, Any] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path, side: Side) -> SessionFile:
        """Read ``client.json`` or ``server.json``; OSError or ``SessionGarbled``."""
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except (UnicodeDecodeError, ValueError, RecursionError) as error:
            raise SessionGarbled(f"{path.name} is not JSON: {error}") from error
        return cls.from_document(document, side)

    @classmethod
    def from_document(cls, document: Any, side: Side) -> SessionFile:
        """From parsed JSON; ``SessionGarbled`` names the first part that is missing or of another form."""
        try:
            return cls(
                side=side,
                version=str(document["version"]),
                timezone=int(document["timezone"]),
                modules=dict(document["modules"]),
                sources=dict(document["sources"]),
                messages=tuple(_message(m) for m in document["messages"]),
                uuid_client=str(document["uuid"]["client"]),
                uuid_server=str(document["uuid"]["server"]),
                session_name=str(document["session_name"]),
                results=dict(document["results"]),
                phases={mode: tuple(_phase(p) for p in rows) for mode, rows in document["phases"].items()},
                ptd_messages=tuple(dict(m) for m in document.get("ptd_messages") or ()),
                ptd_config=document.get("ptd_config"),
                debug=document.get("debug"),
                edgewatt=document.get("edgewatt"),
                extra={k: v for k, v in document.items() if k not in _KNOWN},
            )
        except KeyError as error:
            raise SessionGarbled(f"{side}.json has no {error.args[0]!r}") from error
        except (TypeError, ValueError, AttributeError, OverflowError) as error:
            raise SessionGarbled(f"{side}.json is not of the known form: {error}") from error

    def to_document(self) -> dict[str, Any]:
        """The JSON document; the inverse of ``from_document``."""
        document: dict[str, Any] = {
            "version": self.version,
            "timezone": self.timezone,
            "modules": dict(self.modules),
            "sources": dict(self.sources),
            "messages": [
                {"cmd": m.cmd, "cmd_time": m.cmd_time, "reply": m.reply, "reply_time": m.reply_time}
                for m in self.messages
            ],
            "uuid": {"client": self.uuid_client, "server": self.uuid_server},
            "session_name": self.session_name,
            "results": dict(self.results),
            "phases": {mode: [[p.unix_s, p.monotonic_s] for p in rows] for mode, rows in self.phases.items()},
        }
        if self.side == "server":
            document["ptd_messages"] = [dict(m) for m in self.ptd_messages]
            document["ptd_config"] = self.ptd_config
        if self.debug is not None:
            document["debug"] = self.debug
        if self.edgewatt is not None:
            document["edgewatt"] = dict(self.edgewatt)
        return document | dict(self.extra)

    def to_json(self) -> str:
        """The text of the file."""
        return json.dumps(self.to_document(), indent=4)


_KNOWN = frozenset(
    ("version", "timezone", "modules", "sources", "messages", "uuid", "session_name", "results", "phases",
     "ptd_messages", "ptd_config", "debug", "edgewatt")
)  # fmt: skip


def _message(row: Mapping[str, Any]) -> Message:
    return Message(
        str(row["cmd"]), float(row.get("cmd_time", 0.0)), str(row["reply"]), float(row.get("reply_time", 0.0))
    )


def _phase(row: Any) -> Phase:
    return Phase(float(row[0]), float(row[1]))


def hash_file(path: Path) -> str:
    """SHA-1 of a file in hex, the digest that session files record; OSError when it cannot be read."""
    with open_plain(path) as file:
        return hashlib.file_digest(file, "sha1").hexdigest()

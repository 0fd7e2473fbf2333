"""A client of power-dev's protocol, written from what its messages and files look like: as bare as it can be.

It speaks as power-dev's ``client.py`` does (same commands, same order, same files), but takes the workload as a
function and can be told to break off anywhere.
"""

from __future__ import annotations

import json
import socket
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from schemas.power_session import RUN_FOLDER, hash_file
from schemas.units import UnixNs, format_log_time

MAGIC = "mlcommons/power client v3"
DOWNLOADS = (
    "power/ptd_logs.txt", "ranging/spl.txt", "power/server.json", "power/server.log", "run_1/spl.txt",
    "run_1/ptd_out.txt",
)  # fmt: skip


class Wire:
    """Lines over TCP."""

    def __init__(self, port: int, timeout_s: float = 60.0) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), timeout_s)
        self.held = b""

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def line(self) -> str:
        while b"\n" not in self.held:
            data = self.sock.recv(65536)
            if not data:
                raise ConnectionError(f"the server hung up after {self.held!r}")
            self.held += data
        line, _, self.held = self.held.partition(b"\n")
        return line.rstrip(b"\r").decode()

    def exactly(self, count: int) -> bytes:
        while len(self.held) < count:
            data = self.sock.recv(65536)
            if not data:
                raise ConnectionError("the server hung up")
            self.held += data
        data, self.held = self.held[:count], self.held[count:]
        return data

    def ask(self, command: str) -> str:
        self.send(f"{command}\r\n".encode())
        return self.line()

    def close(self) -> None:
        self.sock.close()


@dataclass
class PowerDevClient:
    """One session over one connection."""

    port: int
    label: str = ""
    messages: list[dict[str, Any]] = field(default_factory=list)
    phases: dict[str, list[list[float]]] = field(default_factory=lambda: {"ranging": [], "testing": []})
    name: str = ""

    def __post_init__(self) -> None:
        self.uuid = str(uuid.uuid4())
        self.wire = Wire(self.port)

    def command(self, text: str) -> str:
        asked = time.time()
        reply = self.wire.ask(text)
        self.messages.append({"cmd": text, "cmd_time": asked, "reply": reply, "reply_time": time.time()})
        return reply

    def hello(self) -> None:
        assert self.command(MAGIC) == "mlcommons/power server v3"
        self.sync()

    def sync(self) -> None:
        before = time.time()
        server = float(self.command("time"))
        after = time.time()
        assert -0.4 < server - before < 0.4
        assert -0.4 < after - server < 0.4

    def new(self) -> None:
        reply = self.command(f"new,{self.label},{self.uuid}")
        assert reply.startswith("OK "), reply
        self.name, self.server_uuid = reply.removeprefix("OK ").split(",")

    def mark(self, mode: str) -> None:
        self.phases[mode].append([time.time(), time.monotonic()])

    def start(self, mode: str, ranges: str = "") -> None:
        self.sync()
        self.mark(mode)
        reply = self.command(f"session,{self.name},start,{mode}{ranges}")
        assert reply == "OK", reply
        self.mark(mode)

    def stop(self, mode: str) -> None:
        self.mark(mode)
        reply = self.command(f"session,{self.name},stop,{mode}")
        assert reply == "OK", reply
        self.mark(mode)
        self.sync()

    def stage(self, mode: str, work: Callable[[], None], folder: Path) -> None:
        """One mode with a workload and the loadgen log that it leaves."""
        self.start(mode)
        self.sync()
        begin = time.time_ns() + 1_000_000
        work()
        end = time.time_ns() - 1_000_000
        self.sync()
        self.stop(mode)
        place = folder / RUN_FOLDER[mode]
        place.mkdir(parents=True, exist_ok=True)
        rows = [("power_begin", begin), ("power_end", end)]
        (place / "mlperf_log_detail.txt").write_text(
            "".join(
                f":::MLLOG {json.dumps({'key': key, 'value': format_log_time(UnixNs(at))})}\n"
                for key, at in rows
            )
        )
        (place / "mlperf_log_summary.txt").write_text("shortened\n")

    def download(self, file: str) -> bytes:
        self.wire.send(f"download,{self.name},{file}\r\n".encode())
        data = b""
        while count := int(self.wire.line()):
            data += self.wire.exactly(count)
        return data

    def done(self, folder: Path) -> None:
        """Write our files, then fetch the server's."""
        (folder / "power").mkdir(parents=True, exist_ok=True)
        (folder / "power/client.log").write_text("client: a session of the tests\n")
        own = sorted(p for p in folder.rglob("*") if p.is_file())
        document = {
            "version": "1.0",
            "timezone": 0,
            "modules": {},
            "sources": {},
            "messages": self.messages,
            "uuid": {"client": self.uuid, "server": self.server_uuid},
            "session_name": self.name,
            "results": {p.relative_to(folder).as_posix(): hash_file(p) for p in own},
            "phases": self.phases,
            "ptd_config": [None],
        }
        (folder / "power/client.json").write_text(json.dumps(document, indent=4))
        assert self.wire.ask(f"session,{self.name},done") == "OK"
        for file in DOWNLOADS:
            (folder / file).write_bytes(self.download(file))
        assert self.wire.ask(f"cleanup,{self.name}") == "OK"
        self.wire.close()

"""Two network namespaces of one process, joined by a relay that takes its time: nobody's network is touched.

A socket stays in the namespace in which it was made, so the relay listens in one and connects in the other.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import fcntl
import os
import random
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from powerd.boottime import boottime_ns

_NEW_USER, _NEW_NET = 0x10000000, 0x40000000
_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 0x1
_libc = ctypes.CDLL(None, use_errno=True)


def why_not() -> str | None:
    """Why namespaces cannot be made here; None when they can."""
    if not sys.platform.startswith("linux"):
        return "network namespaces are Linux's"
    probe = [
        sys.executable,
        "-c",
        "from tests.trips.two_networks import new_network, may; may(); new_network()",
    ]
    found = subprocess.run(probe, capture_output=True, text=True, check=False)
    return None if found.returncode == 0 else f"no network namespaces here: {found.stderr.strip()[-100:]}"


def may() -> None:
    """Get the right to make namespaces; an ordinary user gets it in a user namespace where that is permitted."""
    if os.geteuid() == 0:
        return
    user, group = os.getuid(), os.getgid()
    _call("unshare", _NEW_USER)
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"0 {user} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"0 {group} 1", encoding="ascii")


def new_network() -> int:
    """Put this thread into a network of its own with nothing but loopback; a descriptor to come back by."""
    _call("unshare", _NEW_NET)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        row = fcntl.ioctl(sock, _GET_FLAGS, struct.pack("16sH14x", b"lo", 0))
        (flags,) = struct.unpack_from("H", row, 16)
        fcntl.ioctl(sock, _SET_FLAGS, struct.pack("16sH14x", b"lo", flags | _UP))
    return os.open(f"/proc/self/task/{threading.get_native_id()}/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def enter(network: int) -> None:
    """Put this thread into a network."""
    _call("setns", network, _NEW_NET)


def _call(name: str, *arguments: int) -> None:
    if getattr(_libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


@dataclass(frozen=True, slots=True)
class Direction:
    """One direction of a line: every piece takes ``base_s`` and up to ``jitter_s`` more; order is kept."""

    base_s: float
    jitter_s: float

    def delay_ns(self, chance: random.Random) -> int:
        return round((self.base_s + chance.random() * self.jitter_s) * 1e9)


class Relay:
    """Lines from the networks where ``line`` is called to ``target`` in another one. Runs on a thread of its own."""

    def __init__(self, network: int, target: tuple[str, int], seed: int) -> None:
        self._network = network
        self._target = target
        self._chance = random.Random(seed)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)
        self._thread.start()

    @contextlib.contextmanager
    def line(self, out: Direction, back: Direction) -> Iterator[None]:
        """A line with these delays, at the target's own address in the caller's network, until the block ends."""
        sock = socket.create_server(self._target)
        here: set[asyncio.Task[None]] = set()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            there, towards = await asyncio.open_connection(*self._target)
            for ends in ((reader, towards, out), (there, writer, back)):
                here.add(asyncio.create_task(self._pass(*ends)))

        async def end() -> None:
            server.close()
            await asyncio.gather(*here, return_exceptions=True)

        server = asyncio.run_coroutine_threadsafe(asyncio.start_server(serve, sock=sock), self._loop).result(
            10
        )
        try:
            yield
        finally:
            asyncio.run_coroutine_threadsafe(end(), self._loop).result(10)

    def stop(self) -> None:
        """End all lines."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        enter(self._network)
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: Direction
    ) -> None:
        """Hand on what comes, each piece when its time has come."""
        due = 0
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                due = max(due, boottime_ns() + path.delay_ns(self._chance))
                await asyncio.sleep(max(0, due - boottime_ns()) / 1e9)
                writer.write(data)
                await writer.drain()
        writer.close()

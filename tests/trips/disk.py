"""What a disk holds after a power cut, from the recorded system calls of a daemon: a model that is meaner than disks.

``strace`` writes down what the process asked of the files of its store. At a cut everything that an fsync had returned
for is on the disk; of what was written since then each call is kept, dropped or torn (some of its 512-byte sectors) by
a seeded choice, in any order. A name in the folder is sure once the folder was synced.
"""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

SECTOR = 512
DATABASE = "powerd.sqlite"
NAMES = tuple(DATABASE + ending for ending in ("", "-wal", "-journal"))
"""The index of the log (-shm) is memory of processes: after a cut SQLite makes it anew."""
CALLS = (
    "openat,pwrite64,write,pwritev,fsync,fdatasync,ftruncate,truncate,fallocate,unlink,unlinkat,rename,renameat,"
    "renameat2"
)
_LINE = re.compile(r"(\d+)\.(\d{6}) (\w+)\((.*)\) += (-?\d+)[^=]* <([\d.]+)>$")
_HEX = re.compile(r"\\x([0-9a-f]{2})")
_QUOTED = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_OF = re.compile(r"<((?:\\x[0-9a-f]{2})*)>")


@dataclass(frozen=True, slots=True)
class Call:
    """One system call on a file of the store: when it began and had returned (UTC), and what it asked."""

    at_ns: int
    done_ns: int
    kind: str
    file: str
    offset: int = 0
    data: bytes = b""


def strace() -> str | None:
    """Where strace is and works here, None where it does not."""
    found = shutil.which("strace")
    if found is None:
        return None
    probe = subprocess.run([found, "-o", "/dev/null", "true"], capture_output=True, check=False)
    return found if probe.returncode == 0 else None


def recording(trace: Path, data: Path) -> list[str]:
    """The command that records what the command after it does to the store in ``data``; one file a thread.

    The daemon is the child, strace the grandchild, so that signals and exit code are the daemon's.
    """
    trace.mkdir()
    paths = [str(data), *(str(data / name) for name in NAMES)]
    watched = [part for path in paths for part in ("-P", path)]
    options = ["-D", "-f", "-ff", "--seccomp-bpf", "-ttt", "-T", "-y", "-xx", "-s", "1000000"]
    return [str(strace()), *options, "-o", str(trace / "thread"), "-e", f"trace={CALLS}", *watched]


def wait_for_end(trace: Path, pid: int, patience_s: float = 30.0) -> None:
    """Return when strace has written down the end of the daemon, a moment after it."""
    deadline = time.monotonic() + patience_s
    while "+++ exited" not in (trace / f"thread.{pid}").read_text(encoding="ascii")[-200:]:
        assert time.monotonic() < deadline, "strace did not end"
        time.sleep(0.02)


def calls(trace: Path, data: Path) -> list[Call]:
    """All calls in order of time; a call that this model does not know is an error, not a gap."""
    found = [call for file in trace.iterdir() for call in _thread(file, data)]
    return sorted(found, key=lambda call: call.at_ns)


def _thread(file: Path, data: Path) -> Iterator[Call]:
    for line in file.read_text(encoding="ascii").splitlines():
        match = _LINE.match(line)
        if match is None:
            if line.split(" ", 1)[1].startswith(("+++", "---")):
                continue
            raise AssertionError(f"strace wrote {line[:200]}")
        seconds, micros, kind, rest, result, lasted = match.groups()
        if int(result) < 0:
            continue
        at = int(seconds) * 1_000_000_000 + int(micros) * 1000
        call = _call(kind, rest, int(result), at, at + round(float(lasted) * 1e9), data)
        if call is not None:
            yield call


def _call(kind: str, rest: str, result: int, at: int, done: int, data: Path) -> Call | None:
    strings = [_text(found) for found in _QUOTED.findall(rest)]
    fds = [Path(_text(found).decode()) for found in _OF.findall(rest)]
    path = Path(strings[0].decode()) if kind in {"openat", "unlink"} else fds[0]
    if path.name not in NAMES and path != data:
        return None
    name = "." if path == data else path.name
    numbers = rest.rpartition('"')[2].split(",")
    if kind == "openat":
        return Call(at, done, "create", name) if "O_CREAT" in rest else None
    if kind in {"fsync", "fdatasync"}:
        return Call(at, done, "sync", name)
    if kind == "unlink":
        return Call(at, done, "unlink", name)
    if kind == "ftruncate":
        return Call(at, done, "truncate", name, int(rest.rpartition(",")[2]))
    if kind == "pwrite64":
        assert result == len(strings[0]) == int(numbers[1]), rest[:200]
        return Call(at, done, "write", name, int(numbers[2]), strings[0])
    raise AssertionError(f"the model of the disk does not know {kind}({rest[:200]})")


def _text(found: str) -> bytes:
    return bytes.fromhex("".join(_HEX.findall(found)))


@dataclass
class File:
    """What the disk surely holds of a file, and what was asked since its last sync."""

    sure: bytearray = field(default_factory=bytearray)
    asked: list[Call] = field(default_factory=list)


@dataclass
class Disk:
    """Files of one folder. Feed it calls in order; ``after_cut`` leaves it as it is."""

    files: dict[str, File] = field(default_factory=dict)
    """By name, as processes see them."""
    sure_names: dict[str, File] = field(default_factory=dict)
    """By name, as the last sync of the folder left them."""

    def apply(self, call: Call) -> None:
        """A call that has returned."""
        if call.kind == "create":
            self.files.setdefault(call.file, File())
        elif call.kind == "unlink":
            del self.files[call.file]
        elif call.kind == "sync" and call.file == ".":
            self.sure_names = dict(self.files)
        elif call.kind == "sync":
            file = self.files[call.file]
            for asked in file.asked:
                _do(file.sure, asked)
            file.asked.clear()
        else:
            self.files[call.file].asked.append(call)

    def after_cut(self, chance: random.Random, under_way: Sequence[Call] = ()) -> dict[str, bytes]:
        """Contents by name after a cut at which the calls ``under_way`` had begun."""
        names = self._names(chance)
        return {name: self._content(file, name, chance, under_way) for name, file in names.items()}

    def _names(self, chance: random.Random) -> dict[str, File]:
        names = dict(self.sure_names)
        for name in sorted({*self.files, *names}):
            now = self.files.get(name)
            if now is not names.get(name) and chance.random() < 0.5:
                names.pop(name, None)
                names |= {} if now is None else {name: now}
        return names

    @staticmethod
    def _content(file: File, name: str, chance: random.Random, under_way: Sequence[Call]) -> bytes:
        content = bytearray(file.sure)
        writes = [c for c in under_way if c.file == name and c.kind in {"write", "truncate"}]
        mood = chance.choice(["all", "none", "each", "each"])
        for call in (*file.asked, *writes):
            fate = {"all": "kept", "none": "dropped"}.get(mood) or chance.choice(["kept", "dropped", "torn"])
            if fate == "kept":
                _do(content, call)
            elif fate == "torn":
                _tear(content, call, chance)
        return bytes(content)


def _do(content: bytearray, call: Call) -> None:
    if call.kind == "truncate":
        del content[call.offset :]
        content.extend(bytes(call.offset - len(content)))
        return
    content.extend(bytes(max(0, call.offset - len(content))))
    content[call.offset : call.offset + len(call.data)] = call.data


def _tear(content: bytearray, call: Call, chance: random.Random) -> None:
    """Some sectors of a write; sectors are cut where the disk cuts them, not where the write begins."""
    at = call.offset
    while call.kind == "write" and at < call.offset + len(call.data):
        end = min((at // SECTOR + 1) * SECTOR, call.offset + len(call.data))
        if chance.random() < 0.5:
            piece = call.data[at - call.offset : end - call.offset]
            _do(content, Call(call.at_ns, call.done_ns, "write", call.file, at, piece))
        at = end

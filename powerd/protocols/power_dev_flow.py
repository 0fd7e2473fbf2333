"""How a session goes when power-dev's client leads it, and the files that power-dev would have written.

The meter is led over a ptd conversation inside the daemon, word by word as power-dev's server leads PTDaemon; what was
said stands in ``ptd_messages``. Instead of fixed sleeps the meter's own good samples are waited for. The samples of a
mode are on disk as soon as it is stopped.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from powerd.errors import PowerdError, Refused
from powerd.model import MeterInfo
from powerd.protocols.base import Lab
from powerd.protocols.ptd import Talk, Writing
from powerd.protocols.ptd_log import BANNER, Journal, device_type, startup_lines
from powerd.session_record import Session, put_lines, server_file
from schemas.power_session import MODES, RUN_FOLDER

FILES = (
    "power/ptd_logs.txt",
    "ranging/spl.txt",
    "power/server.json",
    "power/server.log",
    "run_1/spl.txt",
    "run_1/ptd_out.txt",
)
CURRENT_MARGIN = 1.1
"""As power-dev takes it; volts have no margin (power-dev-protocol, section 4)."""
GOOD_BEFORE_GO = 3
MOST_MESSAGES = 20_000


class PowerDevFlow:
    """``powerd.session_record.Flow`` for one session."""

    name = "power_dev"

    def __init__(self, lab: Lab, meters: tuple[str, ...]) -> None:
        self._lab = lab
        self._meters = meters
        self._lock = threading.Lock()
        self._ptd_messages: list[Mapping[str, str]] = []
        self._fixed: tuple[str, str] | None = None
        self._initial: tuple[str, str] = ("Auto", "Auto")
        self._out: tuple[str, str] | None = None
        self._restored = False

    def begin(self, session: Session, root: Path) -> None:
        """The session is this flow's from now on; its files lie below ``root``."""
        self.session = session
        self._root = root
        (root / "power").mkdir(parents=True, exist_ok=True)
        self._log = (root / "power/ptd_logs.txt").open("a", encoding="utf-8", buffering=1)
        journal = Journal(self._write_log)
        journal.plain("Analyzer 1")
        journal.plain(BANNER)
        writing = Writing(journal, lambda line: None, labels={"session": session.ident})
        self._talk = Talk(self._lab, self._meters, writing)
        for line in startup_lines(self._talk.analyzer):
            journal.stamped(line)
        self._ask("Hello")
        self._ask("Identify")
        self._initial = _initial(self._ask("RR")[0])

    def _write_log(self, text: str) -> None:
        if not self._log.closed:
            self._log.write(text + "\n")

    @property
    def measuring(self) -> bool:
        """Whether a mode is going on."""
        return self._talk.analyzer.measuring

    def note(self, cmd: str, reply: str, asked: float) -> None:
        """An exchange with the client."""
        with self._lock:
            if len(self.session.messages) < MOST_MESSAGES:
                self.session.say(cmd, reply, asked)

    def fix(self, words: Sequence[str]) -> None:
        """Volts and amperes that the client asks for in place of a ranging run; ``Refused`` for anything else."""
        if not words:
            return
        if len(words) != 2 or not all(_is_number(w) for w in words):
            raise Refused(f"found {','.join(words)[:80]!r}, wanted volts and amperes")
        self._fixed = (words[0], words[1])

    def start(self, session: Session, mode: str) -> str:
        """Set the ranges, wait for good samples on them, and go."""
        if mode == "ranging":
            volts = amps = "Auto"
        else:
            volts, amps = self._fixed or self._found()
        self._must(f"SR,V,{volts}")
        self._must(f"SR,A,{amps}")
        if mode == "ranging":
            # power-dev says it twice (its mode MAX is overruled so), and its checker counts the commands.
            self._must(f"SR,A,{amps}")
        self._talk.analyzer.settle(1 if mode == "ranging" else GOOD_BEFORE_GO)
        self._talk.label("mode", mode)
        self._must(f"Go,{self._interval_ms()},0,{session.name}_{mode}")
        (_, amp_range), (_, volt_range) = self._talk.analyzer.ranges()
        automatic = mode == "ranging"
        self.keep(session)
        session.ranges[mode] = {
            "voltage_v": None if automatic else volt_range,
            "current_a": None if automatic else amp_range,
        }
        return "OK"

    def _interval_ms(self) -> int:
        """power-dev's second, or the meter's own interval where that is longer."""
        return max(1000, round(self._talk.analyzer.interval_ns / 1_000_000))

    def _found(self) -> tuple[str, str]:
        largest = self._largest
        if largest is None:
            raise Refused("no good sample of ranging is there, so the ranges are not known: range first")
        return f"{largest[0]:.6f}", str(largest[1] * CURRENT_MARGIN)

    _largest: tuple[float, float] | None = None

    def stop(self, session: Session, mode: str) -> str:
        """End the run, read its samples, and put them on disk."""
        if mode == "testing":
            self._ask("Watts")
            self._ask("Uncertainty")
        self._ask("Stop")
        lines = self._ask("RL,*,*")
        if "Invalid number of parameters" in lines[0]:
            lines = self._ask("RL")
        uncertainty, watts = self._ask("Uncertainty")[0], self._ask("Watts")[0]
        if mode == "ranging":
            self._largest = self._talk.analyzer.run().largest()
        else:
            self._out = (watts, uncertainty)
        self.keep(session)
        marked = [_marked(line, f"{session.name}_{mode}") for line in lines[1:]]
        put_lines(self._root / RUN_FOLDER[mode] / "spl.txt", [*marked, ""] if marked else [])
        return "OK"

    def keep(self, session: Session) -> None:
        """Put what was said so far, and what the files need besides, into the session."""
        with self._lock:
            session.messages = list(self.session.messages)
        session.kept = {
            "ptd_messages": list(self._ptd_messages),
            "ptd_config": self._configuration(),
            "out": None if self._out is None else list(self._out),
        }

    def restore(self) -> None:
        """Put the ranges back that were there before."""
        if not self._restored:
            self._restored = True
            self._talk.analyzer.await_windows()
            self._ask(f"SR,V,{self._initial[0]}")
            self._ask(f"SR,A,{self._initial[1]}")

    def abandon(self) -> None:
        """The client is gone for good: keep the samples of a mode that was going on, and free the meter."""
        going = next((m for m in MODES if self._talk.analyzer.measuring and self._mode_of(m)), None)
        try:
            if going is not None:
                self._lab.sessions.phase(self.session.ident, going, "stop", self)
            self._talk.end()
            self.restore()
        except (PowerdError, OSError) as error:
            self._write_log(f"note: {error}")

    def _mode_of(self, mode: str) -> bool:
        return len(self._lab.sessions.load(self.session.ident).phases[mode]) == 2

    def _ask(self, command: str) -> list[str]:
        lines = list(self._talk.answer(command))
        self._ptd_messages.append({"cmd": command, "reply": lines[0]})
        return lines

    def _must(self, command: str) -> None:
        reply = self._ask(command)[0]
        if reply.startswith("Error"):
            raise Refused(reply.removeprefix("Error: "))

    def write(self, session: Session, root: Path, windows: Mapping[str, Mapping[str, Any]]) -> list[str]:
        """All files but those that are there already, each hashed in ``server.json``."""
        self.keep(session)
        self._log.close()
        return _write(session, root, self._lab.info(session.meter), windows)

    def _configuration(self) -> dict[str, Any]:
        """What power-dev says of an analyzer; the command is how ``powerd ptd`` would lead the same meter."""
        analyzer = self._talk.analyzer
        channels = [channel for _, channel in analyzer.places]
        several = [int(channels[0]), len(channels)] if len(channels) > 1 and channels[0].isdecimal() else None
        number, port = device_type(analyzer.infos[0], len(channels)), self._lab.meter(self._meters[0]).port
        words = [] if several is None else ["-c", f"{several[0]},{several[1]}"]
        return {
            "command": ["powerd", "ptd", *words, str(number), port],
            "device_type": number,
            "interface_flag": "",
            "dc_flag": "",
            "device_port": port,
            "channel": several,
        }


class LeftFlow:
    """``powerd.session_record.Flow`` for a session whose daemon is gone: nothing but its files can be had."""

    name = PowerDevFlow.name

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def start(self, session: Session, mode: str) -> str:
        """``Refused``."""
        raise Refused(f"session {session.name} has ended: {session.ended}; begin a new one")

    def stop(self, session: Session, mode: str) -> str:
        """``Refused``."""
        return self.start(session, mode)

    def write(self, session: Session, root: Path, windows: Mapping[str, Mapping[str, Any]]) -> list[str]:
        """What was kept of it; ``Gone`` while the meter has not answered yet."""
        return _write(session, root, self._lab.info(session.meter), windows)


def interrupted(session: Session) -> str:
    """Where a session was: in a mode, or between its stages."""
    going = next((mode for mode in MODES if len(session.phases[mode]) == 2), None)
    return f"during {going}" if going else "between its stages"


def _write(
    session: Session, root: Path, info: MeterInfo, windows: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    session.log = _server_log(session)
    put_lines(root / "power/server.log", session.log)
    if (out := session.kept.get("out")) is not None:
        put_lines(root / "run_1/ptd_out.txt", ["Analyzer 1:", f"Power: {out[0]}", f"Uncertainty: {out[1]}"])
    written = [name for name in FILES if name != "power/server.json" and (root / name).is_file()]
    config = session.kept.get("ptd_config")
    ptd = {
        "ptd_messages": tuple(session.kept.get("ptd_messages", ())),
        "ptd_config": [] if config is None else [config],
    }
    file = server_file(session, root, written, info, windows, **ptd)
    (root / "power/server.json").write_text(file.to_json(), encoding="utf-8")
    return [name for name in FILES if (root / name).is_file()]


def _initial(ranges: str) -> tuple[str, str]:
    """Volts and amperes of a reply to ``RR``, as they are put back: a fixed range, else ``Auto``."""
    _, amps_auto, amps, volts_auto, volts = ranges.split(",")
    return (
        volts if volts_auto == "0" and float(volts) > 0 else "Auto",
        amps if amps_auto == "0" and float(amps) > 0 else "Auto",
    )


def _marked(line: str, mark: str) -> str:
    """A line of ``RL`` as one of ``spl.txt``: the mark behind the first group, names before the others."""
    head, *groups = line.split(",Watts,")
    named = [f"Ch{n},Watts,{group}" for n, group in enumerate(groups[1:], start=1)]
    return ",".join((f"{head},Watts,{groups[0]},Mark,{mark}", *named))


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _server_log(session: Session) -> list[str]:
    """What was done and said, in the order of time: ``powerd YYYY-MM-DD HH:MM:SS,mmm [INFO] text`` in UTC."""
    return [
        *session.log,
        *(f"powerd {_stamp(m['cmd_time'])} [INFO] {m['cmd']!r}: {m['reply']!r}" for m in session.messages),
    ]


def _stamp(unix_s: float) -> str:
    return f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(unix_s))},{int(unix_s * 1000) % 1000:03d}"

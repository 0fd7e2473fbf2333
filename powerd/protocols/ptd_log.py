"""The texts of the ptd protocol: sample lines, ``Identify``, and the journal that becomes ``ptd_logs.txt``.

Forms: ptd-protocol, sections 3 to 5. Every one of them says powerd where a program names itself. ``ERROR:`` and
``WARNING:`` stand only before what these words mean to power-dev's checker; all else is a ``note:``.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from powerd.model import MeterInfo
from powerd.protocols.analyzer import Analyzer
from powerd.protocols.samples import Group, Run
from schemas import __version__
from schemas.units import NS_PER_MS, UnixNs, format_log_time

BANNER = f"powerd {__version__}, unofficial: this is not SPEC PTDaemon and no result of it is an official one"
VERSION = f"version=powerd {__version__}-unofficial"
SWALLOWED = 8192
"""Bytes at the end of our output that power-dev's server may drop when it writes ``ptd_logs.txt``."""
_FILLER = f"power-dev's server may drop the last {SWALLOWED} bytes of this log; this is there to be dropped "
_FILLER = _FILLER.ljust(1200, ".")
DEVICE_TYPES = {
    **dict.fromkeys(("WT310", "WT310E", "WT310EH", "WT310HC"), 49),
    **dict.fromkeys(("WT332", "WT333", "WT332E", "WT333E"), 52),
    "WT210": 8,
    "WT230": 8,
    "WT500": 35,
}
"""power-dev's numbers of meters (ptd-protocol, section 1)."""
SEVERAL_CHANNELS = {52: 77, 35: 48}
"""The number of the same meter with several channels measured."""


def device_type(info: MeterInfo, channels: int) -> int | None:
    """power-dev's number of a meter; None for meters that it does not know."""
    number = DEVICE_TYPES.get(info.model.upper())
    return SEVERAL_CHANNELS.get(number, number) if number is not None and channels > 1 else number


def model_name(info: MeterInfo, channels: int) -> str:
    """The meter as power-dev's checker spells it: maker and model in one word."""
    maker = info.maker.title().replace(" ", "")
    model = info.model.replace(" ", "").replace(",", "")
    if maker != "Yokogawa":
        return f"{maker}{model}"
    family = "WT330" + "E" * model.endswith("E") if model.startswith("WT33") else model
    if model.startswith("WT310E"):
        family = "WT310E"
    return f"Yokogawa{family.removesuffix('E') if channels > 1 else family}" + "_multichannel" * (
        channels > 1
    )


def identity(analyzer: Analyzer) -> str:
    """The reply to ``Identify``: 19 fields, the tenth of which says powerd."""
    infos, channels = analyzer.infos, len(analyzer.places)
    info = infos[0]
    flag = int(info.model.startswith("WT310"))
    interval = round(analyzer.interval_ns / NS_PER_MS)
    calibrated = info.calibration.calibrated or "no_cal_date"
    idn = " + ".join(i.identity for i in infos).replace(",", ";")
    head = f"{model_name(info, channels)},{interval},1,1,1,1,0,{flag},1"
    said = f"{VERSION},OS={_system()},mode=power,1,1,{channels},0,0,{calibrated},{idn}"
    return " ".join(f"{head},{said}".split())


def _system() -> str:
    import platform

    return f"{platform.system()} {platform.release()}".replace(",", " ")


def sample_text(
    unix_ns: int, groups: Sequence[Group], mark: str | None = None, channels: Sequence[str] = ()
) -> str:
    """One sample; in the file of ``-l`` (with a mark) the channels behind the sum are named, over ``RL`` not."""
    head = f"Time,{format_log_time(UnixNs(unix_ns))},{_group_text(groups[0])}"
    if mark is None:
        return ",".join((head, *(_group_text(g) for g in groups[1:])))
    named = (f"Ch{name},{_group_text(g)}" for name, g in zip(channels, groups[1:], strict=False))
    return ",".join((f"{head},Mark,{mark}", *named))


def _group_text(g: Group) -> str:
    return f"Watts,{g.watts:.6f},Volts,{g.volts:.6f},Amps,{g.amps:.6f},PF,{g.power_factor:.6f}"


def startup_lines(analyzer: Analyzer) -> Iterator[str]:
    """Who measures with what, before anything is measured."""
    for info in analyzer.infos:
        yield f"Analyzer identity response of {len(info.identity)} bytes: {info.identity}"
        yield f"Uncertainty checking for {model_name(info, len(analyzer.places))} is activated"
        yield f"Connected to {info.model} successfully" + (", which is SIMULATED" if info.simulated else "")


class Journal:
    """Lines with a stamp in UTC, and lines without, into one sink. Thread safe."""

    def __init__(self, sink: Callable[[str], None], *, swallowed: int = 0) -> None:
        """``swallowed`` bytes are written behind each run at least, where a reader drops the last ones."""
        self._sink = sink
        self._swallowed = swallowed
        self._lock = threading.Lock()

    def stamped(self, text: str) -> None:
        """``MM-DD-YYYY HH:MM:SS.mmm: text``."""
        self.plain(f"{format_log_time(UnixNs(time.time_ns()))}: {text}")

    def plain(self, text: str) -> None:
        """The text alone."""
        with self._lock:
            self._sink(text)

    def completed(self, run: Run, analyzer: Analyzer) -> None:
        """A run is over: its figures, then who measured and how."""
        average, least, largest = run.watts.text().split(",")
        self.stamped("Completed test")
        self.stamped(
            f"Avg watts {average}, min watts {least}, max watts {largest}, samples {run.samples}, errors {run.errors}, "
            f"valid {run.samples - run.errors}"
        )
        written = 0
        for line in self._particulars(run, analyzer):
            self.stamped(f"note: {line}")
            written += len(line)
        while written < self._swallowed:
            self.stamped(f"note: {_FILLER}")
            written += len(_FILLER)

    @staticmethod
    def _particulars(run: Run, analyzer: Analyzer) -> Iterator[str]:
        yield BANNER
        yield f"uncertainty {run.uncertainty_text} (limits of the specification added, as shares of the watts)"
        for meter, info in zip(analyzer.meters, analyzer.infos, strict=True):
            yield f"meter {meter} {json.dumps(asdict(info))}"
            specification = analyzer.specification(meter)
            if specification is not None:
                yield f"meter {meter} specification {json.dumps(asdict(specification))}"

    def window(self, window: Mapping[str, Any]) -> None:
        """The window that powerd kept of the run."""
        if window.get("state") == "closed":
            figures = {k: window[k] for k in ("energy_j", "energy_u95_j", "coverage", "quality", "sha256")}
            self.stamped(f"note: window {window['id']} {json.dumps(figures)}")
        else:
            self.stamped(f"note: window {window['id']} is {window.get('state')}")

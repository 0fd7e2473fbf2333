"""A meter behind SPEC PTDaemon (or powerd's own ``ptd``), over PTDaemon's TCP port: ``tcp:HOST:8888``.

For owners of a licensed PTDaemon: it keeps the meter, powerd reads from it, so that store, dashboard and coverage are
there too. Source: exchanges in public power results (docs/protocols.md). Greeting, ranges and start of a run are seen
in thousands of logs; that ``RL`` may be asked while a measurement runs, and then gives the samples since it was
asked last, follows from its meaning but is in no log (inferred). Nothing here was tried against a PTDaemon by us.

PTDaemon serves one connection at a time: while powerd reads, power-dev's server cannot. The instant of a sample is when
it was handed out: PTDaemon's own delay is in no document, so the uncertainty of the stamps is wide. Ranges are known
where they are fixed; the accuracy is that of the meter that PTDaemon names.
"""

from __future__ import annotations

import math
import time
from dataclasses import replace

from powerd import drivers
from powerd.errors import Garbled, Gone, NotThere, Refused
from powerd.model import MeterInfo, Quality, Settings, TimingMode, Values
from powerd.transports.base import Transport
from schemas.metrology import Specification

NAME = "ptdaemon"
EMULATED_SERIAL = "EDGEWATT-EMULATED"
GREETING = "Hello, PTDaemon here!"
PATIENCE_S = 15.0
"""A change of range was seen to take 5 s on a meter with several channels."""
POLLS = 10
"""So often in an interval it is asked whether a sample is there."""
_FIELDS = 8


class PtDaemon:
    """``powerd.drivers.base.Driver``."""

    name = NAME
    timing = TimingMode.WAIT
    bauds: tuple[int, ...] = ()
    """Of serial lines: none, so ``powerd probe`` asks no serial port for it."""
    # The meter's own delay, PTDaemon's reading of it and our polling (inferred; no document says any of them).
    delay_ns = 150_000_000
    delay_u95_ns = 150_000_000

    def identify(self, port: Transport) -> MeterInfo:
        """``Hello`` and ``Identify``; never on a serial line, where a meter could take these words for something."""
        if not port.name.startswith(("tcp:", "replay:", "conversation")):
            raise Refused(f"found port {port.name}, wanted tcp:HOST:PORT, where a PTDaemon listens")
        greeting = _ask(port, "Hello")
        if greeting != GREETING:
            raise Refused(f"{port.name} greets with {greeting[:40]!r}, which is no PTDaemon")
        fields = _ask(port, "Identify").split(",")
        if len(fields) < 19:
            raise Garbled(f"the answer to Identify has {len(fields)} fields, wanted 19")
        identity = fields[18].split(" + ")[0].replace(";", ",")
        maker, model, serial, firmware = ([f.strip() for f in identity.split(",")] + [""] * 4)[:4]
        count = int(fields[14]) if fields[14].isdecimal() and 0 < int(fields[14]) < 100 else 1
        return MeterInfo(
            driver=NAME,
            maker=maker,
            model=model or fields[0],
            serial=serial,
            firmware=firmware,
            identity=f"{fields[0]} {fields[9]} {identity}",
            channels=tuple(str(n) for n in range(1, count + 1)),
            simulated=serial == EMULATED_SERIAL,
        )

    def configure(self, port: Transport, info: MeterInfo, settings: Settings) -> Settings:
        """Stop what runs, set the ranges, start; the ranges are read back where PTDaemon tells them."""
        if tuple(settings.channels) != info.channels[: len(settings.channels)]:
            raise Refused(
                f"found channels {', '.join(settings.channels)}, but PTDaemon counts them from 1 on: "
                f"{', '.join(info.channels)}"
            )
        _ask(port, "Stop")  # "Error: no measurement to stop" is as good
        for word, value in (("V", settings.voltage_range_v), ("A", settings.current_range_a)):
            reply = _ask(port, f"SR,{word},{'Auto' if value is None else f'{value:g}'}")
            if reply != f"Range {word} changed":
                raise Refused(f"PTDaemon answers {reply[:120]!r} to a range {word} of {value or 'Auto'}")
        in_force = _ranges(_ask(port, "RR"), settings)
        reply = _ask(port, f"Go,{settings.interval_ns // 1_000_000},0,powerd")
        if not reply.startswith("Starting"):
            raise Refused(f"PTDaemon answers {reply[:120]!r} to the start of a measurement")
        return in_force

    def read(self, port: Transport, settings: Settings) -> tuple[Values, ...]:
        """Ask until a sample is there; of several the last one counts, and the others are missed updates."""
        several = len(settings.channels) > 1
        pause_s = settings.interval_ns / 1e9 / POLLS
        for _ in range(3 * POLLS + POLLS):
            line = _read_last(port, "RL,*,*" if several else "RL")
            if line is not None:
                return parse(line, settings)
            time.sleep(pause_s)
        raise Gone(f"PTDaemon at {port.name} gave no sample for {4 * settings.interval_ns / 1e9:g} s")

    def answer_bytes(self, settings: Settings) -> int:
        """A sample is about 60 characters a group and the stamp; the line of a network carries it."""
        return 120 + 80 * (len(settings.channels) + 1)

    def specification(self, info: MeterInfo) -> Specification:
        """That of the meter behind; ``NotThere`` when no driver knows it."""
        behind = drivers.for_model(info.maker, info.model)
        if behind is None or behind == NAME:
            raise NotThere(f"the accuracy of {info.maker} {info.model} is in no document that powerd has")
        return drivers.find(behind).specification(replace(info, driver=behind))


def parse(line: str, settings: Settings) -> tuple[Values, ...]:
    """``Time,<stamp>,Watts,…``, with several channels their groups behind the sum; ``Garbled`` for anything else."""
    fields = line.split(",")
    groups = [fields[i : i + _FIELDS] for i in range(2, len(fields), _FIELDS)]
    several = len(settings.channels) > 1
    wanted = len(settings.channels) + several
    if fields[0] != "Time" or len(groups) < wanted or any(len(g) != _FIELDS for g in groups):
        raise Garbled(f"found {line[:80]!r}, wanted Time and {wanted} groups of four numbers")
    return tuple(
        _values(channel, group, settings)
        for channel, group in zip(settings.channels, groups[several:wanted], strict=True)
    )


def _values(channel: str, group: list[str], settings: Settings) -> Values:
    if group[::2] != ["Watts", "Volts", "Amps", "PF"]:
        raise Garbled(f"found a group of {', '.join(group[::2])[:60]}, wanted Watts, Volts, Amps, PF")
    try:
        watts, volts, amps, factor = (float(x) for x in group[1::2])
    except ValueError:
        raise Garbled(f"found {','.join(group)[:80]!r}, wanted numbers") from None
    return Values(
        channel=channel,
        power_w=_finite(watts),
        voltage_v=_finite(volts),
        current_a=_finite(amps),
        power_factor=_finite(factor),
        frequency_hz=None,
        voltage_range_v=settings.voltage_range_v,
        current_range_a=settings.current_range_a,
        crest_factor=settings.crest_factor,
        quality=_quality(watts, volts, amps),
    )


def _quality(*values: float) -> Quality:
    if any(math.isinf(x) for x in values):
        return Quality.OVERRANGE
    if any(math.isnan(x) for x in values):
        return Quality.NODATA
    return Quality.NEGATIVE if values[0] < 0 else Quality.GOOD


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _ranges(reply: str, asked: Settings) -> Settings:
    """``Ranges,<A auto>,<A range>,<V auto>,<V range>``; what PTDaemon does not know stays as asked."""
    words = reply.split(",")
    if len(words) != 5 or words[0] != "Ranges":
        raise Garbled(f"found {reply[:60]!r}, wanted the four fields of Ranges")
    found = []
    for automatic, text in ((words[3], words[4]), (words[1], words[2])):
        try:
            value = float(text)
        except ValueError:
            raise Garbled(f"found range {text[:20]!r}, wanted a number") from None
        found.append((automatic, value))
    (volts_auto, volts), (amps_auto, amps) = found
    return replace(
        asked,
        voltage_range_v=volts
        if volts_auto == "0" and volts > 0
        else _kept(volts_auto, asked.voltage_range_v),
        current_range_a=amps if amps_auto == "0" and amps > 0 else _kept(amps_auto, asked.current_range_a),
    )


def _kept(automatic: str, asked: float | None) -> float | None:
    return None if automatic == "1" else asked


def _read_last(port: Transport, command: str) -> str | None:
    """The last line of a reply to ``RL``, None where it has none; the others are not kept, however many there are."""
    head = _ask(port, command).split()
    if len(head) < 3 or head[0] != "Last" or not head[1].isdecimal() or len(head[1]) > 7:
        raise Garbled(f"found {' '.join(head)[:60]!r}, wanted Last <n> samples")
    last = None
    for _ in range(int(head[1])):
        last = _line(port)
    return last


def _ask(port: Transport, command: str) -> str:
    port.write(f"{command}\r\n".encode("ascii"), 1.0)
    return _line(port)


def _line(port: Transport) -> str:
    data = port.read_until(b"\n", PATIENCE_S, 8192).rstrip(b"\r\n")
    if any(b < 0x20 or b > 0x7E for b in data):
        raise Garbled(f"the answer {data[:40]!r} holds bytes that are no text")
    return data.decode("ascii")


DRIVER = PtDaemon()

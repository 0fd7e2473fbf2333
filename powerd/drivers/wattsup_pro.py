"""Watts Up? PRO, ES and .NET over USB, which send a packet every interval by themselves.

Documented (WattsUpPro communications protocol v4.42): 115200 baud 8N1; packets ``#…;``; ``#V,R,0;`` asks for a version,
``#L,W,3,E,0,1;`` starts sending every second, ``#L,R,0;`` stops; the 18 fields of a data packet in tenths of watts and
volts, thousandths of amperes, hundredths of power factor, tenths of hertz; intervals of 1 s and longer. Documented
(leaflet): 1.5 % of reading and 3 counts of 0.1 W; amperes and power factor get worse below 60 W. Inferred: ``_`` in a
field that is switched off, firmware 1.x speaking 115200 baud (very old units 19200, seen).

The meter tells neither its serial number (one standing there is our emulator's), nor its range, nor over range: its
one range (250 V, 15 A) is inferred, and a current above it is taken for over range. Left out: writing the choice of
fields, the memory and the reset, which the driver never sends. Untested on hardware.
"""

from __future__ import annotations

from dataclasses import replace

from powerd.dialects import framed
from powerd.dialects.framed import Packet
from powerd.drivers.base import EMULATED_SERIAL
from powerd.errors import Garbled, Gone, Refused
from powerd.model import MeterInfo, Quality, Settings, TimingMode, Values
from powerd.transports.base import Transport
from schemas.metrology import Specification, series

NAME = "wattsup-pro"
MODELS = {"0": "Watts Up? Standard", "1": "Watts Up? PRO", "2": "Watts Up? ES", "3": "Watts Up? .NET"}
VERSION, START, STOP = b"#V,R,0;", b"#L,W,3,E,0,1;", b"#L,R,0;"
FIELDS = 18
_WATTS, _VOLTS, _AMPERES, _FACTOR, _HERTZ, _APPARENT = 0, 1, 2, 13, 16, 17
INTERVAL_NS = 1_000_000_000


class WattsUpPro:
    """``powerd.drivers.base.Driver`` for the series."""

    name = NAME
    timing = TimingMode.PUSH
    bauds = (115200,)
    # From the end of its second to the packet: not documented.
    delay_ns = 50_000_000
    delay_u95_ns = 50_000_000

    def identify(self, port: Transport) -> MeterInfo:
        """Ask for the version, which changes nothing."""
        port.discard_input()
        port.write(VERSION, 1.0)
        fields = framed.receive(port, "v", 1.5).fields
        if len(fields) != 8 or fields[0] not in MODELS:
            raise Refused(f"{port.name} answers as no Watts Up that is known: {','.join(fields)[:60]!r}")
        return MeterInfo(
            driver=NAME,
            maker="Electronic Educational Devices",
            model=MODELS[fields[0]],
            serial=fields[6] if fields[6] == EMULATED_SERIAL else "",
            firmware=f"{fields[4]}.{fields[5]}",
            identity=",".join(fields),
            channels=("1",),
            simulated=fields[6] == EMULATED_SERIAL,
        )

    def configure(self, port: Transport, info: MeterInfo, settings: Settings) -> Settings:
        """Let it send every second; there is nothing else to set."""
        spec = self.specification(info)
        volts, amperes = spec.voltage_ranges_v[0], spec.current_ranges_a[0]
        if settings.interval_ns < INTERVAL_NS or settings.crest_factor != 3 or settings.channels != ("1",):
            raise Refused(
                "a Watts Up sends once a second, from one channel, 1, without a choice of crest factor"
            )
        if settings.voltage_range_v not in {None, volts} or settings.current_range_a not in {None, amperes}:
            raise Refused(f"a Watts Up has one range, {volts:g} V and {amperes:g} A: leave both out")
        port.write(STOP, 1.0)
        _quiet(port)
        port.write(START, 1.0)
        return replace(settings, interval_ns=INTERVAL_NS, voltage_range_v=volts, current_range_a=amperes)

    def read(self, port: Transport, settings: Settings) -> tuple[Values, ...]:
        """The packet of the next second."""
        framed.await_start(port, 3.0)
        return (values(framed.receive(port, "d", 1.0), settings),)

    def answer_bytes(self, settings: Settings) -> int:
        """The longest data packet."""
        return len("#d,-,18,;\r\n") + 7 * FIELDS

    def specification(self, info: MeterInfo) -> Specification:
        """One for all models."""
        return series(NAME)[info.model]


def values(packet: Packet, settings: Settings) -> Values:
    """A data packet in SI units; ``Garbled`` when it cannot be one."""
    if len(packet.fields) != FIELDS:
        raise Garbled(f"a data packet has {len(packet.fields)} fields, {FIELDS} were awaited")
    watts, volts, amperes, factor, hertz, apparent = (
        _scaled(packet.fields[i], scale)
        for i, scale in (
            (_WATTS, 10),
            (_VOLTS, 10),
            (_AMPERES, 1000),
            (_FACTOR, 100),
            (_HERTZ, 10),
            (_APPARENT, 10),
        )
    )
    quality = _quality(watts, amperes, settings)
    if (
        quality is not Quality.OVERRANGE
    ):  # beyond its range a counter stands at its end, whatever the others say
        _must_agree(watts, apparent, factor)
    return Values(
        channel="1",
        power_w=watts,
        voltage_v=volts,
        current_a=amperes,
        power_factor=factor,
        frequency_hz=hertz,
        voltage_range_v=settings.voltage_range_v,
        current_range_a=settings.current_range_a,
        crest_factor=settings.crest_factor,
        quality=quality,
    )


def _must_agree(watts: float | None, apparent: float | None, factor: float | None) -> None:
    """Nothing guards a packet against a lost digit but that its fields agree; below 60 W they do so roughly."""
    if watts is None or apparent is None or factor is None:
        return
    if abs(watts - apparent * abs(factor)) > 0.1 * apparent + 5:
        raise Garbled(f"{watts:g} W cannot be at {apparent:g} VA, power factor {factor:g}: was a digit lost?")


def _quality(watts: float | None, amperes: float | None, settings: Settings) -> Quality:
    """A current beyond the one range is over range: the meter itself has no word for it."""
    if watts is None:
        return Quality.NODATA
    over = amperes is not None and settings.current_range_a is not None and amperes > settings.current_range_a
    return Quality.OVERRANGE if over else Quality.GOOD


def _scaled(text: str, scale: int) -> float | None:
    if text == "_":
        return None
    if not (text.isascii() and text.isdecimal()) or len(text) > 7:
        raise Garbled(f"{text[:20]!r} is no count")
    return int(text) / scale


def _quiet(port: Transport) -> None:
    """Throw away what still comes of the last stream."""
    for _ in range(4096):
        try:
            port.read_exactly(1, 0.2)
        except (Gone, Garbled):
            return


DRIVER = WattsUpPro()

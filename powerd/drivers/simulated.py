"""A meter without a wire, for trying things out: ``--meter wall=simulated:load:constant:100``.

It is an emulated WT310E in the daemon's own process (``powerd.transports.simulated``), spoken to in that meter's
language; it refuses every meter that is not an emulated one, so that nothing real is ever called simulated, or the
other way round.
"""

from __future__ import annotations

from dataclasses import replace

from powerd import drivers
from powerd.drivers.base import Driver
from powerd.errors import Refused
from powerd.model import MeterInfo, Settings, TimingMode, Values
from powerd.transports.base import Transport
from schemas.metrology import Specification

NAME = "simulated"
SPOKEN = "yokogawa-wt300"


class Simulated:
    """``powerd.drivers.base.Driver`` by another one."""

    name = NAME
    timing = TimingMode.WAIT
    delay_ns = 17_500_000
    delay_u95_ns = 12_500_000

    def accepts(self, maker: str, model: str) -> bool:
        """Nobody who answers on a line."""
        return False

    def identify(self, port: Transport) -> MeterInfo:
        """The emulated meter; ``Refused`` for a real one."""
        info = self._spoken().identify(port)
        if not info.simulated:
            raise Refused(f"{port.name} is a real meter, {info.maker} {info.model}: use driver {info.driver}")
        return replace(info, driver=NAME)

    def configure(self, port: Transport, info: MeterInfo, settings: Settings) -> Settings:
        """As the meter that it is."""
        return self._spoken().configure(port, info, settings)

    def read(self, port: Transport, settings: Settings) -> tuple[Values, ...]:
        """Its next update."""
        return self._spoken().read(port, settings)

    def answer_bytes(self, settings: Settings) -> int:
        """There is no line to fill."""
        return 0

    def specification(self, info: MeterInfo) -> Specification:
        """That of the meter that it is."""
        return self._spoken().specification(info)

    def _spoken(self) -> Driver:
        return drivers.find(SPOKEN)


DRIVER = Simulated()

"""Make a recording of an emulated meter: ``python -m tests.powerd.record DRIVER MODEL BAUD INTERVAL_MS FILE``.

Recordings of real meters come from ``powerd run --meter …,record=FILE`` and stand beside these.
"""

from __future__ import annotations

import sys
from dataclasses import asdict, replace
from pathlib import Path

from powerd import drivers
from powerd.transports import LineSettings, open_port
from tests.powerd.benches import bench, fitting


def main(driver_name: str, model: str, baud: str, interval_ms: str, path: str) -> None:
    """Identify, configure and read eight times, with all channels on fixed ranges."""
    driver = drivers.find(driver_name)
    with bench(driver_name, model=model, spec="constant:100 constant:60 constant:40") as meter:
        line = LineSettings(baud=int(baud))
        port = open_port(meter.port, line)
        info = driver.identify(port)
        port.close()
        settings = replace(fitting(driver, info), interval_ns=int(interval_ms) * 1_000_000)
        about = {"driver": driver_name, "settings": asdict(settings)}
        port = open_port(meter.port, line, Path(path), about)
        driver.identify(port)
        driver.configure(port, info, settings)
        for _ in range(8):
            driver.read(port, settings)
        port.close()


if __name__ == "__main__":
    main(*sys.argv[1:])

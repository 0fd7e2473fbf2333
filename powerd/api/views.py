"""How readings and meters look in JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from powerd.clock import ClockModel
from powerd.model import Reading
from powerd.service import Service
from powerd.views import sample as plain_sample
from schemas.units import NS_PER_S


def sample(reading: Reading, utc: ClockModel, *, raw: bool = False) -> dict[str, Any]:
    """A sample as the API gives it; UTC is computed on reading, with its half-width."""
    return plain_sample(reading, utc.to_remote(reading.end_ns), raw=raw)


def meter(service: Service, name: str) -> dict[str, Any]:
    """A meter as the API gives it."""
    config, state, tally = service.meter(name), service.state(name), service.ring.tally(name)
    info, settings, latest = state.info, state.settings, service.latest(name)
    channels = {channel: service.ring.latest(name, channel) for channel in service.channels(name)}
    return {
        "schema": "edgewatt/meter/1",
        "name": name,
        "driver": config.driver,
        "port": config.port,
        "connected": state.connected,
        "info": None
        if info is None
        else {
            "maker": info.maker,
            "model": info.model,
            "serial": info.serial,
            "firmware": info.firmware,
            "channels": list(info.channels),
            "simulated": info.simulated,
            "calibration": asdict(info.calibration),
        },
        "settings": None
        if settings is None
        else {
            "interval_s": settings.interval_ns / NS_PER_S,
            "voltage_range_v": settings.voltage_range_v,
            "current_range_a": settings.current_range_a,
            "crest_factor": settings.crest_factor,
        },
        "last_error": state.last_error,
        "reconnects": state.reconnects,
        "events": service.events(name),
        "alarms": [alarm.document() for alarm in service.alarms_of(name)],
        "latest": _shown(service, latest),
        "channels": [{"channel": c, "latest": _shown(service, own)} for c, own in channels.items()],
        "samples": tally.samples,
        "bad_samples": tally.bad_samples,
    }


def _shown(service: Service, reading: Reading | None) -> dict[str, Any] | None:
    """A reading in UTC; None where there is none, or no clock fix yet."""
    if reading is None:
        return None
    fixes = service.store.fixes(service.boot_id, reading.end_ns, reading.end_ns)
    return sample(reading, ClockModel.from_fixes(fixes)) if fixes else None

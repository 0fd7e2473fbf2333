"""Which meter measured: model and serial number as the power daemon and its log give them.

The answer to ``Identify`` begins with PTDaemon's name of the analyzer and, from PTDaemon 1.10 on, ends with the meter's
own identity with semicolons; the log holds the same identity behind "Analyzer identity response". A serial number of 0
is none (the WT210 has no other).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from checker.session import dialogue, identity, name_of, unofficial_session

_IN_LOG = re.compile(r"Analyzer identity response of \d+ bytes: ([^,\n]+),([^,\n]+),([^,\n]+),([^,\s]+)")
PRODUCT_CODES = {"760401": "WT210", "760502": "WT230", "760503": "WT230", "760201": "WT500", "760202": "WT500",
                 "760203": "WT500"}  # fmt: skip
"""What some series answer in place of their name (IM 760401-01; those of the WT500 seen in published logs)."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A meter: ``model`` as people call it, ``serial`` empty when it has none; ``channels`` that were measured."""

    model: str = ""
    serial: str = ""
    firmware: str = ""
    analyzer: str = ""
    daemon: str = ""
    channels: int = 1

    @property
    def emulates(self) -> bool:
        """Whether a newer meter answers as the older series (its firmware then ends in EM)."""
        return self.firmware.endswith("EM")


def identity_of(server: Mapping[str, Any], log: str = "") -> Identity:
    """The meter of a session."""
    analyzer, version = identity(server)
    if unofficial_session(server):
        own = server["edgewatt"]
        meter = own.get("meter") if isinstance(own, dict) else None
        about = meter if isinstance(meter, dict) else {}
        model = str(about.get("model") or name_of(meter))
        return Identity(model, str(about.get("serial") or ""), daemon="powerd")
    reply = next((r for c, r in dialogue(server) if c.startswith("Identify")), "")
    channels, fields = _channels(analyzer, reply), _answer(reply) or _logged(log)
    if fields is None:
        model = analyzer.removeprefix("Yokogawa")
        return Identity(model, analyzer=analyzer, daemon=version, channels=channels)
    _, model, serial, firmware = fields
    serial = "" if serial.strip("0") == "" else serial
    return Identity(PRODUCT_CODES.get(model, model), serial, firmware, analyzer, version, channels)


def _channels(analyzer: str, reply: str) -> int:
    """Field 15 of the answer; three where an analyzer with several channels does not tell."""
    fields = reply.split(",")
    told = fields[14] if len(fields) > 14 else ""
    return int(told) if told in ("1", "2", "3") else 3 if "multichannel" in analyzer else 1


def _answer(reply: str) -> tuple[str, str, str, str] | None:
    fields = reply.rpartition(",")[2].split(";")
    return (fields[0], fields[1], fields[2], fields[3].strip()) if len(fields) == 4 else None


def _logged(log: str) -> tuple[str, str, str, str] | None:
    match = _IN_LOG.search(log)
    return None if match is None else (match[1], match[2], match[3], match[4])

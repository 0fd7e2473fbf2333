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
    """A meter: ``model`` as people call it, ``serial`` empty when it has none, ``emulates`` an older series."""

    model: str = ""
    serial: str = ""
    firmware: str = ""
    analyzer: str = ""
    daemon: str = ""

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
    fields = _answer(server) or _logged(log)
    if fields is None:
        return Identity(analyzer=analyzer, daemon=version, model=analyzer.removeprefix("Yokogawa"))
    _, model, serial, firmware = fields
    serial = "" if serial.strip("0") == "" else serial
    return Identity(PRODUCT_CODES.get(model, model), serial, firmware, analyzer, version)


def _answer(server: Mapping[str, Any]) -> tuple[str, str, str, str] | None:
    reply = next((r for c, r in dialogue(server) if c.startswith("Identify")), "")
    fields = reply.rpartition(",")[2].split(";")
    return (fields[0], fields[1], fields[2], fields[3].strip()) if len(fields) == 4 else None


def _logged(log: str) -> tuple[str, str, str, str] | None:
    match = _IN_LOG.search(log)
    return None if match is None else (match[1], match[2], match[3], match[4])

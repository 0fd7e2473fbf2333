"""How the daemon talks: plain lines, lines with systemd's priorities, or JSON, one object a line.

A JSON line has ``time`` (RFC 3339, UTC), ``level``, ``logger``, ``message``, and where they fit ``meter``, ``error``.
Priorities (``<4>``…): sd-daemon(3), where standard error is the journal's (``JOURNAL_STREAM``, systemd.exec(5)).
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Mapping

LEVELS = ("debug", "info", "warning", "error")
FORMATS = ("text", "json")
_PRIORITIES = ((logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))


def set_up(level: str, form: str, environment: Mapping[str, str] | None = None) -> None:
    """Log to standard error from this level on; called again, it replaces what was."""
    found = os.environ if environment is None else environment
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Json() if form == "json" else Journal() if "JOURNAL_STREAM" in found else _PLAIN)
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


def set_level(level: str) -> None:
    """From now on say what is at least of this level."""
    logging.getLogger().setLevel(level.upper())


class Json(logging.Formatter):
    """One JSON object a record, in ASCII: no text from outside can break a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line without its end."""
        whole, millis = divmod(int(record.created * 1000), 1000)
        body = {
            "time": f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{millis:03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        meter = getattr(record, "meter", None)
        if meter is not None:
            body["meter"] = str(meter)
        if record.exc_info:
            body["error"] = self.formatException(record.exc_info)
        return json.dumps(body)


class Journal(logging.Formatter):
    """A plain line with the priority in front that the journal takes off again."""

    def format(self, record: logging.LogRecord) -> str:
        """Every line of the record, each with its priority."""
        priority = next((p for level, p in _PRIORITIES if record.levelno >= level), 7)
        return "\n".join(f"<{priority}>{line}" for line in _PLAIN.format(record).split("\n"))


_PLAIN = logging.Formatter("%(name)s: %(message)s")

"""``bundle``: everything that a window's numbers stand on, chained and signed (``schemas.bundle``)."""

from __future__ import annotations

import itertools
import platform
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from powerd import drivers
from powerd.boottime import boottime_ns
from powerd.errors import PowerdError
from powerd.exports.base import Export
from powerd.store import Store, StoredWindow
from schemas import __version__, bundle, window_differences, window_document
from schemas.records import AsOf, Moment
from schemas.witness import Witness

NAME = "bundle"
MEDIA_TYPE = "application/jsonl"


def lines(export: Export) -> Iterator[str]:
    """Head, the window as it was closed, what it was computed from, and the signature."""
    sign, unsigned_because = None, None
    try:
        sign = export.signer()
    except PowerdError as error:
        unsigned_because = str(error)
    facts = _facts(export.store, export.stored, export.window)
    header = [("header", _header(export, unsigned_because))]
    return bundle.write(itertools.chain(header, facts), sign)


def _header(export: Export, unsigned_because: str | None) -> Mapping[str, Any]:
    return {
        "schema": bundle.SCHEMA,
        "window": export.stored.ident,
        "simulated": export.window["simulated"],
        "signed": unsigned_because is None,
        "unsigned_because": unsigned_because,
        "versions": {
            "powerd": __version__,
            "python": platform.python_version(),
            "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        },
    }


def _facts(
    store: Store, stored: StoredWindow, closed: Mapping[str, Any]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The document, what the closer asked, the moment of computing, and every record that it was computed from.

    What can go wrong does so before the first line is given away.
    """
    request = dict(stored.request or {})
    computed = request.pop("computed", None)
    # A window of before powerd kept the moment is computed once more, with what is known now.
    moment = store.moment(boottime_ns()) if computed is None else Moment(**computed)
    witness = Witness(AsOf(store, moment), drivers.specification)
    again = window_document.document(witness, stored, moment.boottime_ns, witness.specification)
    head: list[tuple[str, Mapping[str, Any]]] = [("window", closed)]
    if window_differences.differences(closed, again):
        again["revision"] = int(closed["revision"]) + 1
        head = [("kept", closed), ("window", again | {"sha256": window_document.digest(again)})]
    asked = {
        "id": stored.ident,
        "name": stored.name,
        "meter": stored.meter,
        "channel": stored.channel,
        "labels": dict(stored.labels),
        "boot_id": stored.boot_id,
        "opened_ns": stored.opened_ns,
        "request": request,
    }
    head += [("request", asked), ("moment", asdict(moment))]
    return itertools.chain(head, witness.records())

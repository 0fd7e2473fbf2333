"""Check an evidence bundle offline: that nobody changed it, who signed it, and that its numbers come out again."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from checker.bundle import SCHEMA, Verification, verify, wanted_key
from schemas.cliapp import FINE, NOT_FINE, one_line

NAME = "verify"
HELP = "recompute every number of an evidence bundle, offline"
_KEYS = {
    "given": "signed by {}, the key that was given",
    "not given": "signed by {}",
    "other": "signed by {}, which is not the key that was given",
    "unsigned": "not signed",
    "broken": "its signature is broken",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The bundle and the key."""
    parser.add_argument(
        "bundle", type=Path, metavar="BUNDLE", help="as `powerd export ID --format bundle` writes it"
    )
    parser.add_argument(
        "--key", metavar="FINGERPRINT|FILE", help="who must have signed: a fingerprint or a public key in PEM"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default: %(default)s")


def run(args: argparse.Namespace) -> int:
    """Say what was found; 1 when anything is not as it was signed or does not come out again."""
    found = verify(args.bundle, None if args.key is None else wanted_key(args.key))
    if args.format == "json":
        print(json.dumps(_document(args.bundle, found), indent=2))
    else:
        print("\n".join(one_line(line) for line in _lines(args.bundle, found)))
    return NOT_FINE if found.faults else FINE


def _lines(path: Path, found: Verification) -> list[str]:
    window = found.window or {}
    said = [f"{path}: {'not valid' if found.faults else 'valid'}, {found.lines} lines, {_key(found)}"]
    if found.recomputed and window.get("energy_j") is not None:
        mark = " SIMULATED" if window.get("simulated") else ""
        said.append(
            f"window {window.get('id')} computed again: energy {window['energy_j']:.6g} ± "
            f"{window['energy_u95_j']:.2g} J, coverage {window['coverage']:.4f}, quality {window['quality']}, "
            f"{len(window['budget'])} terms of the budget{mark}"
        )
    elif found.recomputed:
        said.append(
            f"window {window.get('id')} computed again: energy not known, quality {window['quality']}"
        )
    return [*said, *(f"fault: {fault}" for fault in found.faults), *(f"note: {note}" for note in found.notes)]


def _key(found: Verification) -> str:
    return _KEYS[found.key].format(found.fingerprint)


def _document(path: Path, found: Verification) -> dict[str, Any]:
    window = found.window or {}
    return {
        "schema": SCHEMA,
        "bundle": str(path),
        "verdict": "invalid" if found.faults else "valid",
        "window": window.get("id"),
        "lines": found.lines,
        "fingerprint": found.fingerprint,
        "key": found.key,
        **{name: window.get(name) for name in ("energy_j", "energy_u95_j", "coverage")},
        "recomputed": found.recomputed,
        "raw_answers": {"samples": found.raw_samples, "hold_their_power": found.raw_found},
        "faults": [asdict(fault) for fault in found.faults],
        "notes": list(found.notes),
    }

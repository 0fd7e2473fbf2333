"""Find delay and averaging of meter and line: this machine is loaded and left alone by turns while the meter looks on.

Run it on the machine that the meter measures, with nothing else running there.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from typing import Any

from powerd.alignment import Alignment, Switch, fit, schedule
from powerd.burner import Load, burner
from powerd.client import ClientError, PowerdClient
from powerd.commands.exec import choose
from schemas.errors import Failed, UserError

NAME = "align"
HELP = "find delay and averaging of meter and line with a known load on this machine"
SCHEMA = "edgewatt/alignment/1"
LONGEST_S = 3600.0
INTERVALS = 60
LEAST_S = 20.0
SETTLE_INTERVALS = 6


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--meter", metavar="M", help="the meter (default: the only one of the daemon)")
    parser.add_argument(
        "--seconds",
        type=float,
        metavar="S",
        help=f"how long to switch (default: {INTERVALS} updates of the meter)",
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument(
        "--url", default="http://127.0.0.1:8675", help="where the daemon listens (default %(default)s)"
    )


def run(args: argparse.Namespace) -> int:
    """Switch, gather, fit and say; ``Failed`` when the watts do not follow."""
    if args.seconds is not None and not 1 <= args.seconds <= LONGEST_S:
        raise UserError(f"found --seconds {args.seconds:g}, wanted 1 to {LONGEST_S:g}")
    client = PowerdClient(args.url)
    try:
        meters = client.meters()
        name = choose(args.meter, [str(m["name"]) for m in meters])
        meter = next(m for m in meters if m["name"] == name)
        if meter["settings"] is None:
            raise Failed(f"meter {name} is not connected: {meter['last_error'] or 'connecting'}")
        interval_s = float(meter["settings"]["interval_s"])
        seconds = args.seconds or max(LEAST_S, INTERVALS * interval_s)
        print(f"powerd: switching the load of this machine for {seconds:.0f} s", file=sys.stderr)
        with burner() as load:
            switches = switch(client, load, schedule(seconds, interval_s))
        time.sleep(SETTLE_INTERVALS * interval_s)
        found = align(client, name, switches, interval_s)
    except ClientError as error:
        raise UserError(str(error)) from error
    print(
        json.dumps(document(name, found, meter), indent=2) if args.json else report(name, found, interval_s)
    )
    return 0


def switch(client: PowerdClient, load: Load, lengths: Sequence[float]) -> list[Switch]:
    """Switch off and on by turns; when that was on the daemon's clock."""
    before = client.sync_clock()
    marks: list[tuple[int, bool]] = []
    on = False
    try:
        for length in lengths:
            load.switch(on)
            marks.append((time.time_ns(), on))
            time.sleep(length)
            on = not on
    finally:
        load.switch(False)
        marks.append((time.time_ns(), False))
    after = client.sync_clock(before.clock)
    ahead_ns = round((before.offset_s + after.offset_s) / 2 * 1e9)
    return [Switch(at + ahead_ns, state) for at, state in marks]


def align(client: PowerdClient, meter: str, switches: Sequence[Switch], interval_s: float) -> Alignment:
    """The fit over the meter's samples from the first switch to a little after the last."""
    around = round(SETTLE_INTERVALS * interval_s * 1e9)
    rows = client.samples(meter, switches[0].at_ns, switches[-1].at_ns + around, limit=1_000_000)
    good = [r for r in rows if r["quality"] == "good" and r["power_w"] is not None]
    return fit([int(r["unix_ns"]) for r in good], [float(r["power_w"]) for r in good], switches, interval_s)


def document(name: str, found: Alignment, meter: dict[str, Any]) -> dict[str, Any]:
    """``edgewatt/alignment/1``."""
    return {
        "schema": SCHEMA,
        "meter": name,
        "simulated": bool((meter["info"] or {}).get("simulated")),
        "interval_s": float(meter["settings"]["interval_s"]),
        "delay_s": found.delay_s,
        "delay_u95_s": found.delay_u95_s,
        "averaging_s": found.averaging_s,
        "averaging_u95_s": found.averaging_u95_s,
        "low_w": found.low_w,
        "high_w": found.high_w,
        "explained": found.explained,
        "samples": found.samples,
    }


def report(name: str, found: Alignment, interval_s: float) -> str:
    """For people."""
    return "\n".join(
        (
            f"meter {name}: stamps are {1e3 * found.delay_s:.0f} ± {1e3 * found.delay_u95_s:.0f} ms late, "
            f"averaging over {1e3 * found.averaging_s:.0f} ± {1e3 * found.averaging_u95_s:.0f} ms "
            f"(updates every {1e3 * interval_s:.0f} ms)",
            f"load from {found.low_w:.4g} to {found.high_w:.4g} W, which explains {100 * found.explained:.1f} % of "
            f"{found.samples} samples",
        )
    )

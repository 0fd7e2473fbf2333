"""Which of the daemon's alarms the panel of a run shows."""

from __future__ import annotations

from typing import Any

from harness.live.meter import Meter
from powerd.client import ClockTie

CLOCK = ClockTie("clock", 0.0, 0.001, None, 3)
RANGE = {
    "alarm": 1,
    "kind": "range",
    "message": "channel 1: current over range on the range of 0.1 A: take 0.2 A",
    "channel": "1",
    "window": "ranging",
}


def answer(*alarms: dict[str, Any], **changes: Any) -> dict[str, Any]:
    rows = [{"kind": a["kind"], "message": a["message"], "at_unix_ns": 1} for a in alarms]
    return {"connected": True, "samples": 5, "bad_samples": 0, "alarms": alarms, "events": rows, **changes}


def shown(meter: Meter) -> tuple[str, ...]:
    return meter.shown(0.0).alarms


def test_the_alarm_of_a_ranging_pass_is_gone_in_the_run_after_it() -> None:
    meter = Meter("http://lab", "wall")
    meter.opened("ranging", CLOCK, 1)
    meter.heard(answer(RANGE), None)
    assert shown(meter) == (f"range: {RANGE['message']}",)
    meter.closed({})
    assert shown(meter) == ()
    meter.opened("testing", CLOCK, 1)
    assert shown(meter) == (), "the newest answer is still one of the ranging pass"
    meter.heard(answer() | {"events": answer(RANGE)["events"]}, None)
    assert shown(meter) == (), "what happened is no alarm any more"
    meter.heard(answer(RANGE | {"window": "testing"}), None)
    assert len(shown(meter)) == 1


def test_a_lost_meter_and_bad_samples_are_said_once() -> None:
    meter = Meter("http://lab", "wall")
    meter.opened("testing", CLOCK, 1)
    window = {"opened_unix_ns": 0}
    meter.heard(answer(), window)
    lost = {"alarm": 2, "kind": "disconnected", "message": "no answer"}
    garbled = {"alarm": 3, "kind": "garbled", "message": "half an answer"}
    away = answer(lost, garbled, connected=False, last_error="no answer", bad_samples=1)
    meter.heard(away, window)
    assert shown(meter) == ("the meter is not connected: no answer", "1 bad sample in this window")

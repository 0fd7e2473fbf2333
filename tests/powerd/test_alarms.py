"""An alarm lasts as long as its cause: in the API, in its stream, in the metrics, and on the screen."""

from __future__ import annotations

import http.client
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from powerd.alarms import Alarms
from powerd.client import PowerdClient
from powerd.dashboard.snapshot import take
from powerd.model import Quality, Reading
from powerd.range_watch import RangeWatch
from schemas.metrology import series
from tests.powerd.events import events, listen
from tests.powerd.made import reading
from tests.powerd.rig import Daemon, Meter, wait_for_samples


class Lab:
    """A range watch over one meter, and what was published of it."""

    def __init__(self) -> None:
        self.said: list[tuple[str, int, str, str | None]] = []
        self.window: str | None = "ranging"
        self.alarms = Alarms(self._take)
        spec = series("yokogawa-wt300")["WT310E"]
        self.watch = RangeWatch(
            self.alarms, lambda meter, channel: self.window, lambda name: spec, lambda r, a: None
        )

    def _take(self, kind: str, body: Mapping[str, Any]) -> None:
        self.said.append((kind, body["alarm"], body["kind"], body.get("reason")))

    def close(self) -> None:
        ident, self.window = self.window, None
        self.watch.window_changed({"id": ident, "state": "closing"})

    @property
    def standing(self) -> list[str]:
        return [alarm.kind for alarm in self.alarms.of("wall")]


def over(second: int, **values: Any) -> Reading:
    row = reading(second)
    changes = {"power_w": None, "current_a": None, "quality": Quality.OVERRANGE, **values}
    return replace(row, values=replace(row.values, **changes))


def test_an_alarm_about_a_range_ends_with_its_window_even_when_no_reading_comes_any_more() -> None:
    lab = Lab()
    lab.watch.look(over(1))
    assert lab.standing == ["overrange", "range"]
    lab.close()
    assert lab.standing == ["overrange"]
    assert lab.said[-1] == ("alarm-ended", 2, "range", "the window is closed")


def test_it_ends_with_the_range_and_comes_again_on_the_new_one_if_that_will_not_do_either() -> None:
    lab = Lab()
    for second in (1, 2):
        lab.watch.look(over(second, current_range_a=0.5))
    assert [row for row in lab.said if row[2] == "range"] == [("alarm", 2, "range", None)]
    lab.watch.look(over(3))
    assert [row for row in lab.said if row[2] == "range"][1:] == [
        ("alarm-ended", 2, "range", "the range is another now"),
        ("alarm", 3, "range", None),
    ]
    late = reading(4, None, Quality.LATE)
    nothing = replace(late, values=replace(late.values, voltage_range_v=None, current_range_a=None))
    lab.watch.look(nothing)
    assert "range" in lab.standing, "a sample that never came says nothing of the range"
    lab.watch.look(over(5, current_range_a=2.0, current_a=0.4, power_w=90.0, quality=Quality.GOOD))
    assert lab.standing == []


def test_the_next_window_begins_without_the_alarms_of_the_one_before() -> None:
    lab = Lab()
    lab.watch.look(over(1, current_range_a=0.5))
    lab.close()
    lab.window = "testing"
    lab.watch.look(reading(2))
    assert lab.standing == []


def test_a_line_and_an_answer_are_alarms_until_they_are_right_again() -> None:
    lab = Lab()
    lab.window = None
    lab.alarms.begin("disconnected", "no answer", "wall")
    lab.alarms.begin("garbled", "half an answer", "wall")
    lab.alarms.begin("garbled", "noise", "wall")
    lab.alarms.begin("disconnected", "no answer", "other")
    assert [kind for kind, number, *_ in lab.said] == ["alarm"] * 4
    assert [a.message for a in lab.alarms.of("wall")] == ["no answer", "noise"]
    lab.watch.look(reading(1))
    assert lab.standing == ["disconnected"]
    lab.alarms.end("the meter is connected", meter="wall", kinds={"disconnected"})
    assert lab.standing == []
    assert [a.kind for a in lab.alarms.of("other")] == ["disconnected"]


def until(true: Callable[[], Any], seconds: float = 20.0) -> Any:
    give_up = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < give_up
        time.sleep(0.05)
    return found


def active(daemon: Daemon) -> set[tuple[str, str]]:
    """Channel and kind of the alarms that Prometheus is told of; that it is told of all others as 0 is looked at."""
    connection = http.client.HTTPConnection(daemon.url.removeprefix("http://"), timeout=10)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    rows = re.findall(r'^powerd_alarm{meter="wall",channel="(\d?)",kind="(\w+)"} ([01])\.0$', text, re.M)
    assert len(rows) == 6
    return {(channel, kind) for channel, kind, value in rows if value == "1"}


def shown(client: PowerdClient) -> tuple[str, ...]:
    """What is wrong by the screen of ``powerd watch``."""
    return take("http://lab", client.health(), client.meters(), [], time.time_ns()).alarms


def test_a_range_that_was_wrong_is_no_alarm_in_the_run_on_the_right_one(tmp_path: Path) -> None:
    """300 W are 1.35 A: more than the range of 0.5 A holds, less than that of 2 A does."""
    meter = Meter(tmp_path, "constant:300")
    daemon = Daemon(tmp_path, meter.port, ranges="voltage_range=300,current_range=0.5")
    try:
        client = PowerdClient(daemon.url)
        wait_for_samples(client)
        stream = listen(daemon.url)
        ranging = client.open_window("ranging", "wall")
        begin = time.time_ns()
        (alarm,) = until(lambda: [a for a in client.meters()[0]["alarms"] if a["kind"] == "range"])
        assert alarm["window"] == ranging["id"]
        assert alarm["message"] == "channel 1: current over range on the range of 0.5 A: take 1 A"
        assert shown(client) == (f"wall: {alarm['message']}",)
        assert active(daemon) == {("1", "range"), ("1", "overrange")}
        client.close_window(ranging["id"], begin, time.time_ns())
        assert [a["kind"] for a in client.meters()[0]["alarms"]] == ["overrange"]
        client.set_range("wall", 300, 2)
        until(lambda: client.meters()[0]["latest"]["quality"] == "good")
        testing = client.open_window("testing", "wall")
        begin = time.time_ns()
        time.sleep(1.0)
        assert (client.meters()[0]["alarms"], shown(client), active(daemon)) == ([], (), set())
        client.close_window(testing["id"], begin, time.time_ns())
    finally:
        daemon.stop()
        meter.stop()
    said = [(kind, body) for kind, body in events(stream) if kind.startswith("alarm")]
    assert [(kind, body["kind"]) for kind, body in said] == [
        ("alarm", "range"),
        ("alarm-ended", "range"),
        ("alarm-ended", "overrange"),
    ]
    assert said[1][1]["alarm"] == said[0][1]["alarm"] == alarm["alarm"]
    assert said[1][1]["reason"] == "the window is closed"

"""``/v1/stream``: what happens comes to everybody who listens, and a slow listener is told what it lost."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from powerd.client import PowerdClient
from powerd.errors import Gone
from powerd.feed import LISTENER_LIMIT, Feed
from tests.powerd.events import events, listen
from tests.powerd.made import reading
from tests.powerd.rig import Daemon, Meter, wait_for_samples


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    meter = Meter(tmp_path, "constant:100")
    running = Daemon(tmp_path, meter.port)
    wait_for_samples(PowerdClient(running.url))
    yield running
    running.stop()
    meter.stop()


def test_readings_and_windows_come_as_they_happen_and_the_end_is_said(daemon: Daemon) -> None:
    answer = listen(daemon.url)
    assert answer.headers["content-type"].startswith("text/event-stream")
    stream = events(answer)
    kind, first = next(stream)
    assert (kind, first["meter"], first["quality"], first["simulated"]) == ("reading", "wall", "good", True)
    assert abs(first["unix_ns"] - time.time_ns()) < 1_000_000_000
    client = PowerdClient(daemon.url)
    window = client.open_window("watched", "wall")
    begin = time.time_ns()
    time.sleep(0.3)
    client.close_window(window["id"], begin, time.time_ns())
    states = []
    numbers = [first["sequence"]]
    for kind, body in stream:
        if kind == "window":
            states.append(body["state"])
        elif kind == "reading":
            numbers.append(body["sequence"])
        if states[-1:] == ["closed"]:
            break
    assert states == ["open", "closing", "closed"]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    began = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - began < 3.0
    assert [kind for kind, _ in stream][-1] == "end"


def test_the_number_of_listeners_is_bounded(daemon: Daemon) -> None:
    answers = [listen(daemon.url) for _ in range(LISTENER_LIMIT)]
    assert {a.status for a in answers} == {200}
    refused = listen(daemon.url)
    assert refused.status == 503
    assert str(LISTENER_LIMIT) in json.loads(refused.read())["detail"]
    for answer in answers:
        answer.close()
    deadline = time.monotonic() + 5
    while (again := listen(daemon.url)).status != 200:
        assert time.monotonic() < deadline, "those who left still count"
        time.sleep(0.1)
    again.close()


def test_a_slow_listener_loses_the_oldest_and_is_told_how_many() -> None:
    feed = Feed(queue=3)
    slow = feed.listen(lambda: None)
    for second in range(1, 6):
        feed.publish("reading", reading(second))
    batch = slow.take()
    assert (batch.lost, [h.number for h in batch.happenings]) == (2, [3, 4, 5])
    assert slow.take().lost == 0


def test_after_the_end_nobody_may_listen() -> None:
    feed = Feed()
    listener = feed.listen(lambda: None)
    feed.close()
    assert listener.take().ended
    with pytest.raises(Gone, match="ending"):
        feed.listen(lambda: None)

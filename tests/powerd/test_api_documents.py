"""Every document of a running daemon against its schema, and the bounds of what it takes."""

from __future__ import annotations

import http.client
import json
import socket
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from powerd.api.guard import BODY_LIMIT
from powerd.cli import main
from powerd.client import ClientError, PowerdClient
from powerd.feed import Feed, Place
from schemas.documents import violations
from schemas.power_session import CLIENT_GREETING
from schemas.units import NS_PER_S
from tests.powerd.events import listen, numbered
from tests.powerd.made import reading
from tests.powerd.rig import Daemon, Meter, wait_for_samples


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    folder: Path = tmp_path_factory.mktemp("documents")
    meter = Meter(folder)
    running = Daemon(folder, meter.port)
    wait_for_samples(PowerdClient(running.url), count=10)
    yield running
    assert running.stop() == 0
    meter.stop()


def ask(daemon: Daemon, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Any]:
    """A bare request; a ``str`` body is sent as it is."""
    connection = http.client.HTTPConnection(daemon.url.removeprefix("http://"), timeout=20)
    text = body if isinstance(body, str) else None if body is None else json.dumps(body)
    sent = {} if body is None else {"Content-Type": "application/json"}
    connection.request(method, path, text, sent | {k.replace("_", "-"): v for k, v in headers.items()})
    answer = connection.getresponse()
    data = json.loads(answer.read())
    connection.close()
    if answer.status >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
    return answer.status, data


def check(name: str, document: Any) -> Any:
    """The document, which names its schema and breaks nothing of it."""
    if name not in {"sample"}:
        assert document["schema"] == f"edgewatt/{name}/1"
    assert [f"{v.pointer}: {v.message}" for v in violations(name, document)] == []
    return document


def test_what_can_be_read(daemon: Daemon) -> None:
    check("health", ask(daemon, "GET", "/v1/health")[1])
    check("clock", ask(daemon, "GET", "/v1/clock")[1])
    (meter,) = check("meters", ask(daemon, "GET", "/v1/meters")[1])["meters"]
    assert meter["latest"] is not None
    check("meter", ask(daemon, "GET", "/v1/meters/wall")[1])
    page = check("samples", ask(daemon, "GET", "/v1/meters/wall/samples?limit=2")[1])
    assert page["next"] is not None
    raw = check("samples", ask(daemon, "GET", f"/v1/meters/wall/samples?cursor={page['next']}&raw=true")[1])
    # The answer of a sample that came late may be none.
    assert any("," in row["raw"] for row in raw["samples"])
    assert ask(daemon, "GET", "/openapi.json")[1]["openapi"].startswith("3.")


def test_instants_are_exact_as_text(daemon: Daemon) -> None:
    """A browser's numbers end at 2^53; the text holds every nanosecond."""
    sample = ask(daemon, "GET", "/v1/meters/wall/samples?limit=1")[1]["samples"][0]
    assert sample["unix_ns"] > 2**53
    seconds, _, fraction = sample["time"].removesuffix("Z").partition(".")
    whole = int(time.mktime(time.strptime(seconds, "%Y-%m-%dT%H:%M:%S"))) - time.timezone
    assert whole * NS_PER_S + int(fraction) == sample["unix_ns"]


def test_what_changes_a_window(daemon: Daemon) -> None:
    opened = check("window", ask(daemon, "POST", "/v1/windows", {"name": "w", "meter": "wall"})[1])
    path = f"/v1/windows/{opened['id']}"
    check("window", ask(daemon, "POST", f"{path}/mark", {"text": "half"})[1])
    begin = time.time_ns()
    time.sleep(0.5)
    asked = {"begin_unix_ns": begin, "end_unix_ns": time.time_ns(), "clock": None}
    status, closed = ask(daemon, "POST", f"{path}/close", asked)
    assert status == 200
    check("window", closed)
    assert closed["begin"].endswith("Z")
    listed = check("windows", ask(daemon, "GET", "/v1/windows")[1])["windows"]
    assert closed in listed
    check("export", ask(daemon, "GET", f"{path}/export?format=json")[1])


def test_the_halves_of_an_exchange_and_a_range(daemon: Daemon) -> None:
    begun = check("clock-exchange", ask(daemon, "POST", "/v1/clock/exchange", {"t1_ns": time.time_ns()})[1])
    half = {"clock": begun["clock"], "exchange_id": begun["exchange_id"], "t4_ns": time.time_ns()}
    check("clock-exchange", ask(daemon, "POST", "/v1/clock/exchange", half)[1])
    check("range", ask(daemon, "POST", "/v1/meters/wall/range", {"voltage": 300, "current": 1})[1])


def test_a_session(daemon: Daemon) -> None:
    body = {"greeting": CLIENT_GREETING, "label": "", "meter": "wall", "client_uuid": str(uuid.uuid4())}
    begun = check("session-begun", ask(daemon, "POST", "/v1/sessions", body)[1])
    path = f"/v1/sessions/{begun['id']}"
    for mode in ("ranging", "testing"):
        for action in ("start", "stop"):
            if action == "stop":
                time.sleep(0.3)
            answer = ask(daemon, "POST", f"{path}/phase", {"action": action, "mode": mode})[1]
            check("session-phase", answer)
    check("session-files", ask(daemon, "POST", f"{path}/phase", {"action": "done"})[1])
    state = check("session", ask(daemon, "GET", path)[1])
    assert state["finished"] is True


def test_the_commands_print_the_same_documents(daemon: Daemon, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("meters", "windows", "clock"):
        assert main([name, "--url", daemon.url, "--json"]) == 0
        check(name, json.loads(capsys.readouterr().out))


def test_a_recording(tmp_path: Path) -> None:
    meter = Meter(tmp_path)
    try:
        running = Daemon(tmp_path, meter.port, ranges=f"record={tmp_path / 'talk.jsonl'}")
        wait_for_samples(PowerdClient(running.url))
        running.stop()
    finally:
        meter.stop()
    rows = [json.loads(line) for line in (tmp_path / "talk.jsonl").read_text().splitlines()]
    assert rows[0]["schema"] == "edgewatt/recording/1"
    assert {row["dir"] for row in rows[1:]} == {"in", "out"}
    for row in rows:
        assert list(violations("recording", row)) == []


# the stream


def test_events_have_a_schema_and_a_listener_goes_on_where_it_was(daemon: Daemon) -> None:
    first = listen(daemon.url)
    seen = []
    for ident, kind, body in numbered(first):
        check("window" if kind == "window" else "event", body)
        seen.append((ident, body))
        if len(seen) == 3:
            break
    first.close()
    time.sleep(0.6)  # some readings pass unheard
    second = listen(daemon.url, after=seen[-1][0])
    for (_, kind, body), _ in zip(numbered(second), range(5), strict=False):
        assert kind == "reading"
        seen.append(("", body))
    second.close()
    numbers = [body["sequence"] for _, body in seen]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


@pytest.mark.parametrize("after", ["deadbeef-7", "nonsense", "-1", "99999999999999999999"])
def test_an_id_of_another_life_is_told_as_a_gap(daemon: Daemon, after: str) -> None:
    answer = listen(daemon.url, after=after)
    ident, kind, body = next(numbered(answer))
    answer.close()
    assert (ident, kind, check("event", body)["events"]) == ("", "lost", None)


def test_history_is_bounded_and_says_what_is_gone() -> None:
    feed = Feed(queue=3, history=4)
    for second in range(1, 11):
        feed.publish("reading", reading(second))
    batch = feed.listen(lambda: None, Place(feed.life, 2)).take()
    assert ([h.number for h in batch.happenings], batch.lost) == ([7, 8, 9, 10], 4)
    batch = feed.listen(lambda: None, Place(feed.life, 8)).take()
    assert ([h.number for h in batch.happenings], batch.lost) == ([9, 10], 0)
    batch = feed.listen(lambda: None, Place(feed.life, 11)).take()
    assert batch.lost is None
    slow = feed.listen(lambda: None, Place(feed.life, 7))
    for second in range(11, 20):
        feed.publish("reading", reading(second))
    batch = slow.take()
    assert (len(batch.happenings), batch.lost) == (6, 6)
    assert batch.happenings[-1].number == 19


# bounds and doors


@pytest.mark.parametrize(("body", "headers", "status"), [
    ("[" * 300_000, {}, 400),
    ('{"name": "x", "meter": "wall", "labels": {"a": 1e999}}', {}, 422),
    ('{"name": "\\ud800", "meter": "wall"}', {}, 422),
    ('{"voltage": NaN}', {}, 422),
    ("{}", {"Content_Type": "application/x-www-form-urlencoded"}, 415),
    ("{}", {"Content_Type": "text/plain"}, 415),
    ("{}", {"Content_Length": str(BODY_LIMIT + 1)}, 413),
    ("{}", {"Origin": "http://evil.example"}, 403),
    ("{}", {"Origin": "null"}, 403),
    ("{}", {"Host": "evil.example"}, 421),
    ("{}", {"Host": "127.0.0.1"}, 421),
])  # fmt: skip
def test_what_is_not_let_in(daemon: Daemon, body: str, headers: dict[str, str], status: int) -> None:
    path = "/v1/meters/wall/range" if "voltage" in body else "/v1/windows"
    found, problem = ask(daemon, "POST", path, body, **headers)
    assert (found, problem["status"]) == (status, status)
    assert problem["detail"]


def test_a_page_of_our_own_is_let_in(daemon: Daemon) -> None:
    assert ask(daemon, "GET", "/v1/health", Origin=daemon.url)[0] == 200


def test_a_body_of_unknown_length_is_refused(daemon: Daemon) -> None:
    connection = http.client.HTTPConnection(daemon.url.removeprefix("http://"), timeout=10)
    headers = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    connection.request("POST", "/v1/windows", iter([b"{}"]), headers, encode_chunked=True)
    assert connection.getresponse().status == 411
    connection.close()


def test_connections_are_bounded_and_come_back(daemon: Daemon) -> None:
    host, _, port = daemon.url.removeprefix("http://").partition(":")
    held = [socket.create_connection((host, int(port)), timeout=5) for _ in range(205)]
    time.sleep(0.5)
    connection = http.client.HTTPConnection(host, int(port), timeout=10)
    connection.request("GET", "/v1/health")
    assert connection.getresponse().status == 503
    connection.close()
    for one in held:
        one.close()
    deadline = time.monotonic() + 10
    client = PowerdClient(daemon.url)
    while True:
        try:
            assert client.health()["status"] == "ok"
            return
        except ClientError:
            assert time.monotonic() < deadline
            time.sleep(0.1)

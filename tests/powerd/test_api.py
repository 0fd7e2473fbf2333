"""The API over a real socket on loopback, with the client that we ship and with bare requests."""

from __future__ import annotations

import http.client
import json
import statistics
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from powerd.cli import main
from powerd.client import ClientError, PowerdClient
from schemas.documents import violations
from tests.calm import calmly
from tests.powerd.made import EPOCH, S, fix, reading
from tests.powerd.rig import Daemon, Meter, undisturbed, wait_for_samples


@dataclass
class Lab:
    meter: Meter
    daemon: Daemon
    client: PowerdClient

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, dict[str, Any]]:
        """A bare request; a ``str`` body is sent as it is."""
        connection = http.client.HTTPConnection(self.daemon.url.removeprefix("http://"), timeout=10)
        text = body if isinstance(body, str) else None if body is None else json.dumps(body)
        sent = {"Content-Type": "application/json"} if body is not None else {}
        names = {k.replace("_", "-"): v for k, v in headers.items()}
        connection.request(method, path, text, sent | names)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        if answer.status >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
            problem = json.loads(data)
            assert problem["status"] == answer.status
            assert problem["detail"]
            assert "Traceback" not in problem["detail"]
        return answer.status, json.loads(data)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder: Path = tmp_path_factory.mktemp("lab")
    meter = Meter(folder, "square:20,180,0.7")
    daemon = Daemon(folder, meter.port)
    client = PowerdClient(daemon.url)
    wait_for_samples(client)
    yield Lab(meter, daemon, client)
    client.close()
    assert daemon.stop() == 0
    meter.stop()


def test_health(lab: Lab) -> None:
    health = lab.client.health()
    assert (health["status"], health["problems"], health["simulated"]) == ("ok", [], True)
    assert health["store"]["error"] is None
    assert 0 < health["clock"]["u95_s"] < 0.01


def test_a_page_of_samples_needs_the_fixes_around_it_and_no_others(tmp_path: Path) -> None:
    """A daemon that runs for years has a fix every five seconds: here those of three days, and two samples."""
    from powerd.api.meters import _samples
    from powerd.config import Config
    from powerd.service import Service

    service = Service(Config((), tmp_path, "127.0.0.1", 0))
    try:
        service.store.begin_run(0, EPOCH, "test")
        boot, day = service.boot_id, 86_400
        for second in range(0, 3 * day, 30):
            service.store.put_fix(fix(second, boot=boot))
        for second in (day, 2 * day):
            service.store.put_reading(replace(reading(second), boot_id=boot))
        service.store.writer.flush()
        asked: list[int] = []
        fixes = service.store.fixes

        def counted(*stretch: Any) -> Any:
            found = fixes(*stretch)
            asked.append(len(found))
            return found

        service.store.fixes = counted  # type: ignore[method-assign]
        for span in ((None, None), (EPOCH + day * S, None), (None, EPOCH + 9 * day * S)):
            asked.clear()
            page = _samples(service, ("wall", ("1",)), span, 1, 0, False)
            assert [row["unix_ns"] for row in page["samples"]] == [EPOCH + day * S]
            assert sum(asked) < 3000, "those between the two samples at most"
            asked.clear()
        page = _samples(service, ("wall", ("1",)), (EPOCH + 2 * day * S, None), 1, 0, False)
        assert [row["unix_ns"] for row in page["samples"]] == [EPOCH + 2 * day * S]
        assert sum(asked) < 10
    finally:
        service.stop()


def test_meters_and_samples(lab: Lab) -> None:
    (meter,) = lab.client.meters()
    assert (meter["name"], meter["driver"], meter["connected"]) == ("wall", "yokogawa-wt300", True)
    assert meter["info"]["serial"] == "EDGEWATT-EMULATED"
    assert meter["settings"]["interval_s"] == 0.1
    assert meter["events"][0]["kind"] == "connected"
    wait_for_samples(lab.client, count=15)
    end = time.time_ns() - 500_000_000  # what ended before has arrived by now
    rows = lab.ask("GET", f"/v1/meters/wall/samples?end_unix_ns={end}&limit=10000")[1]["samples"]
    assert [r["sequence"] for r in rows] == list(range(rows[0]["sequence"], rows[0]["sequence"] + len(rows)))
    assert abs(rows[-1]["unix_ns"] - end) < 1_000_000_000
    assert {r["quality"] for r in rows} <= {"good", "late"}
    assert all(19 < r["power_w"] < 182 for r in rows if r["quality"] == "good")
    assert "raw" not in rows[0]
    pages, cursor = [], 0
    while cursor is not None:
        path = f"/v1/meters/wall/samples?end_unix_ns={end}&limit=3&cursor={cursor}&raw=true"
        page = lab.ask("GET", path)[1]
        assert len(page["samples"]) <= 3
        pages += page["samples"]
        cursor = page["next"]
    assert [p["sequence"] for p in pages] == [r["sequence"] for r in rows]
    assert any("," in p["raw"] for p in pages)
    assert lab.ask("GET", "/v1/meters/rack")[0] == 404


def test_a_window_against_the_truth(lab: Lab) -> None:
    calmly(lambda: a_window_against_the_truth(lab))


def a_window_against_the_truth(lab: Lab) -> None:
    tie = lab.client.sync_clock()
    opened = lab.client.open_window("short", "wall", {"run": "1"})
    assert opened["state"] == "open"
    lab.client.mark(opened["id"], "half")
    begin = time.time_ns()
    time.sleep(3.0)
    end = time.time_ns()
    found = lab.client.close_window(opened["id"], begin, end, tie.clock)
    truth = lab.meter.energy_j(begin, end)
    assert abs(found["energy_j"] - truth) <= found["energy_u95_j"]
    assert undisturbed(found), found["reasons"]
    assert found["simulated"] is True
    assert list(violations("window", found)) == []
    assert lab.client.window(opened["id"]) == found
    assert lab.client.windows(1)[0]["id"] == opened["id"]


def test_ranges_are_leased_with_the_window(lab: Lab) -> None:
    window = lab.client.open_window("lease", "wall", id_or_none())
    with pytest.raises(ClientError, match="window is open") as refused:
        lab.client.set_range("wall", 300, 2)
    assert refused.value.status == 409
    with pytest.raises(ClientError, match="leased by window") as refused:
        lab.client.open_window("second", "wall")
    assert refused.value.status == 409
    now = time.time_ns()
    lab.client.close_window(window["id"], now - 200_000_000, now)
    assert lab.client.set_range("wall", 300, 2)["current_range_a"] == 2
    assert lab.client.set_range("wall", 300, 1)["current_range_a"] == 1
    with pytest.raises(ClientError) as refused:
        lab.client.set_range("wall", 300, 12345)
    assert refused.value.status == 422


def id_or_none() -> dict[str, str]:
    return {"note": uuid.uuid4().hex}


@pytest.mark.alone
def test_an_exchange_takes_less_than_two_milliseconds(lab: Lab) -> None:
    took = []
    for _ in range(20):
        begin = time.perf_counter()
        lab.client.sync_clock(rounds=1)
        took.append((time.perf_counter() - begin) / 2)
    assert statistics.median(took) < 0.002
    tie = lab.client.sync_clock("same", rounds=8)
    assert abs(tie.offset_s) <= tie.u95_s < 0.01


def test_a_negative_path_delay_and_stale_halves_are_refused(lab: Lab) -> None:
    begun = lab.ask("POST", "/v1/clock/exchange", {"t1_ns": time.time_ns()})[1]
    assert begun["t2_ns"] <= begun["t3_ns"]
    half = {"clock": begun["clock"], "exchange_id": begun["exchange_id"], "t4_ns": begun["t1_ns"] - 5}
    status, problem = lab.ask("POST", "/v1/clock/exchange", half)
    assert (status, "negative delay" in problem["detail"]) == (422, True)
    assert lab.ask("POST", "/v1/clock/exchange", half)[0] == 422
    assert lab.ask("POST", "/v1/clock/exchange", {})[0] == 422


@pytest.mark.parametrize(("method", "path", "body", "headers", "status"), [
    ("GET", "/v1/nothing", None, {}, 404),
    ("GET", "/v1/windows/none", None, {}, 404),
    ("DELETE", "/v1/windows/none", {}, {}, 405),
    ("POST", "/v1/windows", {"name": "x"}, {}, 422),
    ("POST", "/v1/windows", {"name": "x", "meter": "rack"}, {}, 404),
    ("POST", "/v1/windows", {"name": "x", "meter": "wall", "id": "../x"}, {}, 422),
    ("POST", "/v1/windows", "{not json", {}, 422),
    ("POST", "/v1/windows", {"name": "x", "meter": "wall"}, {"Content_Type": "text/plain"}, 415),
    ("POST", "/v1/windows", {"name": "x" * 2_000_000, "meter": "wall"}, {}, 413),
    ("GET", "/v1/health", None, {"Host": "evil.example"}, 421),
    ("GET", "/v1/health", None, {"Origin": "http://evil.example"}, 403),
    ("GET", "/v1/meters/wall/samples?limit=0", None, {}, 422),
    ("GET", "/v1/meters/wall/samples?begin_unix_ns=99999999999999999999999", None, {}, 422),
    ("GET", "/v1/meters/wall/samples?cursor=x", None, {}, 422),
])  # fmt: skip
def test_what_is_refused_is_a_problem_document(
    lab: Lab, method: str, path: str, body: object, headers: dict[str, str], status: int
) -> None:
    assert lab.ask(method, path, body, **headers)[0] == status


def test_the_api_describes_itself(lab: Lab) -> None:
    status, description = lab.ask("GET", "/openapi.json")
    assert status == 200
    assert {
        "/v1/health",
        "/v1/meters/{name}/samples",
        "/v1/windows/{ident}/close",
        "/v1/clock/exchange",
    } <= set(description["paths"])


def test_a_client_says_in_a_sentence_that_nobody_is_there() -> None:
    with pytest.raises(ClientError, match=r"no powerd answers at http://127.0.0.1:9 .*start one"):
        PowerdClient("http://127.0.0.1:9").health()
    with pytest.raises(ClientError, match="found URL"):
        PowerdClient("wall")


def test_a_client_survives_a_connection_that_was_closed(lab: Lab) -> None:
    client = PowerdClient(lab.daemon.url)
    client.health()
    client.close()
    assert client.health()["status"] == "ok"


def test_the_commands_that_look(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    window = lab.client.open_window("looked at", "wall")
    assert main(["windows", "--url", lab.daemon.url]) == 0
    assert "looked at" in capsys.readouterr().out
    assert main(["windows", "--url", lab.daemon.url, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["windows"][0]["id"] == window["id"]
    now = time.time_ns()
    lab.client.close_window(window["id"], now - 300_000_000, now)
    assert main(["windows", window["id"], "--url", lab.daemon.url]) == 0
    shown = capsys.readouterr().out
    assert "specification/reading" in shown
    assert "energy_u95_j" in shown
    assert main(["meters", "--url", lab.daemon.url]) == 0
    assert "wall: YOKOGAWA WT310E" in capsys.readouterr().out
    assert main(["watch", "--url", lab.daemon.url, "--once"]) == 0
    assert "wall: " in capsys.readouterr().out


@pytest.mark.parametrize("command", ["windows", "meters", "watch"])
def test_without_a_daemon_they_say_so(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--url", "http://127.0.0.1:9"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "no powerd answers at http://127.0.0.1:9" in captured.err
    assert len(captured.err.strip().splitlines()) == 1

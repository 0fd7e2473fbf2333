"""Several channels and several meters through a running daemon: a WT333E and a WT210 with a load for each element."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from powerd import config
from powerd.api.meters import _samples
from powerd.api.metrics import families, render
from powerd.api.views import meter as view
from powerd.errors import Refused
from powerd.exports import find
from powerd.exports.base import gather
from powerd.service import Service
from powerd.windows import Conflict
from schemas.documents import violations
from schemas.power_session import CLIENT_GREETING, MODES
from schemas.powerlog import PowerLine, parse_spl_line
from tests.powerd.benches import bench, wait_for

WATTS = {"1": 100.0, "2": 60.0, "3": 40.0}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("channels")
    with (
        bench(model="WT333E", spec="constant:100 constant:60 constant:40") as wall,
        bench("yokogawa-wt200", spec="constant:80") as rack,
    ):
        fixed = "voltage_range=300,current_range=1"
        meters = (
            config.parse_meter(
                f"wall=yokogawa-wt300:{wall.port},interval=100ms,baud=115200,channels=1+2+3,{fixed}"
            ),
            config.parse_meter(f"rack=yokogawa-wt200:{rack.port},interval=250ms,{fixed}"),
        )
        running = Service(config.Config(meters, folder, "127.0.0.1", 0))
        running.start()
        try:
            assert wait_for(lambda: all(_good(running, m) for m in ("wall", "rack")))
            yield running
        finally:
            running.stop()


def _good(service: Service, meter: str) -> bool:
    latest = service.latest(meter)
    return latest is not None and latest.values.quality == "good"


def window(service: Service, meter: str, seconds: float = 1.0) -> dict[str, Any]:
    opened = service.windows.open("n", meter, {})
    begin = time.time_ns()
    time.sleep(seconds)
    found = service.windows.close(opened["id"], begin, time.time_ns(), None)
    while found["state"] == "closing":
        time.sleep(0.05)
        found = service.windows.get(opened["id"])
    assert list(violations("window", found)) == []
    return found


@pytest.mark.parametrize(
    ("meter", "watts"), [("wall", 200), ("wall/2", 60), ("wall/1+3", 140), ("rack", 80), ("wall/3,rack", 120)]
)
def test_a_window_sums_what_it_names(service: Service, meter: str, watts: float) -> None:
    found = window(service, meter)
    assert abs(found["average_w"] - watts) <= max(found["average_u95_w"], 0.02 * watts)
    assert found["average_w"] == pytest.approx(watts, rel=0.03)


def test_the_answers_of_one_update_have_one_stamp(service: Service) -> None:
    update = service.ring.newest_update("wall", ("1", "2", "3"))
    assert update is not None
    assert len({(r.sequence, r.stamps, r.end_ns) for r in update}) == 1
    assert [r.values.power_w for r in update] == [pytest.approx(w, rel=0.02) for w in WATTS.values()]


def test_everybody_sees_every_channel(service: Service) -> None:
    shown = view(service, "wall")
    assert list(violations("meter", shown)) == []
    assert shown["latest"]["channel"] == "1+2+3"
    assert shown["latest"]["power_w"] == pytest.approx(200, rel=0.02)
    assert [c["latest"]["power_w"] for c in shown["channels"]] == [
        pytest.approx(w, rel=0.02) for w in WATTS.values()
    ]
    one = service.latest("wall/2")
    assert one is not None
    assert one.values.power_w == pytest.approx(60, rel=0.02)
    text = render(families(service))
    for channel in WATTS:
        assert f'powerd_power_watts{{meter="wall",channel="{channel}"}}' in text
        assert f'powerd_energy_joules_total{{meter="wall",channel="{channel}"}}' in text


def test_two_systems_on_one_meter(service: Service) -> None:
    first = service.windows.open("a", "wall/1", {})
    second = service.windows.open("b", "wall/2+3", {})
    with pytest.raises(Conflict, match="channel 1 of meter wall is leased by window 'a'"):
        service.windows.open("c", "wall", {})
    with pytest.raises(Conflict, match="its range stays"):
        service.set_range_unless_leased("wall/3", 300, 2)
    with pytest.raises(Refused, match="asked for 1, 2, 3"):
        service.latest("wall/4")
    begin = time.time_ns()
    time.sleep(0.6)
    end = time.time_ns()
    found = [service.windows.close(w["id"], begin, end, None)["average_w"] for w in (first, second)]
    assert found == [pytest.approx(100, rel=0.02), pytest.approx(100, rel=0.02)]


def test_exports_of_several_channels(service: Service) -> None:
    found = window(service, "wall", 0.5)

    def lines(document: dict[str, Any], form: str) -> list[str]:
        return "".join(find(form).lines(gather(service.store, document, service.signer))).splitlines()

    parsed = [parse_spl_line(n, text) for n, text in enumerate(lines(found, "spl"), 1)]
    assert all(isinstance(p, PowerLine) and p.power_w == pytest.approx(200, rel=0.02) for p in parsed)
    assert all(",Ch1,Watts," in text and ",Ch3,Watts," in text for text in lines(found, "spl"))
    rows = lines(found, "csv")[1:]
    assert {row.split(",")[5] for row in rows} == set(WATTS)
    both = window(service, "wall/1,rack", 0.5)
    assert {row.split(",")[5] for row in lines(both, "csv")[1:]} == {"wall/1", "rack/1"}
    official = [parse_spl_line(n, text) for n, text in enumerate(lines(both, "spl"), 1)]
    assert len(official) >= 4
    inside = [
        p for p in official if isinstance(p, PowerLine) and both["begin_unix_ns"] < p.at < both["end_unix_ns"]
    ]
    assert all(p.power_w == pytest.approx(180, rel=0.03) for p in inside)
    mean = sum(p.power_w for p in inside) / len(inside)
    assert mean == pytest.approx(both["average_w"], rel=0.01)


def test_an_evidence_bundle_of_several_meters_is_computed_again(service: Service, tmp_path: Path) -> None:
    from checker.bundle import verify

    both = window(service, "wall/1+2,rack", 0.6)
    text = "".join(find("bundle").lines(gather(service.store, both, service.signer)))
    path = tmp_path / "both.bundle"
    path.write_text(text)
    judged = verify(path)
    assert judged.recomputed
    assert [str(f) for f in judged.faults] == []


def test_samples_of_one_channel_and_of_all(service: Service) -> None:
    def ask(channels: tuple[str, ...], limit: int, cursor: int = 0) -> dict[str, Any]:
        return _samples(service, ("wall", channels), (None, None), limit, cursor, raw=False)

    every = ask(("1", "2", "3"), 10_000)["samples"]
    assert {s["channel"] for s in every} == set(WATTS)
    assert [s["unix_ns"] for s in every] == sorted(s["unix_ns"] for s in every)
    assert {s["channel"] for s in ask(("2",), 5)["samples"]} == {"2"}
    pages, cursor = [], 0
    while len(pages) < 20:
        page = ask(("1", "2", "3"), 4, cursor)
        pages += page["samples"]
        cursor = page["next"]
    assert pages == every[:20]


def test_a_session_on_some_channels(service: Service) -> None:
    """Ranges from the largest current of its channels; another system's window keeps the ranges of the meter."""
    sessions = service.sessions
    begun = sessions.begin(CLIENT_GREETING, "two", "wall/2+3", str(uuid.uuid4()))
    other = service.windows.open("other", "wall/1", {})
    with pytest.raises(Conflict, match="range stays"):
        sessions.phase(begun["id"], "ranging", "start")
    now = time.time_ns()
    service.windows.close(other["id"], now - 100_000_000, now, None)
    begun = sessions.begin(CLIENT_GREETING, "two", "wall/2+3", str(uuid.uuid4()))
    for mode in MODES:
        sessions.phase(begun["id"], mode, "start")
        time.sleep(0.4)
        done = sessions.phase(begun["id"], mode, "stop")
    # 60 W draw 0.28 A, 40 W 0.2 A; 1.1 times that needs 0.5 A. Element 1 alone would need 1 A.
    assert done["ranges"] == {"voltage_v": 300, "current_a": 0.5}
    sessions.finish(begun["id"])
    text = sessions.file(begun["id"], "run_1/spl.txt").read_text().splitlines()
    rows = [parse_spl_line(n, line) for n, line in enumerate(text, 1)]
    assert len(rows) > 2
    assert all(isinstance(row, PowerLine) and row.power_w == pytest.approx(100, rel=0.03) for row in rows)
    assert all(",Ch1,Watts," in line and ",Ch2,Watts," in line and ",Ch3" not in line for line in text)

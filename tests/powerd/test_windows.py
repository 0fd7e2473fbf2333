"""Windows over a store made by hand: planted energies, losses and clocks."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from powerd import windows
from powerd.errors import NotThere, Refused
from powerd.model import Quality, Reading, Settings
from powerd.store import Store
from powerd.windows import Conflict, Windows
from schemas import window_document
from schemas.clocks import WANDER
from schemas.documents import violations
from tests.powerd.made import BOOT, EPOCH, FIXED, INFO, S, exchange, fix, reading, store


class Lab:
    """A store, a clock that is set by hand and the windows over them."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, boot: str = BOOT) -> None:
        self.now_s = 1.0
        self.boot = boot
        self.store: Store = store(folder, boot=boot)
        self.latest: Reading | None = None
        self.windows = self.make_windows()
        monkeypatch.setattr(windows, "boottime_ns", self.now)
        monkeypatch.setattr(windows, "WAIT_S", 0.0)

    def now(self) -> int:
        return round(self.now_s * S)

    def make_windows(self) -> Windows:
        return Windows(self.store, self.channels, self.fix, lambda _meter, _channel: self.latest)

    @staticmethod
    def channels(meter: str) -> tuple[str, ...]:
        if meter != "wall":
            raise NotThere(f"there is no meter {meter}")
        return ("1",)

    def fix(self) -> None:
        self.store.put_fix(fix(self.now_s, boot=self.boot))

    def read(self, *readings: Reading) -> None:
        for item in readings:
            self.store.put_reading(item)
            self.latest = item

    def measure(
        self, begin_s: float, end_s: float, at_s: float | None = None, clock: str | None = None
    ) -> Any:
        """Open at once, close over this stretch at ``at_s``."""
        opened = self.windows.open("n", "wall", {"run": "1"}, "w")
        self.now_s = end_s if at_s is None else at_s
        return self.windows.close(opened["id"], EPOCH + round(begin_s * S), EPOCH + round(end_s * S), clock)


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    made = Lab(tmp_path, monkeypatch)
    yield made
    made.store.close()


def names(document: dict[str, Any]) -> list[str]:
    return [r.split(":")[0] for r in document["reasons"]]


def test_a_good_window(lab: Lab) -> None:
    lab.read(*(reading(i, 50.0 if i <= 5 else 150.0) for i in range(1, 16)))
    found = lab.measure(2, 12)
    assert found["state"] == "closed"
    assert found["energy_j"] == pytest.approx(3 * 50 + 7 * 150)
    assert found["average_w"] == pytest.approx(120)
    assert (found["min_w"], found["max_w"]) == (50, 150)
    assert (found["begin_unix_ns"], found["end_unix_ns"]) == (EPOCH + 2 * S, EPOCH + 12 * S)
    assert (found["duration_s"], found["samples"], found["coverage"], found["max_gap_s"]) == (10, 10, 1, 1)
    assert found["measured_j"] == found["energy_j"]
    assert (found["quality"], found["reasons"], found["simulated"]) == ("good", [], False)
    assert found["ranges"] == [
        {"voltage_range_v": 300, "current_range_a": 1, "crest_factor": 3, "samples": 10}
    ]
    assert found["energy_u95_j"] == pytest.approx(1.96 * math.sqrt(sum(t["u"] ** 2 for t in found["budget"])))
    assert found["energy_low_j"] == pytest.approx(found["energy_j"] - found["energy_u95_j"])
    assert found["energy_high_j"] == pytest.approx(found["energy_j"] + found["energy_u95_j"])
    assert found["average_u95_w"] == pytest.approx(found["energy_u95_j"] / 10)
    assert list(violations("window", found)) == []


def test_the_digest_can_be_recomputed_and_notices_a_change(lab: Lab) -> None:
    lab.read(*(reading(i) for i in range(1, 16)))
    found = lab.measure(2, 12)
    assert window_document.digest(json.loads(json.dumps(found))) == found["sha256"]
    assert window_document.digest({**found, "energy_j": found["energy_j"] + 1e-9}) != found["sha256"]


def test_open_states_have_the_schema_too(lab: Lab) -> None:
    opened = lab.windows.open("n", "wall", {})
    assert opened["opened_unix_ns"] == EPOCH + S
    assert list(violations("window", opened)) == []


def test_opening_twice_with_one_id_is_once(lab: Lab) -> None:
    first = lab.windows.open("n", "wall", {}, "w")
    lab.now_s = 3.0
    assert lab.windows.open("n", "wall", {}, "w") == first
    with pytest.raises(Conflict, match="choose another id"):
        lab.windows.open("other", "wall", {}, "w")
    with pytest.raises(Conflict, match=r"leased by window 'n' \(w\)"):
        lab.windows.open("n", "wall", {}, "v")
    with pytest.raises(NotThere):
        lab.windows.open("n", "rack", {})


def test_closing_waits_for_the_sample_over_the_end_and_the_one_after_it(lab: Lab) -> None:
    lab.read(*(reading(i) for i in range(1, 12)))
    assert lab.measure(2, 11.5)["state"] == "closing"
    lab.read(reading(12))
    assert lab.windows.get("w")["state"] == "closing"
    lab.read(reading(13))
    found = lab.windows.get("w")
    assert (found["state"], found["coverage"], found["quality"]) == ("closed", 1, "good")
    assert found["energy_j"] == pytest.approx(950)


def test_without_the_last_interval_it_is_closed_after_a_while_with_the_loss_named(lab: Lab) -> None:
    lab.read(*(reading(i) for i in range(1, 11)))
    assert lab.measure(2, 12)["state"] == "closing"
    lab.now_s = 12 + windows.GIVE_UP_NS / S + 1
    lab.windows.settle_all()
    found = lab.windows.get("w")
    assert (found["state"], found["quality"]) == ("closed", "bad")
    assert found["coverage"] == pytest.approx(0.8)
    assert found["bridged_j"] == pytest.approx(200)
    assert found["energy_j"] == pytest.approx(1000)
    assert names(found) == ["coverage"]


def test_the_same_close_again_gives_the_same_answer_and_another_is_refused(lab: Lab) -> None:
    lab.read(*(reading(i) for i in range(1, 16)))
    found = lab.measure(2, 12)
    assert lab.windows.close("w", EPOCH + 2 * S, EPOCH + 12 * S, None) == found
    with pytest.raises(Conflict, match="other instants"):
        lab.windows.close("w", EPOCH + 2 * S, EPOCH + 13 * S, None)
    with pytest.raises(Conflict, match="only an open window"):
        lab.windows.mark("w", "late")


@pytest.mark.parametrize(("begin", "end", "clock", "why"), [
    (5, 5, None, "must lie after"),
    (6, 5, None, "must lie after"),
    (2, 100, None, "from now"),
    (2, 5, "nobody", "never compared"),
])  # fmt: skip
def test_a_close_that_makes_no_sense_is_refused_and_the_window_stays_open(
    lab: Lab, begin: float, end: float, clock: str | None, why: str
) -> None:
    lab.windows.open("n", "wall", {}, "w")
    lab.now_s = 10.0
    with pytest.raises(Refused, match=why):
        lab.windows.close("w", EPOCH + begin * S, EPOCH + end * S, clock)
    assert lab.windows.get("w")["state"] == "open"


def test_losses_are_counted_by_name_and_bridged(lab: Lab) -> None:
    kinds = {4: Quality.NODATA, 6: Quality.GARBLED, 8: Quality.LATE, 10: Quality.NEGATIVE}
    lab.read(*(reading(i) if i not in kinds else reading(i, None, kinds[i]) for i in range(1, 16)))
    found = lab.measure(2, 12)
    assert found["bad_samples"] == {"overrange": 0, "nodata": 1, "garbled": 1, "negative": 1, "late": 1}
    assert found["energy_j"] == pytest.approx(1000)
    assert found["coverage"] < 0.7
    assert found["quality"] == "bad"
    assert set(names(found)) == {"coverage", "nodata", "garbled", "negative", "late"}


def test_over_range_bounds_the_energy_from_below_only(lab: Lab) -> None:
    lab.read(*(reading(i) if i != 5 else reading(i, None, Quality.OVERRANGE) for i in range(1, 2003)))
    found = lab.measure(2, 2000)
    assert found["coverage"] > 0.999
    assert found["energy_high_j"] is None
    assert found["energy_low_j"] < found["energy_j"]
    assert found["quality"] == "bad"
    assert "overrange" in names(found)
    assert list(violations("window", found)) == []


def test_no_sample_at_all(lab: Lab) -> None:
    assert lab.measure(2, 12)["state"] == "closing"
    lab.now_s = 60.0
    found = lab.windows.get("w")
    assert (found["energy_j"], found["quality"], found["coverage"]) == (None, "bad", 0)
    assert "no-samples" in names(found)
    assert list(violations("window", found)) == []


def test_auto_range_and_a_change_of_range_are_named(lab: Lab) -> None:
    rows = [reading(i) for i in range(1, 16)]
    lab.read(
        *(replace(r, values=replace(r.values, current_range_a=2.0)) if r.end_ns > 7 * S else r for r in rows)
    )
    assert names(lab.measure(2, 12)) == ["range-changed"]
    lab.store.put_meter("wall", 5 * S, INFO, Settings(voltage_range_v=300.0))
    lab.windows.open("n", "wall", {}, "v")
    found = lab.windows.close("v", EPOCH + 2 * S, EPOCH + 12 * S, None)
    assert {"auto-range", "outside-session"} == set(names(found))
    assert found["quality"] == "degraded"
    assert len(found["settings"]) == 2


def test_instants_outside_the_open_and_the_close_request(lab: Lab) -> None:
    lab.read(*(reading(i) for i in range(1, 30)))
    assert "outside-session" in lab.measure(0.5, 12)["reasons"]
    lab.now_s = 5.0
    lab.windows.open("n", "wall", {}, "v")
    lab.now_s = 10.0
    late = lab.windows.close("v", EPOCH + 6 * S, EPOCH + 12 * S, None)
    assert late["reasons"] == ["outside-session"]


def test_the_clients_clock_ahead_by_three_seconds(lab: Lab) -> None:
    lab.read(*(reading(i, 180.0 if 4 < i <= 9 else 20.0) for i in range(1, 20)))
    lab.store.put_exchange(exchange(1, 3.0))
    lab.store.put_exchange(exchange(12, 3.0))
    found = lab.measure(4 + 3, 9 + 3, at_s=12.0, clock="sut")
    assert found["energy_j"] == pytest.approx(5 * 180, abs=0.01)
    assert found["clock"]["offset_s"] == pytest.approx(-3.0)
    # Half the path, and what may run off and come back in the three seconds to the nearest exchange.
    bound_s = 0.0005 + 3 * WANDER
    assert found["clock"]["u95_s"] == pytest.approx(bound_s, rel=0.01)
    assert len(found["clock"]["exchanges"]) == 2
    assert found["begin_unix_ns"] == pytest.approx(EPOCH + 4 * S, abs=1000)
    assert found["requested"] == {
        "begin_unix_ns": EPOCH + 7 * S,
        "end_unix_ns": EPOCH + 12 * S,
        "clock": "sut",
    }
    assert found["quality"] == "good"
    clock = next(t for t in found["budget"] if t["term"] == "clock")
    assert clock["value"] == pytest.approx(180 * bound_s * math.sqrt(2), rel=0.01)


def test_a_client_whose_clock_was_set_within_the_window(lab: Lab) -> None:
    lab.read(*(reading(i) for i in range(1, 30)))
    lab.store.put_exchange(exchange(1, 0.0))
    lab.store.put_exchange(exchange(20, 5.0))
    found = lab.measure(2, 24, at_s=20.0, clock="sut")
    assert any(r.startswith("clock-step: the client clock was set by +5") for r in found["reasons"])
    assert "clock-unbounded" in names(found)
    assert found["quality"] == "bad"


def test_a_step_of_our_own_clock_moves_no_sample(lab: Lab) -> None:
    lab.read(*(reading(i, 180.0 if 4 < i <= 9 else 20.0) for i in range(1, 30)))
    for at in (2, 4, 5, 5.5):
        lab.store.put_fix(fix(at))
    for at in (6, 8, 9, 10):
        lab.store.put_fix(fix(at, epoch=EPOCH + 5 * S))
    lab.windows.open("n", "wall", {}, "w")
    lab.now_s = 9.0
    lab.fix = lambda: lab.store.put_fix(fix(lab.now_s, epoch=EPOCH + 5 * S))  # type: ignore[method-assign]
    lab.windows = lab.make_windows()
    found = lab.windows.close("w", EPOCH + 4 * S, EPOCH + 14 * S, None)
    assert found["duration_s"] == pytest.approx(5)
    assert found["energy_j"] == pytest.approx(900)
    assert any(r.startswith("clock-step: the system clock was set by +5.000 s") for r in found["reasons"])
    assert found["quality"] == "degraded"


def test_an_open_window_outlives_the_daemon_and_the_absence_is_named(lab: Lab, tmp_path: Path) -> None:
    lab.read(*(reading(i) for i in range(1, 8)))
    lab.windows.open("n", "wall", {}, "w")
    lab.store.close()
    lab.store = store(tmp_path, started_s=10.0)
    lab.windows, lab.now_s = lab.make_windows(), 16.0
    lab.read(*(reading(i) for i in range(11, 20)))
    assert lab.windows.get("w")["state"] == "open"
    found = lab.windows.close("w", EPOCH + 2 * S, EPOCH + 16 * S, None)
    assert found["energy_j"] == pytest.approx(1400)
    assert found["coverage"] == pytest.approx((14 - 2.5) / 14)
    assert "daemon-absent: 3.000 s without powerd (once)" in found["reasons"]
    assert found["quality"] == "bad"


def test_a_closing_window_is_finished_after_a_restart(lab: Lab, tmp_path: Path) -> None:
    lab.read(*(reading(i) for i in range(1, 12)))
    assert lab.measure(2, 11)["state"] == "closing"
    lab.store.close()
    lab.store = store(tmp_path, started_s=11.5)
    lab.windows = lab.make_windows()
    lab.read(reading(12), reading(13))
    lab.windows.settle_all()
    found = lab.windows.get("w")
    assert (found["state"], found["energy_j"]) == ("closed", pytest.approx(900))


def test_a_window_over_a_reboot(lab: Lab, tmp_path: Path) -> None:
    """BOOTTIME begins anew after a power cut; UTC joins the two."""
    lab.read(*(reading(i) for i in range(1, 11)))
    lab.windows.open("n", "wall", {}, "w")
    lab.store.put_fix(fix(10))
    lab.store.close()
    other = EPOCH + 100 * S  # this boot began 100 s after the first one's zero
    lab.store = store(tmp_path, boot="boot-b", started_s=-80.0)
    lab.store.put_fix(fix(20 - 100, boot="boot-b", epoch=other))
    lab.read(*(reading(i - 100, boot_id="boot-b") for i in range(21, 40)))
    lab.boot, lab.now_s = "boot-b", 30.0 - 100
    lab.fix = lambda: lab.store.put_fix(fix(lab.now_s, boot="boot-b", epoch=other))  # type: ignore[method-assign]
    lab.windows = lab.make_windows()
    found = lab.windows.close("w", EPOCH + 2 * S, EPOCH + 30 * S, None)
    assert found["state"] == "closed"
    assert found["energy_j"] == pytest.approx(2800, rel=1e-6)
    assert found["duration_s"] == pytest.approx(28, abs=0.01)
    assert "daemon-absent" in names(found)


def test_marks_stand_in_the_document(lab: Lab) -> None:
    lab.read(*(reading(i) for i in range(1, 16)))
    lab.windows.open("n", "wall", {}, "w")
    lab.now_s = 4.0
    lab.windows.mark("w", "half time")
    found = lab.measure(2, 12)
    assert found["marks"] == [
        {"unix_ns": EPOCH + 4 * S, "time": "2023-11-14T22:13:24.000000000Z", "text": "half time"}
    ]


def test_listing_and_looking_for_what_is_not_there(lab: Lab) -> None:
    lab.windows.open("n", "wall", {}, "w")
    assert [w["id"] for w in lab.windows.all()] == ["w"]
    assert lab.windows.is_leased("wall")
    assert not lab.windows.is_leased("rack")
    with pytest.raises(NotThere):
        lab.windows.get("v")


def test_energy_above_a_window_of_idling(lab: Lab) -> None:
    lab.read(*(reading(i, 20.0 if i <= 12 else 120.0) for i in range(1, 28)))
    idle = lab.windows.open("idle", "wall", {}, "idle")
    lab.now_s = 12.0
    lab.windows.close(idle["id"], EPOCH + 2 * S, EPOCH + 12 * S, None)
    lab.windows.open("n", "wall", {}, "w")
    lab.now_s = 26.0
    found = lab.windows.close("w", EPOCH + 14 * S, EPOCH + 24 * S, None, "idle")
    assert found["state"] == "closed"
    assert found["idle"]["window"] == "idle"
    assert found["idle"]["net_j"] == pytest.approx(1000)
    assert found["energy_u95_j"] < found["idle"]["net_u95_j"] < 1.5 * found["energy_u95_j"]
    assert found["official"]["average_w"] == pytest.approx(120)
    assert found["one_percent"]["statement"] == "met"
    assert found["mains"]["voltage_max_v"] == 230
    assert list(violations("window", found)) == []


def test_an_idle_window_must_be_closed_and_of_the_same_meter(lab: Lab) -> None:
    lab.read(*(reading(i) for i in range(1, 16)))
    lab.windows.open("n", "wall", {}, "w")
    lab.now_s = 12.0
    with pytest.raises(NotThere, match="nobody"):
        lab.windows.close("w", EPOCH + 2 * S, EPOCH + 10 * S, None, "nobody")
    with pytest.raises(Refused, match="close it first"):
        lab.windows.close("w", EPOCH + 2 * S, EPOCH + 10 * S, None, "w")
    assert lab.windows.get("w")["state"] == "open"


# several channels, several meters


def on(channel: str, item: Reading, meter: str = "wall") -> Reading:
    return replace(item, meter=meter, values=replace(item.values, channel=channel))


class Bench(Lab):
    """``wall`` with the channels 1, 2 and 3, and ``rack`` with one, at half the interval and another phase."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(folder, monkeypatch)
        self.store.put_meter("rack", 0, INFO, FIXED)
        self.latest_of: dict[tuple[str, str], Reading] = {}

    def make_windows(self) -> Windows:
        return Windows(self.store, self.channels, self.fix, lambda *place: self.latest_of.get(place))

    @staticmethod
    def channels(meter: str) -> tuple[str, ...]:
        known = {"wall": ("1", "2", "3"), "rack": ("1",)}
        if meter not in known:
            raise NotThere(f"there is no meter {meter}")
        return known[meter]

    def fill(self, *watts: float | None, until_s: int = 15) -> None:
        """Seconds of so many watts on the channels of ``wall``, and of 40 W on ``rack``."""
        for i in range(1, until_s):
            for channel, power in zip("123", watts, strict=True):
                quality = Quality.GOOD if power is not None else Quality.NODATA
                self.put(on(channel, reading(i, power, quality)))
        for i in range(2 * until_s):
            self.put(on("1", replace(reading(0.3 + i / 2, 40.0), interval_ns=S // 2), "rack"))

    def put(self, item: Reading) -> None:
        self.store.put_reading(item)
        self.latest_of[item.meter, item.values.channel] = item
        self.windows.note(item)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    made = Bench(tmp_path, monkeypatch)
    yield made
    made.store.close()


def closed(bench: Bench, meter: str) -> dict[str, Any]:
    window = bench.windows.open("n", meter, {})
    bench.now_s = 12
    found = bench.windows.close(window["id"], EPOCH + 2 * S, EPOCH + 12 * S, None)
    bench.now_s = 1
    assert list(violations("window", found)) == []
    return found


@pytest.mark.parametrize(
    ("meter", "channel", "watts"),
    [
        ("wall/2", "2", 20),
        ("wall", "1+2+3", 60),
        ("wall/sum", "1+2+3", 60),
        ("wall/3+1", "1+3", 40),
        ("wall/2,rack", "2,1", 60),
        ("rack,wall", "1,1+2+3", 100),
    ],
)
def test_channels_and_meters_are_summed(bench: Bench, meter: str, channel: str, watts: float) -> None:
    bench.fill(10.0, 20.0, 30.0)
    found = closed(bench, meter)
    assert (found["meter"], found["channel"], found["quality"]) == (meter, channel, "good")
    assert found["energy_j"] == pytest.approx(10 * watts)
    assert (found["min_w"], found["max_w"], found["coverage"]) == (
        pytest.approx(watts), pytest.approx(watts), pytest.approx(1)
    )  # fmt: skip
    assert found["official"]["average_w"] == pytest.approx(watts)
    assert found["energy_u95_j"] == pytest.approx(1.96 * math.sqrt(sum(t["u"] ** 2 for t in found["budget"])))
    own = [row["energy_j"] for row in found.get("sources", [{"energy_j": found["energy_j"]}])]
    assert sum(own) == pytest.approx(10 * watts)
    skews = [t["term"] for t in found["budget"] if "skew" in t["term"]]
    assert skews == [f"{m.partition('/')[0]}/skew" for m in meter.split(",") if "," in meter]


def test_the_limits_of_channels_are_added_and_those_of_meters_stand_apart(bench: Bench) -> None:
    bench.fill(10.0, 20.0, 30.0)

    def ranges(document: dict[str, Any]) -> dict[str, float]:
        return {t["term"]: t["value"] for t in document["budget"] if t["term"].endswith("/range")}

    one, three = ranges(closed(bench, "wall/1")), ranges(closed(bench, "wall"))
    assert three["specification/range"] == pytest.approx(3 * one["specification/range"])
    both = ranges(closed(bench, "wall,rack"))
    assert set(both) == {"wall/specification/range", "rack/specification/range"}
    assert both["wall/specification/range"] == pytest.approx(three["specification/range"])


def test_one_window_for_each_channel(bench: Bench) -> None:
    first = bench.windows.open("a", "wall/1", {})
    second = bench.windows.open("b", "wall/2,rack", {})
    assert first["channel"] != second["channel"]
    for taken in ("wall", "wall/2", "wall/2+3", "rack", "wall/3,rack"):
        with pytest.raises(Conflict, match=r"leased by window 'b'|leased by window 'a'"):
            bench.windows.open("c", taken, {})
    assert bench.windows.open("c", "wall/3", {})["state"] == "open"
    assert bench.windows.is_leased("rack")
    bench.fill(10.0, 20.0, 30.0)
    bench.now_s = 12
    shown = {w["name"]: w["so_far"]["energy_j"] for w in bench.windows.all()}
    assert shown == {
        "a": pytest.approx(10 * 13),
        "b": pytest.approx(20 * 13 + 40 * 13.8),
        "c": pytest.approx(30 * 13),
    }
    bench.windows.close(second["id"], EPOCH + 2 * S, EPOCH + 12 * S, None)
    assert bench.windows.open("d", "rack", {})["state"] == "open"


@pytest.mark.parametrize(
    ("meter", "error", "words"),
    [
        ("wall/4", Refused, "asked for 1, 2, 3"),
        ("wall/", Refused, "asked for 1, 2, 3"),
        ("wall/1+1", Refused, "asked for 1, 2, 3"),
        ("wall/1,wall/2", Refused, "names meter wall twice"),
        ("wall,cellar", NotThere, "cellar"),
        ("", NotThere, "there is no meter"),
        (",", NotThere, "there is no meter"),
    ],
)
def test_what_is_no_meter_of_a_window(bench: Bench, meter: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        bench.windows.open("n", meter, {})


def test_a_channel_without_data_is_a_loss_of_the_sum_only(bench: Bench) -> None:
    bench.fill(10.0, 20.0, None)
    assert closed(bench, "wall/1+2")["quality"] == "good"
    found = closed(bench, "wall")
    assert (found["quality"], found["bad_samples"]["nodata"]) == ("bad", 10)
    assert "no-samples" in names(found)


def test_windows_of_channels_outlive_the_daemon(bench: Bench, tmp_path: Path) -> None:
    window = bench.windows.open("n", "wall/2,rack", {})
    bench.fill(10.0, 20.0, 30.0)
    bench.store.writer.flush()
    bench.now_s = 15
    bench.windows = bench.make_windows()
    bench.windows.resume()
    shown = bench.windows.get(window["id"])
    assert shown["so_far"]["energy_j"] == pytest.approx(20 * 13 + 40 * 13.8)
    with pytest.raises(Conflict, match="channel 2 of meter wall is leased"):
        bench.windows.open("m", "wall", {})

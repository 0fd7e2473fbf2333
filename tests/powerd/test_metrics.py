"""``/metrics``: names and labels that people's dashboards stand on, and totals that agree with the load."""

from __future__ import annotations

import http.client
import re
import time
from collections.abc import Iterator

import pytest

from powerd.client import PowerdClient
from powerd.counters import Count
from powerd.model import Quality
from tests.powerd.made import reading
from tests.powerd.rig import Daemon, Meter, wait_for_samples

LINE = re.compile(r"([a-z_]+)(?:\{(.*)\})? (\S+)\Z")
NAMES = {
    "powerd_power_watts": "gauge",
    "powerd_energy_joules_total": "counter",
    "powerd_voltage_volts": "gauge",
    "powerd_current_amperes": "gauge",
    "powerd_power_factor_ratio": "gauge",
    "powerd_samples_total": "counter",
    "powerd_gap_seconds_total": "counter",
    "powerd_clock_offset_seconds": "gauge",
    "powerd_last_sample_timestamp_seconds": "gauge",
    "powerd_alarm": "gauge",
    "powerd_meter_connected": "gauge",
    "powerd_meter_reconnects_total": "counter",
    "powerd_clock_synchronised": "gauge",
    "powerd_clock_bound_seconds": "gauge",
    "powerd_store_failing": "gauge",
    "powerd_store_waiting_records": "gauge",
    "powerd_disk_free_bytes": "gauge",
    "powerd_problems": "gauge",
    "powerd_meter_info": "gauge",
    "powerd_build_info": "gauge",
}


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    folder = tmp_path_factory.mktemp("metrics")
    meter = Meter(folder, "constant:100")
    running = Daemon(folder, meter.port)
    wait_for_samples(PowerdClient(running.url), count=5)
    yield running
    running.stop()
    meter.stop()


def scrape(daemon: Daemon) -> tuple[str, dict[tuple[str, str], float]]:
    connection = http.client.HTTPConnection(daemon.url.removeprefix("http://"), timeout=10)
    connection.request("GET", "/metrics")
    answer = connection.getresponse()
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    text = answer.read().decode()
    connection.close()
    rows = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            match = LINE.match(line)
            assert match, line
            rows[match.group(1), match.group(2) or ""] = float(match.group(3))
    return text, rows


def test_every_name_has_its_type_and_the_labels_are_meter_and_channel(daemon: Daemon) -> None:
    text, rows = scrape(daemon)
    types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M))
    assert types == NAMES
    place = 'meter="wall",channel="1"'
    assert 95 < rows["powerd_power_watts", place] < 105
    assert 200 < rows["powerd_voltage_volts", place] < 250
    assert 0 < rows["powerd_power_factor_ratio", place] <= 1
    assert rows["powerd_samples_total", place + ',quality="good"'] >= 3
    assert rows["powerd_samples_total", place + ',quality="garbled"'] == 0
    assert rows["powerd_gap_seconds_total", place] < 2
    assert abs(rows["powerd_last_sample_timestamp_seconds", place] - time.time()) < 1
    (who,) = (labels for name, labels in rows if name == "powerd_meter_info")
    assert 'model="WT310E"' in who
    assert 'simulated="true"' in who


def test_the_energy_counter_grows_as_the_load_does(daemon: Daemon) -> None:
    key = ("powerd_energy_joules_total", 'meter="wall",channel="1"')
    stamp = ("powerd_last_sample_timestamp_seconds", key[1])
    before = scrape(daemon)[1]
    time.sleep(1.0)
    after = scrape(daemon)[1]
    seconds = after[stamp] - before[stamp]
    assert after[key] - before[key] == pytest.approx(100 * seconds, rel=0.02)


def test_a_loss_is_a_gap_and_energy_never_falls() -> None:
    count = Count()
    for index, quality in enumerate([Quality.GOOD, Quality.GARBLED, Quality.GOOD], start=1):
        count = count.plus(reading(index, 50.0, quality))
    assert count.energy_j == pytest.approx(100.0)
    assert count.gap_s(3_000_000_000) == pytest.approx(1.0)
    assert count.samples == {Quality.GOOD: 2, Quality.GARBLED: 1}
    later = count.plus(reading(13, 50.0))
    assert count.gap_s(12_900_000_000) <= later.gap_s(13_000_000_000) == pytest.approx(9.5)
    assert later.energy_j == pytest.approx(175.0)

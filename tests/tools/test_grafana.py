"""The alert rules and the dashboard of ``tools/grafana``, by a real Prometheus that scrapes a real daemon."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from powerd.client import PowerdClient
from tests.powerd.rig import Daemon, Meter, wait_for_samples

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tools/grafana"
RULES = FOLDER / "alerts.yml"
DASHBOARD = json.loads((FOLDER / "powerd.json").read_text(encoding="utf-8"))
NAME = re.compile(r"\bpowerd_\w+|\bup\b")
UNKNOWN_WITHOUT_KEEPER = "powerd_clock_bound_seconds"
"""Not there while nobody keeps the clock of this machine right."""

pytestmark = pytest.mark.skipif(
    shutil.which("prometheus") is None or shutil.which("promtool") is None,
    reason="prometheus is not installed: tools/debian-packages.sh",
)


@dataclass
class Lab:
    """A daemon on an emulated meter that sometimes gives no data, and the Prometheus that scrapes it."""

    meter: Meter
    daemon: Daemon
    url: str

    def ask(self, path: str, **parameters: str) -> Any:
        query = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{query}", timeout=20) as answer:
            body = json.load(answer)
        assert body["status"] == "success"
        return body["data"]

    def query(self, expression: str) -> list[Any]:
        found: list[Any] = self.ask("query", query=expression)["result"]
        return found

    def alerts(self) -> dict[str, dict[str, Any]]:
        return {rule["name"]: rule for group in self.ask("rules")["groups"] for rule in group["rules"]}


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def until(condition: Any, seconds: float = 40) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("grafana")
    meter = Meter(folder, "constant:100", faults="nodata@2-3")
    daemon = Daemon(folder, meter.port)
    wait_for_samples(PowerdClient(daemon.url))
    port = free_port()
    # The shipped configuration, only quicker and for this daemon.
    text = (FOLDER / "prometheus.yml").read_text(encoding="utf-8")
    text = text.replace("5s", "500ms").replace('"alerts.yml"', json.dumps(str(RULES)))
    text = text.replace("127.0.0.1:8675", daemon.url.removeprefix("http://"))
    (folder / "prometheus.yml").write_text(text)
    command = [
        "prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb",
        f"--web.listen-address=127.0.0.1:{port}", "--log.level=error",
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    made = Lab(meter, daemon, f"http://127.0.0.1:{port}")

    def scraped() -> bool:
        try:
            return bool(made.query("count_over_time(powerd_power_watts[10s]) >= 6"))
        except OSError:
            return False

    try:
        until(scraped)
        yield made
    finally:
        process.terminate()
        process.wait(20)
        daemon.stop()
        meter.stop()


def filled(expression: str) -> str:
    """With what Grafana would put in for its variables."""
    for name, value in (
        ("$__rate_interval", "5s"),
        ("$__range", "10s"),
        ("$instance", ".*"),
        ("$meter", ".*"),
    ):
        expression = expression.replace(name, value)
    assert "$" not in expression, expression
    return expression


def queries() -> list[tuple[str, str]]:
    return [(p["title"], t["expr"]) for p in DASHBOARD["panels"] for t in p["targets"]]


def is_kept(lab: Lab) -> bool:
    return PowerdClient(lab.daemon.url).health()["clock"]["bound_s"] is not None


@pytest.mark.parametrize(("title", "expression"), queries(), ids=lambda text: text[:40])
def test_every_query_of_the_dashboard_gives_data(lab: Lab, title: str, expression: str) -> None:
    found = lab.query(filled(expression))
    if UNKNOWN_WITHOUT_KEEPER in expression and not is_kept(lab):
        assert found == []
    else:
        assert found, f"{title}: {expression}"


def test_the_dashboard_shows_what_the_load_is(lab: Lab) -> None:
    expression = next(e for title, e in queries() if title == "Power now")
    (row,) = lab.query(filled(expression))
    assert row["metric"]["meter"] == "wall"
    assert 95 < float(row["value"][1]) < 105
    mean = next(e for title, e in queries() if title.startswith("Mean power"))
    until(lambda: 95 < float(lab.query(filled(mean))[0]["value"][1]) < 105)


def test_the_variables_and_the_annotation_of_the_dashboard(lab: Lab) -> None:
    asked = {v["name"]: v["definition"] for v in DASHBOARD["templating"]["list"] if "definition" in v}
    for name, definition in asked.items():
        inside = re.fullmatch(r"label_values\((.*), (\w+)\)", definition)
        assert inside is not None
        rows = lab.query(filled(inside.group(1)))
        assert {row["metric"][inside.group(2)] for row in rows}, name
    for note in DASHBOARD["annotations"]["list"]:
        lab.query(filled(note["expr"]))


def test_every_alert_rule_is_evaluated_over_metrics_that_there_are(lab: Lab) -> None:
    until(lambda: all(rule["health"] == "ok" for rule in lab.alerts().values()))
    rules = lab.alerts()
    assert len(rules) == 11
    for name, rule in rules.items():
        assert not rule["lastEvaluation"].startswith("0001"), name
        for metric in set(NAME.findall(rule["query"])) - {UNKNOWN_WITHOUT_KEEPER}:
            assert lab.query(metric), (name, metric)


def test_a_meter_that_is_unplugged_alarms(lab: Lab) -> None:
    assert lab.alerts()["PowerMeterLost"]["state"] == "inactive"
    lab.meter.stop()
    until(lambda: lab.alerts()["PowerMeterLost"]["state"] == "pending")
    (alert,) = lab.alerts()["PowerMeterLost"]["alerts"]
    assert "meter wall does not answer" in alert["annotations"]["summary"]


PLACE = 'instance="lab:8675",job="powerd",meter="wall",channel="1"'
DAEMON = 'instance="lab:8675",job="powerd"'
QUIET = {
    f"up{{{DAEMON}}}": "1+0x60",
    f'powerd_meter_connected{{{DAEMON},meter="wall"}}': "1+0x60",
    f"powerd_last_sample_timestamp_seconds{{{PLACE}}}": "0+15x60",
    f'powerd_samples_total{{{PLACE},quality="good"}}': "0+150x60",
    f'powerd_samples_total{{{PLACE},quality="overrange"}}': "0+0x60",
    f'powerd_samples_total{{{PLACE},quality="garbled"}}': "0+0x60",
    f'powerd_alarm{{{PLACE},kind="range"}}': "0+0x60",
    f"powerd_gap_seconds_total{{{PLACE}}}": "0+0x60",
    f"powerd_clock_synchronised{{{DAEMON}}}": "1+0x100",
    f"powerd_clock_bound_seconds{{{DAEMON}}}": "0.01+0x60",
    f"powerd_clock_offset_seconds{{{DAEMON}}}": "0+0x60",
    f"powerd_store_failing{{{DAEMON}}}": "0+0x60",
    f"powerd_store_waiting_records{{{DAEMON}}}": "0+0x60",
    f"powerd_disk_free_bytes{{{DAEMON}}}": "5e10+0x60",
}
TROUBLES = {
    "PowerdDown": ("up{", "0+0x60"),
    "PowerMeterLost": ("powerd_meter_connected", "0+0x60"),
    "PowerMeterSilent": ("powerd_last_sample", "100+0x60"),
    "PowerSamplesBad": ('quality="garbled"', "0+10x60"),
    "PowerRangeExceeded": ('quality="overrange"', "0+0x30 1+0x30"),
    "PowerRangeWrong": ("powerd_alarm", "1+0x60"),
    "PowerGapGrows": ("powerd_gap_seconds", "0+1x60"),
    "PowerClockNotSynchronised": ("powerd_clock_synchronised", "0+0x100"),
    "PowerClockUncertain": ("powerd_clock_bound", "2+0x60"),
    "PowerStoreFailing": ("powerd_store_failing", "1+0x60"),
    "PowerDiskFillsUp": ("powerd_disk_free", "1e9+0x60"),
}


def test_each_alert_fires_by_its_own_trouble_and_none_without(tmp_path: Path) -> None:
    """promtool plays a lab of its own for each alert: quiet but for one metric; four samples a minute."""
    tests = [case({}, dict.fromkeys(TROUBLES, False))]
    for name, (metric, values) in TROUBLES.items():
        tests.append(case({metric: values}, {name: True}))
    file = tmp_path / "tests.yml"
    file.write_text(json.dumps({"rule_files": [str(RULES)], "evaluation_interval": "15s", "tests": tests}))
    done = subprocess.run(
        ["promtool", "test", "rules", str(file)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


def case(trouble: dict[str, str], wanted: dict[str, bool]) -> dict[str, Any]:
    series = [
        {"series": name, "values": next((v for metric, v in trouble.items() if metric in name), values)}
        for name, values in QUIET.items()
    ]
    tests = []
    for name, is_fired in wanted.items():
        expression = f'sum(ALERTS{{alertname="{name}", alertstate="firing"}}) > bool 0'
        expected = [{"labels": "{}", "value": 1}] if is_fired else []
        tests.append(
            {"expr": expression, "eval_time": "16m" if "Synch" in name else "9m", "exp_samples": expected}
        )
    return {"interval": "15s", "input_series": series, "promql_expr_test": tests}


@pytest.mark.parametrize(
    "arguments", [("check", "rules", str(RULES)), ("check", "config", str(FOLDER / "prometheus.yml"))]
)
def test_promtool_finds_nothing_wrong(arguments: tuple[str, ...]) -> None:
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr

"""OpenTelemetry: a daemon sends what it measures to a small OTLP receiver on this machine."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from powerd.cli import main
from tests.powerd.rig import Meter, Process


class Receiver:
    """``POST /v1/metrics`` of OTLP over HTTP; keeps what comes."""

    def __init__(self) -> None:
        self.requests: list[Any] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                assert self.path == "/v1/metrics"
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                outer.requests.append(ExportMetricsServiceRequest.FromString(body))
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def metrics(self) -> dict[str, Any]:
        """The metrics of the latest request, by name."""
        latest = self.requests[-1]
        return {
            m.name: m for r in latest.resource_metrics for scope in r.scope_metrics for m in scope.metrics
        }


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_what_is_measured_arrives(receiver: Receiver, tmp_path: Path) -> None:
    meter = Meter(tmp_path)
    file = tmp_path / "powerd.toml"
    file.write_text(
        f'[daemon]\nlisten = "127.0.0.1:0"\ndata_dir = "{tmp_path / "data"}"\n'
        f'[otel]\nendpoint = "{receiver.url}"\nevery = "500ms"\n'
        f'[[meter]]\nname = "wall"\ndriver = "yokogawa-wt300"\nport = "{meter.port}"\ninterval = "250ms"\n'
    )
    daemon = Process("run", "--config", str(file))
    try:
        deadline = time.monotonic() + 30
        while len(receiver.requests) < 2 or "powerd_power_watts" not in receiver.metrics():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        metrics = receiver.metrics()
        (point,) = metrics["powerd_power_watts"].gauge.data_points
        assert 95 < point.as_double < 105
        labels = {a.key: a.value.string_value for a in point.attributes}
        assert labels == {"meter": "wall", "channel": "1"}
        energy = metrics["powerd_energy_joules_total"].sum
        assert energy.is_monotonic
        assert energy.data_points[0].as_double > 0
        resource = {
            a.key: a.value.string_value for a in receiver.requests[-1].resource_metrics[0].resource.attributes
        }
        assert resource["service.name"] == "powerd"
        count = len(receiver.requests)
        assert daemon.stop() == 0
        assert len(receiver.requests) > count  # the last values are sent at the end
    finally:
        daemon.stop()
        meter.stop()


def test_a_wrong_endpoint_is_a_mistake_of_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "powerd.toml"
    file.write_text(
        '[otel]\nendpiont = "x"\n[[meter]]\nname = "w"\ndriver = "simulated"\nport = "load:host"\n'
    )
    assert main(["config", "check", str(file)]) == 1
    out = capsys.readouterr().out
    assert "[otel]: unknown key 'endpiont'; did you mean 'endpoint'?" in out
    assert "[otel]: endpoint: found ''" in out

"""OpenTelemetry: the metrics of ``powerd.metrics``, sent to an OTLP collector over HTTP every few seconds.

Source: OTLP 1.0 over HTTP with protobuf, ``POST /v1/metrics``, as the SDK of OpenTelemetry speaks it; the names are
those of ``/metrics``. A collector that is away costs a line in the log and nothing else.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from powerd.config import Telemetry
from powerd.meters import settled
from powerd.metrics import Family, Measured, families
from schemas import __version__

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, Observation

PATH = "/v1/metrics"
SHORT_S = 0.5
"""One collection asks every metric in turn: within this time all of them get the same answers."""


class Exporter:
    """Sends until closed. Needs the extra ``otel``."""

    def __init__(self, service: Measured, told: Telemetry) -> None:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
        from opentelemetry.sdk.resources import Resource

        self._service = service
        self._lock = threading.Lock()
        self._taken_s = 0.0
        self._taken: Mapping[str, Family] = {}
        every_ms = told.every_s * 1000
        exporter = OTLPMetricExporter(endpoint=f"{told.endpoint}{PATH}", timeout=5)
        reader = PeriodicExportingMetricReader(exporter, every_ms, min(every_ms, 10_000))
        resource = Resource.create({"service.name": "powerd", "service.version": __version__})
        self._provider = MeterProvider([reader], resource, shutdown_on_exit=False)
        meter = self._provider.get_meter("powerd", __version__)
        for family in families(service):
            make = (
                meter.create_observable_counter if family.kind == "counter" else meter.create_observable_gauge
            )
            make(family.name, [self._callback(family.name)], description=family.help)

    def close(self) -> None:
        """Send what there is once more and end."""
        self._provider.shutdown(timeout_millis=5000)

    def _callback(self, name: str) -> Any:
        def observe(_options: CallbackOptions) -> Iterable[Observation]:
            from opentelemetry.metrics import Observation

            # What is lost at this moment (NaN in Prometheus) is left out: OTLP has no sign for it.
            samples = self._now()[name].samples
            return [Observation(value, dict(labels)) for labels, value in samples if not math.isnan(value)]

        return observe

    def _now(self) -> Mapping[str, Family]:
        with self._lock:
            if time.monotonic() - self._taken_s > SHORT_S:
                service = self._service
                found = settled(lambda: service.meter_names, lambda: list(families(service)))
                self._taken = {family.name: family for family in found}
                self._taken_s = time.monotonic()
            return self._taken

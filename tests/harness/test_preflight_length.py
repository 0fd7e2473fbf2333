"""How long preflight says that runs will take, and which expectations of the user end one early."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness import estimate, run_times
from harness.checks import (
    run_length,
)
from harness.checks.base import Situation
from harness.model import Fixture, LoadSettings
from harness.plan import known
from harness.results import Calibration
from harness.scenarios import BY_NAME
from schemas.rounds import load_round
from tests.harness.situations import found, only, says, with_work

ROUND = load_round("v4.1")


def expected(scenario: str, settings: LoadSettings, p50_ms: float, rate: float) -> estimate.Performance:
    measured = Calibration(p50_ms, rate, 100, p50_ms, rate, ((1, p50_ms),))
    one = estimate.performance(ROUND, "resnet", BY_NAME[scenario], settings, measured)
    assert one is not None
    return one


def test_lengths_of_performance_runs() -> None:
    """600 s with enough queries; a slow MultiStream has to wait for its 662nd, Offline for its 24 576th sample."""
    plain = LoadSettings()
    assert expected("SingleStream", plain, 10.0, 100.0).seconds == pytest.approx(600, rel=0.01)
    assert expected("SingleStream", plain, 10_000.0, 0.1).seconds == pytest.approx(1000)
    assert expected("MultiStream", plain, 2_000.0, 4.0).seconds == pytest.approx(1324)
    assert expected("Offline", plain, 1.0, 10.0).seconds == pytest.approx(2457.6)
    assert expected("Offline", plain, 1.0, 1000.0).seconds == pytest.approx(726, rel=0.01)


def test_expectations_that_end_a_run_early() -> None:
    late = expected("SingleStream", LoadSettings(target_latency_ms=50.0), 10.0, 100.0)
    assert late.seconds == pytest.approx(240)
    assert "ends after 240 s" in late.fault
    assert "--target-latency-ms 8," in late.cure
    slow = expected("Offline", LoadSettings(target_qps=50.0), 1.0, 100.0)
    assert "--target-qps 110," in slow.cure
    assert expected("SingleStream", LoadSettings(target_latency_ms=9.0), 10.0, 100.0).fault == ""
    eager = expected("Offline", LoadSettings(target_qps=1000.0), 1.0, 100.0)
    assert eager.fault == ""
    assert eager.is_long


def test_run_length_judges_what_the_user_expects(bare: Situation, fixture: Fixture) -> None:
    situation = with_work(bare, fixture.model, fixture.dataset)
    says(only(run_length, situation), "ok", "SingleStream", "600 s and 100 queries")
    wrong = replace(situation, settings=LoadSettings(target_latency_ms=5000.0))
    says(only(run_length, wrong), "fail", "ends after", "give --target-latency-ms")
    names = [run.name for run in run_times.runs(situation)]
    assert names == ["performance", "accuracy", "TEST01", "TEST04", "TEST05"]


def test_with_a_configured_rate_alone(bare: Situation) -> None:
    lines = found(
        run_length,
        replace(bare, scenarios=(BY_NAME["Offline"],), settings=LoadSettings(target_qps=100.0)),
    )
    says(lines[0], "ok", "100 samples/s expected", "66000 samples in 11 min")


def test_ranging_doubles_the_performance_run() -> None:
    one = expected("Offline", LoadSettings(), 1.0, 1000.0)
    runs = estimate.runs(ROUND, "resnet", one, rate=1000.0, samples=50_000, load_s=0.01, with_power=True)
    assert [r.name for r in runs] == ["ranging", "performance", "accuracy", "TEST01", "TEST04", "TEST05"]
    assert runs[2].seconds == pytest.approx(555, abs=1)
    assert runs[0].seconds == pytest.approx(726 + 10.24 + 5, rel=0.01)


def test_server_is_held_against_the_latency_limit() -> None:
    """15 ms for 99 % of the queries; a call of 1 ms leaves much room, one of 20 ms none at all."""
    fine = expected("Server", LoadSettings(), 1.0, 1000.0)
    assert (fine.fault, fine.seconds) == ("", pytest.approx(600, rel=0.01))
    eager = expected("Server", LoadSettings(target_qps=990.0), 1.0, 1000.0)
    assert "more than the" in eager.fault
    assert "give --target-qps" in eager.cure
    slow = expected("Server", LoadSettings(), 20.0, 50.0)
    assert "Server allows 15 ms" in slow.fault
    assert "faster runtime" in slow.cure
    assert expected("Server", LoadSettings(target_latency_ms=200.0), 20.0, 50.0).fault == ""


def test_scenarios_of_a_datacenter(bare: Situation, fixture: Fixture) -> None:
    scenarios = known("v4.1", "resnet50", None, "datacenter")[3]
    assert [s.name for s in scenarios] == ["Server", "Offline"]
    situation = with_work(bare, fixture.model, fixture.dataset, "Server")
    assert situation.probe is not None
    assert set(situation.probe.measured) == {1, 2, 4, 8}
    (line,) = found(run_length, replace(situation, settings=LoadSettings(target_latency_ms=2000.0)))
    says(line, "ok", "Server", "queries/s offered")


def test_a_run_that_would_end_early_is_counted_with_its_due_length() -> None:
    one = expected("Offline", LoadSettings(target_qps=100.0), 1.0, 1000.0)
    assert one.seconds < 100
    runs = estimate.runs(ROUND, "resnet", one, rate=1000.0, samples=64, load_s=0.0, with_power=False)
    assert runs[0].seconds == pytest.approx(605)

"""How long every run of a situation will take, from the one short measurement that was made of it."""

from __future__ import annotations

from harness import estimate
from harness.checks.base import Situation
from harness.scenarios import Scenario


def performance(situation: Situation, scenario: Scenario) -> estimate.Performance | None:
    """The performance run of a scenario; None when nothing is known of its pace."""
    probe = situation.probe
    measured = None if probe is None else probe.calibration(scenario, situation.batch)
    samples = None if situation.fixture is None else situation.fixture.samples
    return estimate.performance(
        situation.round, situation.official, scenario, situation.settings, measured, samples
    )


def runs(situation: Situation) -> tuple[estimate.Run, ...]:
    """Every run of every scenario with its length; empty where nothing was measured."""
    probe, work = situation.probe, situation.workload
    if probe is None or work is None or not probe.measured:
        return ()
    samples = situation.benchmark.full_set if situation.fixture is None else situation.fixture.samples
    found: list[estimate.Run] = []
    for scenario in situation.scenarios:
        one, measured = performance(situation, scenario), probe.calibration(scenario, situation.batch)
        if one is not None and measured is not None:
            found += estimate.runs(
                situation.round,
                situation.official,
                one,
                rate=measured.samples_per_second,
                samples=samples,
                load_s=probe.load_s or 0.0,
                with_power=situation.power is not None,
            )
    return tuple(found)

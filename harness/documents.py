"""The texts for people that a submission must hold."""

from __future__ import annotations

import shlex
from pathlib import Path

from harness.model import Plan
from harness.results import PowerEvidence
from schemas.layout import ResultPath


def _command(plan: Plan) -> str:
    return "mlharness " + shlex.join(plan.request.command_line)


def code_readme(plan: Plan) -> str:
    """``code/<benchmark>/<implementation>/README.md``."""
    return f"""# {plan.workload.benchmark} with edgewatt

The implementation is the `harness` package of edgewatt, with the backend {plan.workload.backend}. Install it
with `pip install 'edgewatt[harness]'` and see `measurements/` for the command of each result.
"""


def measurements_readme(plan: Plan) -> str:
    """``measurements/…/README.md``: how to run it again."""
    fixture = ""
    if plan.fixture is not None:
        fixture = f"""
The model and the data set are synthetic. They are made again, byte for byte on the same software, with:

    mlharness make-fixture {plan.fixture.benchmark} FOLDER --width {plan.fixture.width} \\
        --samples {plan.fixture.samples} --seed {plan.fixture.seed}
"""
    return f"""# {plan.workload.benchmark}, {plan.scenario}

Run with:

    {_command(plan)}
{fixture}
`edgewatt.json` says what was shortened, simulated, synthetic or unofficial in this result.
"""


def calibration_note() -> str:
    """``calibration.md``: what the harness did about quantisation, which is nothing."""
    return """# Calibration

The harness calibrates and quantises nothing: a checkpoint is executed as it is given. Where the checkpoint itself was
quantised, its maker adds here which data set the ranges and by which scheme.
"""


def inferred_readme(result: ResultPath, source: str, command_line: tuple[str, ...]) -> str:
    """``measurements/…/README.md`` of a result that is inferred from another scenario."""
    return f"""# {result.benchmark}, {result.scenario}

Inferred from the {source} result of the same system: logs, accuracy and compliance runs are copies of that one's.
Run that one as its own README says, then:

    mlharness {shlex.join(command_line)}
"""


def analyzer_table(power: PowerEvidence) -> str:
    """``analyzer_table.md``: the configuration of the meter."""
    info = {k: v for k, v in power.meter.items() if v not in (None, "", [])}
    rows = "\n".join(f"| {key} | {_cell(value)} |" for key, value in info.items())
    ranges = "\n".join(f"| ranges, {name} | {_cell(w.get('ranges'))} |" for name, w in power.windows.items())
    return f"""# Power meter

| what | value |
|---|---|
{rows}
{ranges}

Measured by powerd of edgewatt. Results measured by powerd are not official MLPerf power results.
"""


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")


def power_settings() -> str:
    """``power_settings.md``: the power management that was in force, as the machine tells it."""
    governors = sorted(
        {p.read_text().strip() for p in Path("/sys/devices/system/cpu").glob("cpu*/cpufreq/scaling_governor")}
    )
    driver = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_driver")
    return f"""# Power management settings

| what | value |
|---|---|
| frequency governor | {", ".join(governors) or "not told by this machine"} |
| frequency driver | {driver.read_text().strip() if driver.exists() else "not told by this machine"} |
| changed by the harness | nothing |
"""

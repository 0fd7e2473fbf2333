"""The real thing: an emulated meter on a pseudo-terminal and ``powerd run`` on it, as processes."""

from __future__ import annotations

import bisect
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

START_S = 30.0


class Process:
    """``python -m powerd …`` whose first line on stdout says that it is ready."""

    def __init__(self, *arguments: str, env: dict[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "powerd", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **(env or {})},
        )
        assert self.process.stdout is not None
        self.first_line = self.process.stdout.readline().strip()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(20)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
        return code

    def outcome(self) -> tuple[int, str]:
        """Exit code and stderr of a process that ends by itself."""
        _, text = self.process.communicate(timeout=START_S)
        return self.process.returncode, text


class Meter(Process):
    """An emulated WT310E, or the first model of another driver."""

    def __init__(
        self,
        folder: Path,
        load: str = "constant:100",
        seed: int = 7,
        faults: str = "",
        driver: str = "yokogawa-wt300",
    ) -> None:
        self.truth_file = folder / "truth.jsonl"
        self.port = str(folder / "tty")
        super().__init__(
            "emulate", driver, "--link", self.port, "--load", load, "--truth", str(self.truth_file),
            "--seed", str(seed), *(("--faults", faults) if faults else ()),
        )  # fmt: skip

    def energy_j(self, begin_unix_ns: int, end_unix_ns: int) -> float:
        """What it really drew; waits for the truth to reach the end."""
        deadline = time.monotonic() + 5
        rows: list[tuple[int, float]] = []
        while (not rows or rows[-1][0] < end_unix_ns) and time.monotonic() < deadline:
            lines = self.truth_file.read_text().split("\n")[:-1]
            rows = [(row["t_unix_ns"], row["energy_j"]) for row in map(json.loads, lines)]
            time.sleep(0.05)
        return _at(rows, end_unix_ns) - _at(rows, begin_unix_ns)


def _at(rows: list[tuple[int, float]], at: int) -> float:
    """Cumulative energy at an instant, a straight line between two rows."""
    index = bisect.bisect_right(rows, (at, float("inf")))
    if not 0 < index < len(rows):
        raise AssertionError(f"the truth does not reach {at}")
    (t0, e0), (t1, e1) = rows[index - 1], rows[index]
    return e0 + (e1 - e0) * (at - t0) / (t1 - t0)


class Daemon(Process):
    """``powerd run`` on one meter named ``wall``."""

    def __init__(
        self,
        folder: Path,
        port: str,
        interval: str = "100ms",
        ranges: str = "voltage_range=300,current_range=1",
        env: dict[str, str] | None = None,
        listen: str = "127.0.0.1:0",
    ) -> None:
        meter = f"wall=yokogawa-wt300:{port},interval={interval},baud=115200"
        super().__init__(
            "run", "--meter", f"{meter},{ranges}" if ranges else meter, "--data-dir", str(folder / "data"),
            "--listen", listen, env=env,
        )  # fmt: skip
        self.url = self.first_line


def wait_for_samples(client: object, meter: str = "wall", count: int = 3) -> None:
    """Until the daemon has so many readings of a meter."""
    from powerd.client import PowerdClient

    assert isinstance(client, PowerdClient)
    deadline = time.monotonic() + START_S
    while client.meters()[0]["samples"] < count:
        assert time.monotonic() < deadline, f"no {count} samples of {meter}"
        time.sleep(0.05)


def replaced(meter: Meter, folder: Path, client: object, **made: Any) -> Meter:
    """Another emulated meter on the line of one that a running daemon measures.

    A daemon may take seconds to start: what a load or a fault does at times of its own begins after that.
    """
    from powerd.client import PowerdClient

    assert isinstance(client, PowerdClient)
    meter.stop()
    seen = client.meters()[0]["samples"]
    found = Meter(folder, **made)
    wait_for_samples(client, count=seen + 3)
    return found


def undisturbed(window: dict[str, Any]) -> bool:
    """Nothing but late answers spoiled a window: on a busy machine they are named losses, not faults."""
    return {r.split(":")[0] for r in window["reasons"]} <= {"coverage", "late", "gap"} and window[
        "coverage"
    ] > 0.9

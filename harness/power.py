"""Wraps performance runs in windows of the power daemon: a ranging pass, then the testing pass.

The window of a run is the one that LoadGen logs (``power_begin`` to ``power_end``), in this machine's wall
clock; the daemon knows how that clock stands to its own from exchanges before and after the run.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness import daemon
from harness.model import Plan, PowerRequest, RunSpec
from harness.observer import Observer
from harness.results import PowerEvidence, PowerLost
from powerd.client import ClientError, ClockTie, PowerdClient, PowerSession
from schemas.errors import Failed, UserError
from schemas.loadgen import LoadgenLog, PowerWindow

LEAST_COVERAGE = 0.99


class PowerAround:
    """What happens around each performance run when there is a meter."""

    def __init__(
        self, client: PowerdClient, meter: str, plan: Plan, folder: Path, observer: Observer
    ) -> None:
        """``folder`` takes the session files."""
        self._client = client
        self._observer = observer
        self._meter = meter
        self._plan = plan
        self._folder = folder
        self._session: PowerSession | None = None
        self._logs: dict[str, Path] = {}
        self.lost: PowerLost | None = None
        """Why the runs went on without power."""

    def before(self, spec: RunSpec) -> None:
        """Set the ranges of the pass, tie the clocks, open the window.

        ``UserError`` when the first pass cannot begin; a daemon that is gone later is lost, and the run goes on.
        """
        if spec.phase is None or self.lost is not None:
            return
        if self._session is None:
            with _sentences():
                self._session = PowerSession(self._client, self._meter, self._label())
                self._session.start(spec.phase)
        else:
            with self._losing(spec.phase):
                self._session.start(spec.phase)
        if self.lost is None:
            self._observer.opened(self._session.window_id(spec.phase), self._session.clock)

    def after(self, spec: RunSpec, log_dir: Path) -> None:
        """Close the window with the instants of LoadGen's log."""
        if spec.phase is None or self._session is None or self.lost is not None:
            return
        window = window_of(log_dir)
        with self._losing(spec.phase):
            document = self._session.stop(spec.phase, window.begin_ns, window.end_ns)
            self._observer.closed(document)
            self._logs[spec.phase] = log_dir

    @contextlib.contextmanager
    def _losing(self, phase: str) -> Iterator[None]:
        """A daemon that fails now costs the power of these runs, not the runs."""
        try:
            yield
        except ClientError as error:
            self.lost = PowerLost(phase, str(error))
            self._observer.disconnected()

    def restart(self) -> None:
        """Forget the passes so far: both are run again, because they must have the same settings."""
        self.abort()
        self._session = None
        self._logs.clear()

    def abort(self) -> None:
        """Close a window that is still open, so that the meter is free for the next run."""
        if self._session is not None:
            with contextlib.suppress(ClientError):  # the daemon may be what failed
                self._session.abandon()

    def outcome(self) -> PowerEvidence | None:
        """What was measured; None when the daemon was lost, at the latest now. ``Failed`` for a window with holes."""
        if self.lost is None:
            with self._losing("testing"):
                return self.evidence()
        return None

    def evidence(self) -> PowerEvidence:
        """Fetch the session files and say what was measured; ``Failed`` when the testing window has holes."""
        assert self._session is not None
        self._session.done(self._folder, self._logs)
        meters = {m["name"]: m for m in self._client.meters()}
        health = self._client.health()
        _refuse_holes(self._session.windows["testing"])
        daemon_facts = {"name": "powerd", "version": str(health["version"])}
        return PowerEvidence(
            dict(self._session.windows), meters[meter_of(self._meter)], daemon_facts, self._folder
        )

    def _label(self) -> str:
        """A plain word for the session's name."""
        result = self._plan.result
        text = f"{result.system}-{result.benchmark}-{self._plan.scenario}"
        return "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in text)[:64]


class GuardedAround(PowerAround):
    """One window around the performance run, in the ranges that the meter has; the daemon watches them."""

    def __init__(
        self, client: PowerdClient, meter: str, plan: Plan, folder: Path, observer: Observer
    ) -> None:
        super().__init__(client, meter, plan, folder, observer)
        self._open: str | None = None
        self._clock: ClockTie | None = None
        self._window: dict[str, Any] | None = None

    def before(self, spec: RunSpec) -> None:
        """Tie the clocks, open the window."""
        if spec.phase is None:
            return
        with _sentences():
            self._clock = self._client.sync_clock()
            labels = {"mode": spec.phase, "power_mode": "guarded"}
            self._open = str(self._client.open_window(self._label(), self._meter, labels)["id"])
        self._observer.opened(self._open, self._clock)

    def after(self, spec: RunSpec, log_dir: Path) -> None:
        """Close the window with the instants of LoadGen's log."""
        if spec.phase is None or self._open is None or self._clock is None:
            return
        window = window_of(log_dir)
        with self._losing(spec.phase):
            self._clock = self._client.sync_clock(self._clock.clock)
            ident, clock = self._open, self._clock.clock
            self._window = self._client.close_window(ident, window.begin_ns, window.end_ns, clock)
            self._open = None
            self._observer.closed(self._window)

    def restart(self) -> None:
        """Forget the window: the run is made again."""
        self.abort()
        self._open = self._window = None

    def abort(self) -> None:
        """Close a window that is still open, so that the meter is free for the next run."""
        if self._open is not None and self._clock is not None:
            now = time.time_ns()
            with contextlib.suppress(ClientError):  # the daemon may be what failed
                self._client.close_window(self._open, now - 1_000_000, now, self._clock.clock)
            self._open = None

    def evidence(self) -> PowerEvidence:
        """What was measured; ``Failed`` when the window has holes."""
        assert self._window is not None
        meters = {m["name"]: m for m in self._client.meters()}
        version = str(self._client.health()["version"])
        _refuse_holes(self._window)
        facts = {"name": "powerd", "version": version}
        return PowerEvidence({"testing": self._window}, meters[meter_of(self._meter)], facts, None)


def _refuse_holes(window: Mapping[str, Any]) -> None:
    coverage = window["coverage"]
    if coverage < LEAST_COVERAGE:
        raise Failed(
            f"the testing window is covered by good samples to {coverage:.4f}, wanted {LEAST_COVERAGE} or more: "
            f"{'; '.join(window['reasons']) or 'no reason given'}; run again"
        )


def window_of(log_dir: Path) -> PowerWindow:
    """The window that LoadGen logged; ``Failed`` when there is not exactly one."""
    windows = LoadgenLog.read(log_dir / "mlperf_log_detail.txt").power_windows
    if len(windows) != 1:
        raise Failed(
            f"the log in {log_dir} has {len(windows)} power windows, wanted one; the run did not come to its end"
        )
    return windows[0]


@contextlib.contextmanager
def connected(request: PowerRequest, plan: Plan, folder: Path, observer: Observer) -> Iterator[PowerAround]:
    """A daemon to measure with: the running one, or one that is started for this run."""
    with contextlib.ExitStack() as stack:
        url = request.url
        if url is None:
            assert request.driver is not None
            assert request.port is not None
            process, url = daemon.powerd(request.driver, request.port, folder / "powerd")
            stack.enter_context(process)
        with _sentences():
            client = PowerdClient(url)
        meter = choose_meter(client, url, request.meter)
        kind = GuardedAround if plan.request.power_mode == "guarded" else PowerAround
        around = kind(client, meter, plan, folder / "power", observer)
        observer.connected(url, meter)
        try:
            yield around
        finally:
            around.abort()
            observer.disconnected()


def choose_meter(client: PowerdClient, url: str, wanted: str | None) -> str:
    """The meter to use: the named one (or channels of it), or the only one; ``UserError`` without such a choice."""
    with _sentences():
        names = [str(m["name"]) for m in client.meters()]
    if wanted is not None and meter_of(wanted) not in names:
        raise UserError(f"powerd at {url} has no meter {wanted!r}; it has {', '.join(names) or 'none'}")
    if wanted is None and len(names) != 1:
        raise UserError(
            f"powerd at {url} has {len(names)} meters ({', '.join(names) or 'none'}); choose one with --meter NAME"
        )
    return wanted or names[0]


def meter_of(name: str) -> str:
    """The meter in ``METER`` or ``METER/CHANNEL[+CHANNEL…]``."""
    return name.partition("/")[0]


@contextlib.contextmanager
def _sentences() -> Iterator[None]:
    """Errors of the client are sentences for the user already."""
    try:
        yield
    except ClientError as error:
        raise UserError(str(error)) from error

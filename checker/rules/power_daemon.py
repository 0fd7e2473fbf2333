"""The official power daemon: accepted sources, its dialogue, its analyzer, its log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from checker import clocks, metrics, ptd_log
from checker.model import Problem, Severity
from checker.result import Result
from checker.rule import POWER, rule
from checker.session import lacks_last_range, part, ptd_dialogue
from checker.wording import listing, shorten
from schemas.units import UnixNs

OFFICIAL: dict[str, Any] = {
    "power_checker": True,
    "official_power_only": True,
    "link": POWER,
    "since": "v1.0",
}


def _sources(result: Result, side: str) -> Iterator[Problem]:
    source = result.client if side == "client" else result.server
    accepted = result.round.facts["power"]["accepted_source_checksums"]
    found = source.value.get("sources")
    if found not in accepted:
        best = max(accepted, key=lambda a: len(set(a.items()) & set(_items(found))))
        other = sorted({*best, *dict(_items(found))})
        differ = [n for n in other if dict(_items(found)).get(n) != best.get(n)]
        yield Problem(
            f"the {side} is not an accepted version of the power workflow: {_differ(differ)}",
            source.path,
            found=f"{len(differ)} files differ from the nearest accepted version",
            wanted="the sources of an accepted version",
            pointer="/sources",
        )


def _differ(names: list[str]) -> str:
    return f"{listing(names, 4)} {'differs' if len(names) == 1 else 'differ'}"


def _items(found: object) -> list[tuple[str, str]]:
    return [(str(k), str(v)) for k, v in found.items()] if isinstance(found, dict) else []


@rule(
    "power/sources-client",
    title="The client is an accepted version of the power workflow",
    fix="Use the version of the power workflow that the round accepts, unchanged.",
    good="the checksums of the accepted version",
    bad="a changed client.py",
    needs=("client",),
    **OFFICIAL,
)
def sources_client(result: Result) -> Iterator[Problem]:
    """The checksums of all its sources are recorded; any change shows."""
    yield from _sources(result, "client") if result.has_power else ()


@rule(
    "power/sources-server",
    title="The server is an accepted version of the power workflow",
    fix="Use the version of the power workflow that the round accepts, unchanged.",
    good="the checksums of the accepted version",
    bad="a changed server.py",
    needs=("server",),
    **OFFICIAL,
)
def sources_server(result: Result) -> Iterator[Problem]:
    """The checksums of all its sources are recorded; any change shows."""
    yield from _sources(result, "server") if result.has_power else ()


@rule(
    "power/ptd-commands",
    title="The dialogue with the power daemon is the expected one",
    fix="Use an accepted analyzer and PTDaemon version with the unchanged workflow.",
    good="Identify answered with version=1.10.0 (v3.0 to v4.1)",
    bad="Identify answered with version=1.8.0",
    needs=("server",),
    **OFFICIAL,
)
def ptd_commands(result: Result) -> Iterator[Problem]:
    """Analyzer, version of PTDaemon, ranges and starts are told from the commands and their answers; at the
    end the ranges from before are set again. From v5.1 on the official power checker fails where there is no
    fourth SR,A, even though the third has set the range."""
    server, facts, path = result.server.value, result.round.facts["power"], result.server.path
    problems = list(ptd_dialogue(server, facts))
    for message, found, wanted in problems:
        yield Problem(message, path, shorten(found), shorten(wanted), pointer="/ptd_messages")
    if not problems and lacks_last_range(server, facts):
        wanted = f"{max(facts['amps_restore_command_index'])} commands SR,A"
        yield Problem(
            "the range was set again, but the official power checker looks for one more command",
            path,
            found="fewer",
            wanted=wanted,
            pointer="/ptd_messages",
            severity=Severity.WARNING,
        )


@rule(
    "power/ptd-config",
    title="The analyzer is an accepted one",
    fix="Use an analyzer of the accepted list; a multichannel one needs its two channels.",
    good='"device_type": 49',
    bad='"device_type": 1',
    needs=("server",),
    **OFFICIAL,
)
def ptd_config(result: Result) -> Iterator[Problem]:
    """The number names the type of analyzer that PTDaemon was started with. From v5.1 on a session may have
    several daemons, and their configurations are a list."""
    if not result.has_power:
        return
    config, several = result.server.value.get("ptd_config"), result.round.facts["power"]["ptd_config_is_list"]
    if several and not isinstance(config, list):
        message, wanted = "the configuration of PTDaemon is no list", "a list of configurations"
        yield Problem(message, result.server.path, repr(config)[:60], wanted, pointer="/ptd_config")
        return
    for at, own in enumerate(config) if several and isinstance(config, list) else [(None, config)]:
        yield from _one_config(result, own, "/ptd_config" if at is None else f"/ptd_config/{at}")


def _one_config(result: Result, config: object, pointer: str) -> Iterator[Problem]:
    analyzers, kind = result.round.facts["power"]["analyzers"], part(config, "device_type")
    if kind not in analyzers.values() or isinstance(kind, bool):
        wanted = ", ".join(map(str, sorted(set(analyzers.values()))))
        message = (
            f"device type {kind!r:.40} is not that of an accepted analyzer"
            if kind is not None
            else "no device type is named"
        )
        yield Problem(message, result.server.path, repr(kind)[:40], wanted, pointer=f"{pointer}/device_type")
    elif kind == analyzers.get("YokogawaWT330_multichannel"):
        channel, command = part(config, "channel"), part(config, "command")
        pair = isinstance(channel, list) and len(channel) == 2
        if not pair or not isinstance(command, list) or "-c" not in command:
            message = "a multichannel analyzer needs -c a,b and two channels"
            yield Problem(message, result.server.path, repr(channel)[:60], "two channels", pointer=pointer)


@rule(
    "power/ptd-log",
    title="The log of the power daemon shows the session without errors",
    fix="Repeat the session; errors may stand in the ranging run only.",
    good="uncertainty check activated, ranging begun and completed, no error while testing",
    bad="ERROR: Bad watts reading nan, in the testing run",
    **{**OFFICIAL, "needs": ("server", "ptd_logs", "performance_log")},
)
def power_daemon_log(result: Result) -> Iterator[Problem]:
    """The daemon writes down every sample that it could not trust. Errors are expected while ranges are
    sought, not while the result is measured. The official power checker stops at the first warning that it
    accepts; what stands behind it is told by quality/ptd-log."""
    if not result.has_power:
        return
    try:
        found = daemon_events(result)
    except ptd_log.NoRanging as error:
        yield Problem(str(error), result.ptd_logs.path, "no such line", "marks of the ranging run")
        return
    failing = ptd_log.official_outcome(found)
    if failing is not None:
        text = failing.text[:160]
        yield Problem(f"the power daemon says: {text}", result.ptd_logs.path, text, "no errors", failing.line)


def daemon_events(result: Result) -> list[ptd_log.Event]:
    """What the daemon's log holds; ``NoRanging`` when it does not show the session."""
    known: list[ptd_log.Event] | None = result.__dict__.get("daemon_events")
    if known is None:
        known = result.__dict__["daemon_events"] = _daemon_events(result)
    return known


def _daemon_events(result: Result) -> list[ptd_log.Event]:
    log, clock_ns = result.daemon_log, clocks.daemon_log_ns(result)
    ranging = ptd_log.ranging_interval(log, str(result.server.value.get("session_name")))
    window, shift_ns = metrics.power_window(result.run), clocks.loadgen_ns(result) - clock_ns
    testing = UnixNs(window.begin_ns + shift_ns), UnixNs(window.end_ns + shift_ns)
    return list(ptd_log.events(log, ranging, testing, result.round.facts["power"]))

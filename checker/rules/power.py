"""A power result: its files, its number, and the session between client, server and power daemon."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from checker import metrics, ptd_log
from checker.model import Effect, Problem, Severity
from checker.rule import POWER, rule
from checker.rules.structure import file_list
from checker.session import (
    answers,
    first_text,
    phase_starts,
    ptd_dialogue,
    recorded_hashes,
    same_uuid,
    unofficial_session,
)  # fmt: skip
from checker.tree import Result, join
from schemas.power_session import CLIENT_GREETING, MODES, SERVER_GREETING, hash_file
from schemas.units import NS_PER_S

SESSION = ("client", "server")
OFFICIAL: dict[str, Any] = {
    "power_checker": True,
    "official_power_only": True,
    "link": POWER,
    "since": "v1.0",
}
CHECKED: dict[str, Any] = {"power_checker": True, "link": POWER, "since": "v1.0", "needs": SESSION}


@rule(
    "power/files",
    title="A power result holds exactly its files",
    fix="Add what is missing; remove what the power workflow left behind (ptd_out.txt, spl_analyzer_*).",
    good="power/: client.json, client.log, ptd_logs.txt, server.json, server.log",
    bad="no power/server.json",
    link=POWER,
    since="v1.0",
)
def files(result: Result) -> Iterator[Problem]:
    """The power session, the ranging run and the testing run are published with exactly these files."""
    if not result.has_power:
        return
    known = result.round.files
    tolerated = known["always_tolerated"]
    if result.tree.folder(result.power_path) is None:
        yield Problem("performance/power is no directory", result.power_path, "a file", "a directory")
    yield from file_list(result.tree, result.power_path, known["power_required"], (), tolerated)
    if result.tree.folder(result.ranging.path) is None:
        yield Problem("there is no ranging run", result.ranging.path, "nothing", "a directory")
    required = [*known["performance_required"], *known["performance_power_required"]]
    yield from file_list(result.tree, result.ranging.path, required, known["performance_optional"], tolerated)


@rule(
    "power/ranging-log",
    title="The ranging run yields a metric",
    fix="Repeat ranging and testing together.",
    good="ranging/mlperf_log_detail.txt with its metric",
    bad="a ranging log that was cut",
    link=POWER,
    since="v4.0",
    needs=("ranging_log",),
)
def ranging_log(result: Result) -> Iterator[Problem]:
    """The ranging run is a full run of the benchmark; its metric is not published, but must be there."""
    if result.has_power:
        metrics.logged_metric(result.ranging)
    yield from ()


@rule(
    "power/metric",
    title="Power samples lie in the window of the run",
    fix="Set both clocks right (NTP) and run again; a log cannot be mended.",
    good="600 samples between power_begin and power_end",
    bad="spl.txt shifted by an hour",
    link=POWER,
    since="v1.0",
    needs=("performance_log", "spl"),
)
def metric(result: Result) -> Iterator[Problem]:
    """Power is the mean of the samples strictly between power_begin and power_end of the testing run. A line
    that is no sample makes the official checker give up on the result."""
    if not result.has_power:
        return
    found = metrics.samples(result.run)
    if not found.kept:
        window = found.window
        yield Problem(
            f"no usable power sample lies in the {window.seconds:.0f} s of the run",
            result.run.spl.path,
            found=f"{len(found.all_lines)} samples, {len(found.inside)} in the window, none above 0 W",
            wanted="samples above 0 W between power_begin and power_end",
        )
    elif not math.isfinite(metrics.power_metric(result, found).value):
        message = f"the mean of the power samples is {found.mean}"
        wanted = "finite samples"
        yield Problem(message, result.run.spl.path, str(found.mean), wanted, effect=Effect.NONE)


@rule(
    "power/unofficial",
    title="Power was measured by the official flow",
    fix="Measure with SPEC PTDaemon through MLCommons' power workflow, or judge with --power unofficial.",
    good="a session of the official power workflow",
    bad="a session of powerd",
    link=POWER,
    since="v1.0",
    needs=("server",),
)
def unofficial(result: Result) -> Iterator[Problem]:
    """Today's rules accept SPEC PTDaemon through MLCommons' own workflow only. What powerd measured is named
    so; its quality is judged all the same."""
    if result.has_power and unofficial_session(result.server.value):
        by = result.server.value["edgewatt"]
        name = by.get("daemon") if isinstance(by, dict) else by
        accepted = result.submission.unofficial_power
        yield Problem(
            f"power was measured by {name!s:.60}, not by the official flow",
            result.server.path,
            found=str(name)[:60],
            wanted="SPEC PTDaemon",
            pointer="/edgewatt",
            severity=Severity.NOTE if accepted else None,
        )


@rule(
    "power/session-form",
    title="client.json and server.json have their parts",
    fix="Use the files as the power workflow wrote them.",
    good="version, timezone, modules, sources, messages, uuid, session_name, results, phases",
    bad="no phases",
    **CHECKED,
)
def session_form(result: Result) -> Iterator[Problem]:
    """Every other check of a session reads these parts."""
    wanted = ("version", "timezone", "modules", "sources", "messages", "uuid", "session_name", "results")
    for source in (result.client, result.server):
        for name in (*wanted, "phases"):
            if name not in source.value:
                yield Problem(f"{name!r} is missing", source.path, "nothing", name)


def _sources(result: Result, side: str) -> Iterator[Problem]:
    source = result.client if side == "client" else result.server
    accepted = result.round.facts["power"]["accepted_source_checksums"]
    found = source.value.get("sources")
    if found not in accepted:
        best = max(accepted, key=lambda a: len(set(a.items()) & set(_items(found))))
        other = sorted({*best, *dict(_items(found))})
        differ = [n for n in other if dict(_items(found)).get(n) != best.get(n)]
        yield Problem(
            f"the {side} is not an accepted version of the power workflow: {', '.join(differ)[:160]} differ",
            source.path,
            found=f"{len(differ)} files differ from the nearest accepted version",
            wanted="the sources of an accepted version",
            pointer="/sources",
        )


def _items(found: object) -> list[tuple[str, str]]:
    return [(str(k), str(v)) for k, v in found.items()] if isinstance(found, dict) else []


@rule(
    "power/sources-client",
    title="The client is an accepted version of the power workflow",
    fix="Use the version of the power workflow that the round accepts, unchanged.",
    good="the checksums of the accepted version",
    bad="a changed lib/client.py",
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
    bad="a changed lib/server.py",
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
    good="SR,A,Auto answered by Range A changed",
    bad="PTDaemon 1.9.1 in round v4.1",
    needs=("server",),
    **OFFICIAL,
)
def ptd_commands(result: Result) -> Iterator[Problem]:
    """Analyzer, version of PTDaemon, ranges and starts are told from the commands and their answers; at the
    end the ranges from before are set again."""
    for message, found, wanted in ptd_dialogue(result.server.value, result.round.facts["power"]):
        yield Problem(message, result.server.path, found[:160], wanted[:160], pointer="/ptd_messages")


@rule(
    "power/uuid",
    title="Client and server belong to the same session",
    fix="Use the files of one session together.",
    good="the same two UUIDs in both files",
    bad="another client UUID in server.json",
    **CHECKED,
)
def uuid(result: Result) -> Iterator[Problem]:
    """Each side makes a UUID and writes both down; other ones come from another session."""
    for side in SESSION:
        found = [_part(s.value, "uuid", side) for s in (result.client, result.server)]
        if not same_uuid(*found):
            message = f"the {side} UUIDs differ or are none"
            pointer = f"/uuid/{side}"
            yield Problem(message, result.server.path, str(found[1]), str(found[0]), pointer=pointer)


def _part(document: object, *names: str) -> object:
    for name in names:
        document = document.get(name) if isinstance(document, dict) else None
    return document


@rule(
    "power/session-name",
    title="Client and server name the same session",
    fix="Use the files of one session together.",
    good="2024-07-23_11-35-08 in both files",
    bad="another name in server.json",
    **CHECKED,
)
def session_name(result: Result) -> Iterator[Problem]:
    """The server gives the session its name; the daemon's marks carry it too."""
    ours, theirs = (_part(s.value, "session_name") for s in (result.client, result.server))
    if ours != theirs or ours is None:
        message = "the session names differ"
        yield Problem(message, result.server.path, str(theirs), str(ours), pointer="/session_name")


@rule(
    "power/phases",
    title="Ranging and testing happened as client, server and LoadGen say",
    fix="Keep both clocks right (NTP) during the session; repeat ranging and testing together.",
    good="phase starts 0.5 ms apart, testing 0.3 % below ranging",
    bad="phase starts 2 s apart",
    **{**CHECKED, "needs": (*SESSION, "performance_log", "ranging_log", "spl", "ranging_spl")},
)
def phases(result: Result) -> Iterator[Problem]:
    """Both sides mark the phases; the marks must agree, and LoadGen's window must lie between start and stop
    of its phase as the client saw it."""
    tolerance_s = result.round.facts["power"]["phase_time_tolerance_ms"] / 1000
    for mode in MODES:
        client, server = (phase_starts(s.value, mode) for s in (result.client, result.server))
        if client is None or server is None or len(client) != len(server) or len(client) < 3:
            message = f"the phases of {mode} are not the same on both sides"
            path = result.server.path
            yield Problem(message, path, f"{server}"[:120], f"{client}"[:120], pointer=f"/phases/{mode}")
            continue
        for at, (a, b) in enumerate(zip(client, server, strict=True)):
            if not abs(a - b) <= tolerance_s:
                message = f"phase {at} of {mode} is {abs(a - b):.3f} s apart on client and server"
                found, wanted = f"{abs(a - b):.3f} s", f"at most {tolerance_s} s"
                yield Problem(message, result.server.path, found, wanted, pointer=f"/phases/{mode}/{at}")
        yield from _window_in_phase(result, mode, client)


def _window_in_phase(result: Result, mode: str, client: list[float]) -> Iterator[Problem]:
    run = result.ranging if mode == "ranging" else result.run
    window = metrics.power_window(run)
    for name, at_ns in (("power_begin", window.begin_ns), ("power_end", window.end_ns)):
        at = at_ns / NS_PER_S
        if not any(client[1] < at - shift < client[2] for shift in (0, 3600)):
            yield Problem(
                f"{name} of {mode} lies outside its phase",
                run.log.path,
                found=f"{at:.3f}",
                wanted=f"between {client[1]:.3f} and {client[2]:.3f}",
                line=run.line(name),
            )


@rule(
    "power/ranging-delta",
    title="Testing does not draw much less power than ranging",
    fix="Let the system warm up alike and repeat ranging and testing together.",
    good="-0.4 %",
    bad="-7 %",
    forgiven_by=("ranging_delta",),
    **{**CHECKED, "needs": ("performance_log", "ranging_log", "spl", "ranging_spl"), "since": "v3.1"},
)
def ranging_delta(result: Result) -> Iterator[Problem]:
    """The testing run may not be made with another load or setting than the one the ranges were found with:
    its mean power is at most 5 % below. When testing took less than half as long as ranging, the official
    power checker stops with a warning before it compares."""
    if not result.has_power:
        return
    delta, limit = delta_percent(result), result.round.facts["power"]["min_testing_vs_ranging_percent"]
    if not delta > limit:
        yield Problem(
            f"testing draws {delta:.2f} % against ranging",
            result.run.spl.path,
            found=f"{delta:.2f} %",
            wanted=f"more than {limit} %",
            effect=Effect.NONE if _much_shorter(result) else None,
        )


def delta_percent(result: Result) -> float:
    """Mean power of testing against ranging, in percent, rounded as the official power checker does."""
    ranging, testing = (
        round(s.mean, 5) if s.kept else -1.0
        for s in (metrics.samples(r) for r in (result.ranging, result.run))
    )
    return round((testing / ranging - 1) * 100, 2) if ranging else math.nan


def _much_shorter(result: Result) -> bool:
    ranging, testing = (metrics.power_window(r).seconds for r in (result.ranging, result.run))
    return (ranging - testing) / ranging > float(result.round.facts["power"]["duration_rule"]["limit"])


@rule(
    "power/ranging-duration",
    severity=Severity.WARNING,
    title="Testing lasts about as long as ranging",
    fix="Use the same settings for both runs.",
    good="ranging 680 s, testing 657 s",
    bad="ranging 1400 s, testing 620 s",
    **{**CHECKED, "needs": ("performance_log", "ranging_log")},
)
def ranging_duration(result: Result) -> Iterator[Problem]:
    """Ranges found in one load need not fit another."""
    if result.has_power and _much_shorter(result):
        ranging, testing = (metrics.power_window(r).seconds for r in (result.ranging, result.run))
        message = "testing was much shorter than ranging"
        yield Problem(message, result.run.log.path, f"{testing:.0f} s", f"about {ranging:.0f} s")


@rule(
    "power/messages",
    title="Client and server wrote down the same conversation",
    fix="Use the files of one session together, unchanged.",
    good="equal commands and replies",
    bad="one message less in server.json",
    **CHECKED,
)
def messages(result: Result) -> Iterator[Problem]:
    """Every command and reply stands in both files; only the answers to `time` may differ. The first pair is
    the greeting with the version of the protocol."""
    ours, theirs = (_part(s.value, "messages") for s in (result.client, result.server))
    path = result.server.path
    if not isinstance(ours, list) or not isinstance(theirs, list) or len(ours) != len(theirs) or not ours:
        found, wanted = f"{_length(theirs)} messages", f"{_length(ours)} messages"
        yield Problem("the numbers of messages differ", path, found, wanted, pointer="/messages")
        return
    for at, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        if answers(a, b) is not None:
            message = f"message {at} differs: {answers(a, b)}"
            yield Problem(message, path, str(b)[:120], str(a)[:120], pointer=f"/messages/{at}")
    yield from _greeting(result, first_text(ours, "cmd"), first_text(ours, "reply"))


def _length(messages: object) -> int:
    return len(messages) if isinstance(messages, list) else 0


def _greeting(result: Result, hello: str, reply: str) -> Iterator[Problem]:
    versions = []
    for text, side in ((hello, "client"), (reply, "server")):
        _, found, version = text.rpartition(f"mlcommons/power {side} v")
        versions.append(version if found and version.isdigit() else "")
    if versions[0] and versions[0] == versions[1]:
        return
    native = hello.endswith(CLIENT_GREETING) and reply.endswith(SERVER_GREETING)
    if native and unofficial_session(result.server.value):
        return  # told by power/unofficial, which the official checker's failure hangs on
    wanted = "mlcommons/power client v<n> and server v<n>"
    found = f"{hello!r:.60}, {reply!r:.60}"
    yield Problem("the greeting is not that of the workflow", result.server.path, found, wanted)


@rule(
    "power/results-hash",
    title="The files are those that the session recorded",
    fix="Restore the files as they were after the run; they may not be edited, not even at their line ends.",
    good="nine files, nine equal checksums",
    bad="an edited spl.txt",
    **CHECKED,
)
def results_hash(result: Result) -> Iterator[Problem]:
    """Client and server record the SHA-1 of what came out. A changed, missing or unrecorded file breaks the
    chain from the meter to the published number."""
    wanted = [f for f in result.round.facts["power"]["hashed_files"] if not f.endswith(".json")]
    recorded, clashes = recorded_hashes(result.client.value, result.server.value, wanted)
    for name in clashes:
        message = f"client and server recorded different checksums of {name}"
        yield Problem(message, result.server.path, "two checksums", "one", pointer="/results")
    base = result.power_path.rpartition("/")[0]
    for name in wanted:
        path = join(base, name)
        there = result.tree.has_file(path)
        found = hash_file(result.tree.root / path) if there else "no file"
        if name not in recorded:
            message = f"no checksum of {name} was recorded"
            yield Problem(message, result.server.path, "nothing", name, pointer="/results")
        elif there and found != recorded[name]:
            yield Problem(f"{name} was changed after the session", path, found, recorded[name])
        elif not there:
            yield Problem(f"{name} was recorded and is not there", path, found, recorded[name])


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
    """The number names the type of analyzer that PTDaemon was started with."""
    if not result.has_power:
        return
    config, analyzers = result.server.value.get("ptd_config"), result.round.facts["power"]["analyzers"]
    kind = _part(config, "device_type")
    if kind not in analyzers.values() or isinstance(kind, bool):
        wanted = ", ".join(map(str, sorted(set(analyzers.values()))))
        message = f"device type {kind!r:.40} is no accepted analyzer"
        yield Problem(message, result.server.path, repr(kind)[:40], wanted, pointer="/ptd_config/device_type")
    elif kind == analyzers.get("YokogawaWT330_multichannel"):
        channel, command = _part(config, "channel"), _part(config, "command")
        pair = isinstance(channel, list) and len(channel) == 2
        if not pair or not isinstance(command, list) or "-c" not in command:
            message = "a multichannel analyzer needs -c a,b and two channels"
            yield Problem(message, result.server.path, repr(channel)[:60], "two channels")


@rule(
    "power/debug",
    title="The session was not made in debug mode",
    fix="Repeat the session without debug.",
    good="no debug flag",
    bad='"debug": true',
    needs=("server",),
    **{k: v for k, v in CHECKED.items() if k != "needs"},
)
def debug(result: Result) -> Iterator[Problem]:
    """In debug mode waiting times are cut short."""
    if result.has_power and result.server.value.get("debug", False) is not False:
        found = repr(result.server.value["debug"])[:40]
        yield Problem("debug is set", result.server.path, found, "false", pointer="/debug")


@rule(
    "power/ptd-log",
    title="The log of the power daemon shows the session without errors",
    fix="Repeat the session; errors belong into the ranging run only.",
    good="uncertainty check activated, ranging begun and completed",
    bad="an error during the testing run",
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
    lines = ptd_log.lines(result.ptd_logs.value)
    ranging = ptd_log.ranging_interval(lines, str(result.server.value.get("session_name")))
    window = metrics.power_window(result.run)
    facts = result.round.facts["power"]
    return list(ptd_log.events(lines, ranging, (window.begin_ns, window.end_ns), facts))

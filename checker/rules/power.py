"""A power result: its files, its number, and the session between client, server and power daemon."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from checker import clocks, line_ends, metrics
from checker.files import join
from checker.model import Problem, Severity
from checker.reading import digest
from checker.result import Result
from checker.rule import POWER, rule
from checker.session import (
    answers,
    first_text,
    part,
    phase_starts,
    recorded_hashes,
    same_uuid,
    unofficial_session,
)  # fmt: skip
from checker.wording import shorten
from schemas.plainfile import TooLarge
from schemas.power_session import CLIENT_GREETING, MODES, SERVER_GREETING
from schemas.units import NS_PER_S

SESSION = ("client", "server")
CHECKED: dict[str, Any] = {"power_checker": True, "link": POWER, "since": "v1.0", "needs": SESSION}


@rule(
    "power/session-form",
    title="client.json and server.json have their parts",
    fix="Use the files as the power workflow wrote them.",
    good='"version": "1.0" beside timezone, modules, sources, messages, uuid, session_name, results, phases',
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


@rule(
    "power/uuid",
    title="Client and server belong to the same session",
    fix="Use the files of one session together: the one whose name stands in the marks of ptd_logs.txt and spl.txt.",
    good="the same two UUIDs in both files",
    bad="another client UUID in server.json",
    **CHECKED,
)
def uuid(result: Result) -> Iterator[Problem]:
    """Each side makes a UUID and writes both down; other ones come from another session."""
    for side in SESSION:
        found = [part(s.value, "uuid", side) for s in (result.client, result.server)]
        if not same_uuid(*found):
            message = f"the {side} UUIDs differ or are none"
            pointer = f"/uuid/{side}"
            yield Problem(message, result.server.path, str(found[1]), str(found[0]), pointer=pointer)


@rule(
    "power/session-name",
    title="Client and server name the same session",
    fix="Use the files of one session together.",
    good='"session_name": "2024-07-23_15-48-20" in both files',
    bad='"session_name": "other" in server.json alone',
    **CHECKED,
)
def session_name(result: Result) -> Iterator[Problem]:
    """The server gives the session its name; the daemon's marks carry it too."""
    ours, theirs = (part(s.value, "session_name") for s in (result.client, result.server))
    if ours != theirs or ours is None:
        message = f"the session names differ: client.json says {ours}, server.json says {theirs}"
        marks = result.ptd_logs.value if result.ptd_logs.usable else ""
        of_server, of_client = (f"{name}_ranging" in marks for name in (theirs, ours))
        if of_server != of_client:
            message += f"; ptd_logs.txt is of the session of {'server' if of_server else 'client'}.json"
        server_is_right = of_server and not of_client
        wrong, found, wanted = (
            (result.client, ours, theirs) if server_is_right else (result.server, theirs, ours)
        )
        yield Problem(message, wrong.path, str(found), str(wanted), pointer="/session_name")


@rule(
    "power/phases",
    title="Ranging and testing happened as client, server and LoadGen say",
    fix="Keep both clocks right (NTP) during the session; repeat ranging and testing together.",
    good="phase starts 0.5 ms apart, power_begin and power_end inside the testing phase",
    bad="phase starts 2 s apart",
    **{**CHECKED, "needs": (*SESSION, "performance_log", "ranging_log", "spl", "ranging_spl")},
)
def phases(result: Result) -> Iterator[Problem]:
    """Both sides mark the phases; the marks must agree, and LoadGen's window must lie between start and stop
    of its phase as the client saw it, or do so an hour earlier
    (daylight saving)."""
    facts = result.round.facts["power"]
    tolerance_s = facts["phase_time_tolerance_ms"] / 1000
    touching_passes = facts.get("phase_time_tolerance_inclusive", True)
    for mode in MODES:
        client, server = (phase_starts(s.value, mode) for s in (result.client, result.server))
        if client is None or server is None or len(client) != len(server) or len(client) < 3:
            message = f"the phases of {mode} are not the same on both sides"
            path = result.server.path
            yield Problem(message, path, f"{server}"[:120], f"{client}"[:120], pointer=f"/phases/{mode}")
            continue
        for at, (a, b) in enumerate(zip(client, server, strict=True)):
            if not (abs(a - b) < tolerance_s or (touching_passes and abs(a - b) == tolerance_s)):
                message = f"phase {at} of {mode} is {abs(a - b):.3f} s apart on client and server"
                found = f"{abs(a - b):.3f} s"
                wanted = f"{'at most' if touching_passes else 'less than'} {tolerance_s} s"
                yield Problem(message, result.server.path, found, wanted, pointer=f"/phases/{mode}/{at}")
        yield from _window_in_phase(result, mode, client)


def _window_in_phase(result: Result, mode: str, client: list[float]) -> Iterator[Problem]:
    run = result.ranging if mode == "ranging" else result.run
    window, zone = metrics.power_window(run), clocks.loadgen_ns(result)
    shifts = result.round.facts["power"]["phase_clock_shifts_s"]
    for name, at_ns in (("power_begin", window.begin_ns), ("power_end", window.end_ns)):
        at = (at_ns + zone) / NS_PER_S
        if not any(client[1] < at - shift < client[2] for shift in shifts):
            yield Problem(
                f"{name} of {mode} lies outside its phase",
                run.log.path,
                found=f"{at:.3f}",
                wanted=shorten(f"between {client[1]:.3f} and {client[2]:.3f}", 80),
                line=run.line(name),
            )


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
    the greeting with the version of the protocol. In v1.0 the client's file was sent before the last message, so
    that one is the server's alone."""
    ours, theirs = (part(s.value, "messages") for s in (result.client, result.server))
    path, more = result.server.path, result.round.facts["power"].get("client_messages_fewer_by", 0)
    if (
        not isinstance(ours, list)
        or not isinstance(theirs, list)
        or not ours
        or len(ours) + more != len(theirs)
    ):
        found, wanted = f"{_length(theirs)} messages", f"{_length(ours) + more} messages"
        yield Problem("the numbers of messages differ", path, found, wanted, pointer="/messages")
        return
    for at, (a, b) in enumerate(zip(ours, theirs, strict=False)):
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
    bad="an edited server.log",
    **CHECKED,
)
def results_hash(result: Result) -> Iterator[Problem]:
    """Client and server record the SHA-1 of what came out. A changed, missing or unrecorded file breaks the
    chain from the meter to the published number. Where only carriage returns were lost or added, as in the
    publication of v2.0, the text is still proven; the official power checker fails it all the same."""
    facts = result.round.facts["power"]
    left_out = facts.get("unhashed_files", [f for f in facts["hashed_files"] if f.endswith(".json")])
    wanted = [f for f in facts["hashed_files"] if f not in left_out]
    recorded, clashes = recorded_hashes(result.client.value, result.server.value, wanted)
    for name in clashes:
        message = f"client and server recorded different checksums of {name}"
        yield Problem(message, result.server.path, "two checksums", "one", pointer="/results")
    base = result.power_path.rpartition("/")[0]
    for name in wanted:
        path = join(base, name)
        there = result.tree.has_file(path)
        found = _sha1(result, path) if there else "no file"
        if name not in recorded:
            message = f"no checksum of {name} was recorded"
            yield Problem(message, result.server.path, "nothing", name, pointer="/results")
        elif there and found != recorded[name]:
            yield _changed(result, name, path, found, recorded[name])
        elif not there:
            yield Problem(f"{name} was recorded and is not there", path, found, recorded[name])


def _sha1(result: Result, path: str) -> str:
    """The digest of a file, or why there is none."""
    try:
        return digest(result.tree.file(path), "sha1", result.submission.size_limit).hex
    except OSError as error:
        return f"a file that cannot be read ({error.strerror})"
    except TooLarge as error:
        return f"a file that {error}"


def _changed(result: Result, name: str, path: str, found: str, recorded: str) -> Problem:
    """A file that is not as recorded: another text, or the same with other ends of lines."""
    if line_ends.restored(result.tree.root / path, recorded, result.submission.size_limit):
        message = f"line ends changed: {name} is as recorded but for carriage returns at the ends of lines"
        return Problem(message, path, found, recorded, severity=Severity.WARNING)
    return Problem(f"{name} was changed after the session", path, found, recorded)


@rule(
    "power/debug",
    title="The session was not made in debug mode",
    fix="Repeat the session without debug.",
    good='"debug": false',
    bad='"debug": true',
    needs=("server",),
    **{k: v for k, v in CHECKED.items() if k != "needs"},
)
def debug(result: Result) -> Iterator[Problem]:
    """In debug mode waiting times are cut short."""
    if result.has_power and result.server.value.get("debug", False) is not False:
        found = repr(result.server.value["debug"])[:40]
        yield Problem("debug is set", result.server.path, found, "false", pointer="/debug")

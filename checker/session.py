"""What the files of a power session say: dialogue with the daemon, phases, messages, checksums.

Documents come from outside and may have any form; whatever is not of the expected form counts as different.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Difference = tuple[str, str, str]
"""Message, found, wanted."""

GO = "Starting untimed measurement, maximum 500000 samples at 1000ms with 0 rampup samples"
ANSWERS = (("SR,A", "Range A changed"), ("SR,V", "Range V changed"), ("Go,1000,", GO))
RUNS = 2
"""Measurements of a session, ranging and testing: as many Stops find one to stop."""
STOP, STOP_AGAIN = "Stopping untimed measurement", "Error: no measurement to stop"


def unofficial_session(server: Mapping[str, Any]) -> bool:
    """Whether the session names powerd as the daemon that measured."""
    return bool(server.get("edgewatt"))


def same_uuid(a: object, b: object) -> bool:
    """Whether both are the same UUID, however it is spelled."""
    try:
        return uuid.UUID(str(a)) == uuid.UUID(str(b))
    except ValueError:
        return False


def phase_starts(document: Mapping[str, Any], mode: str) -> list[float] | None:
    """Wall-clock seconds of the marks of a mode; None when they are not of the known form."""
    rows = document.get("phases")
    rows = rows.get(mode) if isinstance(rows, dict) else None
    try:
        return [float(row[0]) for row in rows] if rows is not None else None
    except (TypeError, ValueError, IndexError, KeyError):
        return None


def first_text(messages: Sequence[Any], name: str) -> str:
    """A text of the first message; empty when there is none."""
    found = messages[0].get(name) if messages and isinstance(messages[0], dict) else None
    return found if isinstance(found, str) else ""


def answers(client: object, server: object) -> str | None:
    """In what two records of one message differ; None when they agree."""
    if not isinstance(client, dict) or not isinstance(server, dict):
        return "no message"
    if client.get("cmd") != server.get("cmd"):
        return "command"
    if client.get("cmd") != "time" and client.get("reply") != server.get("reply"):
        return "reply"
    return None


def recorded_hashes(
    client: Mapping[str, Any], server: Mapping[str, Any], names: Sequence[str]
) -> tuple[dict[str, str], list[str]]:
    """Checksums that either side recorded for ``names``, and the names for which they differ."""
    merged: dict[str, str] = {}
    clashes: list[str] = []
    for document in (server, client):
        rows = document.get("results")
        for name, digest in rows.items() if isinstance(rows, dict) else ():
            if name in names and merged.setdefault(name, str(digest)) != str(digest):
                clashes.append(name)
    return merged, clashes


def dialogue(server: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The commands to the power daemon with their replies."""
    rows = server.get("ptd_messages")
    return [
        (str(r.get("cmd", "")), str(r.get("reply", "")))
        for r in (rows if isinstance(rows, list) else [])
        if isinstance(r, dict)
    ]


def identity(server: Mapping[str, Any]) -> tuple[str, str]:
    """Analyzer and version of the power daemon, from its answer to Identify; empty texts when unknown."""
    reply = next((r for c, r in dialogue(server) if c.startswith("Identify")), "")
    name = reply.split(",", 1)[0]
    _, found, rest = reply.partition("version=")
    return name, rest.split("-", 1)[0] if found else ""


def ptd_dialogue(server: Mapping[str, Any], facts: Mapping[str, Any]) -> Iterator[Difference]:
    """Where the dialogue with the power daemon is not the expected one."""
    said = dialogue(server)
    analyzer, version = identity(server)
    if analyzer not in facts["analyzers"]:
        known = ", ".join(sorted(facts["analyzers"]))
        said_by = (
            f"the analyzer {analyzer[:40]!r} is not an accepted one" if analyzer else "no analyzer was named"
        )
        yield said_by, analyzer or "no answer", known
    if version not in facts["ptd_versions"]:
        wanted = ", ".join(facts["ptd_versions"])
        told = f"PTDaemon {version[:20]} is not an accepted version" if version else "no PTDaemon answered"
        yield told, version or "no version", wanted
    yield from _replies(said)
    yield from _ranges_restored(said, facts["amps_restore_command_index"])


def _replies(said: Sequence[tuple[str, str]]) -> Iterator[Difference]:
    stops = 0
    for command, reply in said:
        for prefix, wanted in ANSWERS:
            if command.startswith(prefix) and reply != wanted:
                yield f"{command[:40]!r} was answered otherwise", reply, wanted
        if command == "Stop":
            stops += 1
        if command.startswith("Stop"):
            wanted = STOP if stops <= RUNS else STOP_AGAIN
            if reply != wanted:
                yield f"{command[:40]!r} was answered otherwise", reply, wanted


def _ranges_restored(said: Sequence[tuple[str, str]], amps_at: Sequence[int]) -> Iterator[Difference]:
    fields = said[2][1].split(",") if len(said) > 2 else []
    if len(fields) < 5:
        yield (
            "the ranges before the session are not known",
            ",".join(fields) or "nothing",
            "Ranges,flag,amps,flag,volts",
        )
        return
    for prefix, flag, value, places in (("SR,A", 1, 2, amps_at), ("SR,V", 3, 4, (3,))):
        before = fields[value] if fields[flag] == "0" and _positive(fields[value]) else "Auto"
        commands = [c for c, _ in said if c.startswith(prefix)]
        found = [commands[n - 1] for n in places if n <= len(commands)]
        wanted = f"{prefix},{before}"
        if wanted not in found:
            yield "the range from before the session was not set again", ", ".join(found) or "nothing", wanted


def lacks_last_range(server: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    """Whether the official power checker looks for a later ``SR,A`` than there is, though an earlier one is right."""
    wanted = max(facts["amps_restore_command_index"])
    commands = [c for c, _ in dialogue(server) if c.startswith("SR,A")]
    return len(commands) < wanted and not any(_ranges_restored(dialogue(server), range(1, wanted)))


def _positive(text: str) -> bool:
    try:
        return float(text) > 0
    except ValueError:
        return False


def part(document: object, *names: str) -> object:
    """What stands under names one below the other; None when there is no such place."""
    for name in names:
        document = document.get(name) if isinstance(document, dict) else None
    return document


def name_of(about: object) -> str:
    """A daemon or a meter in one line: its name, maker, model and version, or the text that stands for it."""
    if isinstance(about, dict):
        parts = (about.get(k) for k in ("name", "manufacturer", "model", "version"))
        return " ".join(str(p) for p in parts if p)
    return str(about) if about else ""

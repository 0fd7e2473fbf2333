"""Whole sessions with a client of power-dev's protocol: the files, and every way in which a client can go away."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from powerd.protocols.power_dev import PowerDevConversations
from powerd.service import Service
from schemas.documents import violations
from schemas.power_session import RUN_FOLDER, SessionFile, hash_file
from schemas.powerlog import PowerLine, read_spl
from schemas.units import parse_log_time
from tests.checker.trees import build
from tests.powerd.benches import wait_for
from tests.powerd.lab import lab, served
from tests.powerd.power_dev_client import DOWNLOADS, MAGIC, PowerDevClient, Wire

MODES = ("ranging", "testing")
WORK_S = 2.2


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with lab(tmp_path_factory.mktemp("power-dev")) as made:
        yield made


@pytest.fixture(scope="module")
def port(service: Service) -> Iterator[int]:
    with served(PowerDevConversations(service, ("wall",))) as made:
        yield made


@pytest.fixture(scope="module")
def trip(port: int, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, PowerDevClient]:
    folder = tmp_path_factory.mktemp("session")
    client = PowerDevClient(port, "unit-test")
    client.hello()
    client.new()
    for mode in MODES:
        client.stage(mode, lambda: time.sleep(WORK_S), folder)
    client.done(folder)
    return folder, client


def server_file(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / "power/server.json").read_text())
    return document


# what power-dev's own compliance check looks at, by its numbers (power-dev-protocol, section 6)


def test_check_3_what_was_said_to_the_meter(trip: tuple[Path, PowerDevClient]) -> None:
    folder, client = trip
    said = [(m["cmd"], m["reply"]) for m in server_file(folder)["ptd_messages"]]
    assert said[0] == ("Hello", "Hello, PTDaemon here!")
    assert "version=powerd" in said[1][1]
    assert said[2][0] == "RR"
    assert all(re.fullmatch(r"Range [VA] changed", r) for c, r in said if c.startswith("SR,"))
    goes = [(c, r) for c, r in said if c.startswith("Go,")]
    assert [c for c, _ in goes] == [f"Go,1000,0,{client.name}_{mode}" for mode in MODES]
    assert {r for _, r in goes} == {
        "Starting untimed measurement, maximum 500000 samples at 1000ms with 0 rampup samples"
    }
    assert [r for c, r in said if c == "Stop"] == ["Stopping untimed measurement"] * 2
    volts = [c for c, _ in said if c.startswith("SR,V")]
    amps = [c for c, _ in said if c.startswith("SR,A")]
    assert (volts[2], amps[3]) == ("SR,V,Auto", "SR,A,Auto")  # as the meter was found
    assert (len(volts), len(amps)) == (3, 4)


def test_checks_4_5_7_both_sides_tell_the_same_story(trip: tuple[Path, PowerDevClient]) -> None:
    folder, _ = trip
    ours = SessionFile.read(folder / "power/server.json", "server")
    theirs = SessionFile.read(folder / "power/client.json", "client")
    assert (ours.uuid_client, ours.uuid_server) == (theirs.uuid_client, theirs.uuid_server)
    assert ours.session_name == theirs.session_name
    assert len(ours.messages) == 15
    for a, b in zip(ours.messages, theirs.messages, strict=True):
        assert a.cmd == b.cmd
        assert a.cmd == "time" or a.reply == b.reply
    assert ours.version == theirs.version == "1.0"


def test_check_6_times_agree_and_testing_is_no_lower_than_ranging(trip: tuple[Path, PowerDevClient]) -> None:
    folder, client = trip
    ours = SessionFile.read(folder / "power/server.json", "server")
    means = {}
    for mode in MODES:
        for mine, yours in zip(ours.phases[mode], client.phases[mode], strict=True):
            assert abs(mine.unix_s - yours[0]) < 0.8
        log = (folder / RUN_FOLDER[mode] / "mlperf_log_detail.txt").read_text()
        begin, end = (
            parse_log_time(json.loads(line.removeprefix(":::MLLOG "))["value"]) for line in log.splitlines()
        )
        rows = [r for r in read_spl(folder / RUN_FOLDER[mode] / "spl.txt") if isinstance(r, PowerLine)]
        assert {r.mark for r in rows} == {f"{client.name}_{mode}"}
        means[mode] = [r.power_w for r in rows if begin < r.at < end]
        assert means[mode]
    low, high = (sum(means[m]) / len(means[m]) for m in ("testing", "ranging"))
    assert low == pytest.approx(100, rel=0.01)
    assert low >= high * 0.95


def test_check_8_files_and_hashes(trip: tuple[Path, PowerDevClient]) -> None:
    folder, _ = trip
    files = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert set(DOWNLOADS) <= files
    assert len(files) == 12
    hashed = SessionFile.read(folder / "power/server.json", "server").results
    assert set(hashed) == set(DOWNLOADS) - {"power/server.json"}
    assert all(hash_file(folder / name) == sha for name, sha in hashed.items())


def test_checks_9_10_11_log_device_and_debug(trip: tuple[Path, PowerDevClient]) -> None:
    folder, client = trip
    stamped = [
        (parse_log_time(m[1]), m[2])
        for line in (folder / "power/ptd_logs.txt").read_text().splitlines()
        if (m := re.fullmatch(r"(\d\d-\d\d-\d{4} [\d:]+\.\d{3}): (.*)", line))
    ]
    texts = [t for _, t in stamped]
    assert [at for at, _ in stamped] == sorted(at for at, _ in stamped)
    activated = next(
        i
        for i, t in enumerate(texts)
        if re.fullmatch(r"Uncertainty checking for Yokogawa\S+ is activated", t)
    )
    starts = [texts.index(f"Go with mark '{client.name}_{mode}'") for mode in MODES]
    ends = [i for i, t in enumerate(texts) if t == "Completed test"]
    assert activated < starts[0] < ends[0] < starts[1] < ends[1]
    testing = texts[starts[1] :]
    assert not [t for t in testing if t.startswith("ERROR:")]
    said = {t for t in testing if t.startswith("WARNING:")}
    assert all(t.startswith("WARNING: Missed ") for t in said)  # a busy machine; the check lets it pass
    document = server_file(folder)
    assert [c["device_type"] for c in document["ptd_config"]] == [49]
    assert "debug" not in document


@pytest.mark.parametrize("round_name", ["v5.1", "v6.0"])
def test_mlcheck_finds_nothing_but_identity_and_sources(
    trip: tuple[Path, PowerDevClient], tmp_path: Path, round_name: str
) -> None:
    """Our checker knows what power-dev's looks at in each round; the session in an otherwise valid tree."""
    from checker.api import check

    folder, _ = trip
    tree = build(tmp_path, round_name=round_name)
    for name in (*DOWNLOADS, "power/client.json", "power/client.log"):
        if not name.endswith("ptd_out.txt"):
            shutil.copyfile(folder / name, tree.run().parent / name)
    for part in RUN_FOLDER.values():
        log = (folder / part / "mlperf_log_detail.txt").read_text()
        tree.set_log(tree.run(part=part), **{
            row["key"]: row["value"] for row in (json.loads(r.removeprefix(":::MLLOG ")) for r in log.splitlines())
        })  # fmt: skip
    tree.sign()
    found = {f.rule: f for f in check(tree.root, round_name=round_name).findings}
    identity = {"power/sources-client", "power/sources-server", "power/ptd-commands", "power/unofficial"}
    assert {rule for rule in found if rule.startswith("power/")} == identity
    assert "powerd" in found["power/ptd-commands"].found


def test_the_file_says_who_measured(trip: tuple[Path, PowerDevClient]) -> None:
    folder, _ = trip
    document = server_file(folder)
    assert list(violations("power-session", document)) == []
    said = document["edgewatt"]
    assert (said["daemon"], said["official"], said["simulated"]) == ("powerd", False, True)
    assert said["ranges"] == {
        "ranging": {"voltage_v": None, "current_a": None},
        "testing": {"voltage_v": 300.0, "current_a": 0.5},
    }
    window = said["windows"]["testing"]
    assert window["energy_j"] == pytest.approx(100 * window["duration_s"], rel=0.02)
    assert all(path.startswith("powerd/") for path in document["sources"])
    assert (folder / "power/server.log").read_text().startswith("powerd ")
    assert (folder / "run_1/ptd_out.txt").read_text().startswith("Analyzer 1:\nPower: Watts,")
    assert (folder / "run_1/spl.txt").read_text().endswith("\n\n")


def test_the_session_is_one_of_the_daemons(service: Service, trip: tuple[Path, PowerDevClient]) -> None:
    _, client = trip
    (window, *_) = [w for w in service.windows.all() if w["name"] == f"{client.name}_testing"]
    session = service.sessions.get(window["labels"]["session"])
    assert (session["flow"], session["finished"], session["name"]) == ("power_dev", True, client.name)
    assert service.sessions.file(session["ident"], "run_1/spl.txt").is_file()
    assert window["labels"]["mode"] == "testing"


# one line each


def talk(port: int) -> Wire:
    wire = Wire(port, 20.0)
    assert wire.ask(MAGIC) == "mlcommons/power server v3"
    return wire


@pytest.mark.parametrize(("asked", "reply"), [
    ("nonsense", r"Error"), ("", r"Error"), ("time", r"\d{10}\.\d+"), ("time,1", r"Error"), ("set_ntp", r"OK"),
    ("stop", r"OK"), ("new", r"Error"), ("new,a b,{uuid}", r"Error: label .*"), ("new,x,no-uuid", r"Error: .*UUID"),
    ("new," + "x" * 65 + ",{uuid}", r"Error: label .*"), ("session,*,start,ranging", r"Error: unknown session"),
    ("session,2020-01-01_00-00-00,done", r"Error: unknown session"), ("cleanup,x", r"Error: unknown session"),
    ("download,x,power/server.json", r"Error: unknown session"), ("download,x,/etc/passwd", r"Error: wanted one of .*"),
    ("download,x,../../../etc/passwd", r"Error: wanted one of .*"), ("download", r"Error"),
])  # fmt: skip
def test_replies(port: int, asked: str, reply: str) -> None:
    wire = talk(port)
    assert re.fullmatch(reply, wire.ask(asked.format(uuid="00000000-0000-4000-8000-000000000000")))
    wire.close()


def test_another_greeting_is_answered_and_sent_away(port: int) -> None:
    wire = Wire(port, 5.0)
    assert wire.ask("mlcommons/power client v2") == "mlcommons/power server v3"
    with pytest.raises(ConnectionError):
        wire.ask("time")


@pytest.fixture
def begun(port: int) -> Iterator[PowerDevClient]:
    client = PowerDevClient(port)
    client.hello()
    assert wait_for(lambda: begin(client))  # the session of the test before ends with its connection
    yield client
    client.wire.close()


def begin(client: PowerDevClient) -> bool:
    """Begin as soon as no other client leads a session."""
    try:
        client.new()
    except AssertionError:
        del client.messages[-1]
        return False
    return True


def test_steps_out_of_order_say_so_and_a_repeated_one_is_done(begun: PowerDevClient) -> None:
    ask = begun.wire.ask
    assert ask(f"session,{begun.name},stop,ranging").startswith("Error: session")
    assert ask(f"session,{begun.name},start,testing").startswith("Error: no good sample of ranging")
    assert ask(f"session,{begun.name},start,testing,x,1").startswith("Error: found 'x,1'")
    assert ask(f"session,{begun.name},start,idling") == "Error Unknown session command"
    assert ask(f"session,{begun.name},done").startswith("Error: session")
    assert ask("session,*,start,ranging") == "OK"
    assert ask(f"session,{begun.name},start,ranging") == "OK"
    assert ask("session,*,stop,ranging") == "OK"
    assert ask("session,*,stop,ranging") == "OK"
    assert ask(f"download,{begun.name},ranging/spl.txt").startswith("Error: session")
    begun.wire.close()


def test_fixed_ranges_without_a_ranging_run(begun: PowerDevClient, tmp_path: Path) -> None:
    begun.start("testing", ",230,0.9")
    time.sleep(1.2)
    begun.stop("testing")
    assert begun.wire.ask(f"session,{begun.name},done") == "OK"
    document = json.loads(begun.download("power/server.json"))
    assert document["edgewatt"]["ranges"] == {"testing": {"voltage_v": 300.0, "current_a": 1.0}}
    assert set(document["results"]) == set(DOWNLOADS) - {"power/server.json", "ranging/spl.txt"}
    begun.wire.close()


# peers that go away, are silent, or are two


def test_a_silent_peer_and_half_a_line_hold_up_nobody(port: int) -> None:
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
    half = Wire(port)
    half.send(b"mlcommons/power cl")
    client = PowerDevClient(port)
    client.hello()
    assert wait_for(lambda: begin(client))
    client.wire.close()
    half.close()
    for sock in silent:
        sock.close()


PHASES = ("new", "ranging", "after ranging", "testing", "after testing")


@pytest.mark.parametrize("phase", PHASES)
def test_a_lost_connection_loses_nothing(
    service: Service, port: int, begun: PowerDevClient, phase: str
) -> None:
    """The next client begins at once; what the lost one had measured is in the store and in its files."""
    steps = [lambda m=m, a=a: getattr(begun, a)(m) for m, a in itertools.product(MODES, ("start", "stop"))]
    for step in steps[: PHASES.index(phase)]:
        step()
        time.sleep(0.3)
    begun.wire.close()
    following = PowerDevClient(port)
    following.hello()
    assert wait_for(lambda: begin(following))
    assert following.command("session,*,start,ranging") == "OK"  # the meter is free
    assert following.command("session,*,stop,ranging") == "OK"
    following.wire.close()
    kept = {w["name"]: w for w in service.windows.all() if w["name"].startswith(begun.name)}
    assert set(kept) == {f"{begun.name}_{m}" for m in MODES[: (PHASES.index(phase) + 1) // 2]}
    assert all(w["energy_j"] > 0 for w in kept.values() if w["state"] == "closed")
    assert not [w for w in service.windows.all() if w["state"] == "open"]
    for name in kept:
        mode = name.rpartition("_")[2]
        ident = kept[name]["labels"]["session"]
        assert service.sessions.get(ident)["finished"]
        assert service.sessions.file(ident, f"{RUN_FOLDER[mode]}/spl.txt").read_text().startswith("Time,")
        assert service.sessions.file(ident, "power/server.json").is_file()


def come_back(client: PowerDevClient, port: int) -> None:
    """Connect again and name the session, once the daemon knows that the old connection is gone."""
    client.wire = Wire(port)
    client.hello()
    assert wait_for(lambda: client.wire.ask(f"cleanup,{client.name}") == "OK")


def test_a_client_that_comes_back_goes_on_with_its_session(
    port: int, begun: PowerDevClient, tmp_path: Path
) -> None:
    begun.start("ranging")
    begun.wire.close()
    come_back(begun, port)
    begun.stop("ranging")
    begun.start("testing")
    begun.wire.close()
    come_back(begun, port)
    time.sleep(1.0)
    begun.stop("testing")
    for folder in ("power", "ranging", "run_1"):
        (tmp_path / folder).mkdir()
    begun.done(tmp_path)
    ours = SessionFile.read(tmp_path / "power/server.json", "server")
    said = [m.cmd for m in ours.messages if m.cmd.startswith("session,")]
    assert said == [m["cmd"] for m in begun.messages if m["cmd"].startswith("session,")]
    assert [len(ours.phases[m]) for m in MODES] == [4, 4]


def test_two_clients_at_once(service: Service, port: int, begun: PowerDevClient) -> None:
    """The second is told at once, and nothing of the first changes."""
    begun.start("ranging")
    second = PowerDevClient(port)
    second.hello()
    assert second.command(f"new,,{second.uuid}").startswith(
        f"Error: another client leads session {begun.name}"
    )
    for words in ("stop,ranging", "done", "start,testing"):
        assert second.command(f"session,{begun.name},{words}").startswith("Error: another client leads")
    assert second.command(f"cleanup,{begun.name}").startswith("Error: another client leads")
    assert second.command("stop") == "OK"
    time.sleep(0.3)
    begun.stop("ranging")
    begun.wire.close()
    assert wait_for(lambda: begin(second))
    second.wire.close()


def test_who_begins_a_session_and_says_no_more_gives_way(
    port: int, begun: PowerDevClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = PowerDevClient(port)
    second.hello()
    assert not begin(second)
    monkeypatch.setattr("powerd.protocols.power_dev.IDLE_S", 0.0)
    assert begin(second)
    why = "its client was gone or silent between its stages and another one began a session; begin a new one"
    reply = begun.command(f"session,{begun.name},start,ranging")
    assert reply == f"Error: session {begun.name} has ended: {why}"
    second.wire.close()


def test_no_clock_is_set_whatever_a_client_asks(port: int) -> None:
    wire = talk(port)
    before = time.time() - time.monotonic()
    for _ in range(5):
        assert wire.ask("set_ntp") == "OK"
    assert time.time() - time.monotonic() == pytest.approx(before, abs=0.05)
    wire.close()


def test_a_window_of_somebody_else_is_left_alone(service: Service, port: int, begun: PowerDevClient) -> None:
    window = service.windows.open("mine", "wall", {})
    assert begun.wire.ask(f"session,{begun.name},start,ranging").startswith("Error: ")
    now = time.time_ns()
    closed = service.windows.close(window["id"], now - 200_000_000, now, None)
    assert closed["state"] == "closed"
    assert begun.wire.ask(f"session,{begun.name},start,ranging") == "OK"
    assert begun.wire.ask(f"session,{begun.name},stop,ranging") == "OK"
    begun.wire.close()

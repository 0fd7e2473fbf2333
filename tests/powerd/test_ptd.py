"""The ptd protocol: the exact dialogues that public logs hold, its traps, and what connections do to it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path

import pytest

from powerd.commands import ptd as command
from powerd.protocols.lines import LONGEST_LINE, MOST_CONNECTIONS
from powerd.protocols.ptd import PtdConversations, Talk, Writing
from powerd.protocols.ptd_log import SWALLOWED, Journal
from powerd.service import Service
from schemas.errors import UserError
from schemas.powerlog import PowerLine, parse_spl_line
from tests.powerd.benches import wait_for
from tests.powerd.lab import lab, served
from tests.powerd.power_dev_client import Wire
from tests.powerd.rig import Meter, Process

SAMPLE = r"Time,\d\d-\d\d-\d{4} \d\d:\d\d:\d\d\.\d{3},Watts,1?\d\d\.\d{6},Volts,2\d\d\.\d{6},Amps,0\.\d{6},PF,0\.\d{6}"
NOTHING_KNOWN = r"Uncertainty,-1\.0,10000000\.000000,0\.000000,(\d+),0,0,\1"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with lab(tmp_path_factory.mktemp("ptd")) as made:
        yield made


@pytest.fixture
def port(service: Service) -> Iterator[int]:
    with served(PtdConversations(service, ("wall",))) as made:
        yield made


def talk(service: Service, lines: list[str], samples: list[str] | None = None) -> Talk:
    sink = [] if samples is None else samples
    return Talk(service, ("wall",), Writing(Journal(lines.append), sink.append))


def read_last(wire: Wire, command: str = "RL") -> list[str]:
    head = wire.ask(command)
    return [wire.line() for _ in range(int(head.split()[1]))]


def windows(service: Service, state: str) -> list[str]:
    return [w["name"] for w in service.windows.all(1000) if w["state"] == state]


DIALOGUE = [
    ("Hello", r"Hello, PTDaemon here!"),
    ("Identify",
     r"YokogawaWT310E,100,1,1,1,1,0,1,1,version=powerd [\d.]+-unofficial,OS=Linux [^,]*,mode=power,1,1,1,0,0,"
     r"no_cal_date,YOKOGAWA;WT310E;EDGEWATT-EMULATED;F1\.04"),
    ("RR", r"Ranges,[01],\d+\.\d{6},[01],\d+\.\d{6}"),
    ("SR,V,Auto", r"Range V changed"),
    ("SR,A,Auto", r"Range A changed"),
    ("Go,100,0,s_ranging",
     r"Starting untimed measurement, maximum 500000 samples at 100ms with 0 rampup samples"),
    ("sleep", ""),
    ("Stop", r"Stopping untimed measurement"),
    ("RL,*,*", r"Invalid number of parameters"),
    ("RL", r"Last \d+ samples"),
    ("Uncertainty", NOTHING_KNOWN),
    ("Watts", r"Watts,[\d.]+,[\d.]+,[\d.]+,\d+,0,\d+"),
    ("SR,V,230.370000", r"Range V changed"),
    ("SR,A,0.49720000000000003", r"Range A changed"),
    ("Go,100,0,s_testing",
     r"Starting untimed measurement, maximum 500000 samples at 100ms with 0 rampup samples"),
    ("sleep", ""),
    ("Watts", r"Watts,[\d.]+,[\d.]+,[\d.]+,\d+,0,\d+"),
    ("Uncertainty", r"Uncertainty,0\.00\d{4},0\.00\d{4},0\.00\d{4},(\d+),0,\1,0"),
    ("Stop", r"Stopping untimed measurement"),
    ("RL,*,*", r"Invalid number of parameters"),
    ("RL", r"Last \d+ samples"),
    ("Uncertainty", r"Uncertainty,0\.00\d{4},0\.00\d{4},0\.00\d{4},(\d+),0,\1,0"),
    ("Watts", r"Watts,[\d.]+,[\d.]+,[\d.]+,\d+,0,\d+"),
    ("Stop", r"Error: no measurement to stop"),
    ("RR", r"Ranges,0,0\.500000,0,300\.000000"),
    ("SR,V,Auto", r"Range V changed"),
    ("SR,A,Auto", r"Range A changed"),
]  # fmt: skip


def test_a_whole_session_word_by_word(service: Service, port: int) -> None:
    """The order in which power-dev's server leads PTDaemon, over a socket."""
    wire = Wire(port)
    for asked, wanted in DIALOGUE:
        if asked == "sleep":
            time.sleep(0.6)
            continue
        reply = wire.ask(asked)
        assert re.fullmatch(wanted, reply), (asked, reply)
        if reply.startswith("Last"):
            lines = [wire.line() for _ in range(int(reply.split()[1]))]
            assert 4 <= len(lines) <= 9
            assert all(re.fullmatch(SAMPLE, line) for line in lines), lines
    wire.close()
    assert {"s_ranging", "s_testing"} <= set(windows(service, "closed"))


OLDER = [
    "Hello", "Identify", "RR", "SR,V,Auto", "SR,A,20", "Go,100,0,old_ranging", "sleep", "Stop",
    "SR,V,230.370000", "SR,A,0.452000", "Go,100,0,old_testing", "sleep", "Stop",
    "Stop", "SR,V,300.000000", "SR,A,1.000000",
]  # fmt: skip
"""As power-dev's server of v1.1 to v4.1 leads PTDaemon: no ``RL`` behind ``Stop``, and one ``Stop`` too many."""


def test_an_older_server_finds_its_samples_in_the_file_and_never_waits_for_the_end_of_a_run(
    service: Service,
) -> None:
    """It looks for ``Mark`` behind the first group right after ``Stop``, then sets ranges and says ``Go`` at once."""
    written: list[str] = []
    one = talk(service, [], written)
    for ranges in ("SR,V,300", "SR,A,1"):
        next(one.answer(ranges))
    said: dict[str, list[str]] = {}
    counts = []
    for asked in OLDER:
        if asked == "sleep":
            time.sleep(0.6)
            continue
        (reply,) = one.answer(asked)
        said.setdefault(asked.partition(",")[0], []).append(reply)
        if asked == "Stop":
            counts.append(sum(re.search(r",PF,[^,]+,Mark,old_\w+$", line) is not None for line in written))
    assert said["RR"] == ["Ranges,0,1.000000,0,300.000000"]
    assert said["SR"] == ["Range V changed", "Range A changed"] * 3
    assert [reply.partition(",")[0] for reply in said["Go"]] == ["Starting untimed measurement"] * 2
    assert said["Stop"] == ["Stopping untimed measurement"] * 2 + ["Error: no measurement to stop"]
    assert min(counts[0], counts[1] - counts[0]) >= 3
    one.end()


@pytest.mark.parametrize(("asked", "chosen"), [
    ("V,119.4", 150), ("V,213.14", 300), ("V,246.56", 300), ("A,3.1075000000000004", 5), ("A,0.329", 0.5),
    ("A,0.9504", 1), ("A,0.05054", 0.1), ("A,5.4982", 10), ("A,9.779", 10), ("A,20", 20), ("V,300.000000", 300),
])  # fmt: skip
def test_a_range_is_asked_for_by_the_value_to_be_measured(
    service: Service, asked: str, chosen: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Values and ranges as seen in public logs."""
    monkeypatch.setattr("powerd.protocols.analyzer.TAKEN_S", 0.0)  # 150 V and 0.1 A are too low for this load
    lines: list[str] = []
    one = talk(service, lines)
    assert list(one.answer(f"SR,{asked}")) == [f"Range {asked[0]} changed"]
    at = 4 if asked[0] == "V" else 2
    assert next(one.answer("RR")).split(",")[at - 1 : at + 1] == ["0", f"{chosen:.6f}"]
    what, unit = ("Volt", "V") if asked[0] == "V" else ("Amp", "A")
    assert any(line.endswith(f"{what} range set to {chosen:.6f}{unit}") for line in lines)
    assert list(one.answer("SR,V,300")) == ["Range V changed"]
    assert list(one.answer("SR,A,1")) == ["Range A changed"]


@pytest.mark.parametrize("asked", [
    "SR,V,0", "SR,V,-1", "SR,A,-1.1", "SR,A,99", "SR,V,nan", "SR,V,inf", "SR,A,much", "SR,V,1e999", "SR,V,",
    "Go,0,0,m", "Go,150,0,m", "Go,100,3,m", "Go,100,0,a,b", "Go,100,0," + "m" * 300, "Go,100,0,\x07", "Stop",
])  # fmt: skip
def test_a_refusal_holds_the_word_that_the_server_looks_for(service: Service, asked: str) -> None:
    before = windows(service, "open")
    (reply,) = talk(service, []).answer(asked)
    assert reply.startswith("Error: ")
    assert windows(service, "open") == before == []


@pytest.mark.parametrize(("asked", "reply"), [
    ("", "Unknown command"), ("hello", "Unknown command"), ("Timed,10", "Unknown command"),
    ("DC-RL", "Unknown command"), ("SR,X,1", "Unknown command"), ("SR", "Invalid number of parameters"),
    ("SR,V", "Invalid number of parameters"), ("SR,V,1,2", "Invalid number of parameters"),
    ("Go", "Invalid number of parameters"), ("Go,x,0", "Invalid number of parameters"),
    ("RL,1", "Invalid number of parameters"), ("RL", "Last 0 samples"),
    ("Watts", "Watts,-1.0,10000000.000000,0.000000,0,0,0"),
    ("Uncertainty", "Uncertainty,-1.0,10000000.000000,0.000000,0,0,0,0"),
])  # fmt: skip
def test_every_line_is_answered(service: Service, asked: str, reply: str) -> None:
    assert list(talk(service, []).answer(asked)) == [reply]


def test_the_file_of_samples_and_the_journal(service: Service) -> None:
    lines: list[str] = []
    samples: list[str] = []
    one = talk(service, lines, samples)
    for asked in ("SR,V,Auto", "SR,A,Auto", "Go,100,0,id_ranging"):
        next(one.answer(asked))
    assert wait_for(lambda: len(samples) >= 3)
    next(one.answer("Stop"))
    next(one.answer("Watts"))
    parsed = [parse_spl_line(n, text) for n, text in enumerate(samples, 1)]
    assert all(isinstance(p, PowerLine) and p.mark == "id_ranging" for p in parsed)
    texts = [line.partition(": ")[2] for line in lines]
    order = [texts.index(t) for t in ("Go with mark 'id_ranging'", "Stop command received", "Completed test")]
    assert order == sorted(order)
    assert re.fullmatch(
        r"Avg watts [\d.]+, min watts [\d.]+, max watts [\d.]+, samples \d+, errors 0, valid \d+",
        texts[order[-1] + 1],
    )
    assert not [t for t in texts if t.startswith(("ERROR", "WARNING"))]
    one.analyzer.await_windows()
    assert any(line.partition(": ")[2].startswith("note: window") for line in lines)


def test_a_clipped_load_is_an_error_in_the_journal_and_in_watts(service: Service) -> None:
    lines: list[str] = []
    one = talk(service, lines)
    for asked in (
        "SR,A,1",
        "SR,V,150",
    ):  # no good sample comes on 150 V, so the second waits its five seconds
        assert "changed" in next(one.answer(asked))
    next(one.answer("Go,100,0,clipped"))
    time.sleep(0.5)
    next(one.answer("Stop"))
    fields = next(one.answer("Watts")).split(",")
    assert fields[5] == fields[4] != "0"
    assert fields[6] == "0"
    assert any("ERROR: Bad watts reading inf from WT310E" in line for line in lines)
    assert next(one.answer("SR,V,300")) == "Range V changed"


# connections


def test_a_silent_peer_holds_up_nobody(port: int) -> None:
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(MOST_CONNECTIONS + 4)]
    half = socket.create_connection(("127.0.0.1", port))
    half.sendall(b"Hel")
    wire = Wire(port, 5.0)
    assert wire.ask("Hello") == "Hello, PTDaemon here!"
    wire.close()
    for sock in (*silent, half):
        sock.close()


def test_connections_that_speak_are_not_sent_away_for_new_ones(port: int) -> None:
    wires = [Wire(port, 5.0) for _ in range(MOST_CONNECTIONS)]
    assert all(w.ask("Hello").endswith("here!") for w in wires)
    with pytest.raises(OSError):  # noqa: PT011 - reset or closed, as the kernel likes
        Wire(port, 5.0).ask("Hello")
    assert all(w.ask("Hello").endswith("here!") for w in wires)
    for wire in wires:
        wire.close()


def test_a_line_without_end_ends_the_connection(port: int) -> None:
    wire = Wire(port, 5.0)
    wire.send(b"x" * 2 * LONGEST_LINE)
    with pytest.raises(OSError):  # noqa: PT011
        wire.line()
    assert Wire(port, 5.0).ask("Hello") == "Hello, PTDaemon here!"


def test_half_a_line_is_no_command(service: Service, port: int) -> None:
    wire = Wire(port, 5.0)
    assert wire.ask("Hello") == "Hello, PTDaemon here!"
    wire.send(b"Go,100,0,half_")
    wire.close()
    time.sleep(0.3)
    assert not [w for w in service.windows.all() if w["name"].startswith("half_")]


def test_lines_that_come_in_pieces_and_several_at_once(port: int) -> None:
    wire = Wire(port, 5.0)
    for piece in (b"Hel", b"lo\r", b"\nRL\nSto"):
        wire.send(piece)
        time.sleep(0.05)
    wire.send(b"p\n")
    assert [wire.line() for _ in range(3)] == [
        "Hello, PTDaemon here!",
        "Last 0 samples",
        "Error: no measurement to stop",
    ]
    wire.close()


def test_a_dropped_connection_frees_the_meter_and_keeps_the_window(service: Service, port: int) -> None:
    wire = Wire(port, 5.0)
    assert wire.ask("Go,100,0,dropped").startswith("Starting")
    time.sleep(0.4)
    wire.close()
    again = Wire(port, 5.0)
    assert wait_for(lambda: "dropped" in windows(service, "closed"))
    assert again.ask("Go,100,0,after").startswith("Starting")
    assert again.ask("Stop") == "Stopping untimed measurement"
    again.close()
    (kept,) = [w for w in service.windows.all() if w["name"] == "dropped"]
    assert kept["energy_j"] > 0
    assert kept["labels"] == {"protocol": "ptd"}


def test_two_clients_at_once_share_no_meter(service: Service, port: int) -> None:
    first, second = Wire(port, 5.0), Wire(port, 5.0)
    assert first.ask("Go,100,0,first").startswith("Starting")
    assert second.ask("Go,100,0,second").startswith("Error: channel 1 of meter wall is leased")
    assert second.ask("SR,V,600").startswith("Error: a window is open")
    assert second.ask("Stop") == "Error: no measurement to stop"
    assert second.ask("Watts").startswith("Watts,-1.0,")
    assert windows(service, "open") == ["first"]
    time.sleep(0.3)
    assert first.ask("Stop") == "Stopping untimed measurement"
    assert len(read_last(first)) >= 2
    first.close()
    second.close()


def test_two_meters_are_one_instrument_of_two_channels(tmp_path: Path) -> None:
    with lab(tmp_path, meters=2, extra=",voltage_range=300,current_range=1") as service:
        samples: list[str] = []
        one = Talk(service, ("wall", "wall2"), Writing(Journal(lambda line: None), samples.append))
        assert next(one.answer("Identify")).split(",")[14] == "2"
        assert next(one.answer("Go,100,0,both")).startswith("Starting")
        assert wait_for(lambda: len(samples) >= 3)
        next(one.answer("Stop"))
        head, *lines = one.answer("RL,*,*")
        assert head == f"Last {len(lines)} samples from sum channel and channels 1 - 2"
        for line in lines:
            watts = [float(w) for w in re.findall(r"Watts,([\d.]+)", line)]
            assert watts[0] == pytest.approx(watts[1] + watts[2], abs=2e-6)
            assert watts[0] == pytest.approx(200, rel=0.01)
        assert re.search(r",Mark,both,Ch1,Watts,[\d.,A-Za-z]+,Ch2,Watts,", samples[0])
        assert next(one.answer("SR,A,5")) == "Range A changed"
        assert {service.state(m).settings.current_range_a for m in ("wall", "wall2")} == {5.0}  # type: ignore[union-attr]


def test_a_meter_with_three_elements(tmp_path: Path) -> None:
    """As a WT333E answers behind PTDaemon: the sum first, then its elements without names."""
    with lab(tmp_path, extra=",channels=1+2+3,voltage_range=300,current_range=1", model="WT333E") as service:
        samples: list[str] = []
        one = Talk(service, ("wall",), Writing(Journal(lambda line: None), samples.append))
        said = next(one.answer("Identify")).split(",")
        assert (said[0], said[14]) == ("YokogawaWT330_multichannel", "3")
        assert list(one.answer("RL")) == ["Last 0 samples"]
        assert next(one.answer("Go,100,0,three")).startswith("Starting")
        assert wait_for(lambda: len(samples) >= 3)
        next(one.answer("Stop"))
        head, *lines = one.answer("RL,*,*")
        assert head == f"Last {len(lines)} samples from sum channel and channels 1 - 3"
        groups = [[float(w) for w in re.findall(r"Watts,([\d.]+)", line)] for line in lines]
        assert all(g[0] == pytest.approx(sum(g[1:]), abs=3e-6) for g in groups)
        fields = next(one.answer("Uncertainty")).split(",")
        assert int(fields[4]) == sum(map(int, fields[5:8])) == len(lines)
        one.end()


# the program


def start(folder: Path, meter: Meter, port: int, *arguments: str) -> subprocess.Popen[str]:
    """As power-dev's server starts it, but in a folder of the test."""
    environment = {**os.environ, "TZ": "UTC", "XDG_STATE_HOME": str(folder / "state"),
                   "POWERD_PTD_METER": f"yokogawa-wt300:{meter.port},interval=100ms,baud=115200"}  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "-m", "powerd", "ptd", "-l", str(folder / "ptd_logfile_1.log"), "-p", str(port),
         *arguments, "49", meter.port],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment,
    )  # fmt: skip


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def connect(port: int) -> Wire:
    """As the server tries: again and again for 30 s."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return Wire(port, 10.0)
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_the_program_as_power_dev_starts_it(tmp_path: Path) -> None:
    meter, port = Meter(tmp_path), free_port()
    process = start(tmp_path, meter, port)
    wire = connect(port)
    assert wire.ask("Hello") == "Hello, PTDaemon here!"  # nobody can connect before the meter is ready
    assert "version=powerd" in wire.ask("Identify")
    assert wire.ask("Go,100,0,id_ranging").startswith("Starting")
    time.sleep(0.5)
    assert wire.ask("Stop").startswith("Stopping")
    lines = read_last(wire)
    process.kill()  # in the middle of everything, with a window that may be closing
    assert process.wait(10) == -signal.SIGKILL
    said = process.stdout.read() if process.stdout else ""
    written = (tmp_path / "ptd_logfile_1.log").read_text().splitlines()
    assert len(written) == len(lines)
    assert all(line.endswith(",Mark,id_ranging") for line in written)
    assert len(said.partition("Completed test")[2]) >= SWALLOWED
    assert said.startswith("powerd ")
    assert "Uncertainty checking for YokogawaWT310E is activated" in said
    assert set(re.findall(r".*PTDaemon.*", said.replace("Hello, PTDaemon here!", ""))) <= {
        line for line in said.splitlines() if "this is not SPEC PTDaemon" in line
    }
    # a second life on the same port and file
    process = start(tmp_path, meter, port)
    wire = connect(port)
    assert wire.ask("Go,100,0,id_testing").startswith("Starting")
    time.sleep(0.3)
    process.kill()  # with an open window
    process.wait(10)
    process = start(tmp_path, meter, port)
    wire = connect(port)
    assert wire.ask("Go,100,0,third").startswith("Starting")
    assert wire.ask("Stop").startswith("Stopping")
    wire.close()
    process.send_signal(signal.SIGTERM)
    assert process.wait(15) == 0
    meter.stop()


def test_nobody_listens_while_the_meter_does_not_answer(tmp_path: Path) -> None:
    port = free_port()
    process = Process("ptd", "-p", str(port), env={"POWERD_PTD_METER": "yokogawa-wt300:/dev/nothing-there",
                                                   "XDG_STATE_HOME": str(tmp_path)})  # fmt: skip
    code, said = process.outcome()
    assert (code, said.count("\n")) == (2, 1)
    assert "/dev/nothing-there" in said


def gathered(words: str, **environment: str) -> list[tuple[str, str, tuple[str, ...]]]:
    parser = ArgumentParser()
    command.add_arguments(parser)
    chosen = command.gather(parser.parse_args(words.split()), {**environment})
    return [(m.driver, m.port, m.settings.channels) for m in chosen.meters]


@pytest.mark.parametrize(("words", "meter"), [
    ("-l f -p 8888 49 /dev/ttyUSB0", ("yokogawa-wt300", "/dev/ttyUSB0", ("1",))),
    ("-l f -p 8888 49 /dev/usbtmc0", ("yokogawa-wt300", "usbtmc:/dev/usbtmc0", ("1",))),
    ("-l f -p 8889 -c 1,3 77 /dev/usbtmc1", ("yokogawa-wt300", "usbtmc:/dev/usbtmc1", ("1", "2", "3"))),
    ("-l f -p 8889 -c 2 52 /dev/usbtmc1", ("yokogawa-wt300", "usbtmc:/dev/usbtmc1", ("2",))),
])  # fmt: skip
def test_arguments_of_ptdaemon_choose_driver_and_line(
    words: str, meter: tuple[str, str, tuple[str, ...]]
) -> None:
    assert gathered(words) == [meter]


def test_the_environment_wins_and_the_device_port_chooses_among_several(tmp_path: Path) -> None:
    two = "yokogawa-wt300:/dev/a,interval=2s yokogawa-wt300:/dev/b,channels=1+3"
    assert [m[1] for m in gathered("49 /dev/b", POWERD_PTD_METER=two)] == ["/dev/b"]
    assert [m[1] for m in gathered("49 /dev/c", POWERD_PTD_METER=two)] == ["/dev/a", "/dev/b"]
    assert gathered("-c 1,2 77 /dev/b", POWERD_PTD_METER=two)[0][2] == ("1", "3")
    file = tmp_path / "powerd.toml"
    file.write_text('[[meter]]\nname = "w"\ndriver = "yokogawa-wt300"\nport = "/dev/f"\n[ptd]\n')
    assert gathered("-y 77 192.168.1.2", POWERD_CONFIG=str(file)) == [("yokogawa-wt300", "/dev/f", ("1",))]


@pytest.mark.parametrize(("words", "part"), [
    ("", "no meter is configured"), ("0 /dev/x", "device type 0"), ("-y 77 192.168.1.2", "POWERD_PTD_METER"),
    ("-g 8 1", "POWERD_PTD_METER"), ("-D 508 /dev/x", "AC only"), ("-p 0 49 /dev/x", "port 0"),
    ("-c 1,2,3 77 /dev/x", "-c 1,2,3"), ("-c x 77 /dev/x", "-c x"), ("49 COM1", "COM1"),
])  # fmt: skip
def test_arguments_that_say_too_little(words: str, part: str) -> None:
    with pytest.raises(UserError, match=re.escape(part)):
        gathered(words)

"""Anything at all, sent to the protocol servers and to the API: no crash, no hang, bounded memory.

A few thousand inputs on every run; ``make proofs`` sends 100,000 to each server.
"""

from __future__ import annotations

import gc
import json
import logging
import random
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from powerd.protocols.power_dev import PowerDevConversations
from powerd.protocols.ptd import PtdConversations
from powerd.service import Service
from tests.powerd.benches import wait_for
from tests.powerd.lab import lab, served
from tests.powerd.power_dev_client import MAGIC, Wire

SHORT, LONG = 1500, 100_000
MOST_GROWTH = 48 << 20
HUNG_S = 60.0
"""No request takes longer than this on the busiest machine, unless it hangs."""
NASTY = (
    "", ",", ",,,,", "nan", "-1", "1e999", "9" * 400, "%s%n", "\x00", "\x1b[2J", "ü", "\u2028", "*", "../../x", "Auto",
    "Mark", "1" * 5000, "V", "A", "0", "1000", "100",
)  # fmt: skip
PTD = ("Hello", "Identify", "RR", "SR", "Go", "Stop", "RL", "Watts", "Uncertainty", "Timed", "DC-RL")
POWER_DEV = ("time", "set_ntp", "stop", "new", "session", "download", "cleanup", "mlcommons/power client v3")
POWER_DEV_WORDS = (
    "*", "start", "stop", "done", "ranging", "testing", "power/server.json", "00000000-0000-4000-8000-000000000000",
)  # fmt: skip
RARE = {"Go": 0.02, "SR": 0.02, "new": 0.02, "session": 0.1}
"""Words that may move the meter, which takes its time: most of them are spoilt."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("powerd.protocols.analyzer.TAKEN_S", 0.0)
        patch.setattr("powerd.protocols.analyzer.SETTLE_S", 0.5)
        with lab(tmp_path_factory.mktemp("fuzz")) as made:
            yield made


@pytest.fixture(autouse=True)
def no_thread_dies(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An exception that ends a thread of a server is a crash. What pytest keeps of the log is no memory of powerd's."""
    died: list[str] = []
    monkeypatch.setattr(logging.root.manager, "disable", logging.CRITICAL)
    monkeypatch.setattr(threading, "excepthook", lambda args: died.append(repr(args.exc_value)))
    yield
    assert died == []


def line(rng: random.Random, words: tuple[str, ...], more: tuple[str, ...]) -> bytes:
    """One line: a known word with anything behind it, a spoilt one, or noise."""
    kind = rng.random()
    word = rng.choice(words)
    if word in RARE and rng.random() > RARE[word]:
        word += rng.choice(("x", " ", "\x00", "é"))
    if kind < 0.1:
        return rng.randbytes(rng.randrange(80)).replace(b"\n", b"").replace(b"\r", b"")
    rest = [rng.choice(NASTY + more) for _ in range(rng.randrange(5))]
    text = ",".join((word, *rest)).encode()
    if kind < 0.3 and text:
        at = rng.randrange(len(text))
        text = text[:at] + rng.randbytes(1).replace(b"\n", b"?") + text[at + rng.randrange(3) :]
    return text


class Speaker:
    """A peer that sends one line and takes its answer, and connects again when it was sent away."""

    def __init__(self, port: int, greeting: str | None) -> None:
        self.port = port
        self.greeting = greeting
        self.wire = self.connect()

    def connect(self) -> Wire:
        wire = Wire(self.port, 30.0)  # whoever hangs longer than this has hung
        if self.greeting:
            wire.ask(self.greeting)
        return wire

    def say(self, data: bytes) -> None:
        try:
            self.wire.send(data + b"\n")
            head = self.wire.line()
            if head.startswith("Last "):
                for _ in range(int(head.split()[1])):
                    self.wire.line()
            elif head.isdecimal() and data.startswith(b"download"):
                while int(head):
                    self.wire.exactly(int(head))
                    head = self.wire.line()
        except TimeoutError:
            raise AssertionError(f"no answer to {data[:200]!r}") from None
        except OSError:
            assert len(data) > 4096, f"sent away for {data[:200]!r}"
            self.wire.close()
            self.wire = self.connect()


def fuzz_lines(
    port: int, greeting: str | None, words: tuple[str, ...], more: tuple[str, ...], count: int
) -> None:
    rng = random.Random(count)
    speaker = Speaker(port, greeting)
    for _ in range(count // 10):
        speaker.say(line(rng, words, more))
    before = memory()
    for _ in range(count - count // 10):
        speaker.say(line(rng, words, more))
    speaker.wire.close()
    assert memory() - before < MOST_GROWTH


def memory() -> int:
    gc.collect()
    return int(psutil.Process().memory_info().rss)


def fuzz_bytes(
    port: int, greeting: str | None, words: tuple[str, ...], more: tuple[str, ...], count: int
) -> None:
    """Pieces of lines, several lines at once, and connections that end anywhere."""
    rng = random.Random(count + 1)
    sent = 0
    while sent < count:
        with socket.create_connection(("127.0.0.1", port), 30.0) as sock:
            sock.settimeout(0.02)
            try:
                if greeting and rng.random() < 0.9:
                    sock.sendall(greeting.encode() + b"\r\n")
                for _ in range(rng.randrange(30)):
                    text = line(rng, words, more)
                    end = rng.choice((b"\n", b"\r\n", b"\n\n", b"", b"\r"))
                    sock.sendall(text + end)
                    sent += 1
                    if rng.random() < 0.1:
                        sock.recv(65536)
            except OSError:
                sent += 1


SERVERS: dict[str, tuple[Callable[[Service], Any], str | None, tuple[str, ...], tuple[str, ...], str, str]] = {
    "ptd": (lambda s: PtdConversations(s, ("wall",)), None, PTD, (), "Hello", "Hello, PTDaemon here!"),
    "power_dev": (
        lambda s: PowerDevConversations(s, ("wall",)), MAGIC, POWER_DEV, POWER_DEV_WORDS, MAGIC,
        "mlcommons/power server v3",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SERVERS)
@pytest.mark.parametrize(
    "count", [SHORT, pytest.param(LONG, marks=(pytest.mark.proof, pytest.mark.timeout(3000)))]
)
def test_any_lines(service: Service, name: str, count: int) -> None:
    make, greeting, words, more, asked, reply = SERVERS[name]
    with served(make(service)) as port:
        fuzz_lines(port, greeting, words, more, count)
        fuzz_bytes(port, greeting, words, more, count // 10)
        wire = Wire(port, 30.0)
        assert wire.ask(asked) == reply
        wire.close()
    assert not [w for w in service.windows.all(1000) if w["state"] == "open"]
    assert wait_for(lambda: service.state("wall").connected)


# the API


def operations(service: Service) -> list[Any]:
    """Every operation of the OpenAPI document but the stream, which has no end."""
    import schemathesis

    from powerd.api.app import make_app

    app = make_app(service, frozenset({"testserver", "localhost"}))
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    found = [result.ok() for result in schema.get_all_operations()]
    return [one for one in found if not one.path.endswith("/stream")]


def fuzz_api(service: Service, count: int) -> None:
    """Requests by the document and against it; paths now and then name what is there."""
    there = operations(service)
    assert len(there) >= 15
    for operation in there:
        _fuzz_operation(operation, max(5, count // len(there)))


def _fuzz_operation(operation: Any, count: int) -> None:
    @settings(max_examples=count, deadline=None, database=None, derandomize=True,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(case=operation.as_strategy(), known=st.booleans())
    def once(case: Any, known: bool) -> None:
        if known and "name" in (case.path_parameters or {}) and "range" not in operation.path:
            case.path_parameters["name"] = "wall"
        answer = case.call(timeout=HUNG_S)
        assert answer.status_code < 500 or answer.status_code in {502, 503, 507}, (
            operation.label, answer.status_code, case.as_curl_command()
        )  # fmt: skip
        if answer.status_code >= 400:
            assert answer.headers["content-type"][0] == "application/problem+json"
            assert json.loads(answer.content)["status"] == answer.status_code

    once()


@pytest.mark.parametrize(
    "count", [300, pytest.param(LONG, marks=(pytest.mark.proof, pytest.mark.timeout(3500)))]
)
def test_any_request(service: Service, count: int, tmp_path: Path) -> None:
    before = memory()
    fuzz_api(service, count)
    assert memory() - before < 4 * MOST_GROWTH
    assert wait_for(lambda: service.health()["problems"] == []), service.health()["problems"]
    for window in service.windows.all(10_000):
        if window["state"] == "open":
            service.windows.close(window["id"], window["opened_unix_ns"], window["opened_unix_ns"] + 1, None)

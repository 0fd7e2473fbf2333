"""Tokens, TLS and the Unix socket on a running daemon: who may do what, and what is said to who may not."""

from __future__ import annotations

import hashlib
import http.client
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from powerd.cli import main
from powerd.client import ROUNDS, ClientError, PowerdClient
from powerd.config import Access, Config, exposure, is_loopback
from powerd.tokens import load
from schemas.documents import violations
from schemas.errors import UserError
from tests.powerd.rig import Meter, Process, wait_for_samples

LOOK, WORK, OTHER, ALL = (f"secret-of-{name}-0123456789" for name in ("look", "work", "other", "all"))
TOKENS = f"""
[tokens.look]
secret = "{LOOK}"
scopes = ["read"]
[tokens.work]
secret = "{WORK}"
scopes = ["read", "measure"]
[tokens.other]
sha256 = "{hashlib.sha256(OTHER.encode()).hexdigest()}"
scopes = ["read", "measure"]
[tokens.all]
secret = "{ALL}"
scopes = ["read", "measure", "control"]
"""
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificates")


def write_tokens(folder: Path, text: str = TOKENS, mode: int = 0o600) -> Path:
    path = folder / "tokens.toml"
    path.write_text(text)
    path.chmod(mode)
    return path


def certificate(folder: Path, name: str = "tls") -> tuple[Path, Path]:
    """A certificate for this machine that signs itself, and its key."""
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", str(key), "-out",
         str(cert)],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    return cert, key


@dataclass
class Lab:
    url: str
    ca: str
    folder: Path
    process: Process

    def client(self, token: str | None) -> PowerdClient:
        return PowerdClient(self.url, token, self.ca)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificates")
    folder: Path = tmp_path_factory.mktemp("access")
    meter = Meter(folder)
    write_tokens(folder)
    cert, _ = certificate(folder)
    (folder / "powerd.toml").write_text(
        '[daemon]\nlisten = "0.0.0.0:0"\ntokens_file = "tokens.toml"\ntls_certificate = "tls.pem"\n'
        f'tls_key = "tls.key"\nsocket = "api.sock"\nretention = "90d"\ndata_dir = "{folder}/data"\n'
        f'[[meter]]\nname = "wall"\ndriver = "yokogawa-wt300"\nport = "{meter.port}"\ninterval = "100ms"\n'
        'baud = 115200\ndata_bits = 8\nparity = "none"\nstop_bits = 1\nvoltage_range = 300\ncurrent_range = 1\n'
        'calibrated = 2024-03-01\ncertificate = "K-1234"\nambient_c = 24.5\nwiring = "1P2W"\n'
    )
    process = Process("run", "--config", str(folder / "powerd.toml"))
    url = process.first_line.replace("0.0.0.0", "127.0.0.1")
    assert url.startswith("https://"), process.outcome()
    found = Lab(url, str(cert), folder, process)
    wait_for_samples(found.client(LOOK))
    yield found
    assert process.stop() == 0
    assert not (folder / "api.sock").exists()
    meter.stop()


def refused(call: object, status: int, *parts: str) -> None:
    with pytest.raises(ClientError) as error:
        call()  # type: ignore[operator]
    assert error.value.status == status, error.value
    for part in parts:
        assert part in str(error.value)


def test_without_a_token_nothing_is_shown(lab: Lab) -> None:
    for path in ("/v1/health", "/metrics", "/openapi.json", "/v1/stream"):
        connection = http.client.HTTPSConnection(
            lab.url.removeprefix("https://"), context=_context(lab.ca), timeout=10
        )
        connection.request("GET", path)
        answer = connection.getresponse()
        assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert json.loads(answer.read())["status"] == 401
        connection.close()
    refused(lab.client(None).health, 401, "no token", "POWERD_TOKEN")
    refused(lab.client("not-a-secret-of-anybody").health, 401, "does not know")


def test_a_client_that_speaks_no_tls_is_told_of_it(lab: Lab) -> None:
    plain = PowerdClient(lab.url.replace("https://", "http://"), token=LOOK)
    refused(plain.health, 0, "closed the connection", "is it https:// instead?")


def _context(ca: str) -> object:
    import ssl

    return ssl.create_default_context(cafile=ca)


def test_a_scope_is_needed_for_each_thing(lab: Lab) -> None:
    look, work = lab.client(LOOK), lab.client(WORK)
    assert look.health()["status"] == "ok"
    refused(lambda: look.open_window("w", "wall"), 403, "'look'", "no scope measure")
    refused(look.sync_clock, 403, "no scope measure")
    refused(lambda: work.set_range("wall", 300, 1), 403, "'work'", "no scope control")
    assert lab.client(ALL).set_range("wall", 300, 1)["current_range_a"] == 1


def test_a_window_is_closed_by_its_token_or_by_control(lab: Lab) -> None:
    work, other, everything = lab.client(WORK), lab.client(OTHER), lab.client(ALL)
    for closer in (work, everything):
        window = work.open_window("mine", "wall")
        begin = time.time_ns()
        time.sleep(0.4)
        end = time.time_ns()
        refused(lambda w=window: other.mark(w["id"], "not mine"), 403, "belongs to another token", "control")
        refused(lambda w=window, b=begin, e=end: other.close_window(w["id"], b, e), 403, "another token")
        refused(lambda w=window: other.open_window("mine", "wall", ident=w["id"]), 403, "another token")
        assert closer.close_window(window["id"], begin, end)["state"] == "closed"
        assert other.window(window["id"])["state"] == "closed"  # looking is free


def test_a_clock_belongs_to_the_token_that_opened_it(lab: Lab) -> None:
    work, other = lab.client(WORK), lab.client(OTHER)
    tie = work.sync_clock("clock-of-work")
    refused(lambda: other.sync_clock("clock-of-work"), 403, "clock 'clock-of-work'", "another token")
    window = other.open_window("o", "wall")
    now = time.time_ns()
    refused(lambda: other.close_window(window["id"], now - 1000, now, tie.clock), 403, "another token")
    assert other.close_window(window["id"], now - 1000, now)["state"] == "closed"


def test_a_session_belongs_to_the_token_that_began_it(lab: Lab) -> None:
    import uuid

    begun = lab.client(WORK).begin_session("", "wall", str(uuid.uuid4()))
    refused(lambda: lab.client(OTHER).phase(begun["id"], "start", "ranging"), 403, "another token")
    assert lab.client(WORK).phase(begun["id"], "start", "ranging")["reply"].startswith("OK")
    lab.client(ALL).set_range("wall", 300, 1)


def bare(lab: Lab, token: str | None, path: str, body: object, **headers: str) -> int:
    """A request by hand; the status."""
    connection = http.client.HTTPSConnection(
        lab.url.removeprefix("https://"), context=_context(lab.ca), timeout=10
    )
    sent = {"Content-Type": "application/json"} | {k.replace("_", "-"): v for k, v in headers.items()}
    if token is not None:
        sent["Authorization"] = f"Bearer {token}"
    connection.request("POST", path, body if isinstance(body, str) else json.dumps(body), sent)
    status = connection.getresponse().status
    connection.close()
    return status


def everything(lab: Lab) -> dict[str, object]:
    """All that a request could have changed."""
    client = lab.client(ALL)
    (meter,) = client.meters()
    windows = [{k: v for k, v in w.items() if k != "so_far"} for w in client.windows(1000)]
    files = sorted((lab.folder / "data").glob("sessions/*"))
    return {"settings": meter["settings"], "windows": windows, "files": files}


@pytest.fixture
def attacked(lab: Lab) -> Iterator[str]:
    """A window that somebody measures in; whatever is tried, nothing changes."""
    work = lab.client(WORK)
    tie = work.sync_clock("clock-under-attack")
    window = work.open_window("under attack", "wall")
    begin = time.time_ns()
    before = everything(lab)
    yield str(window["id"])
    assert everything(lab) == before
    again = work.sync_clock("clock-under-attack")
    assert again.exchanges == tie.exchanges + ROUNDS  # no exchange of anybody else's was kept
    assert abs(again.offset_s - tie.offset_s) < 0.05
    time.sleep(0.3)
    assert work.close_window(str(window["id"]), begin, time.time_ns(), tie.clock)["state"] == "closed"


def requests(window: str) -> list[tuple[str, object]]:
    """Every request that changes something."""
    now = time.time_ns()
    exchange = {"clock": "clock-under-attack", "t1_ns": now - 3_600_000_000_000}
    session = {"greeting": "edgewatt powerd client v1", "meter": "wall", "client_uuid": "0" * 32}
    return [
        ("/v1/windows", {"name": "second", "meter": "wall"}),
        (f"/v1/windows/{window}/mark", {"text": "x"}),
        (f"/v1/windows/{window}/close", {"begin_unix_ns": now - 1000, "end_unix_ns": now, "clock": None}),
        ("/v1/meters/wall/range", {"voltage": 600, "current": 20}),
        ("/v1/clock/exchange", exchange),
        ("/v1/sessions", session),
    ]


def test_a_page_of_another_origin_changes_nothing(lab: Lab, attacked: str) -> None:
    """Not even with everybody's secret, and in none of the forms that a browser sends without asking first."""
    for path, body in requests(attacked):
        for origin in ("https://evil.example", "null", "http://127.0.0.1", "https://localhost.evil.example"):
            assert bare(lab, ALL, path, body, Origin=origin) == 403
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
            assert bare(lab, ALL, path, json.dumps(body), Content_Type=kind) == 415
        assert bare(lab, ALL, path, body, Host="evil.example") == 421


def test_a_client_without_the_scope_changes_nothing(lab: Lab, attacked: str) -> None:
    for path, body in requests(attacked):
        assert bare(lab, LOOK, path, body) == 403
        assert bare(lab, None, path, body) == 401
        assert bare(lab, "guessed-" + "x" * 20, path, body) == 401


def test_a_forged_exchange_changes_no_clock(lab: Lab, attacked: str) -> None:
    """Neither somebody else's, nor one whose answer came before its question, nor one that never began."""
    now = time.time_ns()
    clock = {"clock": "clock-under-attack"}
    assert bare(lab, OTHER, "/v1/clock/exchange", clock | {"t1_ns": now}) == 403
    assert bare(lab, OTHER, "/v1/clock/exchange", clock | {"exchange_id": "x", "t4_ns": now}) == 403
    assert bare(lab, WORK, "/v1/clock/exchange", clock | {"exchange_id": "x", "t4_ns": now}) in {
        404,
        409,
        422,
    }
    work, other = lab.client(WORK), lab.client(OTHER)
    begun = work._json("POST", "/v1/clock/exchange", {**clock, "t1_ns": now, "t1_mono_ns": 10**15})
    ident = str(begun["exchange_id"])
    stolen = {"clock": other.sync_clock("clock-of-other").clock, "exchange_id": ident, "t4_ns": now}
    assert bare(lab, OTHER, "/v1/clock/exchange", stolen) in {404, 409, 422}
    backwards = clock | {"exchange_id": ident, "t4_ns": now - 10**12, "t4_mono_ns": 10**15 - 10**12}
    assert bare(lab, WORK, "/v1/clock/exchange", backwards) == 422


def test_a_second_system_on_a_leased_channel_changes_nothing(lab: Lab, attacked: str) -> None:
    mine, close, ranges = (requests(attacked)[n] for n in (0, 2, 3))
    assert bare(lab, OTHER, *mine) == 409
    assert bare(lab, WORK, *mine) == 409
    assert bare(lab, OTHER, *close) == 403
    assert bare(lab, ALL, *ranges) == 409
    assert bare(lab, OTHER, mine[0], {"id": attacked, "name": "second", "meter": "wall"}) == 403
    begun = lab.client(OTHER).begin_session("", "wall", "00000000-0000-4000-8000-000000000001")
    refused(lambda: lab.client(OTHER).phase(begun["id"], "start", "ranging"), 409, "a window is open")


def test_a_certificate_that_nobody_trusts(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POWERD_CA_FILE", raising=False)
    refused(PowerdClient(lab.url, LOOK).health, 0, "not trusted", "POWERD_CA_FILE")
    plain = lab.url.replace("https", "http")
    refused(PowerdClient(plain, LOOK).health, 0, "powerd")


def test_programs_take_token_and_authority_from_the_environment(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POWERD_CA_FILE", lab.ca)
    monkeypatch.delenv("POWERD_TOKEN", raising=False)
    assert main(["meters", "--url", lab.url]) == 2
    assert "POWERD_TOKEN" in capsys.readouterr().err
    monkeypatch.setenv("POWERD_TOKEN", WORK)
    assert main(["meters", "--url", lab.url]) == 0
    assert "wall: YOKOGAWA" in capsys.readouterr().out
    assert main(["exec", "--url", lab.url, "--", "sleep", "0.3"]) == 0
    assert "energy" in capsys.readouterr().err
    monkeypatch.setenv("POWERD_CA_FILE", str(lab.folder / "nothing.pem"))
    assert main(["meters", "--url", lab.url]) == 2
    assert "name a PEM file" in capsys.readouterr().err


def test_the_unix_socket_is_for_its_owner_and_asks_for_tokens_too(lab: Lab) -> None:
    path = lab.folder / "api.sock"
    assert path.stat().st_mode & 0o777 == 0o600
    refused(PowerdClient(f"unix:{path}", None).health, 401, "no token")
    client = PowerdClient(f"unix:{path}", LOOK)
    assert client.health()["status"] == "ok"
    client.close()
    refused(PowerdClient(f"unix:{lab.folder}/none.sock", LOOK).health, 0, "no powerd answers")


def test_what_people_say_of_the_meter_is_in_the_evidence(lab: Lab) -> None:
    said = {"calibrated": "2024-03-01", "certificate": "K-1234", "ambient_c": 24.5, "wiring": "1P2W"}
    client = lab.client(WORK)
    meter = client.meters()[0]
    assert meter["info"]["calibration"] == said
    assert list(violations("meter", meter)) == []
    window = client.open_window("said", "wall")
    begin = time.time_ns()
    time.sleep(0.4)
    closed = client.close_window(window["id"], begin, time.time_ns())
    assert closed["meter_info"]["calibration"] == said
    assert closed["notes"] == []  # a simulated meter has no calibration that could be old
    assert list(violations("window", closed)) == []


# files and addresses


@pytest.mark.parametrize(("text", "mode", "parts"), [
    (TOKENS, 0o644, ["can be read by others", "chmod 600"]),
    ("x = [", 0o600, ["is not TOML"]),
    ("", 0o600, ["found no token", "[tokens.NAME]"]),
    ('[tokens.a]\nsecret = "short"\nscopes = ["read"]\n', 0o600, ["[tokens.a]", "at least 16"]),
    (f'[tokens.a]\nsecrt = "{ALL}"\nscope = 1\n', 0o600, ["did you mean 'secret'", "did you mean 'scopes'", "either"]),
    (f'[tokens.a]\nsecret = "{ALL}"\nscopes = ["write"]\n', 0o600, ["['write']", "read, measure, control"]),
    (f'[tokens.a]\nsecret = "{ALL}"\nscopes = []\n', 0o600, ["scopes"]),
    ('[tokens.a]\nsha256 = "abc"\nscopes = ["read"]\n', 0o600, ["64 hexadecimal"]),
    (f'[tokens.a]\nsecret = "{ALL}"\nscopes = ["read"]\n[tokens.b]\nsecret = "{ALL}"\nscopes = ["read"]\n', 0o600,
     ["[tokens.b]", "the secret of a"]),
])  # fmt: skip
def test_a_tokens_file_that_will_not_do(tmp_path: Path, text: str, mode: int, parts: list[str]) -> None:
    with pytest.raises(UserError) as error:
        load(write_tokens(tmp_path, text, mode))
    for part in parts:
        assert part in str(error.value)
    assert ALL not in str(error.value)  # a secret is never said


def test_a_tokens_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        load(tmp_path / "none")


@pytest.mark.parametrize(("host", "loopback"), [
    ("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("localhost", True),
    ("0.0.0.0", False), ("::", False), ("192.168.1.2", False), ("127.evil.example", False), ("meter.lan", False),
])  # fmt: skip
def test_an_address_that_others_reach_needs_tokens_and_tls(host: str, loopback: bool) -> None:
    bare = Config((), Path("d"), host, 1)
    assert is_loopback(host) is loopback
    assert (exposure(bare) == []) is loopback
    file = Path("f")
    assert exposure(Config((), Path("d"), host, 1, access=Access(insecure=True))) == []
    assert exposure(Config((), Path("d"), host, 1, access=Access(file, file, file))) == []
    assert exposure(Config((), Path("d"), "127.0.0.1", 1, access=Access(file, file))) != []
    for access in (Access(file), Access(None, file, file)):
        assert (exposure(Config((), Path("d"), host, 1, access=access)) == []) is loopback


@needs_openssl
@pytest.mark.parametrize(("change", "parts"), [
    ('tls_certificate = "none.pem"\ntls_key = "tls.key"', ["none.pem cannot be read", "PEM"]),
    ('tls_certificate = "tls.pem"\ntls_key = "other.key"', ["belong together"]),
    ('tls_certificate = "tls.pem"', ["tls_key", "go together"]),
    ('tls_certificate = "tokens.toml"\ntls_key = "tls.key"', ["cannot be used", "PEM"]),
    ('tokens_file = "none.toml"', ["none.toml cannot be read"]),
    ('socket = "nowhere/api.sock"', ["nowhere/api.sock", "name a path that is free"]),
    ('socket = "tokens.toml"', ["tokens.toml", "name a path that is free"]),
    ('listen = "0.0.0.0:0"', ["0.0.0.0", "tokens_file, tls_certificate, tls_key", "insecure = true"]),
])  # fmt: skip
def test_doors_that_do_not_close(
    tmp_path: Path, change: str, parts: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    write_tokens(tmp_path)
    certificate(tmp_path)
    certificate(tmp_path, "other")
    listen = "" if "listen" in change else 'listen = "127.0.0.1:0"\n'
    file = tmp_path / "powerd.toml"
    file.write_text(
        f'[daemon]\n{listen}{change}\n[[meter]]\nname = "w"\ndriver = "yokogawa-wt300"\nport = "/dev/nope"\n'
    )
    assert main(["run", "--config", str(file), "--data-dir", str(tmp_path / "d")]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    for part in parts:
        assert part in said.err


def test_insecure_is_a_persons_word(tmp_path: Path) -> None:
    meter = Meter(tmp_path)
    file = tmp_path / "powerd.toml"
    file.write_text('[daemon]\nlisten = "0.0.0.0:0"\ninsecure = true\n')
    process = Process(
        "run", "--config", str(file), "--meter", f"wall=yokogawa-wt300:{meter.port}", "--data-dir",
        str(tmp_path / "d"),
    )  # fmt: skip
    try:
        port = process.first_line.rpartition(":")[2]
        assert PowerdClient(f"http://127.0.0.1:{port}", "").health()["version"]
    finally:
        process.stop()
        meter.stop()

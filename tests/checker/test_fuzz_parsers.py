"""Every parser that meets bytes from outside: it answers, or it refuses with the errors that it names."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checker import accuracy_txt, baseline, ptd_log, waivers
from checker.client_report import read_settings
from checker.fixes.json_text import cured
from checker.fixes.numpy_numbers import MANGLED
from checker.line_ends import restored
from checker.look import Look
from checker.reading import parse_json, read_json, read_lenient, read_object, read_text
from checker.walk import Tree
from schemas import loadgen_summary
from schemas.errors import UserError
from schemas.loadgen import LoadgenLog
from schemas.power_session import SessionFile, SessionGarbled
from schemas.powerlog import read_spl
from schemas.rounds import load_round
from schemas.yaml_subset import read_yaml
from tests.checker.trees import ptd_text, spl_text

REFUSED = (OSError, ValueError)
"""What a reader of a file may raise; ``Source`` makes a sentence of it."""
SNIPPETS = (
    b"\xff\xfe", b"\xef\xbb\xbf", b"\x00", b"\r\n", b"\r", b"\n", b"\t", b" ", b",", b":", b'"', b"{", b"}", b"[", b"]",
    b"NaN", b"-Infinity", b"1e999", b"9" * 400, b"9" * 5000, b"-", b"\\ud800", b"\xed\xa0\x80", b"\xc2\x85",
    b"\xe2\x80\xa8", b":::MLLOG ", b'{"key": "k", "value": ', b'"metadata": {"is_error": true}', b"Time", b"Watts",
    b"07-23-2024 15:48:20.000", b"02-30-2024 00:00:00.000", b"99-99-9999 99:99:99.999", b"ERROR: ", b"WARNING: ",
    b"accuracy=", b"hash=", b"1.2.3", b"&a", b"*a", b"!!x", b"? ", b"- ", b"---", b"...", b"| ", b"> ", b"key: ",
    b"'", b"# ", b"[[waiver]]\n", b"rule = ", b"expires = 2026-12-31\n", b"np.float64(", b")", b"Result is : VALID",
    b"[" * 2000, b'{"a":' * 2000, b"Uncertainty ", b"%, which is above 1.00% limit for the last sample!",
)  # fmt: skip
LOG = b':::MLLOG {"key": "effective_scenario", "value": "Offline", "time_ms": 1.5, "metadata": {"is_error": false}}\n'
SEEDS = (
    LOG * 3,
    b"SUT name : x\nScenario : Single Stream\nResult is : VALID\nqsl_rng_seed : 12\n50.00 percentile latency (ns): 5\n",
    spl_text("testing").encode()[:400],
    ptd_text().encode(),
    b"accuracy=76.001%, good=1\nhash=ab12\n{'exact_match': 1.0, 'f1': 90.1}\n",
    b"model:\n  name: a  # b\n  list: [1, {a: b}, 'c']\ntext: |\n  x\n  y\n",
    b'[[waiver]]\nrule = "power/*"\nreason = "because it is so"\nexpires = 2026-12-31\n',
    b'{"schema": "edgewatt/report/1", "findings": [{"fingerprint": "ab"}]}',
    json.dumps({"version": "1", "timezone": 0, "modules": {}, "sources": {}, "messages": [{"cmd": "a", "reply": "b"}],
                "uuid": {"client": "a", "server": "b"}, "session_name": "s", "results": {},
                "phases": {"ranging": [[1, 2]]}}).encode(),
)  # fmt: skip
"""A good text of every kind, to be broken."""


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    """A good text with pieces cut out, put in twice or replaced by snippets; or snippets alone."""
    data = draw(st.sampled_from((*SEEDS, b"")))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(data)))
        end = draw(st.integers(at, min(len(data), at + 40)))
        data = data[:at] + draw(st.sampled_from(SNIPPETS) | st.binary(max_size=6)) + data[end:]
    return data


def session(path: Path) -> None:
    try:
        SessionFile.read(path, "server")
    except SessionGarbled:
        return


def log(path: Path) -> None:
    found = LoadgenLog.read(path)
    json.dumps(found.result())
    repr([entry.value for entry in found.entries])
    assert found.power_windows is not None


def daemon(path: Path) -> None:
    log = ptd_log.Log(read_lenient(path))
    facts = load_round("v4.1").facts["power"]
    ends = (0, 1 << 62)
    ptd_log.official_outcome(list(ptd_log.events(log, ends, ends, facts)))  # type: ignore[arg-type]
    ptd_log.ranging_interval(log, "2024-07-23_15-48-20")


def accuracy(path: Path) -> None:
    text = read_text(path)
    for benchmark in ("resnet", "bert-99", "3d-unet-99"):
        accuracy_txt.parse(text, load_round("v4.1").benchmark(benchmark).lower_limits())


def cures(path: Path) -> None:
    data = path.read_bytes()
    after, reasons = cured(data)
    assert bool(reasons) == (after != data)
    MANGLED.sub(rb"\1", data)
    restored(path, "0" * 40, 1 << 20)


PARSERS: dict[str, Callable[[Path], Any]] = {
    "json": read_json,
    "object": read_object,
    "lenient": read_lenient,
    "loadgen": log,
    "summary": loadgen_summary.read_run,
    "errors": loadgen_summary.read_errors,
    "spl": lambda path: list(read_spl(path)),
    "ptd": daemon,
    "accuracy": accuracy,
    "yaml": read_yaml,
    "settings": read_settings,
    "session": session,
    "cures": cures,
}
QUESTIONS: dict[str, Callable[[Path], Any]] = {"waivers": waivers.read, "baseline": baseline.read}


def hold(tmp_path: Path, name: str, data: bytes) -> None:
    path = tmp_path / "mlperf_log_detail.txt"
    path.write_bytes(data)
    allowed = REFUSED if name in PARSERS else (UserError,)
    reason = "answered"
    try:
        ({**PARSERS, **QUESTIONS})[name](path)
    except allowed as error:
        reason = str(error)
    assert reason


def fuzz(examples: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    checks = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=examples, deadline=None, suppress_health_check=checks)


@pytest.mark.parametrize("name", [*PARSERS, *QUESTIONS])
@fuzz(60)
@given(data=broken())
def test_a_parser_answers_or_refuses(tmp_path: Path, name: str, data: bytes) -> None:
    hold(tmp_path, name, data)


@pytest.mark.proof
@pytest.mark.parametrize("name", [*PARSERS, *QUESTIONS])
@fuzz(8000)
@given(data=broken())
def test_a_parser_answers_or_refuses_for_long(tmp_path: Path, name: str, data: bytes) -> None:
    hold(tmp_path, name, data)


@fuzz(40)
@given(log=broken(), summary=broken(), session=broken())
def test_the_first_look_never_fails(tmp_path: Path, log: bytes, summary: bytes, session: bytes) -> None:
    result = tmp_path / "closed" / "S" / "results" / "s" / "resnet50" / "offline"
    for path, data in (
        ("performance/run_1/mlperf_log_detail.txt", log),
        ("performance/run_1/mlperf_log_summary.txt", summary),
        ("performance/power/server.json", session),
        ("config.yaml", summary),
    ):
        (result / path).parent.mkdir(parents=True, exist_ok=True)
        (result / path).write_bytes(data)
    (tmp_path / "closed" / "S" / "systems").mkdir(exist_ok=True)
    (tmp_path / "closed" / "S" / "systems" / "s.json").write_bytes(session)
    look = Look(Tree(tmp_path))
    assert len(look.logs) == 1
    assert look.results
    repr((look.daemons, look.descriptions, look.clients))


@fuzz(100)
@given(
    st.recursive(
        st.none() | st.integers() | st.floats() | st.text(max_size=4),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner),
    )
)
def test_documents_of_python_come_back(document: Any) -> None:
    assert repr(parse_json(json.dumps(document).encode())) == repr(document)

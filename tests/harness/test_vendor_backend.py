"""A backend of another distribution: that of docs/backends.md, installed and run; and those that are broken."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness import extras
from harness.model import Fixture
from harness.registry import backend, configured
from schemas.errors import UserError

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs/backends.md").read_text(encoding="utf-8")
Install = Callable[[str, str], None]


def code(language: str) -> str:
    """The block of the document in this language."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", DOCUMENT, re.DOTALL)
    return str(found)


def entry() -> str:
    """The line of the entry point."""
    (found,) = re.findall(r'\[project.entry-points."edgewatt.backends"\]\n(.*)\n', code("toml"))
    return str(found).replace('"', "")


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Puts a module and the metadata of its distribution where this process and its children find them."""
    place = tmp_path / "site"

    def put(line: str, text: str) -> None:
        info = place / "acme_npu-7.1.dist-info"
        info.mkdir(parents=True, exist_ok=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-npu\nVersion: 7.1\n")
        (info / "entry_points.txt").write_text(f"[edgewatt.backends]\n{line}\n")
        (place / "acme_npu.py").write_text(text)
        monkeypatch.syspath_prepend(str(place))
        monkeypatch.delitem(sys.modules, "acme_npu", raising=False)

    return put


def program(tmp_path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": f"{tmp_path / 'site'}{os.pathsep}{ROOT}"}
    return subprocess.run(
        [sys.executable, "-m", "harness.cli", *words], env=env, capture_output=True, text=True, timeout=120, check=False
    )  # fmt: skip


def test_the_example_of_the_document_runs(install: Install, fixture: Fixture, tmp_path: Path) -> None:
    install(entry(), code("python"))
    tree = tmp_path / "tree"
    words = [
        "run",
        "resnet50",
        "--scenario",
        "Offline",
        "--fixture",
        str(fixture.path),
        "--output",
        str(tree),
    ]
    words += ["--backend", "acme", "--option", "mode=careful", "--rehearsal", "0.3", "--threads", "1"]
    words += ["--cores", str(min(os.sched_getaffinity(0)))]
    done = program(tmp_path, *words)
    assert done.returncode == 0, done.stderr
    record = json.loads(next(tree.rglob("edgewatt.json")).read_text())
    for run in record["runs"].values():
        assert (run["versions"]["acme"], run["versions"]["acme mode"]) == ("7.1", "careful")
        found = run["computing"]
        assert (found["backend"], found["options"], found["threads"]) == ("acme", {"mode": "careful"}, 1)
        assert found["cores"] == [min(os.sched_getaffinity(0))]
    assert record["accuracy"]["value"] == fixture.value
    (measurements,) = [p for p in tree.rglob("*_Offline.json") if p.name != "edgewatt.json"]
    own = json.loads(measurements.read_text())
    assert (own["backend"], own["options"], own["threads"]) == ("acme", {"mode": "careful"}, 1)
    system = json.loads(next(tree.rglob("systems/*.json")).read_text())
    assert "acme 7.1" in system["framework"]


def test_the_list_names_it_with_its_options(install: Install, tmp_path: Path) -> None:
    install(entry(), code("python"))
    done = program(tmp_path, "list")
    assert "backend acme, from acme-npu 7.1\n  --option mode=…: fast (default) or careful\n" in done.stdout


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "raise OSError('libacme.so is not there')",
            "backend acme of acme-npu 7.1 cannot be started (OSError: libacme.so is not there); ask its maker",
        ),
        (
            "class BACKEND: name = 'acme'",
            "backend acme of acme-npu 7.1 has no load, infer, close, versions; ask",
        ),
        ("x = 1", "cannot be started (AttributeError: module 'acme_npu' has no attribute 'BACKEND')"),
    ],
)
def test_a_broken_one_is_one_sentence(install: Install, text: str, said: str) -> None:
    install(entry(), text)
    with pytest.raises(UserError) as raised:
        backend("acme")
    assert said in str(raised.value)


def test_a_broken_one_does_not_hide_the_others(install: Install, tmp_path: Path) -> None:
    install(entry(), "import nowhere_to_be_found")
    done = program(tmp_path, "list")
    assert done.returncode == 0
    assert "backend acme, from acme-npu 7.1\n  backend acme of acme-npu 7.1 cannot be started" in done.stdout
    assert "backend onnxruntime" in done.stdout


def test_ours_goes_before_one_of_the_same_name(install: Install) -> None:
    install("onnxruntime = acme_npu:BACKEND", code("python"))
    assert type(backend("onnxruntime")).__module__ == "harness.backends.onnxruntime"


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("onnxruntime", {"provider": "cud"}, "execution provider 'cud' is not known; did you mean cuda?"),
        ("onnxruntime", {"device": "0"}, "--device is for another --provider than cpu"),
        ("onnxruntime", {"url": "x"}, "onnxruntime has no option url; it has provider, device"),
        ("litert", {"device": "x"}, "litert has no option device; it has none"),
        ("remote", {}, "needs the server's address; give it with --option url=http://HOST:PORT"),
    ],
)
def test_options_that_a_runtime_does_not_take(name: str, options: dict[str, str], said: str) -> None:
    with pytest.raises(UserError) as raised:
        configured(name, options)
    assert said in str(raised.value)


def test_a_provider_that_the_build_lacks_is_refused(fixture: Fixture) -> None:
    engine = configured("onnxruntime", {"provider": "qnn"})
    assert engine.compute == "accelerator"  # type: ignore[attr-defined]
    wanted = r"has no provider qnn \(QNNExecutionProvider\), only (\w+, )*cpu.*; install a build that has it"
    with pytest.raises(UserError, match=wanted):
        engine.load(fixture.model, inputs=("input_tensor:0",), outputs=("ArgMax:0",), threads=1)


@pytest.mark.skipif(not extras.is_there("openvino"), reason="the extra openvino is not installed")
def test_openvino_answers_as_onnxruntime_does(fixture: Fixture) -> None:
    import numpy as np

    from harness.registry import benchmark

    bench = benchmark("resnet50")
    images = np.stack([bench.dataset(fixture.dataset).load(i) for i in range(8)])
    answers = []
    for name in ("openvino", "onnxruntime"):
        engine = configured(name, {})
        engine.load(fixture.model, inputs=bench.inputs, outputs=bench.outputs, threads=1)
        answers.append((engine.infer(images)[0].tolist(), [str(t) for t in engine.tensors()]))  # type: ignore[attr-defined]
    assert answers[0] == answers[1]
    engine = configured("openvino", {"device": "NPU"})
    with pytest.raises(UserError, match="OpenVINO finds no device NPU here, only CPU"):
        engine.load(fixture.model, inputs=bench.inputs, outputs=bench.outputs, threads=1)
    cut = fixture.path / "cut.onnx"
    cut.write_bytes(fixture.model.read_bytes()[:5000])
    engine = configured("openvino", {})
    with pytest.raises(UserError, match=r"cut\.onnx cannot be opened by OpenVINO"):
        engine.load(cut, inputs=bench.inputs, outputs=bench.outputs, threads=1)
    cut.unlink()

"""Packages of the extra that are not installed: one sentence with the command, before anything runs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness import extras
from harness.model import Fixture
from schemas.errors import UserError

Program = Callable[..., tuple[int, str, str]]
HIDE = """
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name in {names!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Hidden())
from harness import cli
sys.exit(cli.main(sys.argv[1:]))
"""


def hidden(names: set[str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program in a process in which these packages cannot be imported."""
    return subprocess.run(
        [sys.executable, "-c", HIDE.format(names=names), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("backend", "module", "extra"),
    [
        ("openvino", "openvino", "openvino"),
        ("litert", "ai_edge_litert", "litert"),
        ("pytorch", "torch", "torch"),
    ],
)
def test_a_runtime_that_is_not_installed(
    fixture: Fixture, tmp_path: Path, backend: str, module: str, extra: str
) -> None:
    line = f"run resnet50 --scenario Offline --backend {backend} --output {tmp_path / 'tree'} --fixture {fixture.path}"
    done = hidden({module}, *line.split())
    assert (done.returncode, done.stdout) == (2, "")
    name = extras.distribution(module)
    assert (
        done.stderr
        == f"mlharness: {name} is not installed; install it with: pip install 'edgewatt[{extra}]'\n"
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("module", sorted(extras.PACKAGES))
def test_run_refuses_early(fixture: Fixture, tmp_path: Path, module: str) -> None:
    tree = tmp_path / "tree"
    done = hidden(
        {module},
        *(
            "run",
            "resnet50",
            "--scenario",
            "SingleStream",
            "--output",
            str(tree),
            "--fixture",
            str(fixture.path),
        ),
    )
    assert done.returncode == 2
    assert done.stdout == ""
    wanted = f"{extras.PACKAGES[module]} is not installed; install it with: pip install 'edgewatt[harness]'"
    assert done.stderr == f"mlharness: {wanted}\n"
    assert not list(tmp_path.iterdir())


def test_list_works_without_any_of_them() -> None:
    done = hidden(set(extras.PACKAGES) | {"numpy"}, "list")
    assert done.returncode == 0, done.stderr
    assert "not installed: mlcommons-loadgen, onnxruntime, onnx, opencv-python-headless" in done.stdout


def test_list_says_of_each_benchmark_what_is_not_installed() -> None:
    done = hidden({"torch", "transformers"}, "list")
    gptj = done.stdout.split("gptj: ")[1].split("\nmobilenet: ")[0]
    assert "runs with pytorch" in gptj
    assert "torch" in gptj.split("not installed: ")[1]
    assert "(pip install 'edgewatt[generative" in gptj
    resnet = done.stdout.split("resnet50: ")[1].split("\nretinanet: ")[0]
    assert "not installed" not in resnet
    assert "no scenario on edge systems" in done.stdout.split("dlrm-v2: ")[1].split("gptj: ")[0]


def test_need_passes_on_a_fault_inside_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that is there but broken is not the same as one that is missing."""
    (tmp_path / "broken_package_here.py").write_text("import nothing_of_this_name")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="nothing_of_this_name"):
        extras.need("broken_package_here")
    with pytest.raises(UserError, match="no_such_package is not installed"):
        extras.need("no_such_package")

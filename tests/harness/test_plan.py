"""Planning: the order of runs, and what is refused before a minute is spent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.commands._workload import power_request
from harness.model import PowerRequest, RunRequest
from harness.plan import plan
from schemas.errors import UserError
from schemas.rounds import load_round

Request = Callable[..., RunRequest]
POWER = PowerRequest("http://127.0.0.1:1", None, None, None)


def test_order_of_runs(request_for: Request) -> None:
    assert [s.folder for s in plan(request_for()).specs] == ["run_1", "accuracy"]
    with_power = plan(request_for(power=POWER)).specs
    assert [(s.folder, s.phase) for s in with_power] == [
        ("ranging", "ranging"),
        ("run_1", "testing"),
        ("accuracy", None),
    ]
    closed = plan(request_for(power=POWER, division="closed")).specs
    assert [s.folder for s in closed] == ["ranging", "run_1", "accuracy", "TEST01", "TEST04", "TEST05"]
    assert [s.phase for s in closed[2:]] == [None] * 4


def test_without_rehearsal_the_duration_is_the_rounds(request_for: Request) -> None:
    assert load_round("v4.1").min_duration_ms == 600_000
    assert plan(request_for(rehearsal_s=None)).settings.min_duration_ms is None
    assert plan(request_for(rehearsal_s=2.5)).settings.min_duration_ms == 2500


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"benchmark": "resnet5"}, "did you mean resnet50"),
        ({"benchmark": "nothing"}, "is not known; known: 3d-unet, 3d-unet-brats, bert"),
        ({"scenario": "SingelStream"}, "did you mean SingleStream"),
        ({"scenario": "Server", "division": "closed"}, "no scenario Server for resnet on edge systems"),
        (
            {"scenario": "SingleStream", "division": "closed", "system_type": "datacenter"},
            "it has Server, Offline",
        ),
        ({"system_type": "edgy"}, "did you mean edge"),
        ({"scenario": "Offline", "batch": 0}, "--batch 0 is not a number of samples"),
        ({"batch": 4}, "--batch is for Server, Offline; SingleStream sends 1"),
        ({"scenario": "Server", "target_latency_ms": 15.5}, "above the 15 ms that round v4.1 allows resnet"),
        ({"mode": "acuracy"}, "did you mean accuracy"),
        ({"backend": "onnxruntim"}, "did you mean onnxruntime"),
        ({"division": "opn"}, "did you mean open"),
        ({"round_name": "v9.9"}, "known rounds: .*v4.1"),
        ({"system": "my board"}, "cannot be the name of a folder"),
        ({"submitter": "../up"}, "cannot be the name of a folder"),
        ({"fixture": None}, "needs --model FILE and --dataset FOLDER"),
        ({"model": Path("x.onnx")}, "leave out --model"),
        ({"fixture": None, "model": Path("no.onnx"), "dataset": Path(".")}, "there is no model file no.onnx"),
        ({"fixture": Path("nowhere")}, "make-fixture"),
        ({"rehearsal_s": -1.0}, "greater than 0"),
        ({"rehearsal_s": float("nan")}, "greater than 0"),
        ({"mode": "accuracy", "power": POWER}, "needs no power"),
        ({"mode": "compliance"}, "wants no compliance runs of resnet in the open division"),
        ({"mode": "compliance", "division": "closed", "power": POWER}, "needs no power"),
        ({"mode": "compliance", "division": "closed"}, "leave out .*--rehearsal"),
        ({"mode": "compliance", "division": "closed", "rehearsal_s": None}, "run with --mode performance"),
        ({"user_conf": Path("no.conf")}, "cannot be read"),
    ],
)
def test_the_impossible_is_refused_early(request_for: Request, changes: dict[str, Any], wanted: str) -> None:
    with pytest.raises(UserError, match=wanted) as caught:
        plan(request_for(**changes))
    assert "\n" not in str(caught.value)


def test_power_option() -> None:
    assert power_request(None, None) is None
    assert power_request("http://h:1", "m") == PowerRequest("http://h:1", None, None, "m")
    spawned = power_request("spawn:yokogawa-wt300:/dev/ttyUSB0", None)
    assert spawned == PowerRequest(None, "yokogawa-wt300", "/dev/ttyUSB0", None)
    over_tcp = power_request("spawn:yokogawa-wt300:tcp:10.0.0.5:10001", None)
    assert over_tcp is not None
    assert over_tcp.port == "tcp:10.0.0.5:10001"
    for wrong in ("localhost:8675", "spawn:wt300", "spawn::"):
        with pytest.raises(UserError, match="neither a URL"):
            power_request(wrong, None)

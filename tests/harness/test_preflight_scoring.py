"""What preflight finds without opening a model, and of what scores."""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from pathlib import Path

from harness.checks import memory, model, scoring
from harness.checks.base import Situation
from harness.model import Fixture, Workload
from harness.probe import Probe
from harness.registry import benchmark
from harness.scenarios import BY_NAME
from tests.harness.situations import found, only, says, with_files, with_work


def test_weights_that_do_not_fit_are_not_opened(bare: Situation, fixture: Fixture, tmp_path: Path) -> None:
    """Known from the headers in a moment; opening them would push everything else out of the memory."""
    checkpoint = tmp_path / "checkpoint"
    checkpoint.mkdir()
    for name in ("config.json", "tokenizer.json"):
        (checkpoint / name).write_text("{}")
    header = json.dumps(
        {"w": {"dtype": "F16", "shape": [6_000_000_000], "data_offsets": [0, 12_000_000_000]}}
    ).encode()
    with (checkpoint / "model.safetensors").open("wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        file.truncate(8 + len(header) + 12_000_000_000)  # nothing of it is on the disk
    small = with_files(bare, tmp_path, {"proc/meminfo": "MemAvailable: 8388608 kB\n"})
    work = Workload("gptj", checkpoint, fixture.dataset, "pytorch", 1, 1, "fp32")
    situation = replace(small, benchmark=benchmark("gptj"), workload=work)
    says(
        only(model, situation),
        "warn",
        "not opened, its weights take 22.4 GiB",
        "6 billion weights (F16, 12 GB)",
    )
    says(only(memory, situation), "fail", "8.0 GiB available", "22.4 GiB for the weights alone")
    far = replace(situation, workload=replace(work, backend="remote_text", precision=None))
    assert far.weights_bytes is None, "they are in the memory of a server"


def test_scoring_is_looked_at_with_the_model(bare: Situation, fixture: Fixture, tmp_path: Path) -> None:
    boxes = benchmark("ssd-mobilenet").make_fixture(tmp_path / "boxes", width="small", seed=3, samples=4)
    work = Workload("ssd-mobilenet", boxes.model, boxes.dataset, "onnxruntime", 1, 4)
    one = (BY_NAME["SingleStream"],)
    situation = replace(bare, benchmark=benchmark("ssd-mobilenet"), workload=work, scenarios=one)
    says(only(scoring, situation), "ok", "gives a score")
    assert situation.probe is not None
    assert situation.probe.scoring_tried
    place = boxes.dataset / "annotations/instances_val2017.json"
    document = json.loads(place.read_text())
    place.write_text(
        json.dumps({**document, "annotations": [{**a, "area": None} for a in document["annotations"]]})
    )
    for broken_model in (boxes.model, tmp_path / "none.onnx"):  # by the way, and in a child of its own
        again = replace(situation, workload=replace(work, model=broken_model))
        says(only(scoring, again), "fail", "cannot be scored with")
    late = replace(situation)
    late.__dict__["probe"] = Probe(late=True)
    says(only(scoring, late), "warn", "the model took too long", "before it begins")
    assert found(scoring, with_work(bare, fixture.model, fixture.dataset)) == [], "its data set says all"

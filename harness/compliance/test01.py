"""TEST01: outputs sampled during a performance run must be those of the accuracy run."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.accuracy_log import ACCURACY_LOG, truncated
from harness.compliance.base import Evidence, compare_scores
from harness.model import Accuracy, Check, Verdict
from schemas.errors import UserError
from schemas.rounds import Round

Entries = list[dict[str, Any]]


class Test01:
    """Accuracy in performance mode."""

    name = "TEST01"

    def settings(self, round_: Round, official: str, samples: int) -> Mapping[str, int | float]:
        """Log a random share of the outputs of a performance run.

        LoadGen 4.1.30 reads ``accuracy_log_*`` from no conf file, so the share is computed here.
        """
        facts = round_.facts["loadgen"]["test01"]
        target = facts["sampling_target"].get(official)
        if target is None:
            raise UserError(
                f"how many outputs {self.name} samples is not known for {official} in {round_.name}"
            )
        return {
            "accuracy_log_rng_seed": facts["accuracy_log_rng_seed"],
            "accuracy_log_probability": min(1.0, target / max(1, samples)),
        }

    def verify(self, evidence: Evidence) -> Verdict:
        """Every sampled output against the accuracy run bit by bit; where they differ, the two accuracies."""
        data = (evidence.log_dir / ACCURACY_LOG).read_bytes()
        digest = f"hash={hashlib.sha256(data).hexdigest()}\n"
        files = {f"accuracy/{ACCURACY_LOG}": truncated(data), "accuracy/accuracy.txt": digest.encode()}
        performance = compare_scores(evidence, both_ways=True)
        sampled: Entries = json.loads(data)
        if not sampled:
            check = Check(False, ("No output was sampled during the performance run.",))
            return Verdict(self.name, performance, check, check.passed, files)
        baseline = {int(e["qsl_idx"]): e for e in json.loads(evidence.baseline.read_bytes())}
        different = [e for e in sampled if _data(baseline, e) != e["data"].upper()]
        scored = _score(evidence, data, "compliance")
        files["accuracy/accuracy.txt"] = f"{scored.line}\n\n{digest}".encode()
        lines = [f"sampled outputs: {len(sampled)}", f"different from the accuracy run: {len(different)}"]
        lines += [f"sample {e['qsl_idx']}: {_data(baseline, e)}, now {e['data']}" for e in different[:5]]
        if not different:
            return Verdict(self.name, performance, Check(True, tuple(lines)), True, files)
        subset = [baseline[i] for i in sorted({int(e["qsl_idx"]) for e in sampled}) if i in baseline]
        reference = _score(evidence, json.dumps(subset).encode(), "baseline")
        files["accuracy/baseline_accuracy.txt"] = f"{reference.line}\n".encode()
        files["accuracy/compliance_accuracy.txt"] = f"{scored.line}\n".encode()
        limit = evidence.round.benchmark(evidence.official).compliance_delta_percent(scored.metric)
        delta = _delta_percent(reference.value, scored.value)
        lines.append(
            f"{scored.metric} over these samples: {reference.value:.3f} in the accuracy run, {scored.value:.3f} now; "
            f"{delta:.3g} % apart, allowed {limit:g} %"
        )
        return Verdict(self.name, performance, Check(False, tuple(lines)), delta <= limit, files)


def _data(baseline: Mapping[int, Mapping[str, Any]], entry: Mapping[str, Any]) -> str | None:
    found = baseline.get(int(entry["qsl_idx"]))
    return None if found is None else str(found["data"]).upper()


def _score(evidence: Evidence, log: bytes, name: str) -> Accuracy:
    """Score an accuracy log of some samples."""
    path: Path = evidence.log_dir / f"{name}_samples.json"
    path.write_bytes(log)
    return evidence.benchmark.accuracy(path, evidence.dataset)


def _delta_percent(baseline: float, compliance: float) -> float:
    return abs(1.0 - baseline / compliance) * 100.0 if baseline and compliance else math.inf


TEST = Test01()

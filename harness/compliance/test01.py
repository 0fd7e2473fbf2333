"""TEST01: outputs sampled during a performance run must be those of the accuracy run."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import Any

from harness.accuracy_log import ACCURACY_LOG, entries, sha256, truncated, write
from harness.compliance.base import Evidence, compare_scores
from harness.model import Accuracy
from harness.results import Check, Verdict
from schemas.errors import UserError
from schemas.rounds import Round


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
        log = evidence.log_dir / ACCURACY_LOG
        digest = f"hash={sha256(log)}\n"
        files = {f"accuracy/{ACCURACY_LOG}": truncated(log), "accuracy/accuracy.txt": digest.encode()}
        performance = compare_scores(evidence, both_ways=True)
        sampled = [(int(e["qsl_idx"]), _digest(e)) for e in entries(log)]
        if not sampled:
            check = Check(False, ("No output was sampled during the performance run.",))
            return Verdict(self.name, performance, check, check.passed, files)
        asked = {index for index, _ in sampled}
        baseline = {i: _digest(e) for e in entries(evidence.baseline) if (i := int(e["qsl_idx"])) in asked}
        different = [index for index, found in sampled if baseline.get(index) != found]
        scored = evidence.accuracy(log)
        files["accuracy/accuracy.txt"] = f"{scored.line}\n\n{digest}".encode()
        lines = [f"sampled outputs: {len(sampled)}", f"different from the accuracy run: {len(different)}"]
        if different:
            lines.append(f"samples with another output, the first ones: {different[:5]}")
        if not different:
            return Verdict(self.name, performance, Check(True, tuple(lines)), True, files)
        subset = evidence.log_dir / "baseline_samples.json"
        write(subset, (e for e in entries(evidence.baseline) if int(e["qsl_idx"]) in asked))
        reference = evidence.accuracy(subset)
        files["accuracy/baseline_accuracy.txt"] = f"{reference.line}\n".encode()
        files["accuracy/compliance_accuracy.txt"] = f"{scored.line}\n".encode()
        near = True
        for metric in metrics(evidence, scored):
            before, now = value(reference, metric), value(scored, metric)
            limit = evidence.round.benchmark(evidence.official).compliance_delta_percent(metric)
            delta = _delta_percent(before, now)
            near = near and delta <= limit
            lines.append(
                f"{metric} over these samples: {before:.3f} in the accuracy run, {now:.3f} now; "
                f"{delta:.3g} % apart, allowed {limit:g} %"
            )
        return Verdict(self.name, performance, Check(False, tuple(lines)), near, files)


def metrics(evidence: Evidence, scored: Accuracy) -> list[str]:
    """What is compared: the metric of the benchmark, and every other one that the round has a target for."""
    targets = evidence.round.benchmark(evidence.official).lower_limits(evidence.scenario)
    further = [t.metric for t in targets if t.metric in scored.figures]
    return list(dict.fromkeys((scored.metric, *further)))


def value(scored: Accuracy, metric: str) -> float:
    """The score by one metric."""
    return scored.value if metric == scored.metric else scored.figures[metric]


def _digest(entry: Mapping[str, Any]) -> bytes:
    """An output as its digest: outputs may be large, and there may be thousands."""
    return hashlib.sha256(str(entry["data"]).upper().encode()).digest()


def _delta_percent(baseline: float, compliance: float) -> float:
    return abs(1.0 - baseline / compliance) * 100.0 if baseline and compliance else math.inf


TEST = Test01()

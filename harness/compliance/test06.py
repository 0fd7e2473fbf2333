"""TEST06: the outputs of a language model are what LoadGen was told of them.

A short performance run of 100 queries logs every output. Each must end with one end token at most (a model that pads
its answers with end tokens would have its padding counted as speed), its first token must be the one that was reported
when it came, and it must have as many tokens as were counted. The rounds ask it of the data-centre names of language
models; here it runs when it is asked for by name. Its files are its verify file and the whole log of outputs; no score
is compared. Source: description and audit file of the test in the reference's compliance folder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.accuracy_log import ACCURACY_LOG, entries
from harness.benchmarks.base import Speaking
from harness.compliance.base import Evidence
from harness.results import Check, Verdict
from schemas.errors import UserError
from schemas.rounds import Round

QUERIES = 100
SWITCH = 6
"""LoadGen from which on equal issue can be switched off; before, the queries are whole passes over the samples."""
SEED_OF = "test01"
"""The seed of the log's sampling is that of TEST01."""


class Test06:
    """Consistency of token outputs."""

    name = "TEST06"

    def settings(self, round_: Round, official: str, samples: int) -> Mapping[str, int | float]:
        """A hundred queries, however long they take, and all their outputs in the log."""
        facts = round_.facts["loadgen"]
        switch = {"sample_concatenate_permutation": False, "max_query_count": QUERIES}
        return {
            **(switch if _major(facts["version"]) >= SWITCH else {}),
            "accuracy_log_rng_seed": facts[SEED_OF]["accuracy_log_rng_seed"],
            "accuracy_log_probability": 1.0,
            "min_query_count": QUERIES,
            "min_duration_ms": 0,
        }

    def verify(self, evidence: Evidence) -> Verdict:
        """Every output in the log."""
        bench = evidence.benchmark
        if not isinstance(bench, Speaking):
            raise UserError(f"{self.name} is for outputs of tokens, and {bench.name} has none; leave it out")
        log = evidence.log_dir / ACCURACY_LOG
        rows = list(entries(log))
        check = checked(rows, bench.token_dtype, bench.ends(evidence.dataset), evidence.scenario)
        whole = {f"accuracy/{ACCURACY_LOG}": log.read_bytes()}
        nothing = Check(True, ("no score is compared",))
        return Verdict(self.name, nothing, check, check.passed, whole, scored=False)


def _major(version: str) -> int:
    return int(version.partition(".")[0])


def checked(rows: Sequence[Mapping[str, Any]], dtype: str, ends: frozenset[int], scenario: str) -> Check:
    """The three checks over the entries of a log; a log without entries passes none."""
    import numpy as np

    outputs = [np.frombuffer(bytes.fromhex(row["data"]), dtype=dtype).tolist() for row in rows]
    firsts = [np.frombuffer(bytes.fromhex(row.get("token_data", "")), dtype=dtype).tolist() for row in rows]
    told = scenario != "Offline"
    first = all(told_ and made[:1] == told_[:1] for made, told_ in zip(outputs, firsts, strict=True))
    ended = all(len(made) < 2 or not set(made[-2:]) <= ends for made in outputs)
    counted = all(row.get("token_count") == len(made) for row, made in zip(rows, outputs, strict=True))
    there = bool(rows)
    lines = (
        f"outputs in the log: {len(rows)}",
        f"First token check pass: {first and there}" if told else "First token check pass: Skipped",
        f"EOS check pass: {ended and there}",
        f"Sample length check pass: {counted and there}",
    )
    return Check(there and ended and counted and (first or not told), lines)


TEST = Test06()

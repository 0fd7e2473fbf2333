"""What a client of a served endpoint reports of its runs, from v6.0 on: two JSON files and the settings as YAML.

No LoadGen took part, so there is no detail log; the values that a log would hold are looked up by dotted path, first in
the JSON of the part, then in the settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from checker.files import Source, join, read_object
from schemas.kept import kept
from schemas.plainfile import FilePath
from schemas.yaml_subset import read_yaml

if TYPE_CHECKING:
    from checker.tree import Submission

SETTINGS = ("config.yaml", "config.yml")
SERVED = {"online": "server"}
"""Other names of a scenario in the settings."""
NS_PER_S = 1e9
MOST = 1 << 64
"""Seeds are the largest numbers of a report; what is as large as this is none."""
PATHS = {
    "effective_min_duration_ms": "settings.runtime.min_duration_ms",
    "effective_sample_index_rng_seed": "settings.runtime.dataloader_random_seed",
    "effective_schedule_rng_seed": "settings.runtime.scheduler_random_seed",
    "result_mean_latency_ns": "latency.avg",
    "mean_output_tokens": "output_sequence_lengths.avg",
}
"""Where the settings and reports of the client hold what a detail log holds under the key before."""


def read_settings(path: FilePath) -> dict[str, Any]:
    """The settings; ValueError when they are no mapping."""
    document = read_yaml(path)
    if not isinstance(document, dict):
        raise ValueError("holds no settings by name")
    return document


class ClientReport:
    """The files of an endpoint run in a scenario directory."""

    def __init__(self, submission: Submission, path: str) -> None:
        """``path`` is the scenario directory."""
        self.tree, self.path = submission.tree, path
        name = next((n for n in SETTINGS if n in self.tree.files(path)), SETTINGS[0])
        self.settings: Source[dict[str, Any]] = submission.source(
            join(path, name), "endpoint_config", read_settings
        )
        self.performance: Source[dict[str, Any]] = submission.source(
            join(path, "performance/result_summary.json"), "endpoint_json", read_object
        )
        self.accuracy: Source[dict[str, Any]] = submission.source(
            join(path, "accuracy/accuracy_results.json"), "endpoint_json", read_object
        )

    @property
    def there(self) -> bool:
        """Whether the client left any of its files."""
        return self.settings.present or self.performance.present or self.accuracy.present

    @kept
    def scenario(self) -> str:
        """The scenario that the settings name, all lower case; empty without one."""
        found = self.setting("type")
        name = found.lower() if isinstance(found, str) else ""
        return SERVED.get(name, name)

    def setting(self, path: str) -> Any:
        """A value of the settings; None when it is not there."""
        return lookup(self.settings.value, path) if self.settings.usable else None

    def value(self, path: str) -> Any:
        """A value of the performance part: of its report, else of the settings."""
        found = lookup(self.performance.value, path) if self.performance.usable else None
        return self.setting(path) if found is None else found

    def number(self, key: str) -> float | None:
        """The number that stands for a key of a detail log; None when there is none."""
        found = self.value(PATHS[key]) if key in PATHS else self._computed(key)
        return found if plain_number(found) else None

    def _computed(self, key: str) -> Any:
        if "tokens_per_second" in key:
            return self.value("tps")
        if "samples_per_sec" in key:
            return self._rate()
        head, found, percentile = key.removesuffix("_percentile_latency_ns").rpartition("result_")
        if found and not head and key.endswith("_percentile_latency_ns"):
            return self.value(f"latency.early_stopping_percentiles.{percentile}")
        return None

    def _rate(self) -> Any:
        rate = self.value("qps")
        issued, nanoseconds = self.value("n_samples_issued"), self.value("duration_ns")
        known = plain_number(issued) and plain_number(nanoseconds) and nanoseconds > 0
        return issued / (nanoseconds / NS_PER_S) if rate is None and known else rate

    @property
    def failures(self) -> Any:
        """How many requests failed."""
        found = self.value("result.failed")
        return self.value("n_samples_failed") if found is None else found

    @property
    def failures_pointer(self) -> str:
        """Where that stands."""
        return "/n_samples_failed" if self.value("result.failed") is None else "/result/failed"

    @kept
    def scores(self) -> list[Mapping[str, Any]]:
        """The entries of ``accuracy_scores``, in order."""
        found = lookup(self.accuracy.value, "accuracy_scores") if self.accuracy.usable else None
        if found is None:
            found = self.setting("accuracy_scores")
        rows = found.values() if isinstance(found, dict) else found if isinstance(found, list) else ()
        return [row for row in rows if isinstance(row, dict)]

    @property
    def score(self) -> Any:
        """The first score."""
        return next((row["score"] for row in self.scores if "score" in row), None)

    @property
    def accuracy_samples(self) -> int | None:
        """Samples that accuracy was judged on, all data sets for accuracy together; None when nothing says so."""
        counts = []
        for row in self.scores:
            if row.get("dataset_type", "accuracy") in ("accuracy", None):
                found = row.get("total_samples", lookup(row, "response_counts.issued"))
                counts += [found] if isinstance(found, int) and not isinstance(found, bool) else []
        return sum(counts) if counts else None


def pointer(key: str) -> str:
    """The JSON pointer of what the settings or reports hold under a key of a detail log."""
    return "/" + PATHS[key].replace(".", "/")


def plain_number(value: Any) -> bool:
    """Whether a value is a number of the size that reports hold."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < MOST


def lookup(document: Any, path: str) -> Any:
    """The value at a dotted path; at each level the longest key that fits counts, and ``50.0`` also finds ``50``."""
    return _walk(document, path.split("."))


def _walk(at: Any, parts: list[str]) -> Any:
    if not parts:
        return at
    if not isinstance(at, dict):
        return None
    for size in range(len(parts), 0, -1):
        key = ".".join(parts[:size])
        for name in (key, key.removesuffix(".0"), key.removesuffix(".00")):
            if name in at:
                return _walk(at[name], parts[size:])
    return None

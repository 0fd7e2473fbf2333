"""What changed from one round to another, in the words of people who run benchmarks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from checker.explain import EFFECTS
from checker.model import Effect
from checker.rule import effects
from checker.rules import all_rules
from checker.wording import listing
from schemas.rounds import BenchmarkRules, Round, Target

Line = tuple[str, str]
"""What a line is about, and the line."""
TYPES = {"edge": "edge", "datacenter": "datacenter", "datacenter-edge": "combined"}
NS_PER_MS = 1_000_000
RULES = ("new rules", "rules that fall away", "official checker")
"""Heads under which changes of rules stand, in order."""


def changes(before: Round, after: Round) -> Iterator[Line]:
    """Every change, in the order in which one asks for it."""
    yield from _benchmarks(before, after)
    yield from _names(before, after)
    yield from _limits(before, after)
    yield from _power(before, after)
    yield from sorted(_rules(before, after), key=lambda line: RULES.index(line[0]))


def _benchmarks(before: Round, after: Round) -> Iterator[Line]:
    was, now = before.benchmark_names, after.benchmark_names
    yield from _set("benchmarks", "new", "gone", was, now)
    for name in (n for n in now if n not in was):
        yield from ((name, line) for line in _new(after.benchmark(name)))
    alike: dict[tuple[str, ...], list[str]] = {}
    for name in (n for n in was if n in now):
        lines = tuple(_benchmark(before.benchmark(name), after.benchmark(name)))
        if lines:
            alike.setdefault(lines, []).append(name)
    for lines, names in alike.items():
        yield from ((", ".join(names), line) for line in lines)


def _new(rules: BenchmarkRules) -> Iterator[str]:
    """What a new benchmark asks for."""
    found = {words: _scenarios(rules, type_) for type_, words in TYPES.items()}
    yield "new: " + "; ".join(f"on {w} systems {s}" for w, s in found.items() if s != "not run")
    targets = rules.lower_limits(None)
    if targets:
        yield f"new: accuracy at least {_targets(targets)}"
    if rules.compliance_tests:
        yield f"new: compliance tests {', '.join(rules.compliance_tests)}"


def _benchmark(old: BenchmarkRules, new: BenchmarkRules) -> Iterator[str]:
    for type_, words in TYPES.items():
        was, now = (_scenarios(b, type_) for b in (old, new))
        if was != now:
            yield f"on {words} systems: {now} (was: {was})"
    for scenario in (None, *sorted({*_by_scenario(old), *_by_scenario(new)})):
        where = f" in {scenario}" if scenario else ""
        for what, was_limits, now_limits in (
            ("at least", old.lower_limits(scenario), new.lower_limits(scenario)),
            ("at most", old.upper_limits(scenario), new.upper_limits(scenario)),
        ):
            was, now = _targets(was_limits), _targets(now_limits)
            if was != now:
                yield f"accuracy {what}{where}: {now or 'no limit'} (was: {was or 'no limit'})"
    for words, key in (
        ("samples in memory", "performance_sample_count"),
        ("samples of an Offline query", "offline_min_samples_per_query"),
        ("samples of the data set", "dataset_size"),
    ):
        yield from _number(words, old.facts[key], new.facts[key])
    for test in sorted({*old.compliance_tests} ^ {*new.compliance_tests}):
        yield f"compliance test {test} is {'new' if test in new.compliance_tests else 'no longer asked for'}"
    yield from _latencies(old, new)
    for scenario in sorted({*old.facts["result_key"]} & {*new.facts["result_key"]}):
        was, now = str(old.result_key(scenario)), str(new.result_key(scenario))
        if was != now:
            yield f"the number of {scenario} is {now} (was: {was})"
    yield from _divisions(old.facts["equal_issue_required"], new.facts["equal_issue_required"])
    was_files, now_files = (sorted(b.facts["extra_accuracy_files"] or {}) for b in (old, new))
    if was_files != now_files:
        yield f"sample outputs to publish: {listing(now_files) or 'none'} (was: {listing(was_files) or 'none'})"


def _by_scenario(rules: BenchmarkRules) -> set[str]:
    """Scenarios that have accuracy limits of their own."""
    return set((rules.facts["accuracy"]["lower"] or {}).get("by_scenario", {}))


def _scenarios(rules: BenchmarkRules, type_: str) -> str:
    found = rules.facts["scenarios"].get(type_)
    if found is None:
        return "not run"
    required, optional = (sorted(found[k]) for k in ("required", "optional"))
    return ", ".join([*required, *(f"{name} if wanted" for name in optional)])


def _targets(limits: tuple[Target, ...]) -> str:
    return ", ".join(f"{t.metric} {t.limit:.6g}" for t in limits)


def _number(words: str, was: Any, now: Any) -> Iterator[str]:
    if was != now:
        told = [v if v is not None else "not told" for v in (now, was)]
        yield f"{words}: {told[0]} (was: {told[1]})"


def _latencies(old: BenchmarkRules, new: BenchmarkRules) -> Iterator[str]:
    was, now = (_limits_ms(b) for b in (old, new))
    for name in sorted({*was, *now}):
        if was.get(name) != now.get(name):
            yield f"{name}: {now.get(name, 'no limit')} (was: {was.get(name, 'no limit')})"


def _limits_ms(rules: BenchmarkRules) -> dict[str, str]:
    found = {
        f"latency of {scenario}": f"{int(limit) / NS_PER_MS:g} ms"
        for scenario, limit in rules.facts["latency_constraint_ns"].items()
        if limit is not None
    }
    words = {"ttft": "first token", "tpot": "each further token"}
    for scenario, limits in (rules.facts["token_latency_limits_ns"] or {}).items():
        where = "any scenario but Offline" if scenario == "*" else scenario
        found |= {f"{words[k]} in {where}": f"below {v / NS_PER_MS:g} ms" for k, v in limits.items()}
    return found


def _divisions(was: Mapping[str, bool], now: Mapping[str, bool]) -> Iterator[str]:
    for asked in (True, False):
        changed = [d for d in sorted({*was, *now}) if bool(now.get(d)) is asked is not bool(was.get(d))]
        if changed:
            words = "asked for" if asked else "no longer asked for by the official checker"
            yield f"samples in concatenated permutations are {words} in {', '.join(changed)}"


def _names(before: Round, after: Round) -> Iterator[Line]:
    was, now = before.facts["model_aliases"], after.facts["model_aliases"]
    told = ([f"{a} for {b}" for a, b in table.items()] for table in (was, now))
    yield from _set("names of benchmarks", "new", "gone", *told)
    for what in ("required", "non_empty"):
        fields = (r.facts["system_fields"].get(what) or () for r in (before, after))
        words = "must be there" if what == "required" else "must say something"
        yield from _set("system description", f"{words} now", f"no longer {words}", *fields)
    fields = (r.facts["measurement_fields"] for r in (before, after))
    yield from _set("measurements", "new field", "no longer asked for", *fields)
    files = (r.files["measurements_required"] for r in (before, after))
    yield from _set("measurements", "new file", "no longer asked for", *files)
    for what, words in (
        ("measurements_dir", "measurements"),
        ("compliance_dir", "compliance"),
        ("source_dir", "sources"),
    ):
        old, new = (r.layout.get(what) for r in (before, after))
        if old != new:
            yield (
                "layout",
                f"{words} lie in {new or 'no place of their own'} (was: {old or 'no place of their own'})",
            )


def _set(about: str, new: str, gone: str, was: Any, now: Any) -> Iterator[Line]:
    old, fresh = list(was), list(now)
    for words, names in (
        (new, [n for n in fresh if n not in old]),
        (gone, [n for n in old if n not in fresh]),
    ):
        if names:
            yield about, f"{words}: {', '.join(names)}"


def _limits(before: Round, after: Round) -> Iterator[Line]:
    if dict(before.seeds()) != dict(after.seeds()):
        told = ", ".join(f"{name} {seed}" for name, seed in after.seeds().items())
        yield "runs", f"other random seeds: {told}"
    test05 = [bool(r.facts["seeds"].get("TEST05")) for r in (before, after)]
    if test05[0] != test05[1]:
        yield "runs", "seeds of their own for TEST05" if test05[1] else "no seeds of TEST05 any more"
    was, now = (r.min_duration_ms / 1000 for r in (before, after))
    if was != now:
        yield "runs", f"a run lasts at least {now:g} s (was: {was:g} s)"
    served = [set((r.facts.get("endpoints") or {}).get("allowed_models", ())) for r in (before, after)]
    yield from _set(
        "results of a served endpoint", "may be submitted for", "no longer for", *map(sorted, served)
    )
    columns = [r.facts.get("csv_columns") for r in (before, after)]
    if all(columns):  # early rounds and the latest ones tell theirs
        yield from _set("official summary", "new columns", "columns gone", *columns)


def _power(before: Round, after: Round) -> Iterator[Line]:
    was, now = ((r.facts["power"] or {}) for r in (before, after))
    measured = [bool(part.get("ptd_versions")) for part in (was, now)]
    if not all(measured):
        if any(measured):
            yield "power", "may be measured now" if measured[1] else "is not measured any more"
        return
    yield from _set(
        "power", "PTDaemon accepted", "PTDaemon no longer accepted", was["ptd_versions"], now["ptd_versions"]
    )
    yield from _set(
        "power", "analyzers accepted", "analyzers no longer accepted", was["analyzers"], now["analyzers"]
    )
    for key, form in (
        ("phase_time_tolerance_ms", "client and server may differ by {} ms in the begin of a phase"),
        ("min_testing_vs_ranging_percent", "testing may be at most {} % of power below ranging"),
        ("run_by_default", "the power checker takes part by default: {}"),
        ("ptd_config_is_list", "a session may name several power daemons: {}"),
        ("zero_watt_samples", "samples of 0 W or less are {} in the mean"),
    ):
        old, new = was.get(key), now.get(key)
        if old != new and (key != "zero_watt_samples" or "kept" in (old, new)):
            words = [_plain(key, v) for v in (new, old)]
            yield "power", f"{form.format(words[0])} (was: {words[1]})"
    if was["accepted_source_checksums"] != now["accepted_source_checksums"]:
        yield "power", "other versions of the power workflow are accepted"
    if was["duration_rule"] != now["duration_rule"]:
        yield "power", "another rule on the lengths of ranging and testing"


def _plain(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if key == "zero_watt_samples":
        return str(value or "dropped")
    return "any number of" if value is None else str(abs(value))


def _rules(before: Round, after: Round) -> Iterator[Line]:
    was, now = effects(before.name), effects(after.name)
    changed: dict[tuple[Effect, Effect], list[str]] = {}
    for rule in all_rules().values():
        held, holds = rule.holds_in(before.name), rule.holds_in(after.name)
        if held != holds:
            yield "new rules" if holds else "rules that fall away", f"{rule.id}: {rule.title}"
        elif holds and was[rule.id] is not now[rule.id]:
            changed.setdefault((now[rule.id], was[rule.id]), []).append(rule.id)
    for (new, old), names in sorted(changed.items(), key=lambda pair: list(Effect).index(pair[0][0])):
        yield "official checker", f"{EFFECTS[new]} (was: {EFFECTS[old]}): {', '.join(names)}"

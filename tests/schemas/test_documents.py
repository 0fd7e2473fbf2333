from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from schemas.documents import UNRULED, load, names, resolve, violations
from schemas.rounds import load_round

V41 = load_round("v4.1")


def facts(scenario: str = "SingleStream") -> dict[str, Any]:
    resnet = V41.benchmark("resnet")
    return {
        **V41.facts,
        "benchmark": resnet.facts,
        "run_seeds": V41.seeds(),
        "server_latency_ns": resnet.latency_constraint_ns(scenario),
        "min_queries": {"keys": ["effective_min_query_count"], "least": 1} if scenario == "Offline" else None,
    }


def good(scenario: str = "SingleStream") -> dict[str, Any]:
    return {
        "schema": "edgewatt/loadgen-result/1",
        "errors": 0,
        "values": {
            "effective_scenario": scenario,
            "result_validity": "VALID",
            "effective_performance_sample_count": 1024,
            "effective_min_duration_ms": 600000,
            "effective_qsl_rng_seed": 3066443479025735752,
            "effective_sample_index_rng_seed": 10688027786191513374,
            "effective_schedule_rng_seed": 14962580496156340209,
            "early_stopping_met": True,
            "effective_min_query_count": 24576,
            "effective_samples_per_query": 24576,
            "effective_target_latency_ns": 15_000_000,
        },
    }


@pytest.mark.parametrize("name", names())
def test_every_schema_is_one(name: str) -> None:
    def fill(node: Any) -> Any:
        if isinstance(node, dict):
            return {k: fill(v) for k, v in node.items() if not (isinstance(v, dict) and set(v) == {"$fact"})}
        return [fill(v) for v in node] if isinstance(node, list) else node

    Draft202012Validator.check_schema(fill(load(name)))


@pytest.mark.parametrize("scenario", ["SingleStream", "MultiStream", "Server", "Offline"])
def test_a_good_run_has_no_violation(scenario: str) -> None:
    assert list(violations("loadgen-result", good(scenario), facts(scenario))) == []


@pytest.mark.parametrize(
    ("scenario", "key", "value", "rule"),
    [
        ("SingleStream", "result_validity", "INVALID", "performance/validity"),
        ("SingleStream", "effective_min_duration_ms", 599999, "performance/min-duration"),
        ("SingleStream", "effective_performance_sample_count", 1023, "performance/sample-count"),
        ("SingleStream", "effective_sample_index_rng_seed", 10688027786191513375, "performance/seeds"),
        ("MultiStream", "early_stopping_met", False, "performance/early-stopping"),
        ("Server", "effective_target_latency_ns", 15_000_001, "performance/server-latency"),
        ("Offline", "effective_samples_per_query", 24575, "performance/offline-samples"),
        ("Offline", "effective_min_query_count", 0, "performance/min-queries"),
    ],
)
def test_one_wrong_value_breaks_one_rule(scenario: str, key: str, value: Any, rule: str) -> None:
    run = good(scenario)
    run["values"][key] = value
    (violation,) = violations("loadgen-result", run, facts(scenario))
    assert (violation.rule, violation.pointer) == (rule, f"/values/{key}")
    assert violation.found == json.dumps(value)


def test_errors_of_loadgen_break_their_rule() -> None:
    (violation,) = violations("loadgen-result", good() | {"errors": 2}, facts())
    assert violation.rule == "performance/loadgen-errors"


def test_a_missing_name_is_wanted_by_name() -> None:
    system = dict.fromkeys(V41.facts["system_fields"]["required"], "x")
    system |= {"status": "available", "system_type": "edge"}
    known = {**V41.facts} | {"status_pattern": "^available$"}
    assert list(violations("system", system, known)) == []
    del system["cooling"]
    (violation,) = violations("system", system, known)
    assert (violation.rule, violation.wanted, violation.found) == (
        "system/required-fields",
        "cooling",
        "nothing",
    )


def test_what_a_constraint_wants_is_said_in_words() -> None:
    other_key = {"waiver": [{"rule": "a", "reason": "", "expires": "2026-01-01"}], "more": 1}
    wanted = {v.pointer: v.wanted for v in violations("waivers", other_key)}
    assert wanted == {
        "": "only keys that are known here",
        "/waiver/0/reason": "a text of 1 or more characters",
    }


def test_a_constraint_whose_fact_is_null_is_left_out() -> None:
    schema = {"minimum": {"$fact": "/a/b"}, "maximum": {"$fact": "/c"}}
    assert resolve(schema, {"a": {"b": None}, "c": 3}) == {"maximum": 3}
    with pytest.raises(KeyError):
        resolve(schema, {"a": {}, "c": 3})


def test_a_violation_behind_a_reference_is_told() -> None:
    document = {"waiver": [{"rule": "power/uuid", "reason": "", "expires": 7, "more": 1}]}
    found = {(v.pointer, v.keyword, v.rule) for v in violations("waivers", document)}
    assert found == {
        ("/waiver/0", "additionalProperties", UNRULED),
        ("/waiver/0/reason", "minLength", UNRULED),
        ("/waiver/0/expires", "type", UNRULED),
    }


def test_a_reference_keeps_the_rule_around_it() -> None:
    cut = {"min_duration_ms": {"used": "short", "wanted": None}}
    found = [
        v.rule for v in violations("run-record", {"shortened": cut}) if v.pointer.startswith("/shortened")
    ]
    assert found == ["rehearsal/record"]

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import UserError
from schemas.layout import PLACES, ResultPath
from schemas.rounds import known_rounds, load_round
from schemas.seed_page import rows_for, seed_page

V41 = load_round("v4.1")
NAME = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=12).filter(
    lambda n: n not in (".", "..") and "\n" not in n
)


def test_the_figures_of_v41() -> None:
    resnet = V41.benchmark("resnet")
    assert V41.min_duration_ms == 600_000
    assert V41.seeds()["sample_index_rng_seed"] == 10688027786191513374
    assert V41.seeds("TEST05")["qsl_rng_seed"] == 16799458546791641818
    assert resnet.lower_limits()[0].limit == 76.46 * 0.99
    assert resnet.scenarios("edge").required == ("SingleStream", "MultiStream", "Offline")  # type: ignore[union-attr]
    assert V41.benchmark("bert-99.9").scenarios("edge") is None
    assert resnet.compliance_tests == ("TEST01", "TEST04", "TEST05")


@pytest.mark.parametrize(
    ("directory", "official"),
    [
        ("resnet50", "resnet"),
        ("resnet", "resnet"),
        ("my-resnet50-int8", "resnet"),
        ("bert-99.9-x", "bert-99.9"),
        ("x", "x"),
    ],
)
def test_names_of_benchmarks(directory: str, official: str) -> None:
    assert V41.official_name(directory) == official


def test_the_submitters_own_names_of_the_open_division() -> None:
    assert V41.official_name("tiny", {"tiny": "resnet"}) == "resnet"


def test_the_figures_of_v61() -> None:
    v61 = load_round("v6.1")
    assert v61.seeds()["schedule_rng_seed"] == 16159082839903944936
    assert v61.official_name("llama3_1-405b-x") == "llama3.1-405b"
    assert v61.log_markers == (":::MLLOG", ":::ENDPTS")
    assert v61.benchmark("qwen3-vl-235b-a22b").accuracy_samples("Interactive") == 8000
    assert v61.benchmark("resnet").accuracy_samples("Offline") == 50_000
    path = ResultPath("closed", "me", "board", "resnet50", "offline")
    assert path.measurements(v61) == path.results(v61)
    assert path.compliance(v61, "TEST01") == path.results(v61) / "TEST01"
    assert str(path.code(v61)) == "closed/me/src"


def test_scenario_directories_are_canonical_or_lower_case() -> None:
    assert [V41.canonical_scenario(n) for n in ("offline", "Offline", "OFFLINE")] == [
        "Offline",
        "Offline",
        None,
    ]


def test_an_unknown_round_names_the_known_ones() -> None:
    with pytest.raises(UserError, match=", ".join(known_rounds())):
        load_round("v9.9")


def test_mlperf_conf_carries_the_seeds_of_the_round() -> None:
    lines = V41.mlperf_conf_text().splitlines()
    assert "*.*.sample_index_rng_seed = 10688027786191513374" in lines
    assert "*.SingleStream.min_duration = 600000" in lines


def test_every_row_of_the_page_is_what_the_round_says() -> None:
    checked = [row for row in seed_page() if row.pointer is not None]
    assert len(checked) > 30
    for row in checked:
        assert row.enforced_value() == row.value, row.id


@pytest.mark.parametrize(
    ("row", "seed", "enforced"),
    [("duration", "60 s", "600 s"), ("retinanet-quality", "0.20", "37.55"), ("unet-qsl", "16", "43"),
     ("unet-quality", "0.86330", "0.86170"), ("ssd-small-quality", "71.68", "22 mAP")],
)  # fmt: skip
def test_where_the_page_misleads(row: str, seed: str, enforced: str) -> None:
    found = next(r for r in seed_page() if r.id == row)
    assert not found.agrees
    assert seed in found.seed
    assert enforced in found.enforced


def test_rows_are_found_by_rule() -> None:
    assert "duration" in {row.id for row in rows_for("performance/min-duration")}


@given(NAME, NAME, NAME, NAME, st.sampled_from(PLACES), st.sampled_from(["", "x", "a/b.txt"]))
def test_a_path_is_read_as_it_was_written(
    submitter: str, system: str, benchmark: str, scenario: str, kind: str, rest: str
) -> None:
    path = ResultPath("closed", submitter, system, benchmark, scenario)
    parsed = ResultPath.parse(path.place(V41, kind) / rest, V41)
    assert parsed is not None
    assert (parsed.result, parsed.kind, parsed.rest) == (path, kind, PurePosixPath(rest))


def test_places_of_a_result() -> None:
    path = ResultPath("open", "me", "board", "resnet50", "SingleStream")
    assert (
        str(path.performance(V41, "run_1")) == "open/me/results/board/resnet50/SingleStream/performance/run_1"
    )
    assert str(path.measurements(V41)) == "open/me/measurements/board/resnet50/SingleStream"
    assert str(path.code(V41)) == "open/me/code/resnet50"
    assert ResultPath.parse(PurePosixPath("open/me/README.md"), V41) is None


@pytest.mark.parametrize("name", ["", "..", "a/b"])
def test_a_name_is_one_directory(name: str) -> None:
    with pytest.raises(ValueError, match="one directory"):
        ResultPath("open", "me", name, "resnet50", "Offline")


def test_tokens_are_called_tokens_where_the_official_summary_says_samples() -> None:
    whisper, resnet = load_round("v6.1").benchmark("whisper"), load_round("v6.1").benchmark("resnet")
    assert (whisper.unit("Offline"), whisper.counted_in("Offline")) == ("Samples/s", "Tokens/s")
    assert resnet.counted_in("Offline") == resnet.unit("Offline") == "Samples/s"
    assert resnet.counted_in("SingleStream") == "Latency (ms)"

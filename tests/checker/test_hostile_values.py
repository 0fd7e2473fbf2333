"""What fuzzing and floods found, one example each."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from checker.api import check
from checker.fixing import steps
from checker.line_ends import restored
from checker.model import Problem, Severity
from checker.rule_pass import MOST_PROBLEMS, told
from schemas import loadgen_summary
from schemas.loadgen import MOST_ENTRIES, LoadgenLog, LogGarbled
from schemas.powerlog import MOST_BAD, read_spl
from tests.checker import trees_v6
from tests.checker.trees import build
from tests.checker.trees_old import build_old


def rules(root: Path, round_name: str) -> set[str]:
    return {f.rule for f in check(root, round_name=round_name).findings}


def test_cures_of_a_round_without_compliance_tests(tmp_path: Path) -> None:
    assert steps(build_old(tmp_path, "v0.5").root, "v0.5") == []


def test_a_scenario_that_is_no_text_crashes_no_rule(tmp_path: Path) -> None:
    tree = trees_v6.build(tmp_path, round_name="v6.1")
    for log in tree.root.rglob("mlperf_log_detail.txt"):
        log.write_text(log.read_text().replace('"value": "SingleStream"', '"value": {"a": 1}'))
    assert "internal/rule-crashed" not in rules(tree.root, "v6.1")


def test_surrogates_in_values_crash_no_rule(tmp_path: Path) -> None:
    tree = build(tmp_path)
    tree.system_json(division="\ud800", status="\udcff", **{"\ud800": 1})
    assert "internal/rule-crashed" not in rules(tree.root, "v4.1")


def test_a_target_of_a_link_that_is_no_path_crashes_no_rule(tmp_path: Path) -> None:
    tree = build(tmp_path)
    (tree.base / "code" / "link").symlink_to("x" * 4000)
    assert rules(tree.root, "v4.1") == {"structure/symlinks"}


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 900 + b"1" + b"}" * 900, b"9" * 400])
def test_entries_that_no_rule_can_hold_are_garbled(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "mlperf_log_detail.txt"
    path.write_bytes(b':::MLLOG {"key": "k", "value": ' + body + b', "metadata": {}}\n')
    with pytest.raises(LogGarbled):
        LoadgenLog.read(path)


def test_a_number_in_a_list_that_python_refuses_is_a_text(tmp_path: Path) -> None:
    path = tmp_path / "mlperf_log_detail.txt"
    path.write_bytes(b':::MLLOG {"key": "k", "value": [' + b"9" * 5000 + b'], "metadata": {}}\n')
    assert LoadgenLog.read(path).first("k") == "[" + "9" * 308


def test_logs_with_a_flood_of_entries_or_bad_lines_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b':::MLLOG {"key": "k", "value": 1, "metadata": {}}\n' * (MOST_ENTRIES + 1))
    with pytest.raises(LogGarbled, match="more than 100000 entries"):
        LoadgenLog.read(path)
    path.write_bytes(b"x\n" * (MOST_BAD + 1))
    with pytest.raises(ValueError, match="more than 10000 lines that are no samples"):
        list(read_spl(path))
    path.write_bytes(b"Time," * 20_000)
    with pytest.raises(ValueError, match="line 1 is longer"):
        list(read_spl(path))


@pytest.mark.timeout(60)
def test_a_line_of_beginnings_of_lists_is_looked_at_once(tmp_path: Path) -> None:
    """Each of them would be looked through for its end otherwise, half a million times eight megabytes."""
    path = tmp_path / "mlperf_log_detail.txt"
    path.write_bytes(
        b':::MLLOG {"key": "k' + b'", "value": [' * (8 << 16) + b'], "time_ms": 1, "metadata": {}}\n'
    )
    with pytest.raises(LogGarbled):
        LoadgenLog.read(path)


def test_errors_of_an_old_log_are_kept_up_to_a_number(tmp_path: Path) -> None:
    path = tmp_path / "mlperf_log_detail.txt"
    path.write_text("ERROR\n" * 20_000)
    assert len(loadgen_summary.read_errors(path).errors) == 10_000


@pytest.mark.timeout(20)
def test_long_lines_of_an_old_summary_are_read_in_one_go(tmp_path: Path) -> None:
    path = tmp_path / "mlperf_log_summary.txt"
    path.write_text((" " * 200_000 + "\n") * 3 + "Scenario : Single Stream\nqueries : " + "9" * 5000 + "\n")
    (tmp_path / "mlperf_log_detail.txt").touch()
    found = loadgen_summary.read_run(path)
    assert found.first("effective_scenario") == "SingleStream"
    assert found.first("queries") == float("inf")


def test_a_flood_of_problems_has_an_end_and_keeps_the_worst() -> None:
    flood = [Problem(f"{at}", "x", severity=Severity.WARNING) for at in range(MOST_PROBLEMS + 500)]
    worst = Problem("worst", "y", severity=Severity.ERROR)
    found = list(told([*flood, worst]))
    assert found[:MOST_PROBLEMS] == flood[:MOST_PROBLEMS]
    assert found[MOST_PROBLEMS] == worst
    assert found[-1].message == "500 more places break this rule; they are not listed"
    assert len(found) == MOST_PROBLEMS + 2
    assert list(told([worst])) == [worst]


def test_line_ends_of_the_answers_of_the_daemon(tmp_path: Path) -> None:
    path = tmp_path / "ptd_logs.txt"
    path.write_bytes(b"a\nx: Avg watts 1\nResponse to client sent: OK\nb\n")
    recorded = hashlib.sha1(b"a\nx: Avg watts 1\r\nResponse to client sent: OK\r\nb\n").hexdigest()
    assert restored(path, recorded, 1000)
    assert not restored(path, recorded, 10)

"""Load, truth, faults, number format and errors of the emulators."""

from __future__ import annotations

import itertools
import json
import math
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from powerd.boottime import boottime_ns
from powerd.emulators import faults, load
from powerd.emulators.load import Sine, Square, energy_j
from powerd.emulators.scpi_tree import CommandError
from powerd.emulators.truth import TruthWriter
from powerd.emulators.wattmeter import MAINS_V, Setup, Wattmeter, power_factor, true_amperes
from powerd.emulators.wt300_language import GRAMMAR, engineering, quantity
from powerd.emulators.yokogawa_wt300 import EmulatedWt300
from schemas.errors import UserError
from schemas.metrology import series

S = 1_000_000_000


def no_time() -> int:
    return 0


@pytest.mark.parametrize("drawn", [Sine(50, 30, 0.7), Square(20, 180, 0.7), Sine(100)])
@given(st.integers(0, 100 * S), st.integers(1, 2 * S), st.floats(0.01, 0.99))
@settings(max_examples=40, deadline=None)
def test_energy_adds_up_however_it_is_cut(drawn, begin, length, share):
    end = begin + length
    middle = begin + int(length * share)
    whole = energy_j(drawn, begin, end)
    assert whole == pytest.approx(energy_j(drawn, begin, middle) + energy_j(drawn, middle, end), abs=1e-6)


def test_energy_of_known_loads():
    assert energy_j(Square(20, 180, 0.7), 0, 7 * S) == pytest.approx(700.0)
    assert energy_j(Square(20, 180, 0.7), 0, 350_000_000) == pytest.approx(7.0)
    assert energy_j(Sine(50, 30, 0.5), 0, 5 * S) == pytest.approx(250.0)
    assert energy_j(Sine(50, 30, 2), 0, S) == pytest.approx(50 + 30 * 2 / math.pi)


def test_a_trace_holds_its_levels(tmp_path):
    path = tmp_path / "trace.csv"
    path.write_text("seconds,watts\n1,10\n2.5,40\n")
    drawn = load.parse(f"trace:{path}", no_time)
    assert energy_j(drawn, 0, 4 * S) == pytest.approx(25 + 60)
    assert drawn.edges(0, 4 * S) == [S, 2_500_000_000]


def test_the_host_load_lies_between_idle_and_full():
    origin = boottime_ns()
    drawn = load.parse("host", lambda: boottime_ns() - origin)
    time.sleep(0.3)
    drawn.stop()
    until = boottime_ns() - origin
    assert len(drawn.edges(0, until)) >= 2
    assert load.IDLE_W <= energy_j(drawn, 0, until) / (until / 1e9) <= load.FULL_W


@pytest.mark.parametrize(
    "spec",
    [
        "",
        "constant",
        "constant:x",
        "constant:-1",
        "constant:nan",
        "sine:1,2",
        "sine:10,20,1",
        "square:1,2,0",
        "cube:1",
    ],
)
def test_what_is_no_load(spec):
    with pytest.raises(UserError):
        load.parse(spec, no_time)


@pytest.mark.parametrize("text", ["", "1,2\n1,3\n", "a,b\nc,d\n", "1,-2\n"])
def test_what_is_no_trace(tmp_path, text):
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=r"t\.csv"):
        load.parse(f"trace:{path}", no_time)


@given(st.text(max_size=40))
def test_specs_parse_or_say_why(text):
    for parse in (faults.parse, lambda t: load.parse(f"sine:{t}", no_time)):
        said = "write"
        try:
            parse(text)
        except UserError as error:
            said = str(error)
        assert "write" in said


def test_faults_strike_once_or_for_a_time():
    plan = faults.FaultPlan(faults.parse("half@1, slow=0.2@2-3, unplug@5-6"), seed=1)
    assert plan.spoil(b"123456", 0) == (b"123456", 0)
    assert plan.spoil(b"123456", S) == (b"123", 0)
    assert plan.spoil(b"123456", S) == (b"123456", 0)
    assert plan.spoil(b"1", 2 * S) == plan.spoil(b"1", 3 * S - 1) == (b"1", 200_000_000)
    assert plan.next_change("unplug", 0) == 5 * S
    assert plan.active("unplug", 5 * S) is not None
    assert plan.active("unplug", 6 * S) is None


def test_truth_has_a_row_at_every_edge_and_every_10_ms(tmp_path):
    drawn = Square(20, 180, 0.07)
    origin = boottime_ns()
    writer = TruthWriter(tmp_path / "truth.jsonl", drawn, origin)
    time.sleep(0.25)
    writer.close()
    rows = [json.loads(line) for line in (tmp_path / "truth.jsonl").read_text().splitlines()]
    start = rows[0]["t_unix_ns"]
    assert max(b["t_unix_ns"] - a["t_unix_ns"] for a, b in itertools.pairwise(rows)) <= 11_000_000
    for row in rows:
        assert row["energy_j"] == pytest.approx(energy_j(drawn, 0, row["t_unix_ns"] - start), abs=0.02)
    assert {r["watts"] for r in rows} == {20, 180}
    assert rows[-1]["t_unix_ns"] - start >= 250_000_000


# Value lines of published logs: rated range and what the meter printed.
@pytest.mark.parametrize(
    ("rated", "text"),
    [
        (300, "206.31E+00"),
        (2, "1.2506E+00"),
        (10, "2.799E+00"),
        (0.5, "113.64E-03"),
        (0.1, "33.54E-03"),
        (150, "79.91E+00"),
        (600, "243.90E+00"),
        (1500, "0.5940E+03"),
        (1, "0.9453E+00"),
        (30, "2.217E+00"),
    ],
)
def test_number_format_is_set_by_the_range(rated, text):
    assert engineering(float(text), rated) == text


@pytest.mark.parametrize("model", ["WT310E", "WT310", "WT333E"])
@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("watts", [5.0, 100.0, 180.0])
def test_readings_lie_within_the_specification(model, seed, watts):
    spec = series("yokogawa-wt300")[model]
    setup = Setup(100_000_000, 3, 300.0, 1.0, voltage_auto=False, current_auto=False)
    meter = Wattmeter(spec, Sine(watts), 0, seed, setup)
    amperes = true_amperes(watts)
    limit = sum(
        t.limit_w
        for t in spec.power_terms(
            power_w=watts,
            voltage_v=MAINS_V,
            current_a=amperes,
            power_factor=power_factor(watts),
            voltage_range_v=300,
            current_range_a=1,
            interval_ns=100_000_000,
        )
    )
    read = meter.at(5 * S).watts
    assert abs(read - watts) <= limit
    assert read == meter.at(6 * S).watts


def test_errors_reach_far_into_the_specification():
    spec = series("yokogawa-wt300")["WT310E"]
    setup = Setup(S, 3, 300.0, 1.0, voltage_auto=False, current_auto=False)
    errors = [Wattmeter(spec, Sine(100), 0, seed, setup).at(5 * S).watts - 100 for seed in range(200)]
    assert max(errors) > 0.12
    assert min(errors) < -0.12
    assert abs(sum(errors) / len(errors)) < 0.03


def meter_with(current_range: float, *, auto: bool, watts: float) -> Wattmeter:
    spec = series("yokogawa-wt300")["WT310E"]
    setup = Setup(100_000_000, 3, 300.0, current_range, voltage_auto=False, current_auto=auto)
    return Wattmeter(spec, Sine(watts), 0, 1, setup)


def test_over_range_and_low_signal():
    assert math.isinf(meter_with(0.2, auto=False, watts=100).at(S).watts)
    low = meter_with(20.0, auto=False, watts=5).at(S)
    assert low.amperes == 0
    assert math.isinf(low.factor)
    assert math.isfinite(low.watts)


def test_auto_range_finds_its_range_after_blind_updates():
    meter = meter_with(20.0, auto=True, watts=100)
    first, blind, later = (meter.at(t) for t in (S, S + 100_000_000, 2 * S))
    assert first.current_range_a == 20
    assert math.isnan(blind.watts)
    assert later.current_range_a == 1.0
    assert math.isfinite(later.watts)


def test_a_clipped_peak_reads_low_without_being_over_range(wt):
    talk(wt, ":COMM:HEAD OFF;:VOLT:RANG 300;:CURR:RANG 1;:NUM:NORM:ITEM1 P,1")
    assert talk(wt, ":NUM:NORM:VAL? 1;:STAT:COND?;:POV?", 2 * S).endswith(";0;0")
    wt.force_crest(9.0, 4 * S)
    watts, condition, peaks = talk(wt, ":NUM:NORM:VAL? 1;:STAT:COND?;:POV?", 3 * S).split(";")
    assert 50 < float(watts) < 95
    assert (condition, peaks) == (str(1 << 8), "2")
    assert talk(wt, ":NUM:NORM:VAL? 1;:STAT:COND?", 5 * S).endswith(";0")


def test_a_small_fixed_range_protects_itself():
    meter = meter_with(0.1, auto=False, watts=100)
    for k in range(10, 30):
        last = meter.at(k * 100_000_000)
    assert meter.setup.current_auto
    assert last.current_range_a >= 0.5


def test_averages_hold_for_exactly_the_interval():
    drawn = Square(20, 180, 0.7)
    spec = series("yokogawa-wt300")["WT310E"]
    setup = Setup(100_000_000, 3, 300.0, 1.0, voltage_auto=False, current_auto=False)
    meter = Wattmeter(spec, drawn, 7_000, 1, setup)
    gains = []
    for k in range(5, 40):
        true = energy_j(drawn, (k - 1) * 100_000_000, k * 100_000_000) / 0.1
        gains.append(meter.at(meter.end_of(k) + 99_000_000).watts - true)
    assert max(abs(g) for g in gains) < 0.6


def talk(meter: EmulatedWt300, message: str, at_ns: int = S) -> str:
    work = meter.handle(message.encode(), at_ns)
    try:
        while True:
            next(work)
    except StopIteration as end:
        return end.value.decode().strip()


@pytest.fixture
def wt():
    return EmulatedWt300("WT310E", Sine(100), 1, 0)


def test_headers_are_on_at_power_on(wt):
    assert talk(wt, ":SYNC?") == ":SYNC VOLT"
    assert talk(wt, "meas:aver?;aver:type?") == ":MEAS:AVER 0;:MEAS:AVER:TYPE LIN"
    talk(wt, ":COMMUNICATE:HEADER OFF")
    assert (
        talk(wt, ":INPUT:VOLTAGE:RANGE 250;:VOLT:RANG?;:CURR:RANG 500MA;:curr:rang?") == "300.0E+00;500.0E-03"
    )


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (":NONSENSE 1", 113),
        (":VOLT:RANG 999", 222),
        (":RATE 3S", 141),
        (":CFAC", 109),
        (":NUM:NORM:NUM x", 120),
    ],
)
def test_errors_are_queued_with_their_codes(wt, message, code):
    talk(wt, message)
    assert talk(wt, ":STAT:ERR?").startswith(f"{code},")
    assert talk(wt, ":STAT:ERR?") == '0,"No error"'


def test_the_error_queue_overflows(wt):
    for _ in range(20):
        talk(wt, ":NONSENSE")
    talk(wt, "*CLS")
    assert talk(wt, ":STAT:ERR?").startswith("0,")


def test_wait_holds_until_the_update(wt):
    talk(wt, ":STAT:FILT1 FALL;EESR?", at_ns=S + 10_000_000)
    work = wt.handle(b"COMM:WAIT 1;:NUM:NORM:VAL? 1", S + 20_000_000)
    assert next(work) == S + 250_000_000


@given(st.binary(max_size=80))
@settings(max_examples=200, deadline=None)
def test_any_message_is_obeyed_or_an_error_is_queued(data):
    meter = EmulatedWt300("WT310E", Sine(100), 1, 0)
    for _ in meter.handle(data, S):
        continue
    assert talk(meter, "*IDN?") == "YOKOGAWA,WT310E,EDGEWATT-EMULATED,F1.04"


@given(st.text(max_size=40))
def test_grammar_and_quantities_never_break(text):
    for unit in GRAMMAR.units(text):
        assert unit is not None
    code = 120
    try:
        assert math.isfinite(quantity(text, "A"))
    except CommandError as error:
        code = error.code
    assert code in {109, 120}

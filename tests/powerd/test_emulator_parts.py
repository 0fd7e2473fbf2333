"""Load, truth, faults, number format and errors of the emulators."""

from __future__ import annotations

import itertools
import json
import math
import threading
import time
from collections.abc import Generator

import pytest
import serial
from hypothesis import given, settings
from hypothesis import strategies as st

from powerd.boottime import boottime_ns
from powerd.emulators import faults, load
from powerd.emulators.base import EmulatedMeter
from powerd.emulators.framing import Silence, Terminated
from powerd.emulators.load import Sine, Square, energy_j
from powerd.emulators.pty import Endpoint
from powerd.emulators.scpi_tree import CommandError
from powerd.emulators.truth import TruthWriter
from powerd.emulators.wattmeter import MAINS_V, Setup, Wattmeter, power_factor, true_amperes
from powerd.emulators.wt300_language import GRAMMAR, engineering, quantity
from powerd.emulators.yokogawa import YokogawaInstrument
from powerd.emulators.yokogawa_wt200 import EmulatedWt200
from powerd.emulators.yokogawa_wt300 import EmulatedWt300
from powerd.emulators.yokogawa_wt500 import EmulatedWt500
from schemas.errors import UserError
from schemas.metrology import series
from tests.powerd.benches import Bench, bench

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
    assert plan.next_change(0, "unplug") == 5 * S
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
    wt.force("crest", 9.0, 4 * S)
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


def test_every_element_measures_its_own_load_on_common_ranges():
    drawn = load.parse_all(["constant:100", "constant:20", "sine:50,10,4"], no_time)
    setup = Setup(100_000_000, 3, 300.0, 20.0, voltage_auto=False)
    meter = Wattmeter(series("yokogawa-wt300")["WT333E"], drawn, 0, 1, setup, elements=3)
    for at in range(S // 2, 2 * S + 1, S // 10):
        found = meter.all_at(at)
    assert [round(m.watts) for m in found[:2]] == [100, 20]
    assert {m.current_range_a for m in found} == {1.0}, "as the largest load needs it"
    errors = [m.watts - w for m, w in zip(found, (100, 20), strict=False)]
    assert errors[0] / 100 != pytest.approx(errors[1] / 20), "each element has errors of its own"
    assert energy_j(drawn, 0, 4 * S) == pytest.approx(4 * 170)


def test_elements_beyond_the_loads_have_none():
    drawn = load.parse_all(["constant:100", "constant:20"], no_time)
    meter = Wattmeter(series("yokogawa-wt300")["WT333E"], drawn, 0, 1, Setup(S), elements=3)
    meter.force("error", 0.0, 9 * S)
    assert [round(m.watts, 3) for m in meter.all_at(5 * S)] == [100, 20, 0]


def test_one_load_is_measured_by_every_element():
    meter = Wattmeter(series("yokogawa-wt300")["WT333E"], Sine(100), 0, 1, Setup(S), elements=3)
    meter.force("error", 0.0, 9 * S)
    assert [round(m.watts) for m in meter.all_at(5 * S)] == [100, 100, 100]


def averaged(at_ns: int, **changes: object) -> float:
    """Watts at this instant of a meter that averages a load which steps from 20 W to 180 W at 5 s."""
    spec = series("yokogawa-wt300")["WT310E"]
    setup = Setup(100_000_000, 3, 300.0, 1.0, voltage_auto=False, current_auto=False, **changes)  # type: ignore[arg-type]
    meter = Wattmeter(spec, Square(20, 180, 10), 0, 1, setup)
    meter.force("error", 0.0, 60 * S)
    for at in range(3 * S, at_ns, 100_000_000):
        meter.all_at(at)
    return meter.at(at_ns).watts


def test_averaging_smears_a_step():
    assert averaged(5 * S + 200_000_000) == pytest.approx(180)
    assert averaged(5 * S + 200_000_000, average=8) == pytest.approx(20 + 160 * 2 / 8)
    assert averaged(5 * S + 800_000_000, average=8) == pytest.approx(180)
    after_two = 1 - (7 / 8) ** 2
    assert averaged(5 * S + 200_000_000, average=8, exponential=True) == pytest.approx(20 + 160 * after_two)


def test_held_values_stay():
    meter = meter_with(1.0, auto=False, watts=100)
    before = meter.at(S)
    meter.setup.hold = True
    assert meter.at(3 * S) is before


def test_faults_of_the_meter():
    meter = meter_with(1.0, auto=False, watts=100)
    meter.force("nodata", 0, 2 * S)
    assert math.isnan(meter.at(S).watts)
    assert math.isfinite(meter.at(3 * S).watts)
    for share in (-1.0, 1.0):
        meter = meter_with(1.0, auto=False, watts=100)
        meter.force("error", share, 2 * S)
        limits = sum(limit for _, limit in meter._terms(100, true_amperes(100), power_factor(100)))
        assert meter.at(S).watts == pytest.approx(100 + share * limits)


def test_a_stuck_meter_says_again_what_it_said():
    plan = faults.FaultPlan(faults.parse("stuck@1"), seed=1)
    assert [plan.spoil(text, at)[0] for text, at in ((b"a", 0), (b"b", S), (b"c", S))] == [b"a", b"a", b"c"]


def bytes_into(framing: Silence | Terminated, rows: list[tuple[bytes, int]]) -> list[bytes]:
    found = []
    for data, at in rows:
        found += [framing.put(b, at + k * 1_000_000, 1_000_000) for k, b in enumerate(data, 1)]
    found.append(framing.flush(rows[-1][1] + S))
    return [message[0] for message in found if message is not None]


def test_messages_end_at_a_pause_or_at_a_terminator():
    rows = [(b"\x01\x04", 0), (b"\x00\n", 3_000_000), (b"\x01\x06", 50_000_000)]
    assert bytes_into(Silence(), rows) == [b"\x01\x04\x00\n", b"\x01\x06"]
    assert bytes_into(Terminated(b"\n"), rows) == [b"\x01\x04\x00"]
    silence = Silence()
    silence.put(1, 10, 1_000_000)
    assert silence.due_ns() == 10 + 3_500_000
    assert silence.flush(3_500_009) is None


def exchange(meter: Bench, question: bytes, baud: int = 57600) -> bytes:
    """What one question brings within 0.4 s."""
    with serial.Serial(meter.port, baud, timeout=0.4) as port:
        port.write(question)
        return port.read(200)


def test_a_line_may_hand_back_what_it_was_given():
    with bench(fault="echo@0") as meter:
        assert exchange(meter, b"*IDN?\n").startswith(b"*IDN?\nYOKOGAWA,WT310E,")


@pytest.mark.parametrize("asked", [{"baud": 9600}, {"fault": "baud=9600@0"}])
def test_sides_at_different_rates_hear_noise(asked):
    with bench(**asked) as meter:
        assert b"YOKOGAWA" not in exchange(meter, b"*IDN?\n")
        if "baud" in asked:
            assert exchange(meter, b"\n*IDN?\n", 9600).startswith(b"YOKOGAWA")


def test_a_restart_loses_the_settings():
    with bench(fault="restart@0.6") as meter:
        assert exchange(meter, b":COMM:HEAD OFF;:CFAC 6;:CFAC?\n") == b"6\r\n"
        time.sleep(0.5)
        assert exchange(meter, b":CFAC?\n") == b":CFAC 3\r\n"


class Chatty(EmulatedMeter):
    """Says its number every 50 ms, and answers between."""

    keeps_output = True

    def __init__(self, origin_ns: int) -> None:
        super().__init__([])
        self._next_ns, self._count = origin_ns, 0

    def handle(self, message: bytes, at_ns: int) -> Generator[int, None, bytes]:
        yield at_ns + 1_000_000
        return b"you said " + message + b"\n"

    def next_push_ns(self) -> int | None:
        return self._next_ns

    def push(self, at_ns: int) -> bytes:
        self._next_ns, self._count = at_ns + 50_000_000, self._count + 1
        return f"#{self._count}\n".encode()

    def restart(self, at_ns: int) -> None:
        self._count = 0


def test_an_instrument_may_send_unasked():
    origin = boottime_ns()
    endpoint = Endpoint(Chatty(origin), faults.FaultPlan((), 1), origin)
    thread = threading.Thread(target=endpoint.run)
    thread.start()
    try:
        with serial.Serial(endpoint.port, 57600, timeout=0.5) as port:
            port.write(b"hello\n")
            lines = port.read(60).split(b"\n")[:-1]
    finally:
        endpoint.stop()
        thread.join()
        endpoint.close()
    assert b"you said hello" in lines
    numbers = [int(line[1:]) for line in lines if line.startswith(b"#")]
    assert len(numbers) > 5
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def exchanged(meter: YokogawaInstrument, message: str, at_ns: int = 5 * S) -> str:
    """The answer of any emulated instrument without a line."""
    work = meter.handle(message.encode(), at_ns)
    try:
        while True:
            next(work)
    except StopIteration as end:
        return end.value.decode().strip()


def test_a_wt210_answers_in_its_fixed_order_and_with_numbers_for_losses():
    meter = EmulatedWt200("WT210", Sine(100), 1, 0)
    assert exchanged(meter, "*IDN?") == "YOKOGAWA,760401,EDGEWATT-EMULATED,F1.12"
    every = ";".join(f"{f} OFF" for f in ("VA", "VAR", "DEGR", "VPK", "APK"))
    exchanged(meter, f":COMM:HEAD OFF;:CONF:VOLT:RANG 300;:CONF:CURR:RANG 1;:MEAS:ITEM:{every}")
    assert exchanged(meter, ":VOLT?;:CURR?") == "300.0E+00;0;1.000E+00;0"
    volts, amperes, watts, factor, hertz = exchanged(meter, ":MEAS:VAL?", 8 * S).split(",")
    assert [round(float(x)) for x in (volts, watts, hertz)] == [230, 100, 50]
    assert float(factor) == pytest.approx(float(watts) / float(volts) / float(amperes), abs=0.001)
    meter.force("nodata", 0, 10 * S)
    assert exchanged(meter, ":MEAS:VAL?", 9 * S) == ",".join(["9.91E+37"] * 5)
    meter.force("nodata", 0, 0)
    meter.force("overrange", 0, 20 * S)
    assert exchanged(meter, ":MEAS:VAL?", 15 * S).startswith("9.9E+37,9.9E+37,9.9E+37,9.9E+37,")


def test_a_wt230_answers_element_by_element():
    meter = EmulatedWt200(
        "WT230-3", load.parse_all(["constant:100", "constant:60", "constant:30"], no_time), 1, 0
    )
    meter.force("error", 0.0, 60 * S)
    exchanged(meter, ":MEAS:ITEM:V OFF;A OFF;VA OFF;VAR OFF;PF OFF;DEGR OFF;VHZ OFF;VPK OFF;APK OFF")
    exchanged(meter, ":CONF:VOLT:RANG 300;:CONF:CURR:RANG 1")
    assert [float(x) for x in exchanged(meter, ":MEAS:VAL?", 9 * S).split(",")] == [100, 60, 30]


def test_the_elements_of_a_wt500_find_their_own_ranges():
    drawn = load.parse_all(["constant:400", "constant:100", "constant:20"], no_time)
    meter = EmulatedWt500("WT500-3", drawn, 1, 0)
    exchanged(meter, ":COMM:HEAD OFF;:CURR:AUTO:ALL ON", S)
    for at in range(2, 12):
        exchanged(meter, ":NUM:NORM:VAL?", at * S)
    assert exchanged(meter, ":CURR:RANG?;:CURR:AUTO?", 12 * S) == "5.0E+00;1.0E+00;500.0E-03;1;1;1"
    exchanged(meter, ":CURR:RANG:ELEM2 10", 12 * S)
    assert exchanged(meter, ":CURR:RANG?;:CURR:AUTO:ELEM2?", 12 * S) == "5.0E+00;10.0E+00;500.0E-03;0"
    exchanged(meter, ":CURR:RANG:ELEM4 5", 12 * S)
    assert exchanged(meter, ":STAT:ERR?").startswith("114,")


@given(st.binary(max_size=80))
@settings(max_examples=60, deadline=None)
def test_any_message_to_the_other_yokogawas(data):
    for meter in (EmulatedWt200("WT230-2", Sine(100), 1, 0), EmulatedWt500("WT500-2", Sine(100), 1, 0)):
        for _ in meter.handle(data, S):
            continue
        assert exchanged(meter, "*IDN?").startswith("YOKOGAWA,760")

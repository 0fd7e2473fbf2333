"""A meter that its user tells in a table, and one that has no wire."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from powerd import config, drivers
from powerd.errors import NotThere, Refused
from powerd.model import MeterInfo, Quality, Settings, TimingMode
from powerd.transports import LineSettings, open_port
from schemas.errors import UserError
from tests.powerd.benches import bench, fitting
from tests.powerd.conversation import conversation

PAGE = Path(__file__).resolve().parents[2] / "docs/meters/generic-scpi.md"
TABLE = """
makers = ["Rohde&Schwarz"]
models = ["HMC8015"]
setup = ["CHAN1:MEAS:FUNC URMS,IRMS,P,LAMB,FU"]
read = "CHAN1:MEAS:DATA?"
fields = ["voltage_v", "current_a", "power_w", "power_factor", "frequency_hz"]
errors = ""
intervals = ["100ms"]
[voltage]
ranges = [150, 300, 600]
[current]
ranges = [0.5, 1, 5]
[accuracy]
source = "a manual"
reading = 0.0005
range = 0.0005
power_factor = 0.001
"""


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(TABLE)
    return path


def test_a_meter_is_measured_as_its_table_says(table):
    with bench("rs-hmc8015") as meter:
        told = config.parse_meter(f"wall=generic-scpi:{meter.port},table={table},interval=100ms")
        driver = drivers.find(told.driver)
        port = open_port(meter.port, LineSettings(baud=57600))
        try:
            info = driver.identify(port)
            settings = driver.configure(port, info, fitting(driver, info))
            found = [driver.read(port, settings)[0] for _ in range(8)]
        finally:
            port.close()
    assert (info.driver, info.model, info.simulated) == (told.driver, "HMC8015", True)
    assert drivers.find(info.driver).specification(info).source == "a manual"
    assert (settings.voltage_range_v, settings.current_range_a) == (300, 1)
    assert found[-1].quality is Quality.GOOD
    assert abs(found[-1].power_w - 100) < 1


def test_the_table_of_the_page_is_one(tmp_path):
    block = next(b for b in PAGE.read_text().split("\n\n    #") if "my-meter.toml" in b)
    lines = re.findall(r"^    (.*)|^()$", "    #" + block.split("The meter is then")[0], re.MULTILINE)
    path = tmp_path / "page.toml"
    path.write_text("\n".join(line for line, _ in lines))
    driver = drivers.find(f"generic-scpi@{path}")
    assert driver.table.rates == {250_000_000: "RATE 250MS", 1_000_000_000: "RATE 1S"}
    info = MeterInfo(driver.name, "ACME", "PX-100", "", "", "", ("1",), False)
    asked = Settings(voltage_range_v=300.0, current_range_a=1.0)
    with conversation((b"*IDN?\n", b"ACME,PX-100,1,2\n")) as port:
        assert driver.identify(port).model == "PX-100"
    assert driver.setup_messages(asked) == (
        "HEAD OFF",
        "FUNC URMS,IRMS,P,PF,FREQ",
        "VOLT:RANG 300",
        "CURR:RANG 1",
        "RATE 1S",
    )
    with conversation() as port, pytest.raises(Refused, match="knows no auto current range"):
        driver.configure(port, info, Settings(voltage_range_v=300.0))


def test_timing_is_the_tables(tmp_path):
    path = tmp_path / "wait.toml"
    path.write_text('timing = "wait"\ndelay = "5ms"\ndelay_u95 = "2ms"\n' + TABLE)
    driver = drivers.find(f"generic-scpi@{path}")
    assert (driver.timing, driver.delay_ns, driver.delay_u95_ns) == (TimingMode.WAIT, 5_000_000, 2_000_000)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("read =", "reed ="), ["unknown key 'reed'", "did you mean 'read'", "no read"]),
        (('"power_w"', '"watts"'), ["found watts, wanted columns"]),
        (("ranges = [150", "rangs = [150"), ["voltage: found rangs"]),
        (("reading = 0.0005", "reading = 5"), ["accuracy", "share such as"]),
        (('intervals = ["100ms"]', 'intervals = ["fast"]'), ["intervals", "a time such as"]),
        (('errors = ""', 'timing = "now"'), ["timing"]),
        (('errors = ""', "over = 3"), ["over", "list of numbers"]),
        (("makers", "[makers"), ["is not TOML"]),
    ],
)
def test_all_mistakes_of_a_table_are_told(tmp_path, change, words):
    path = tmp_path / "wrong.toml"
    path.write_text(TABLE.replace(*change))
    with pytest.raises(UserError) as caught:
        config.parse_meter(f"wall=generic-scpi:/dev/x,table={path}")
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_a_table_that_is_not_there_and_none_at_all():
    with pytest.raises(NotThere, match="cannot be read"):
        drivers.find("generic-scpi@/nonexistent.toml")
    with conversation() as port, pytest.raises(Refused, match=r"table = FILE\.toml"):
        drivers.find("generic-scpi").identify(port)
    with pytest.raises(UserError, match="there is no driver"):
        config.parse_meter("wall=pzem-004t:/dev/x,table=/tmp/x.toml")


def test_a_simulated_meter_has_no_wire():
    driver = drivers.find("simulated")
    port = open_port("load:constant:60", LineSettings())
    info = driver.identify(port)
    settings = driver.configure(port, info, Settings(100_000_000, 300.0, 1.0))
    found = [driver.read(port, settings)[0] for _ in range(6)]
    assert (info.driver, info.simulated) == ("simulated", True)
    assert abs(found[-1].power_w - 60) < 1
    with pytest.raises(NotThere, match="is no load"):
        open_port("load:heavy", LineSettings())
    with (
        conversation((b"*IDN?\n", b"YOKOGAWA,WT310E,C1,F1.04\n")) as real,
        pytest.raises(Refused, match="is a real meter"),
    ):
        driver.identify(real)

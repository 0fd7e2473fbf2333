"""The system description: all fields of the round, holes marked, nothing empty that must say something."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from harness import system
from harness.machine import Machine
from harness.registry import compute_of
from schemas import documents
from schemas.rounds import load_round
from schemas.system_columns import columns

Program = Callable[..., tuple[int, str, str]]
ROUND = load_round("v4.1")
FACTS = {**ROUND.facts, "status_pattern": "^available$"}


def described() -> dict[str, str]:
    return system.describe(ROUND, division="open", submitter="me", system_name="board", framework="ort 1")


def test_all_fields_of_the_round_in_its_order() -> None:
    found = described()
    assert list(found) == list(ROUND.facts["system_fields"]["required"])
    assert len(found) == 35
    assert list(documents.violations("system", found, FACTS)) == []
    assert all(found[name] for name in ROUND.facts["system_fields"]["non_empty"])
    assert all(isinstance(value, str) for value in found.values())


def test_what_this_machine_knows_is_true() -> None:
    import psutil

    found = described()
    assert float(found["host_memory_capacity"].split()[0]) * 2**30 > 0.9 * psutil.virtual_memory().total
    assert (
        int(found["host_processor_core_count"]) * int(found["host_processors_per_node"]) <= psutil.cpu_count()
    )
    assert found["accelerators_per_node"] == "0"


def test_holes_are_listed() -> None:
    found = described()
    assert "cooling" in system.holes(found)
    assert "submitter" not in system.holes(found)


def test_command_writes_once_and_never_over(program: Program, tmp_path: Path) -> None:
    path = tmp_path / "board.json"
    code, out, err = program("describe-system", "--output", path, "--system", "board")
    assert (code, out) == (0, "")
    assert "to fill in" in err
    assert json.loads(path.read_text())["system_name"] == "board"
    code, out, _ = program("describe-system", "--system-type", "datacenter")
    assert json.loads(out)["system_type"] == "datacenter"
    code, _, err = program("describe-system", "--system-type", "edgy")
    assert code == 2
    assert "did you mean edge" in err
    code, _, err = program("describe-system", "--output", path)
    assert code == 2
    assert "exists already" in err


def test_list_is_a_document_of_its_schema(program: Program) -> None:
    code, out, _ = program("list", "--json")
    assert code == 0
    document = json.loads(out)
    assert list(documents.violations("benchmarks", document)) == []
    (resnet,) = [b for b in document["benchmarks"] if b["name"] == "resnet50"]
    assert [s["name"] for s in resnet["scenarios"]] == ["SingleStream", "MultiStream", "Offline"]


def test_list_for_people_names_what_is_missing(program: Program) -> None:
    code, out, _ = program("list")
    assert code == 0
    assert "SingleStream (required)" in out


def planted(root: Path, files: dict[str, str]) -> Machine:
    """A machine that tells what ``files`` say, by path below sys, proc and dev."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return Machine(*(root / part for part in ("sys", "proc", "dev", "run")))


def of(machine: Machine, compute: system.Compute = "auto") -> dict[str, str]:
    found = system.describe(
        *(ROUND,), division="open", submitter="me", system_name="board", framework="ort 1",
        compute=compute, machine=machine,
    )  # fmt: skip
    assert all(found[name] for name in ROUND.facts["system_fields"]["non_empty"]), found
    assert list(documents.violations("system", found, FACTS)) == []
    return found


def arm(*parts: str) -> str:
    rows = (f"processor\t: {n}\nCPU implementer\t: 0x41\nCPU part\t: {p}\n" for n, p in enumerate(parts))
    return "\n".join(rows)


PI: dict[str, str] = {
    "proc/cpuinfo": arm("0xd0b", "0xd0b", "0xd0b", "0xd0b") + "\nModel\t: Raspberry Pi 5 Model B Rev 1.0\n",
    "proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0",
    "proc/device-tree/compatible": "raspberrypi,5-model-b\0brcm,bcm2712\0",
    "proc/meminfo": "MemTotal: 8388608 kB\n",
    **{f"sys/devices/system/cpu/cpu{n}/topology/core_cpus_list": str(n) for n in range(4)},
    **{f"sys/devices/system/cpu/cpu{n}/topology/physical_package_id": "0" for n in range(4)},
    "sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_min_freq": "1500000",
    "sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq": "2400000",
    "sys/block/mmcblk0/size": "62500000",
    "sys/block/mmcblk0/device/type": "SD",
    "sys/block/mmcblk0boot0/size": "8192",
    "sys/block/loop0/size": "100",
    "sys/class/net/eth0/device/vendor": "0x1",
    "sys/class/net/eth0/speed": "1000",
    "sys/class/net/wlan0/device/vendor": "0x1",
    "sys/class/net/wlan0/wireless/x": "",
    "sys/class/net/lo/speed": "10",
}


def test_a_board_tells_its_chip_its_cores_its_card_and_its_net(tmp_path: Path) -> None:
    found = of(planted(tmp_path, PI))
    assert found["host_processor_model_name"] == "BCM2712 (4x Arm Cortex-A76)"
    assert (found["host_processors_per_node"], found["host_processor_core_count"]) == ("1", "4")
    assert found["host_processor_frequency"] == "1500 MHz (min); 2400 MHz (max)"
    assert found["host_memory_capacity"] == "8.0 GiB"
    assert (found["host_storage_capacity"], found["host_storage_type"]) == ("32 GB", "SD card")
    assert found["host_networking"] == "eth0: Ethernet 1000 Mbit/s; wlan0: Wi-Fi"
    assert found["host_network_card_count"] == "2"
    assert found["system_type_detail"] == "board: Raspberry Pi 5 Model B Rev 1.0"
    assert found["accelerators_per_node"] == "0"
    assert "host_memory_configuration" in system.holes(found)


def test_kinds_of_cores_are_counted_and_an_unknown_one_is_a_hole(tmp_path: Path) -> None:
    mixed = planted(tmp_path / "a", {"proc/cpuinfo": arm(*["0xd05"] * 4, *["0xd0b"] * 2)})
    assert of(mixed)["host_processor_model_name"] == "4x Arm Cortex-A55 + 2x Arm Cortex-A76"
    strange = of(planted(tmp_path / "b", {"proc/cpuinfo": arm("0xfff")}))
    assert "host_processor_model_name" in system.holes(strange)


def test_two_sockets_with_threads(tmp_path: Path) -> None:
    files = {"proc/cpuinfo": "model name : Some Server CPU\n"}
    for n in range(8):
        place = f"sys/devices/system/cpu/cpu{n}/topology/"
        files[place + "physical_package_id"] = str(n % 2)
        files[place + "core_cpus_list"] = f"{n % 4},{n % 4 + 4}"
    found = of(planted(tmp_path, files))
    assert (found["host_processors_per_node"], found["host_processor_core_count"]) == ("2", "2")
    assert "host_processor_interconnect" in system.holes(found)


def test_memory_modules_and_limits_of_the_group(tmp_path: Path) -> None:
    dimms = {f"sys/devices/system/edac/mc/mc0/dimm{n}/size": "16384" for n in range(2)}
    kinds = {f"sys/devices/system/edac/mc/mc0/dimm{n}/dimm_mem_type": "Unbuffered-DDR4" for n in range(2)}
    group = {"sys/fs/cgroup/cpu.max": "150000 100000", "sys/fs/cgroup/memory.max": str(2 << 30)}
    found = of(planted(tmp_path, {**dimms, **kinds, **group}))
    assert found["host_memory_configuration"] == "2x 16 GiB Unbuffered-DDR4"
    assert found["sw_notes"] == "limited by its control group to 1.5 processors and 2.0 GiB of memory"


def test_the_form_by_the_makers_table(tmp_path: Path) -> None:
    folder = "sys/class/dmi/id/"
    files = {folder + "chassis_type": "35\n", folder + "sys_vendor": "TRIGKEY", folder + "product_name": "S5"}
    assert of(planted(tmp_path, files))["system_type_detail"] == "mini computer (TRIGKEY S5)"


HAILO = {
    "sys/bus/pci/devices/0001:01:00.0/vendor": "0x1e60\n",
    "sys/bus/pci/devices/0001:01:00.0/device": "0x2864\n",
    "sys/bus/pci/devices/0001:01:00.0/max_link_speed": "8.0 GT/s PCIe\n",
    "sys/bus/pci/devices/0001:01:00.0/max_link_width": "4\n",
    "dev/hailo0": "",
}
TEGRA = {
    "proc/device-tree/model": "NVIDIA Jetson AGX Orin Developer Kit\0",
    "proc/device-tree/compatible": "nvidia,p3737-0000+p3701-0000\0nvidia,tegra234\0",
    "proc/cpuinfo": arm(*["0xd42"] * 12),
}
CARDS = {
    f"proc/driver/nvidia/gpus/0000:0{n}:00.0/information": "Model: \t\t NVIDIA A2\nIRQ: 1\n" for n in (1, 2)
}
STICK = {"sys/bus/usb/devices/1-1/idVendor": "18d1", "sys/bus/usb/devices/1-1/idProduct": "9302"}
APEX = {"dev/apex_0": ""}
ACCEL = {"dev/accel/accel0": ""}


@pytest.mark.parametrize(
    ("files", "count", "name", "link"),
    [
        (HAILO, "1", "Hailo-8", "PCIe 8.0 GT/s x4"),
        (TEGRA, "1", "NVIDIA Jetson AGX Orin Developer Kit", "on the chip"),
        (CARDS, "2", "NVIDIA A2", None),
        (STICK, "1", "Google Coral USB Accelerator", "USB"),
        (APEX, "1", "Google Coral Edge TPU", None),
        (ACCEL, "1", None, None),
    ],
)
def test_an_accelerator_that_is_there_fills_its_fields(
    tmp_path: Path, files: dict[str, str], count: str, name: str | None, link: str | None
) -> None:
    found = of(planted(tmp_path, files))
    assert found["accelerators_per_node"] == count
    for field, value in (("accelerator_model_name", name), ("accelerator_host_interconnect", link)):
        assert (found[field] == value) if value is not None else (field in system.holes(found))
    assert (found["accelerator_interconnect"] == "N/A") == (count == "1")
    shown = columns(found)
    assert shown.processor == "", "the page leaves it out"
    assert shown.accelerator.startswith(f"{count}x ")


def test_processors_that_compute_beside_an_accelerator(tmp_path: Path) -> None:
    machine = planted(tmp_path, {**PI, **HAILO})
    found = of(machine, "cpu")
    assert found["accelerators_per_node"] == "0"
    assert found["accelerator_model_name"] == "N/A"
    assert found["hw_notes"] == "present and not used: 1x Hailo-8"
    shown = columns(found)
    assert (shown.processor, shown.accelerator) == ("1x BCM2712 (4x Arm Cortex-A76)", "")
    assert of(machine)["hw_notes"] == ""


def test_a_graphics_unit_computes_only_when_it_is_said(tmp_path: Path) -> None:
    card = {"sys/class/drm/card0/device/vendor": "0x8086", "sys/class/drm/card0-HDMI-A-1/status": "connected"}
    machine = planted(tmp_path, card)
    drivers = tmp_path / "sys/bus/pci/drivers/i915"
    drivers.mkdir(parents=True)
    (tmp_path / "sys/class/drm/card0/device/driver").symlink_to(drivers)
    assert of(machine)["accelerators_per_node"] == "0"
    found = of(machine, "accelerator")
    assert found["accelerators_per_node"] == "1"
    assert "Intel GPU" in found["accelerator_model_name"]


def test_an_accelerator_that_nobody_sees_is_all_holes(tmp_path: Path) -> None:
    found = of(planted(tmp_path, PI), "accelerator")
    missing = {name for name in system.holes(found) if name.startswith("accelerator")}
    assert {"accelerators_per_node", "accelerator_model_name", "accelerator_host_interconnect"} <= missing


def test_a_runtime_on_the_processors_is_described_as_such() -> None:
    assert compute_of("onnxruntime", {}) == "cpu"


def test_command_tells_the_view_of_the_page(program: Program) -> None:
    code, out, err = program("describe-system", "--compute", "cpu")
    assert code == 0
    assert json.loads(out)["accelerators_per_node"] == "0"
    assert "accelerator and count: left out" in err
    assert "processor and count: 1x" in err or "processor and count: 2x" in err
    code, out, err = program("describe-system", "--compute", "accelerator")
    assert "processor and count: left out" in err


@pytest.mark.parametrize(
    ("described", "processor", "accelerator"),
    [
        ({"accelerators_per_node": "0", "accelerator_model_name": "-"}, "2x Xeon", ""),
        ({"accelerators_per_node": 4, "accelerator_model_name": "A2"}, "", "4x A2"),
        ({"accelerators_per_node": "1", "accelerator_model_name": "A2", "number_of_nodes": "3"}, "", "3x A2"),
        ({"accelerators_per_node": "N/A", "accelerator_model_name": "N/A"}, "2x Xeon", ""),
        ({"accelerators_per_node": "", "accelerator_model_name": "A2"}, "2x Xeon", ""),
        ({"accelerators_per_node": "several", "accelerator_model_name": "A2"}, "", "A2"),
        ({"accelerators_per_node": None, "accelerator_model_name": None}, "2x Xeon", ""),
        ({}, "2x Xeon", ""),
    ],
)
def test_the_page_shows_what_does_most_of_the_computing(
    described: dict[str, object], processor: str, accelerator: str
) -> None:
    host = {"host_processor_model_name": "Xeon", "host_processors_per_node": 2}
    shown = columns({**host, **described})
    assert (shown.processor, shown.accelerator) == (processor, accelerator)


def test_list_tells_what_each_benchmark_needs_and_what_is_installed(program: Program) -> None:
    (resnet,) = (b for b in json.loads(program("list", "--json")[1])["benchmarks"] if b["name"] == "resnet50")
    assert resnet["needs"]["samples"] == 50_000
    assert "input input_tensor:0 float32 [N,3,224,224]" in resnet["needs"]["model"]
    assert resnet["compliance_tests"] == ["TEST01", "TEST04", "TEST05"]
    packages = {p["name"]: p for p in json.loads(program("list", "--json")[1])["packages"]}
    loadgen = packages["mlcommons-loadgen"]
    assert loadgen["installed"] == loadgen["wanted"] == "4.1.30"
    assert program("list", "--round", "v0.0")[0] == 2

"""Network cards: those with a device behind them, their driver and speed."""

from __future__ import annotations

from pathlib import Path

from harness.machine import Machine, number, text
from harness.system.words import HOLE, NONE


def fields(machine: Machine) -> dict[str, str]:
    """Three fields of the round."""
    cards = [p for p in sorted((machine.sys / "class/net").glob("*")) if (p / "device").exists()]
    return {
        "host_network_card_count": str(len(cards)),
        "host_networking": "; ".join(_card(c) for c in cards) or NONE,
        "host_networking_topology": NONE,
    }


def _card(card: Path) -> str:
    driver = (card / "device/driver").resolve().name if (card / "device/driver").exists() else ""
    wireless = (card / "wireless").exists() or (card / "phy80211").exists()
    speed = number(card / "speed") if text(card / "speed") else None
    if wireless:
        kind = "Wi-Fi"
    elif speed is not None and speed > 0:
        kind = f"Ethernet {speed} Mbit/s"
    else:
        kind = f"{HOLE}: kind and speed"
    return f"{card.name}: {kind}" + (f" ({driver})" if driver else "")

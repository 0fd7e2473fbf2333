"""The language of an emulated WT300: its words, its numbers, and how it reads arguments."""

from __future__ import annotations

import math

from powerd.emulators.scpi_tree import CommandError, Grammar

WORDS = (
    "INPut",
    "CFACtor",
    "VOLTage",
    "CURRent",
    "RANGe",
    "AUTO",
    "MODE",
    "SYNChronize",
    "FILTer",
    "LINE",
    "FREQuency",
    "WIRing",
    "MEASure",
    "AVERaging",
    "STATe",
    "TYPE",
    "COUNt",
    "MHOLd",
    "RATE",
    "HOLD",
    "NUMeric",
    "FORMat",
    "NORMal",
    "NUMber",
    "ITEM",
    "VALue",
    "PRESet",
    "STATus",
    "EESR",
    "ERRor",
    "CONDition",
    "QMESsage",
    "COMMunicate",
    "HEADer",
    "VERBose",
    "WAIT",
    "REMote",
    "LOCKout",
    "INTEGrate",
    "STARt",
    "STOP",
    "RESet",
    "TIMer",
    "SYSTem",
    "KLOCk",
    "POVer",
    "CRANge",
)
GRAMMAR = Grammar(WORDS, frozenset({"INP"}))
RATES = {
    "100MS": 100,
    "250MS": 250,
    "500MS": 500,
    "1S": 1000,
    "2S": 2000,
    "5S": 5000,
}


def engineering(value: float, rated: float, digits: int = 5) -> str:
    """NR3 with the exponent and the decimals of the rated range written with ``digits`` digits."""
    if math.isnan(value):
        return "NAN"
    if math.isinf(value):
        return "INF"
    exponent = 3 * math.floor(math.log10(rated) / 3 + 1e-9)
    before = len(str(int(rated / 10.0**exponent + 1e-9)))
    return f"{value / 10.0**exponent:.{digits - before}f}E{exponent:+03d}"


def range_text(value: float, *, current: bool, model: str) -> str:
    """A range as the meter prints it: three decimals from 1 A on WT310 and WT310E, one otherwise."""
    exponent = 0 if value >= 1 else -3
    decimals = 3 if current and value >= 1 and model in {"WT310", "WT310E"} else 1
    return f"{value / 10.0**exponent:.{decimals}f}E{exponent:+03d}"


def on_off(argument: str) -> bool:
    """ON, OFF or a number; ``CommandError`` otherwise."""
    word = argument.strip().upper()
    if word in {"ON", "OFF"}:
        return word == "ON"
    return round(quantity(word, "")) != 0


def quantity(argument: str, unit: str) -> float:
    """``150``, ``150V``, ``500MA``: multiplier and unit as the meter takes them; ``CommandError`` otherwise."""
    word = argument.strip().upper()
    if not word:
        raise CommandError(109)
    scale = 1.0
    if unit and word.endswith(unit):
        word = word[: -len(unit)].rstrip()
        if word.endswith("M"):
            word, scale = word[:-1], 1e-3
    try:
        value = float(word) * scale
    except ValueError:
        raise CommandError(120) from None
    if not math.isfinite(value):
        raise CommandError(120)
    return value

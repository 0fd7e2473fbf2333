"""An evidence bundle, judged offline: chain, signature, and every number of its window computed again.

The computing is ``schemas.window_document.document``, the same code as in the daemon, over the records of the bundle.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from checker.reading import open_bytes, read_bytes
from schemas import __version__, bundle, window_differences, window_document
from schemas.bundle import Line
from schemas.errors import Refused, UserError
from schemas.measured import Quality
from schemas.metrology import series
from schemas.plainfile import TooLarge
from schemas.records import AsOf, Moment, StoredWindow
from schemas.typed import made
from schemas.witness import MEMBERS, Remembered

SCHEMA = "edgewatt/verification/1"
ONCE = ("header", "window", "request", "moment")
INSTALL = "pip install 'edgewatt[verify]'"
MOST_FAULTS = 50
LARGEST_BUNDLE = 256 << 20
"""Bytes: twelve hours of samples at ten a second, five days at one."""
MOST_LINES = 1_000_000
"""Lines: a reading has some six hundred bytes."""
MOST_OF_A_KIND = 10_000
"""Records of what a window has a few of: specifications, meters, lives of the daemon, marks."""
MOST_CHANNELS = 100
"""Channels of a window, over all its meters."""
_KEPT = {"signature": 10}
"""Lines of a member whose data are kept for later, where it is not the first alone."""
_FEW = ("specification", "meter", "run", "mark")
HIGHEST_W = 1e37
"""As meters write what is no number."""
LARGEST_KEY = 1 << 16
"""Bytes of a PEM file; one of Ed25519 has some hundred."""
_IMPOSSIBLE = (
    Refused, LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError, MemoryError,
)  # fmt: skip
"""What comes out of numbers, texts and times that no daemon writes."""
_NUMBER = re.compile(rb"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_FINGERPRINT = re.compile(r"(?:SHA256:)?([0-9a-f]{64})\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and in which line of which member where that can be told."""

    message: str
    line: int | None = None
    member: str | None = None

    def __str__(self) -> str:
        """For people."""
        place = "" if self.line is None else f"line {self.line}, member {self.member}: "
        return place + self.message


@dataclass(frozen=True, slots=True)
class Verification:
    """The outcome. ``key``: given, not given, other, unsigned or broken; see ``edgewatt/verification/1``."""

    lines: int
    window: Mapping[str, Any] | None
    fingerprint: str | None
    key: str
    recomputed: bool
    raw_samples: int
    raw_found: int
    faults: Sequence[Fault]
    notes: Sequence[str]


def wanted_key(text: str) -> str:
    """The fingerprint that ``--key`` means: itself, or that of the PEM file; ``UserError`` when it is neither."""
    match = _FINGERPRINT.match(text)
    if match is not None:
        return f"SHA256:{match[1].lower()}"
    if not Path(text).is_file():
        raise UserError(
            f"found --key {text[:80]!r}, wanted a fingerprint (SHA256: and 64 hexadecimal digits) or the file of a "
            "public key: `powerd doctor --data-dir DIR` and /v1/health tell the fingerprint"
        )
    _need_cryptography()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

    try:
        key = load_pem_public_key(read_bytes(Path(text), LARGEST_KEY))
    except (ValueError, TypeError, OSError) as error:
        raise UserError(f"--key {text} holds no public key in PEM: name the daemon's signing.pub") from error
    if not isinstance(key, Ed25519PublicKey):
        raise UserError(f"--key {text} holds a key of another kind: name the daemon's signing.pub (Ed25519)")
    return _fingerprint(key.public_bytes(Encoding.Raw, PublicFormat.Raw))


def verify(path: Path, key: str | None = None) -> Verification:
    """Judge the file; ``key`` is the fingerprint that must have signed. ``UserError`` when it is no bundle at all."""
    lines, source, unreadable = _read(path)
    faults = [Fault(line.fault, line.number, line.member) for line in lines if line.fault is not None]
    by_member = _by_member(lines)
    faults += _misplaced(lines)
    whole = not faults
    print_, state, wrong = _signature(lines, by_member, key)
    faults += wrong
    notes = _key_notes(state)
    window = next((line.data for line in by_member.get("window", ())), None)
    recomputed, samples, found = False, 0, 0
    if whole:
        faults += unreadable
        if not unreadable:
            differ, more = _numbers(by_member, source)
            faults += differ
            notes += more
            recomputed = not differ
            samples, found = _raw(source)
    else:
        notes.append("the numbers were not computed again, since lines are changed or missing")
    if found < samples:
        notes.append(
            f"{samples - found} of {samples} samples stand for a power that is not a number of the meter's answer: "
            "a meter may give other units, look at member reading"
        )
    shown = faults[:MOST_FAULTS]
    if len(faults) > MOST_FAULTS:
        shown.append(Fault(f"and {len(faults) - MOST_FAULTS} more"))
    return Verification(len(lines), window, print_, state, recomputed, samples, found, shown, notes)


def _read(path: Path) -> tuple[list[Line], Remembered, list[Fault]]:
    """The lines, the records as the daemon's store would give them, and which of them are none.

    Lines of records come without their data: with them a bundle would take seven times its size.
    """
    try:
        with open_bytes(path, LARGEST_BUNDLE) as file:
            lines, source, unreadable = _remembered(path, bundle.read(file))
    except TooLarge as error:
        raise UserError(f"{path} {error}: export shorter windows") from error
    except OSError as error:
        raise UserError(
            f"{path} cannot be read ({error.strerror}): name a bundle, as `powerd export ID --format bundle` writes it"
        ) from error
    if not any(line.chain for line in lines):
        raise UserError(
            f"{path} is no evidence bundle, wanted {bundle.SCHEMA}: make one with `powerd export ID --format bundle`"
        )
    return lines, source, unreadable


def _remembered(path: Path, found: Iterable[Line]) -> tuple[list[Line], Remembered, list[Fault]]:
    lines: list[Line] = []
    source, unreadable, counts = Remembered(""), list[Fault](), Counter[str]()
    for line in found:
        if line.number > MOST_LINES:
            raise UserError(
                f"{path} has more than {MOST_LINES} lines, more than a bundle: make one of a shorter window"
            )
        data, kept = line.data, line
        if data is not None:
            counts[line.member] += 1
            wrong = _add(source, line.member, data, counts[line.member])
            if wrong and len(unreadable) <= MOST_FAULTS:
                unreadable.append(Fault(wrong[:200], line.number, line.member))
            if line.member == "moment":
                source.boot_id = str(data.get("boot_id"))
            if line.member in MEMBERS or counts[line.member] > _KEPT.get(line.member, 1):
                kept = replace(line, data={})
        lines.append(kept)
    return lines, source, unreadable


def _add(source: Remembered, member: str, data: Mapping[str, Any], count: int) -> str:
    """Why a line is no record; empty where it is one, or is no line of a record."""
    if member not in MEMBERS:
        return ""
    if member in _FEW and count > MOST_OF_A_KIND:
        return f"there are more than {MOST_OF_A_KIND} records of member {member}"
    try:
        source.add(member, data)
    except ValueError as error:
        return str(error)
    return ""


def _by_member(lines: Sequence[Line]) -> dict[str, list[Line]]:
    found: dict[str, list[Line]] = {}
    for line in lines:
        if line.data is not None:
            found.setdefault(line.member, []).append(line)
    return found


def _misplaced(lines: Sequence[Line]) -> Iterator[Fault]:
    """Lines of unknown members or out of order, and members that must stand once."""
    latest = 0
    for line in lines:
        if line.fault is None:
            place = bundle.MEMBERS.index(line.member) if line.member in bundle.MEMBERS else -1
            if place < 0:
                yield Fault("is of a member that this form does not have", line.number, line.member)
            elif place < latest:
                yield Fault("stands behind lines that it must come before", line.number, line.member)
            latest = max(latest, place)
    for member in ONCE:
        count = sum(line.member == member for line in lines)
        if count != 1:
            yield Fault(f"there are {count} lines of member {member}, wanted one")


def _signature(
    lines: Sequence[Line], by_member: Mapping[str, Sequence[Line]], key: str | None
) -> tuple[str | None, str, list[Fault]]:
    """Fingerprint, what is known of the key, and what is wrong with it."""
    signatures = by_member.get("signature", ())
    last = lines[-1]
    if not signatures:
        if last.member == "signature":  # its line was changed, which was said
            return None, "broken", []
        header = next((line.data for line in by_member.get("header", ())), None) or {}
        why = header.get("unsigned_because") or "the last line, the signature, is missing"
        return (
            None,
            "unsigned",
            [Fault(f"nobody signed it, so anybody may have written it ({str(why)[:200]})")],
        )
    line = signatures[-1]
    print_ = None if line.number != len(lines) else _signed_by(line.data or {}, lines[-2].chain)
    if print_ is None:
        words = "the signature does not belong to these lines and this key"
        return None, "broken", [Fault(words, line.number, "signature")]
    if key not in (None, print_):
        words = f"it is signed by {print_}, wanted the key {key}"
        return print_, "other", [Fault(words, line.number, "signature")]
    return print_, "not given" if key is None else "given", []


def _signed_by(data: Mapping[str, Any], chain: str) -> str | None:
    """Fingerprint of the key that made the signature, None when it does not fit."""
    _need_cryptography()
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        raw = bytes.fromhex(data["public_key"])
        Ed25519PublicKey.from_public_bytes(raw).verify(
            bytes.fromhex(data["signature"]), bundle.to_sign(chain)
        )
    except (InvalidSignature, KeyError, ValueError, TypeError):
        return None
    found = _fingerprint(raw)
    return found if (data.get("fingerprint"), data.get("signed_chain")) == (found, chain) else None


def _fingerprint(raw: bytes) -> str:
    return f"SHA256:{hashlib.sha256(raw).hexdigest()}"


def _need_cryptography() -> None:
    try:
        import cryptography  # noqa: F401
    except ImportError:
        raise UserError(f"signatures cannot be checked without the package cryptography: {INSTALL}") from None


def _key_notes(state: str) -> list[str]:
    if state != "not given":
        return []
    return [
        "the key is unknown here: compare the fingerprint with that of `powerd doctor --data-dir DIR`, or give it "
        "with --key"
    ]


def _numbers(by_member: Mapping[str, Sequence[Line]], source: Remembered) -> tuple[list[Fault], list[str]]:
    """What comes out otherwise when the window is computed again, and what is to be known."""
    line = by_member["window"][0]
    window = line.data or {}
    place = (line.number, "window")
    faults: list[Fault] = []
    try:
        if window.get("sha256") != window_document.digest(window):
            faults.append(Fault("its sha256 is not that of its text", *place))
        stored, moment = _request(by_member)
        again = window_document.document(
            AsOf(source, moment), stored, moment.boottime_ns, source.specification
        )
        faults += [Fault(text, *place) for text in window_differences.differences(window, again)]
    except _IMPOSSIBLE as error:
        return [
            *faults,
            Fault(f"the window cannot be computed from these lines: {str(error)[:200]}", *place),
        ], []
    notes = list(_specification_notes(source))
    daemon = window.get("daemon")
    made = daemon.get("version") if isinstance(daemon, Mapping) else None
    if faults and made != __version__:
        notes.append(f"powerd {made} made it and this is {__version__}: one of them may compute otherwise")
    if by_member.get("kept"):
        notes.append(
            "the numbers that were kept at the close stand in member kept; those judged are a revision"
        )
    return faults, notes


def _request(by_member: Mapping[str, Sequence[Line]]) -> tuple[StoredWindow, Moment]:
    asked = by_member["request"][0].data or {}
    own = {
        name: asked[name]
        for name in ("name", "meter", "channel", "labels", "boot_id", "opened_ns", "request")
    }
    stored = made(StoredWindow, {"ident": asked["id"], "state": "closed", "document": None, **own})
    places = [(meter, channel) for meter, channels in stored.places for channel in channels]
    if len(places) > MOST_CHANNELS or len(set(places)) < len(places):
        raise ValueError(f"it asks for more than {MOST_CHANNELS} channels, or for one twice")
    return stored, made(Moment, by_member["moment"][0].data or {})


def _specification_notes(source: Remembered) -> Iterator[str]:
    """Limits of a meter that are not those that we have for its model."""
    for info, specification in source.specifications.items():
        driver, model = info.driver, info.model
        try:
            ours = series(driver)[model]
        except KeyError:
            continue
        if ours != specification:
            yield f"the limits of the {model} in it are not those of this version: the error bar rests on those in it"


def _raw(source: Remembered) -> tuple[int, int]:
    """Good samples with numbers in their answer, and those among them whose power is one of the numbers."""
    samples = found = 0
    for stored in source.stored_readings:
        power = stored.reading.values.power_w
        numbers = [float(n) for n in _NUMBER.findall(stored.reading.raw)]
        good = stored.reading.values.quality is Quality.GOOD and len(numbers) > 1
        if good and isinstance(power, float | int) and abs(power) < HIGHEST_W:
            samples += 1
            found += any(math.isclose(power, n, rel_tol=1e-9, abs_tol=1e-12) for n in numbers)
    return samples, found

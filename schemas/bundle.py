"""``edgewatt/bundle/1``: the evidence of a window as one text file that nobody can change unnoticed.

JSON Lines in ASCII, one record a line: ``{"member":NAME,"data":{…},"chain":"<64 hex>"}``. The chain value of a line is
SHA-256 over that of the line before it and the bytes of the line in front of ``,"chain":``; before the first line
stands SHA-256 of the name of the form. The last line is the member ``signature``: an Ed25519 signature (RFC 8032)
over the name of the form, a line end and the chain value of the line before it. Since every line carries its own
chain value, a changed byte is found in its line and does not hide the lines behind it.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from schemas import witness

SCHEMA = "edgewatt/bundle/1"
START = hashlib.sha256(SCHEMA.encode()).hexdigest()
_SEALED = re.compile(rb'(\{"member":"([a-z]+)".*),"chain":"([0-9a-f]{64})"\}\n\Z', re.DOTALL)
_CHAIN = re.compile(rb'"chain":"([0-9a-f]{64})"')
MEMBERS = ("header", "kept", "window", "request", "moment", *witness.MEMBERS, "signature")
"""All members, in their order."""
Sign = Callable[[bytes], Mapping[str, str]]
LONGEST_LINE = 1 << 20
"""Bytes of a line; a reading has some six hundred, a window some thousand."""
MOST_LOST = 8
"""Chain values that a line may rest on where the lines before it are damaged; the latest are kept."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it was read: its number (from 1), its member, its data, and its chain value.

    ``fault`` says what is wrong with it; its data are then None.
    """

    number: int
    member: str
    data: Mapping[str, Any] | None
    chain: str
    fault: str | None = None


def to_sign(chain: str) -> bytes:
    """What is signed: the name of the form and the chain value of the last line of evidence."""
    return f"{SCHEMA}\n{chain}".encode()


def write(records: Iterable[tuple[str, Mapping[str, Any]]], sign: Sign | None) -> Iterator[str]:
    """The lines of a bundle. ``sign`` gives the data of the member ``signature`` for the bytes to sign."""
    chain = START
    for member, data in records:
        line, chain = _line(member, data, chain)
        yield line
    if sign is not None:
        yield _line("signature", {"signed_chain": chain, **sign(to_sign(chain))}, chain)[0]


def _line(member: str, data: Mapping[str, Any], before: str) -> tuple[str, str]:
    text = json.dumps(_plain(data), separators=(",", ":"), allow_nan=False)
    body = f'{{"member":"{member}","data":{text}'
    chain = _link(before, body.encode())
    return f'{body},"chain":"{chain}"}}\n', chain


def _link(before: str, body: bytes) -> str:
    return hashlib.sha256(before.encode() + body).hexdigest()


def _plain(value: Any) -> Any:
    """JSON has no nan and no infinity: they stand as text, ``nan``, ``inf`` or ``-inf``."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value


def read(lines: Iterable[bytes]) -> Iterator[Line]:
    """Every line, each with what is wrong with it; lines as a binary file gives them, with their ends."""
    possible = [START]
    last = "header"
    for number, raw in enumerate(lines, 1):
        match = None if len(raw) > LONGEST_LINE else _SEALED.match(raw)
        if match is None:
            last = _member(raw, last)
            possible = _latest(possible, (chain.decode() for chain in _CHAIN.findall(raw[:LONGEST_LINE])))
            yield Line(number, last, None, "", _why_unsealed(raw))
            continue
        body, last, stated = match[1], match[2].decode(), match[3].decode()
        computed = [_link(before, body) for before in possible]
        if stated in computed:
            possible = [stated]
            yield _content(number, last, body + b"}", stated)
            continue
        # Either the line or its chain value was changed: the line behind it rests on one of them.
        possible = _latest(computed, (stated,))
        yield Line(
            number, last, None, stated, "does not fit its chain value: it was changed, or lines are missing"
        )


def _latest(old: list[str], new: Iterable[str]) -> list[str]:
    return list(dict.fromkeys([*old, *new]))[-MOST_LOST:]


def _why_unsealed(raw: bytes) -> str:
    if len(raw) > LONGEST_LINE:
        return f"is longer than the {LONGEST_LINE} bytes of any record: it was changed"
    return "is not a sealed line: it was changed or cut off"


def _member(raw: bytes, last: str) -> str:
    """The member that a damaged line seems to be of, else that of the line before it."""
    head = raw[: len('{"member":"specification"')].removeprefix(b'{"member"')
    return next((name for name in MEMBERS if name.encode() in head), last)


def _content(number: int, member: str, text: bytes, chain: str) -> Line:
    try:
        data = json.loads(text)["data"]
    except (ValueError, KeyError, RecursionError):
        return Line(number, member, None, chain, "holds no data that can be read")
    if not isinstance(data, dict):
        return Line(number, member, None, chain, "holds no data that can be read")
    return Line(number, member, data, chain)

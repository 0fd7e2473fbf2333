"""Packets between two characters in a stream of bytes: ``#d,-,3,1,2,3;``, whatever stands between them.

The form of the Watts Up meters (WattsUpPro communications protocol v4.42): ``#``, a command letter, a subcommand, the
number of fields that follow, the fields, ``;``. Bytes outside packets mean nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from powerd.errors import Garbled
from powerd.transports.base import Transport


@dataclass(frozen=True, slots=True)
class Packet:
    """A command letter, a subcommand and the fields."""

    command: str
    subcommand: str
    fields: tuple[str, ...]


def parse(data: bytes) -> Packet:
    """A packet that ends in ``;``, with or without its ``#``; ``Garbled`` when form or count of fields is wrong."""
    if not data.endswith(b";"):
        raise Garbled(f"{data[:40]!r} is no packet of the form #c,s,n,…;")
    body = data[data.rfind(b"#") + 1 : -1]
    if any(b < 0x20 or b > 0x7E for b in body):
        raise Garbled(f"the packet {body[:40]!r} holds bytes that are no text")
    command, _, rest = body.decode("ascii").partition(",")
    subcommand, _, rest = rest.partition(",")
    count, _, rest = rest.partition(",")
    fields = tuple(rest.split(",")) if rest else ()
    if len(command) != 1 or not count.isdecimal() or int(count) != len(fields):
        raise Garbled(f"the packet {body[:40]!r} has {len(fields)} fields and says {count[:8]!r}")
    return Packet(command, subcommand, fields)


def await_start(port: Transport, deadline_s: float) -> None:
    """Pass over what stands between packets; the stamps are then those of the packet that begins."""
    for _ in range(1024):
        if port.read_exactly(1, deadline_s) == b"#":
            port.write(b"", deadline_s)
            return
    raise Garbled(f"no packet begins in 1024 bytes of {port.name}")


def receive(port: Transport, command: str, deadline_s: float, most: int = 6) -> Packet:
    """The next packet of this command; up to ``most`` others are passed over."""
    for _ in range(most):
        packet = parse(port.read_until(b";", deadline_s, 512))
        if packet.command == command:
            return packet
    raise Garbled(f"{most} packets came, none of them {command!r}")

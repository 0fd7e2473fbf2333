"""Whose doing a sample is that came late or spoilt: the daemon's, or that of an emulated meter which had no core.

In an exchange four things take time: the daemon asks again, the meter hears the question,
the meter begins its answer, the daemon notices. What the first and last took beyond their usual time is the daemon's,
what the meter's own stamps (``stamped_meter``) say of the others is the meter's. All stamps are of CLOCK_BOOTTIME.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median

NS_PER_MS = 1_000_000
LOOK_BACK = 2
"""So many exchanges before the one that tells of a missed update may have caused it: which update a late answer was of
is seen by those that follow."""
EARLY_NS = 20 * NS_PER_MS
"""A question is heard no earlier than this before the daemon says that it has left: both count bytes on the wire."""


@dataclass(frozen=True, slots=True)
class Row:
    """One reading of the daemon's store: the stamps of its exchange, and what became of it."""

    sequence: int
    request_ns: int
    first_ns: int
    last_ns: int
    quality: str


@dataclass(frozen=True, slots=True)
class Bad:
    """Readings that one exchange spoilt: the time that daemon and meter lost in it, beyond the usual."""

    meter: str
    qualities: tuple[str, ...]
    daemon_ns: int
    meter_ns: int

    @property
    def by_meter(self) -> bool:
        """Whether more of it is the emulated meter's own doing; where nothing tells, it is the daemon's."""
        return self.meter_ns > self.daemon_ns

    def __str__(self) -> str:
        who = "the emulated meter itself" if self.by_meter else "powerd"
        return (
            f"{self.meter}: {', '.join(self.qualities)} by {who} "
            f"(powerd lost {self.daemon_ns / NS_PER_MS:.0f} ms, the meter {self.meter_ns / NS_PER_MS:.0f} ms)"
        )


class Stamps:
    """What an emulated meter wrote down of itself."""

    def __init__(self, heard: Sequence[int], said: Sequence[tuple[int, int]]) -> None:
        """``said`` are pairs of the instant and by how much it was late."""
        self.heard, self.said = list(heard), list(said)

    @classmethod
    def read(cls, path: Path) -> Stamps:
        """From the file of ``stamped_meter``; its last line may be half."""
        lines = [line.split() for line in path.read_text(encoding="utf-8").splitlines()[:-1]]
        heard = [int(words[1]) for words in lines if words[0] == "heard"]
        return cls(heard, [(int(words[1]), int(words[2])) for words in lines if words[0] == "said"])

    def deaf_ns(self, request_ns: int) -> int:
        """How long after it had left a question was heard."""
        at = bisect.bisect_left(self.heard, request_ns - EARLY_NS)
        return max(0, self.heard[at] - request_ns) if at < len(self.heard) else 0

    def slow_ns(self, from_ns: int, to_ns: int) -> int:
        """By how much the answers in this time were late, the latest of them."""
        begin = bisect.bisect_left(self.said, (from_ns, 0))
        end = bisect.bisect_right(self.said, (to_ns, 1 << 62))
        return max((late for _, late in self.said[begin:end]), default=0)

    def said_before(self, at_ns: int) -> int | None:
        """When the answer began of which the daemon noticed the first byte at this instant."""
        at = bisect.bisect_right(self.said, (at_ns, 1 << 62)) - 1
        return self.said[at][0] if at >= 0 else None


def bad(meter: str, rows: Sequence[Row], stamps: Stamps) -> Iterator[Bad]:
    """Every exchange of a meter that left readings which are not good; rows in order of their sequence."""
    exchanges: list[list[Row]] = []
    for row in rows:
        if exchanges and exchanges[-1][0].request_ns == row.request_ns:
            exchanges[-1].append(row)
        else:
            exchanges.append([row])
    heads = [exchange[0] for exchange in exchanges]
    turns = [b.request_ns - a.last_ns for a, b in pairwise(heads)]
    usual_turn = median(turns) if turns else 0
    noticed = [_noticed_ns(row, stamps) for row in heads]
    usual_notice = median(noticed) if noticed else 0
    for number, exchange in enumerate(exchanges):
        spoilt = tuple(row.quality for row in exchange if row.quality != "good")
        if spoilt:
            looked = range(max(0, number - LOOK_BACK), number + 1)
            daemon_ns = sum(max(0.0, noticed[n] - usual_notice) for n in looked)
            daemon_ns += sum(max(0.0, turns[n - 1] - usual_turn) for n in looked if n)
            meter_ns = sum(stamps.deaf_ns(heads[n].request_ns) for n in looked)
            meter_ns += stamps.slow_ns(
                heads[looked[0]].request_ns, max(exchange[0].last_ns, exchange[0].request_ns)
            )
            yield Bad(meter, spoilt, round(daemon_ns), meter_ns)


def _noticed_ns(row: Row, stamps: Stamps) -> int:
    """From the first byte's leaving the meter to the daemon's noticing it."""
    said = stamps.said_before(row.first_ns)
    return row.first_ns - said if said is not None and row.first_ns > 0 and said >= row.request_ns else 0

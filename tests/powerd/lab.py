"""A daemon without its API in this process: an emulated WT310E on a pseudo-terminal, updated every 100 ms."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from powerd import config
from powerd.config import Config
from powerd.protocols.base import Conversations
from powerd.protocols.lines import LineServer
from powerd.service import Service
from tests.powerd.benches import bench, wait_for


@contextmanager
def lab(
    folder: Path,
    load: str = "constant:100",
    extra: str = "",
    meters: int = 1,
    model: str | None = None,
) -> Iterator[Service]:
    """A started service with meters ``wall``, ``wall2``, …"""
    with bench(spec=load, model=model) as first, bench(spec=load, seed=2) as second:
        ports = (first.port, second.port)
        rows = tuple(
            config.parse_meter(
                f"wall{n if n > 1 else ''}=yokogawa-wt300:{port},interval=100ms,baud=115200{extra}"
            )
            for n, port in enumerate(ports[:meters], start=1)
        )
        service = Service(Config(rows, folder / "data", "127.0.0.1", 0))
        service.start()
        try:
            # The first updates are blind while the meter finds its ranges.
            assert wait_for(lambda: all(service.ring.tally(m.name).samples >= 10 for m in rows))
            yield service
        finally:
            service.stop()


@contextmanager
def served(conversations: Conversations) -> Iterator[int]:
    """A protocol on a port of its own, for the length of the block."""
    server = LineServer("test", "127.0.0.1", 0)
    server.start(conversations)
    try:
        yield server.port
    finally:
        server.close()

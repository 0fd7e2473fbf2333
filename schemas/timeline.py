"""One time line for a window: CLOCK_BOOTTIME of the boot it was opened in, carried over other boots by UTC.

Nothing that is done to a wall clock moves this line. UTC and a client's clock are tied to it by fixes and
exchanges; a reading of another boot (after a power cut) is put on it by what UTC was then.
"""

from __future__ import annotations

from collections.abc import Iterable

from schemas.clocks import ClockModel, Exchange, NoTie, Step, Tie, narrowest
from schemas.errors import Refused
from schemas.records import Source

_FAR_NS = 1 << 62


class Timeline:
    """Instants around one window."""

    def __init__(self, store: Source, boot: str, begin_ns: int, end_ns: int) -> None:
        self._store = store
        self.boot_id = boot
        numbered = store.fixes(boot, begin_ns, end_ns)
        self.fixes = [fix for _, fix in numbered]
        """All fixes around the window, in order of time."""
        self._models = {boot: ClockModel.from_fixes(numbered)}
        if not self._models[boot].ties:
            raise Refused("the clock of this machine was never noted for this time: close the window later")

    @property
    def utc(self) -> ClockModel:
        """Ties of the line to UTC."""
        return self._models[self.boot_id]

    def model(self, boot: str) -> ClockModel:
        """Ties of another boot to UTC."""
        if boot not in self._models:
            self._models[boot] = ClockModel.from_fixes(self._store.fixes(boot, 0, _FAR_NS))
        return self._models[boot]

    def place(self, boot: str, at_ns: int) -> int:
        """A BOOTTIME instant of any boot on this line; ``NoTie`` for a boot without fixes."""
        if boot == self.boot_id:
            return at_ns
        return self.utc.to_local(self.model(boot).to_remote(at_ns).ns).ns

    def boots(self, begin_ns: int, end_ns: int) -> list[tuple[str, int, int]]:
        """Boots that touch this stretch of the line, each with the stretch on its own BOOTTIME."""
        begin, end = self.utc.to_remote(begin_ns).ns, self.utc.to_remote(end_ns).ns
        touching = [(self.boot_id, begin_ns, end_ns)]
        for boot in self._store.boots_between(begin, end):
            if boot != self.boot_id:
                model = self.model(boot)
                touching.append((boot, model.to_local(begin).ns, model.to_local(end).ns))
        return touching

    def client(self, exchanges: Iterable[tuple[int, Exchange]]) -> ClockModel:
        """Ties of the line to a client's clock, the narrowest of each few seconds."""
        ties = []
        for ident, exchange in exchanges:
            tie = exchange.tie()
            try:
                local = self.place(exchange.boot_id, tie.local_ns)
            except NoTie:
                continue
            ties.append(Tie(local, tie.remote_ns, tie.u95_ns, ident))
        return ClockModel(narrowest(ties))


def steps_between(
    models: Iterable[tuple[str, ClockModel]], begin_ns: int, end_ns: int
) -> list[tuple[str, Step]]:
    """Every time somebody set one of these clocks in the stretch, with the name of the clock."""
    return [(name, step) for name, model in models for step in model.steps(begin_ns, end_ns)]

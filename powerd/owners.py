"""What belongs to whom: a window, a session or a clock id is its opener's, and of those who have scope control."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Literal

from powerd.tokens import Caller, Forbidden

Kind = Literal["window", "session", "clock"]
REMEMBERED = 2000


class Owners:
    """Reads and keeps owners through the store. Thread safe; does nothing for callers without a token."""

    def __init__(self, read: Callable[[str, str], str | None], keep: Callable[[str, str, str], None]) -> None:
        self._read = read
        self._keep = keep
        self._known: OrderedDict[tuple[str, str], str | None] = OrderedDict()
        self._lock = threading.Lock()

    def check(self, kind: Kind, ident: str, caller: Caller) -> None:
        """``Forbidden`` when this is somebody else's; what nobody has claimed is anybody's."""
        if caller.name is None or "control" in caller.scopes:
            return
        owner = self._owner(kind, ident)
        if owner not in {None, caller.name}:
            raise Forbidden(
                f"{kind} {ident[:80]!r} belongs to another token than {caller.name!r}: use the one that opened it, or "
                "one with scope control"
            )

    def claim(self, kind: Kind, ident: str, caller: Caller) -> None:
        """Note that this is the caller's, unless it is somebody's already."""
        if caller.name is None or self._owner(kind, ident) is not None:
            return
        self._keep(kind, ident, caller.name)
        self._remember(kind, ident, caller.name)

    def _owner(self, kind: Kind, ident: str) -> str | None:
        with self._lock:
            if (kind, ident) in self._known:
                return self._known[kind, ident]
        owner = self._read(kind, ident)
        self._remember(kind, ident, owner)
        return owner

    def _remember(self, kind: Kind, ident: str, owner: str | None) -> None:
        with self._lock:
            self._known[kind, ident] = owner
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)

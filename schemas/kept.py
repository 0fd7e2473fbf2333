"""``kept``: an attribute that is computed when it is asked for the first time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

__all__ = ["kept"]

if TYPE_CHECKING:
    from functools import cached_property as kept
else:

    class kept:  # noqa: N801 - used as a decorator, as ``cached_property`` is
        """``functools.cached_property`` without the lock that it takes before Python 3.12, which takes longer than
        most of what is computed. Two threads that ask at once may compute it twice."""

        def __init__(self, compute: Callable[[Any], Any]) -> None:
            self._compute = compute
            self.__doc__ = compute.__doc__

        def __set_name__(self, owner: type, name: str) -> None:
            self._name = name

        def __get__(self, of: Any, owner: type | None = None) -> Any:
            if of is None:
                return self
            found = of.__dict__[self._name] = self._compute(of)
            return found

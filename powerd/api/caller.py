"""Who asks, as the endpoints see it: put there by the guard."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from powerd.tokens import EVERYBODY, Caller


def _caller(request: Request) -> Caller:
    found = getattr(request.state, "caller", EVERYBODY)
    assert isinstance(found, Caller)
    return found


Asker = Annotated[Caller, Depends(_caller)]

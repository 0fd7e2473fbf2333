"""Who asks, as the endpoints see it: put there by the guard."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from powerd.tokens import EVERYBODY, Caller


async def _caller(request: Request) -> Caller:
    # Not a plain function: those run on a thread, which would cost a clock exchange its narrow round trip.
    found = getattr(request.state, "caller", EVERYBODY)
    assert isinstance(found, Caller)
    return found


Asker = Annotated[Caller, Depends(_caller)]

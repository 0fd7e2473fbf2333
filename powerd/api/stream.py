"""``/v1/stream``: every reading, window change and alarm as it happens (Server-Sent Events).

Events: ``reading`` (a sample with its meter), ``window`` (a window as it is now), ``meter`` (connected, range
changed), ``alarm`` (lost, garbled, clock set, store full, over range), ``alarm-ended`` (the alarm of this number has no
cause any more), ``lost`` (so many events before the next one are gone for this client, null when nobody knows how many)
and ``end`` (the daemon stops). A comment is sent when nothing else was for a while. A client that comes back with
``Last-Event-ID`` gets what it missed, as far as it is remembered.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Header
from fastapi.responses import StreamingResponse

from powerd.api import views
from powerd.feed import Batch, Feed, Happening, Listener, Place
from powerd.model import Reading
from powerd.service import Service

SCHEMA = "edgewatt/event/1"
"""Of every event but windows, which are ``edgewatt/window/1``."""
KEEP_ALIVE_S = 10.0


def router(service: Service) -> APIRouter:
    """The stream."""
    routes = APIRouter()

    @routes.get("/stream", response_class=StreamingResponse)
    async def stream(last_event_id: Annotated[str | None, Header(max_length=64)] = None) -> StreamingResponse:
        loop, ready = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended: nobody is left to be woken
                loop.call_soon_threadsafe(ready.set)

        listener = service.feed.listen(wake, None if last_event_id is None else _place(last_event_id))
        events = _events(service.feed, listener, ready, lambda h: _event(h, service))
        return StreamingResponse(
            events, media_type="text/event-stream", headers={"Cache-Control": "no-store"}
        )

    return routes


async def _events(
    feed: Feed, listener: Listener, ready: asyncio.Event, written: Callable[[Happening], str]
) -> AsyncIterator[str]:
    try:
        yield ": powerd\n\n"
        while True:
            ready.clear()
            batch = listener.take()
            for text in _texts(batch, written):
                yield text
            if batch.ended:
                return
            try:
                await asyncio.wait_for(ready.wait(), KEEP_ALIVE_S)
            except TimeoutError:
                yield ": nothing new\n\n"
    finally:
        feed.leave(listener)


def _texts(batch: Batch, written: Callable[[Happening], str]) -> list[str]:
    texts = [] if batch.lost == 0 else [_text("lost", {"schema": SCHEMA, "events": batch.lost})]
    texts += [written(happening) for happening in batch.happenings]
    return [*texts, _text("end", {"schema": SCHEMA})] if batch.ended else texts


def _event(happening: Happening, service: Service) -> str:
    body = happening.body
    if isinstance(body, Reading):
        body = {"meter": body.meter, "simulated": body.simulated} | views.sample(body, service.utc())
    return _text(happening.kind, {"schema": SCHEMA, **body}, f"id: {service.feed.life}-{happening.number}\n")


def _place(ident: str) -> Place:
    """Where a client stopped; what is none of our ids stands for an earlier life."""
    life, _, number = ident.partition("-")
    return Place(life, int(number)) if number.isdecimal() and number.isascii() else Place("", 0)


def _text(kind: str, body: Mapping[str, Any], ident: str = "") -> str:
    return f"{ident}event: {kind}\ndata: {json.dumps(body)}\n\n"

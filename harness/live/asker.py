"""Asks the power daemon for the eyes only, in a thread of its own: one that does not answer delays nobody."""

from __future__ import annotations

import threading

from harness.live.meter import Target
from harness.live.story import Story
from powerd.client import ClientError, PowerdClient

TIMEOUT_S = 2.0


class Asker:
    """Use as a context. Two small requests a period, no clock exchange."""

    def __init__(self, story: Story, period_s: float) -> None:
        self._story = story
        self._period_s = period_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._ask_on, name="asker", daemon=True)
        self._client: PowerdClient | None = None

    def __enter__(self) -> Asker:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # Not joined: a question that waits for its answer ends with the program.
        self._ended.set()

    def _ask_on(self) -> None:
        while not self._ended.wait(self._period_s):
            target = self._story.target()
            if target is not None:
                self._ask(target)
        if self._client is not None:
            self._client.close()

    def _ask(self, target: Target) -> None:
        try:
            client = self._client_for(target.url)
            meter = client.meter(target.meter)
            window = None if target.window is None else client.window(target.window)
        except ClientError as error:
            self._story.unheard(target, str(error) if error.status else "powerd does not answer")
        except (ValueError, TypeError, KeyError) as error:
            self._story.unheard(target, f"powerd answers what was not asked for: {type(error).__name__}")
        else:
            self._story.heard(target, meter, window)

    def _client_for(self, url: str) -> PowerdClient:
        if self._client is None or self._client.url != url:
            if self._client is not None:
                self._client.close()
            self._client = PowerdClient(url, timeout_s=TIMEOUT_S)
        return self._client

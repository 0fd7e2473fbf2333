"""A child process that says it is ready, hangs, and is deaf to the polite ways of ending it."""

from __future__ import annotations

import faulthandler
import json
import signal
import sys
import time


def hang_here_for_ever() -> None:
    while True:
        time.sleep(60)


if __name__ == "__main__":
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.stdin.readline()
    print(json.dumps({"event": "ready", "versions": {}}), flush=True)
    hang_here_for_ever()

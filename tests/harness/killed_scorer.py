"""A process that scores and is killed meanwhile, as for want of memory."""

from __future__ import annotations

import os
import signal
import sys

if __name__ == "__main__":
    sys.stdin.readline()
    os.kill(os.getpid(), signal.SIGKILL)

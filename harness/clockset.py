"""Asks the kernel to say when the wall clock is set, so that a step taken back at once is noticed too.

Linux cancels a timer on CLOCK_REALTIME that was armed with TFD_TIMER_CANCEL_ON_SET when somebody sets the clock:
reading it fails with ECANCELED, and the next reading waits for the next time. Slewing (what a well-behaved time
service does) is not setting. Python has a binding from 3.13 on only, so the C library is called.
"""

from __future__ import annotations

import ctypes
import errno
import os
import select
import sys
import threading
import time
from collections.abc import Callable

CLOCK_REALTIME = 0
TFD_CLOEXEC, TFD_NONBLOCK = 0o2000000, 0o4000
TFD_TIMER_ABSTIME, TFD_TIMER_CANCEL_ON_SET = 1, 2
FAR_S = 2**31 - 1
"""When the timer would go off by itself: in 2038, the last second that 32 bits hold."""

Read = Callable[[int, int], bytes]
OnSet = Callable[[int], None]


class _TimerSpec(ctypes.Structure):
    """``struct itimerspec``: interval and first expiry, each in seconds and nanoseconds."""

    _fields_ = [(name, ctypes.c_long) for name in ("interval_s", "interval_ns", "value_s", "value_ns")]


def timer() -> int | None:
    """A file descriptor whose reading fails with ECANCELED when the wall clock is set; None where there is none."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "timerfd_create"):
        return None
    fd: int = libc.timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK)
    if fd < 0:
        return None
    flags = TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET
    if libc.timerfd_settime(fd, flags, ctypes.byref(_TimerSpec(0, 0, FAR_S, 0)), None) != 0:
        os.close(fd)
        return None
    return fd


class SetWatch:
    """Waits in a thread for the clock to be set, and calls ``on_set`` with the wall clock just after it."""

    def __init__(
        self, on_set: OnSet, *, open_timer: Callable[[], int | None] = timer, read: Read = os.read
    ) -> None:
        """``open_timer`` gives the descriptor to wait at, ``read`` reads it."""
        self._on_set = on_set
        self._open_timer = open_timer
        self._read = read
        self._thread: threading.Thread | None = None
        self._wake = -1
        self.active = False
        """Whether the kernel could be asked."""

    def start(self) -> None:
        """Begin to wait."""
        fd = self._open_timer()
        if fd is None:
            return
        wake, self._wake = os.pipe()
        self.active = True
        self._thread = threading.Thread(target=self._wait, args=(fd, wake), name="clockset", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread, which closes what it waits at."""
        if self._thread is not None:
            os.close(self._wake)
            self._thread.join()

    def _wait(self, fd: int, wake: int) -> None:
        poll = select.poll()
        for each in (fd, wake):
            poll.register(each, select.POLLIN)
        useful = True
        while useful:
            ready = {each for each, _ in poll.poll()}
            useful = (fd not in ready or self._take(fd)) and wake not in ready
        os.close(fd)
        os.close(wake)

    def _take(self, fd: int) -> bool:
        """Read the descriptor; False when it is of no more use (the looks at the clock go on without it)."""
        try:
            self._read(fd, 8)
        except BlockingIOError:
            return True
        except OSError as error:
            if error.errno != errno.ECANCELED:
                return False
            self._on_set(time.clock_gettime_ns(time.CLOCK_REALTIME))
            return True
        return False

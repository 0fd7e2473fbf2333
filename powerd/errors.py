"""What can go wrong with a meter, by what the caller can do about it.

Messages say what was found, what was wanted and what to do; they are shown to users as they are.
"""

from __future__ import annotations


class PowerdError(Exception):
    """Base of every error that powerd raises on purpose; its text is one sentence for the user."""


class NotThere(PowerdError):
    """The port, meter, file or daemon does not exist or may not be opened: ask the user."""


class Refused(PowerdError):
    """The meter or the daemon understood and said no (range, setting, conflict): change the request."""


class Garbled(PowerdError):
    """An answer came that is not one: ask again after clearing the line."""


class Gone(PowerdError):
    """No answer within the deadline, or the line broke: reconnect with back-off."""

"""What can go wrong with a meter, by what the caller can do about it.

Messages say what was found, what was wanted and what to do; they are shown to users as they are.
"""

from __future__ import annotations

from schemas.errors import OnPurpose as PowerdError
from schemas.errors import Refused

__all__ = ["Garbled", "Gone", "NotThere", "PowerdError", "Refused"]


class NotThere(PowerdError):
    """The port, meter, file or daemon does not exist or may not be opened: ask the user."""


class Garbled(PowerdError):
    """An answer came that is not one: ask again after clearing the line."""


class Gone(PowerdError):
    """No answer within the deadline, or the line broke: reconnect with back-off."""

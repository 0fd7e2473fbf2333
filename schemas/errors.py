"""``UserError``: what a user can put right, said in one sentence."""

from __future__ import annotations


class UserError(Exception):
    """Wrong usage, or input that is absent or cannot be read; programs end with exit code 2.

    The text is one sentence that says what was found, what was wanted and what to do.
    """


class OnPurpose(Exception):
    """Base of what the parts raise on purpose for their callers; the text is one sentence for the user."""


class Refused(OnPurpose):
    """What was asked for was understood and cannot be (range, setting, stretch, conflict): change the request."""


class Failed(Exception):
    """The thing judged is not fine (a failed run, a bad window); programs end with exit code 1."""

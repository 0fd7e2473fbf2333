"""``UserError``: what a user can put right, said in one sentence."""

from __future__ import annotations

from collections.abc import Sequence


class UserError(Exception):
    """Wrong usage, or input that is absent or cannot be read; programs end with exit code 2.

    The text is one sentence that says what was found, what was wanted and what to do.
    """


class UserErrors(UserError):
    """Several mistakes in one file; programs write each on a line of its own."""

    def __init__(self, source: str, mistakes: Sequence[str]) -> None:
        """``mistakes`` are sentences about ``source``."""
        super().__init__(f"{source}: {'; '.join(mistakes)}")
        self.lines = (f"{source}: {len(mistakes)} mistakes", *mistakes) if len(mistakes) > 1 else (str(self),)


class OnPurpose(Exception):
    """Base of what the parts raise on purpose for their callers; the text is one sentence for the user."""


class Refused(OnPurpose):
    """What was asked for was understood and cannot be (range, setting, stretch, conflict): change the request."""


class Failed(Exception):
    """The thing judged is not fine (a failed run, a bad window); programs end with exit code 1."""

"""The key that signs evidence: its fingerprint, to be given to those who verify."""

from __future__ import annotations

from collections.abc import Iterator

from powerd.checks.base import Finding, Level, Subject
from powerd.errors import Refused
from powerd.signing import KEY_NAME, signer


def check(subject: Subject) -> Iterator[Finding]:
    """The key of the data directory, where there is one; nothing is made."""
    if not (subject.data_dir / KEY_NAME).exists():
        return
    try:
        key = signer(subject.data_dir)
    except (Refused, OSError) as error:
        yield Finding(Level.WARN, "evidence key", str(error))
        return
    yield Finding(Level.OK, "evidence key", f"{key.fingerprint}, public key {key.public_key}")

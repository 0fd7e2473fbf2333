"""Who may do what: the tokens of a daemon, from a TOML file that only its owner can read.

[tokens.bench]
secret = "…"                      # at least 16 characters; or sha256 = "<hex digest of the secret>"
scopes = ["read", "measure"]      # read: look; measure: windows, sessions, clocks; control: ranges, anybody's windows
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import stat
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from powerd.config_values import Mistakes
from powerd.errors import PowerdError
from schemas.errors import UserError

SCOPES = ("read", "measure", "control")
SHORTEST = 16
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")


class Forbidden(PowerdError):
    """The token is known but may not do this."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. ``name`` is None where the daemon has no tokens: then everybody who can reach it may do everything."""

    name: str | None = None
    scopes: frozenset[str] = frozenset(SCOPES)


EVERYBODY = Caller()


class Tokens:
    """The known tokens; secrets are kept as digests only."""

    def __init__(self, digests: dict[str, Caller]) -> None:
        self._digests = digests

    def take_over(self, other: Tokens) -> None:
        """Know the tokens of another file from now on, and only those."""
        self._digests = other._digests

    def find(self, secret: str) -> Caller | None:
        """Whose secret this is. Every digest is compared, so that time tells nothing."""
        digest = hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
        found = None
        for known, caller in self._digests.items():
            if hmac.compare_digest(known, digest):
                found = caller
        return found


def load(path: Path) -> Tokens:
    """The tokens of a file; ``UserError`` says all that is wrong with it."""
    mistakes = Mistakes()
    document = _document(path)
    for key in document:
        if key != "tokens":
            mistakes.unknown("the file", key, ("tokens",))
    rows = document.get("tokens", {})
    if not isinstance(rows, dict) or not rows:
        mistakes.add("found no token, wanted [tokens.NAME] with secret or sha256, and scopes")
        rows = {}
    digests: dict[str, Caller] = {}
    for name, row in rows.items():
        digest = _digest(row, f"[tokens.{name}]", mistakes)
        if digest in digests:
            mistakes.add(f"[tokens.{name}]: has the secret of {digests[digest].name}, wanted one of its own")
        elif digest is not None:
            digests[digest] = Caller(str(name), frozenset(row["scopes"]))
    mistakes.check(f"tokens_file {path}")
    return Tokens(digests)


def _document(path: Path) -> dict[str, Any]:
    """The file as TOML, when nobody but its owner can read it."""
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if stat.S_IMODE(status.st_mode) & 0o077:
                raise UserError(
                    f"tokens_file {path} can be read by others (mode {stat.S_IMODE(status.st_mode):o}): run "
                    f"`chmod 600 {path}`"
                )
            if status.st_uid not in {0, os.geteuid()}:
                raise UserError(f"tokens_file {path} belongs to another user: run `chown $USER {path}`")
            return tomllib.load(file)
    except OSError as error:
        raise UserError(
            f"tokens_file {path} cannot be read: {error.strerror}; name a TOML file with [tokens.NAME]"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"tokens_file {path} is not TOML: {error}; put that place right") from error


def _digest(row: Any, place: str, mistakes: Mistakes) -> str | None:
    """The digest of one token; None when something is wrong with it."""
    before = len(mistakes.found)
    if not isinstance(row, dict):
        mistakes.add(f"{place}: wanted a table")
        return None
    for key in row:
        if key not in {"secret", "sha256", "scopes"}:
            mistakes.unknown(place, key, ("secret", "sha256", "scopes"))
    scopes = row.get("scopes")
    if not isinstance(scopes, list) or not scopes or not set(map(str, scopes)) <= set(SCOPES):
        mistakes.add(f"{place}: scopes: found {scopes!r}, wanted a list of {', '.join(SCOPES)}")
    secret, digest = row.get("secret"), row.get("sha256")
    if (secret is None) == (digest is None):
        mistakes.add(f"{place}: wanted either secret or sha256")
    elif digest is not None and not _DIGEST.match(str(digest).lower()):
        mistakes.add(f"{place}: sha256: wanted the 64 hexadecimal digits of the secret's digest")
    elif secret is not None and len(str(secret)) < SHORTEST:
        mistakes.add(
            f"{place}: secret: wanted at least {SHORTEST} characters, for example of `openssl rand -hex 16`"
        )
    if len(mistakes.found) > before:
        return None
    return str(digest).lower() if secret is None else hashlib.sha256(str(secret).encode()).hexdigest()

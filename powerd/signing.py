"""The daemon's own Ed25519 key (RFC 8032), with which it signs evidence; it never leaves the data directory.

``signing.key`` is PKCS #8 in PEM, readable by its owner only, made at the first start; ``signing.pub`` beside it is for
others. A fingerprint is ``SHA256:`` and the SHA-256 of the 32 bytes of the public key in hexadecimal digits.
"""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from powerd.errors import Refused

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KEY_NAME, PUBLIC_NAME = "signing.key", "signing.pub"
ALGORITHM = "Ed25519"
INSTALL = "pip install 'edgewatt[daemon]'"


@dataclass(frozen=True, slots=True)
class Signer:
    """A key that signs."""

    public_key: str
    fingerprint: str
    _key: Ed25519PrivateKey

    def __call__(self, message: bytes) -> dict[str, str]:
        """The data of the member ``signature`` of a bundle."""
        signature = self._key.sign(message).hex()
        return {**self.identity(), "signature": signature}

    def identity(self) -> dict[str, str]:
        """What everybody may know."""
        return {"algorithm": ALGORITHM, "public_key": self.public_key, "fingerprint": self.fingerprint}


def signer(folder: Path) -> Signer:
    """The key of a data directory, made when there is none; ``Refused`` when it cannot or must not be used."""
    try:
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
    except ImportError:
        raise Refused(f"evidence cannot be signed without the package cryptography: {INSTALL}") from None
    path = folder / KEY_NAME
    key = _load(path) if path.exists() else _make(path)
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    public = folder / PUBLIC_NAME
    if not public.exists():
        public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return Signer(raw.hex(), fingerprint(raw), key)


def fingerprint(public_key: bytes) -> str:
    """The fingerprint of a raw public key."""
    return f"SHA256:{hashlib.sha256(public_key).hexdigest()}"


def _make(path: Path) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = Ed25519PrivateKey.generate()
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    # Whole or not at all: half a key after a power cut would stop every later start.
    beside = path.with_suffix(".new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.rename(path)
    return key


def _load(path: Path) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise Refused(f"{path} can be read by others, who could sign in its name: chmod 600 {path}")
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (ValueError, TypeError) as error:
        raise Refused(f"{path} holds no private key that can be read: move it away ({error})") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise Refused(f"{path} holds a key of another kind than {ALGORITHM}: move it away")
    return key

"""The agents' access to tools, sealed: opened by a key that lies outside the store, for its agent and rule alone.

AES-256-GCM. The key is a secret of the platform's: root's programs and the daemon that sends have it, the owner of the
boxes does not. A link to a message is sealed by another key made of it.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from malleposte.core.errors import MallepostError

KEY = Path("/etc/malleposte/keys/tools")
CREDENTIAL = "tools-key"
NONCE = 12
SHORTEST = 32
"""Characters of the secret."""
ACCESS, LINKS = "access", "links"
_AGAIN = "give the access again on the portal"


class Seal:
    """Seals and opens by one key. `use` parts the keys of different uses."""

    def __init__(self, secret: str, use: str = ACCESS) -> None:
        """Raises MallepostError where the secret is too short to be one."""
        if len(secret) < SHORTEST:
            raise MallepostError(f"the key of the tools has less than {SHORTEST} characters", "deploy this host again")
        # Hosts without boxes have no such library, and know the acts of those that do.
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        key = HKDF(SHA256(), 32, b"malleposte tools", use.encode()).derive(secret.encode())
        self._box = AESGCM(key)

    def close(self, content: bytes, about: str) -> str:
        """Seal it; it is opened with the same words `about` it alone."""
        nonce = os.urandom(NONCE)
        sealed = nonce + self._box.encrypt(nonce, content, about.encode())
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def open(self, text: str, about: str) -> bytes:
        """Open it. Raises MallepostError, which says nothing of it."""
        from cryptography.exceptions import InvalidTag

        try:
            sealed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            return self._box.decrypt(sealed[:NONCE], sealed[NONCE:], about.encode())
        except (binascii.Error, ValueError, InvalidTag) as error:
            raise MallepostError("a sealed text cannot be opened", _AGAIN) from error


def read_key(path: Path = KEY) -> str:
    """The secret of this host. Raises MallepostError."""
    try:
        return path.read_text("utf-8").strip()
    except OSError as error:
        raise MallepostError(f"{path}: {error.strerror}", "deploy this host again") from error


def about(uid: str, rule: str) -> str:
    """The words that bind an access to its agent and rule."""
    return f"{uid}/{rule}"


def close_access(seal: Seal, uid: str, rule: str, values: Mapping[str, str]) -> str:
    """Seal the secret values of a rule."""
    return seal.close(msgspec.json.encode(dict(values)), about(uid, rule))


def open_access(seal: Seal, uid: str, rule: str, text: str) -> dict[str, str]:
    """Open them. Raises MallepostError."""
    try:
        return msgspec.json.decode(seal.open(text, about(uid, rule)), type=dict[str, str])
    except msgspec.MsgspecError:
        raise MallepostError("a sealed text cannot be opened", _AGAIN) from None

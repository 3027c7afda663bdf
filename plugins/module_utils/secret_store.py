# SPDX-License-Identifier: GPL-3.0-or-later
"""The secrets directory of an inventory: one file a secret, made once, mode 0600, on the controller only."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import secrets
import string
import tempfile
from pathlib import Path

NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
PASSWORD_LENGTH = 32
"""Characters of [A-Za-z0-9]: 190 bits, and no quoting to fear in any daemon's configuration."""


class SecretError(Exception):
    """A secret that cannot be made or read; the message names its file."""


class SecretStore:
    """``rehearsal``: when it is a dictionary, what is missing is made there and no file is written."""

    rehearsal: dict[str, str] | None = None

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, name: str, kind: str = "password") -> str:
        """The secret, without its final newline; made first when there is none."""
        if not NAME.fullmatch(name):
            raise SecretError(f"secret: {name!r} is no name: lower-case letters, digits, dot, hyphen, underscore")
        path = self.folder / name
        try:
            if self.rehearsal is not None and not path.exists():
                if name not in self.rehearsal:
                    self.rehearsal[name] = self._generate(kind) if kind == "password" else _rehearsed(kind)
                text = self.rehearsal[name]
            else:
                if not path.exists():
                    self._create(path, kind)
                text = path.read_text()
        except OSError as error:
            raise SecretError(f"{path}: {error.strerror}") from error
        if not text.strip():
            raise SecretError(f"{path}: empty; remove it to have a new one made")
        return text if kind != "password" else text.strip()

    def public_key(self, name: str) -> str:
        """The public half of a key pair: PEM (RFC 7468), or the one line that sshd reads."""
        try:
            rehearsed = (self.rehearsal or {}).get(name)
            text = rehearsed.encode() if rehearsed else (self.folder / name).read_bytes()
            return _public_half(text)
        except (OSError, ValueError) as error:
            raise SecretError(f"{self.folder / name}: {error}") from error

    def _create(self, path: Path, kind: str) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        text = self._generate(kind)
        descriptor, temporary = tempfile.mkstemp(dir=self.folder, prefix=".new-")
        try:
            with os.fdopen(descriptor, "w") as handle:
                handle.write(text)
                handle.flush()
                os.fsync(handle.fileno())
            # A link fails when the name exists: of two runs at once, the first one's secret stays.
            with contextlib.suppress(FileExistsError):
                os.link(temporary, path)
        finally:
            os.unlink(temporary)

    @staticmethod
    def _generate(kind: str) -> str:
        if kind == "password":
            alphabet = string.ascii_letters + string.digits
            return "".join(secrets.choice(alphabet) for _ in range(PASSWORD_LENGTH)) + "\n"
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

        encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
        if kind in ("rsa2048", "rsa3072"):
            key = rsa.generate_private_key(65537, int(kind.removeprefix("rsa")))
        elif kind == "ec256":
            key = ec.generate_private_key(ec.SECP256R1())
        elif kind == "ssh":
            key, form = ed25519.Ed25519PrivateKey.generate(), serialization.PrivateFormat.OpenSSH
        else:
            raise SecretError(f"secret: unknown kind {kind!r}")
        return key.private_bytes(encoding, form, serialization.NoEncryption()).decode()


@functools.lru_cache(maxsize=64)
def _public_half(private: bytes) -> str:
    """Many variables ask for the same few, and reading an RSA key verifies it, which takes a tenth of a second.

    Raises ValueError.
    """
    from cryptography.hazmat.primitives import serialization

    if b"OPENSSH PRIVATE KEY" in private:
        ssh = serialization.load_ssh_private_key(private, None).public_key()
        return ssh.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()
    key = serialization.load_pem_private_key(private, None)
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


@functools.cache
def _rehearsed(kind: str) -> str:
    """A key that no host gets: one of each kind is enough for a process."""
    return SecretStore._generate(kind)

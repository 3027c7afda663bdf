"""An authority for tests: its root, intermediates, and certificates that it signs; all in PEM."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)


def key_text(key: ec.EllipticCurvePrivateKey, password: str = "") -> str:
    """A private key, locked where there is a password."""
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    lock = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
    return key.private_bytes(*form, lock).decode()


@dataclass(frozen=True)
class Signed:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> str:
        """The certificate alone."""
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def key_pem(self) -> str:
        """The key, open."""
        return key_text(self.key)

    def sign(
        self, subject: str, names: Sequence[str] = (), *, begins: float = -1, days: float = 90, ca: bool = False
    ) -> Signed:
        """Another certificate, signed by this one; `begins` in days from now, `days` until its end."""
        return _signed(subject, names, begins, days, ca, self)


def root(subject: str = "Autorité d’essai") -> Signed:
    """An authority that signs itself."""
    return _signed(subject, (), -1, 400, True, None)


def _signed(subject: str, names: Sequence[str], begins: float, days: float, ca: bool, issuer: Signed | None) -> Signed:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    signer = issuer.key if issuer else key
    start = datetime.datetime.now(datetime.UTC) + begins * DAY
    usage = x509.KeyUsage(not ca, False, False, False, False, ca, ca, False, False)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.certificate.subject if issuer else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + days * DAY)
        .add_extension(x509.BasicConstraints(ca, None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), critical=False)
    return Signed(builder.sign(signer, hashes.SHA256()), key)

"""A key with a certificate of an authority of the test's own, as a web server has them."""

import subprocess
from pathlib import Path
from typing import NamedTuple

from ansible_collections.academie.malleposte.plugins.module_utils import tls_authority
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

type Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class Pair(NamedTuple):
    """PEM: a key, its certificate with that of the authority after it, and the authority's alone."""

    key: bytes
    chain: bytes
    authority: bytes


def private_pem(key: Key) -> str:
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(encoding, form, serialization.NoEncryption()).decode()


def request_pem(key: Key, *names: str) -> str:
    builder = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    )
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def pair(kind: str, name: str = "pia.ac-exemple.test") -> Pair:
    """A pair of a kind: `rsa` or `ec`."""
    key: Key = ec.generate_private_key(ec.SECP256R1()) if kind == "ec" else rsa.generate_private_key(65537, 2048)
    authority = private_pem(ec.generate_private_key(ec.SECP256R1()))
    trusted = tls_authority.ca_certificate(authority, "Essai")
    chain = tls_authority.sign(request_pem(key, name), authority, trusted, 90)
    return Pair(private_pem(key).encode(), (chain + trusted).encode(), trusted.encode())


def opened(signed: bytes, authority: bytes, folder: Path) -> bytes:
    """The content of a signed document (CMS, DER), as openssl verifies it.

    Raises subprocess.CalledProcessError where the signature is not that of a certificate of the authority.
    """
    trusted = folder / "authority.pem"
    trusted.write_bytes(authority)
    # A web server's certificate is for no mail: its purpose is not looked at.
    words = ["openssl", "cms", "-verify", "-inform", "DER", "-binary", "-purpose", "any", "-CAfile", str(trusted)]
    return subprocess.run(words, input=signed, capture_output=True, check=True).stdout

# SPDX-License-Identifier: GPL-3.0-or-later
"""A certificate authority that lives on the controller: its certificate from its key, certificates from requests.

The CA certificate and those of clients are a function of keys and names alone: fixed dates, serial from the key,
deterministic signatures (RSA PKCS #1 v1.5, or ECDSA by RFC 6979). So the keys are the only thing to keep. They carry
what Python 3.13 demands: critical keyUsage and key identifiers (RFC 5280, 4.2.1).
"""

from __future__ import annotations

import datetime
import hashlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
CA_FROM = datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC)
CA_UNTIL = datetime.datetime(2054, 12, 31, tzinfo=datetime.UTC)


class AuthorityError(ValueError):
    """A key, certificate or request that cannot be used."""


def _usage(signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _key(pem: str) -> Key:
    try:
        key = serialization.load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError) as error:
        raise AuthorityError(f"not a private key: {error}") from error
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise AuthorityError("the key of the authority must be RSA or elliptic")
    return key


def _serial(key: Key) -> int:
    """Return the serial number that a key has for ever."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    der = key.public_key().public_bytes(serialization.Encoding.DER, form)
    return int.from_bytes(hashlib.sha256(der).digest()[:16], "big") >> 1


def _signed(builder: x509.CertificateBuilder, key: Key) -> str:
    deterministic = True if isinstance(key, ec.EllipticCurvePrivateKey) else None
    certificate = builder.sign(key, hashes.SHA256(), ecdsa_deterministic=deterministic)
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def ca_certificate(key_pem: str, common_name: str) -> str:
    """The self-signed certificate of an authority, PEM; always the same for one key and name."""
    key = _key(key_pem)
    public = key.public_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    identifier = x509.SubjectKeyIdentifier.from_public_key(public)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public)
        .serial_number(_serial(key))
        .not_valid_before(CA_FROM)
        .not_valid_after(CA_UNTIL)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(True), critical=True)
        .add_extension(identifier, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
    )
    return _signed(builder, key)


def client_certificate(client_key_pem: str, key_pem: str, ca_pem: str, common_name: str) -> str:
    """The certificate of a client for a key, PEM; always the same for these four.

    It ends with its authority: a client that must be refused gets the others a new authority.
    """
    client, key = _key(client_key_pem), _key(key_pem)
    authority = x509.load_pem_x509_certificate(ca_pem.encode())
    if authority.public_key() != key.public_key():
        raise AuthorityError("the certificate of the authority is not for its key")
    identifier = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)]))
        .issuer_name(authority.subject)
        .public_key(client.public_key())
        .serial_number(_serial(client))
        .not_valid_before(CA_FROM)
        .not_valid_after(CA_UNTIL)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(client.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
    )
    return _signed(builder, key)


def sign(request_pem: str, key_pem: str, ca_pem: str, days: int) -> str:
    """A server certificate for the names and key of a request, followed by the CA's, PEM; valid ``days`` days.

    Each call gives another one: ask only when a certificate is due.
    """
    try:
        request = x509.load_pem_x509_csr(request_pem.encode())
        authority = x509.load_pem_x509_certificate(ca_pem.encode())
        names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound) as error:
        raise AuthorityError(f"cannot sign: {error}") from error
    key = _key(key_pem)
    if not request.is_signature_valid:
        raise AuthorityError("cannot sign: the request is not signed by its own key")
    if authority.public_key() != key.public_key():
        raise AuthorityError("the certificate of the authority is not for its key")
    now = datetime.datetime.now(datetime.UTC)
    identifier = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = (
        x509.CertificateBuilder()
        .subject_name(request.subject)
        .issuer_name(authority.subject)
        .public_key(request.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(names, critical=not list(request.subject))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(request.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
    )
    return _signed(builder, key) + ca_pem

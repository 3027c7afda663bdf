"""The authority kept on the controller: its certificate, its signatures, and its refusals."""

import ssl
from pathlib import Path

import pytest
from ansible_collections.academie.malleposte.plugins.module_utils import tls_authority
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.support.certificates import Key, private_pem, request_pem


@pytest.fixture(params=["rsa", "ec"])
def authority(request: pytest.FixtureRequest) -> tuple[str, str]:
    elliptic = request.param == "ec"
    key: Key = ec.generate_private_key(ec.SECP256R1()) if elliptic else rsa.generate_private_key(65537, 2048)
    pem = private_pem(key)
    return pem, tls_authority.ca_certificate(pem, "Essai")


def test_one_key_gives_one_certificate(authority: tuple[str, str]) -> None:
    key, certificate = authority
    assert tls_authority.ca_certificate(key, "Essai") == certificate
    assert tls_authority.ca_certificate(key, "Autre") != certificate


def test_it_may_sign_certificates_and_says_so(authority: tuple[str, str]) -> None:
    usage = x509.load_pem_x509_certificate(authority[1].encode()).extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert usage.value.key_cert_sign


def test_a_strict_client_accepts_what_it_signs(authority: tuple[str, str], tmp_path: Path) -> None:
    """Python 3.13's own checks (VERIFY_X509_STRICT), by a handshake in memory."""
    key = ec.generate_private_key(ec.SECP256R1())
    chain = tls_authority.sign(request_pem(key, "mail.ac-exemple.test"), *authority, 90)
    (tmp_path / "chain.pem").write_text(chain)
    (tmp_path / "key.pem").write_text(private_pem(key))
    (tmp_path / "ca.pem").write_text(authority[1])
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(tmp_path / "chain.pem", tmp_path / "key.pem")
    client_context = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    assert client_context.verify_flags & ssl.VERIFY_X509_STRICT
    handshake(client_context, server_context, "mail.ac-exemple.test")
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(client_context, server_context, "autre.ac-exemple.test")


def test_a_client_is_known_by_its_certificate_and_a_stranger_is_not(authority: tuple[str, str], tmp_path: Path) -> None:
    """A handshake in memory in which the server asks for a certificate of the authority."""
    client_key = private_pem(ec.generate_private_key(ec.SECP256R1()))
    certificate = tls_authority.client_certificate(client_key, *authority, "watcher")
    assert tls_authority.client_certificate(client_key, *authority, "watcher") == certificate
    assert x509.load_pem_x509_certificate(certificate.encode()).subject.rfc4514_string() == "CN=watcher"
    server_key = ec.generate_private_key(ec.SECP256R1())
    foreign_key = private_pem(ec.generate_private_key(ec.SECP256R1()))
    foreign = foreign_key, tls_authority.ca_certificate(foreign_key, "Essai")
    files = {
        "server": (tls_authority.sign(request_pem(server_key, "mail.ac-exemple.test"), *authority, 90), server_key),
        "watcher": (certificate, client_key),
        "stranger": (tls_authority.client_certificate(client_key, *foreign, "watcher"), client_key),
    }
    for name, (pem, key) in files.items():
        (tmp_path / f"{name}.pem").write_text(pem)
        (tmp_path / f"{name}.key").write_text(key if isinstance(key, str) else private_pem(key))
    (tmp_path / "ca.pem").write_text(authority[1])

    def entered(name: str) -> None:
        server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(tmp_path / "ca.pem"))
        server.verify_mode = ssl.CERT_REQUIRED
        server.verify_flags |= ssl.VERIFY_X509_STRICT
        server.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
        client = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
        if name:
            client.load_cert_chain(tmp_path / f"{name}.pem", tmp_path / f"{name}.key")
        handshake(client, server, "mail.ac-exemple.test")

    entered("watcher")
    for name in ("", "stranger"):
        with pytest.raises(ssl.SSLError):
            entered(name)


def handshake(client_context: ssl.SSLContext, server_context: ssl.SSLContext, name: str) -> None:
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname=name)
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    for _turn in range(6):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue


def test_a_request_without_names_is_refused(authority: tuple[str, str]) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    bare = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    with pytest.raises(tls_authority.AuthorityError, match="cannot sign"):
        tls_authority.sign(bare.public_bytes(serialization.Encoding.PEM).decode(), *authority, 90)


def test_a_certificate_of_another_key_is_refused(authority: tuple[str, str]) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    other = private_pem(ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(tls_authority.AuthorityError, match="not for its key"):
        tls_authority.sign(request_pem(key, "a.test"), other, authority[1], 90)


def test_no_key_no_authority() -> None:
    with pytest.raises(tls_authority.AuthorityError, match="not a private key"):
        tls_authority.ca_certificate("rien", "Essai")

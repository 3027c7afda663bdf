"""One profile of TLS, Mozilla's intermediate without finite fields, wherever a password goes."""

import socket
import ssl

import pytest

# Said again on purpose: what the platform is held to.
GOOD = ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305")
GOOD_RSA = tuple(name.replace("ECDSA", "RSA") for name in GOOD)
WEAK = ":".join(["ALL:COMPLEMENTOFALL:@SECLEVEL=0", *(f"!{name}" for name in (*GOOD, *GOOD_RSA))])
STARTTLS = {
    587: (b"220 ", [b"EHLO probe.lointain.test\r\n", b"250 "], [b"STARTTLS\r\n", b"220 "]),
    143: (b"* OK", [b"a STARTTLS\r\n", b"a OK"]),
    4190: (b"OK ", [b"STARTTLS\r\n", b"OK"]),
}


MAIL_PORTS = (25, 465, 587, 143, 993, 4190)
BY_NAME = {25: "smtp", 587: "smtp", 143: "imap", 4190: "sieve"}
CURVES = ("X25519MLKEM768", "X25519", "prime256v1", "secp384r1")
REFUSED = ("X448", "secp521r1", "ffdhe2048", "ffdhe4096")


def handshake(address: str, name: str, port: int, ciphers: str) -> str:
    """The suite that a server takes of `ciphers` with TLS 1.2. Raises ssl.SSLError, ConnectionError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(ciphers)
    with socket.create_connection((address, port), timeout=60) as link:
        greeting, *steps = STARTTLS.get(port, (b"",))
        pending = b""

        def until(mark: bytes) -> None:
            nonlocal pending
            while not any(line.startswith(mark) for line in pending.splitlines()):
                got = link.recv(4096)
                assert got, (port, pending)
                pending += got
            pending = b""

        if greeting:
            until(greeting)
        for words, mark in steps:
            link.sendall(words)
            until(mark)
        with context.wrap_socket(link, server_hostname=name) as wrapped:
            found = wrapped.cipher()
            assert found
            return found[0]


@pytest.mark.parametrize(
    ("service", "port"),
    [*(("webmail", port) for port in (465, 587, 143, 993, 4190, 443, 636)), ("portal", 443)],
)
def test_weak_suites_are_refused_beside_the_good_ones(site, service, port):
    address = site.address({"webmail": "mail1", "portal": "pia1"}[service])
    public = site.platform["hostnames"][service]
    with pytest.raises((ssl.SSLError, ConnectionError)):
        pytest.fail(f"{port} took {handshake(address, public, port, WEAK)}")
    for name in GOOD:
        assert handshake(address, public, port, name) == name


def test_no_server_is_asked_for_a_password_over_a_weak_suite(site):
    names = "smtp_sasl_security_options smtp_sasl_tls_security_options tls_high_cipherlist"
    shown = site.run("mail1", f"postconf -h {names}")
    assert shown.splitlines()[:2] == ["noanonymous, noplaintext", "noanonymous"]
    assert set(shown.splitlines()[2].split(":")) == {*GOOD, *GOOD_RSA}


@pytest.mark.parametrize("port", MAIL_PORTS)
def test_mail_takes_the_curves_of_the_profile_and_no_other(site, port):
    """Mozilla's intermediate profile, and the hybrid of ML-KEM before them (TLS 1.3)."""
    address, public = site.address("mail1"), site.platform["hostnames"]["mail"]
    start = f"-starttls {BY_NAME[port]}" if port in BY_NAME else ""
    asked = " ".join((*CURVES, *REFUSED))
    # From the host outside, whose OpenSSL knows them all; a refusal is no answer at all.
    words = f"for one in {asked}; do timeout 60 openssl s_client -connect {address}:{port} {start}"
    words += f" -servername {public} -tls1_3 -groups $one -brief </dev/null >/dev/null 2>&1 && echo $one; done; true"
    assert tuple(site.run("world", words, timeout=600).split()) == CURVES

"""The probe's own DNS, DER and DKIM, against the libraries that the vantage host does not have."""

import hashlib

import dkim as dkimpy
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from malleposte.probe.walker import der, dkim, resolver
from malleposte.probe.walker.paths import certificates

from tests.support.authority import root

MESSAGE = (
    b"From: Jeanne <jeanne@ac-exemple.test>\r\nTo: x@lointain.test\r\nSubject:  Deux   mots\r\n\tet un repli\r\n\r\n"
    b"Bonjour,  \r\n\r\nle  texte\r\n\r\n\r\n"
)


@pytest.fixture(scope="module")
def key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def spki(private) -> bytes:
    return private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def record(private) -> str:
    import base64

    return f"v=DKIM1; k=rsa; p={base64.b64encode(spki(private)).decode()}"


def sign(
    private, message: bytes = MESSAGE, forms=(b"relaxed", b"relaxed"), domain: bytes = b"ac-exemple.test"
) -> bytes:
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    return dkimpy.sign(message, b"mp1", domain, pem, canonicalize=forms) + message


@pytest.mark.parametrize("forms", [(b"relaxed", b"relaxed"), (b"simple", b"simple"), (b"relaxed", b"simple")])
def test_a_signature_holds(key, forms):
    asked = []
    found = dkim.verify(sign(key, forms=forms), "ac-exemple.test", lambda name: asked.append(name) or [record(key)])
    assert found == "ac-exemple.test"
    assert asked == ["mp1._domainkey.ac-exemple.test"]


def test_it_holds_after_a_relay_added_headers(key):
    relayed = b"Received: from a\r\n\tby b\r\n" + sign(key)
    assert dkim.verify(relayed, "ac-exemple.test", lambda name: [record(key)])


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"le  texte", b"le faux texte", "body was altered"),
        (b"Jeanne <", b"Paul <", "does not match"),
        (b"d=ac-exemple.test", b"d=ac-autre.test", r"signed by ac-autre\.test"),
    ],
)
def test_an_altered_message_is_seen(key, old, new, reason):
    signed = sign(key)
    assert old in signed
    with pytest.raises(dkim.DkimError, match=reason):
        dkim.verify(signed.replace(old, new), "ac-exemple.test", lambda name: [record(key)])


def test_another_key_an_absent_key_and_no_signature_are_told_apart(key):
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    with pytest.raises(dkim.DkimError, match="does not match"):
        dkim.verify(sign(key), "ac-exemple.test", lambda name: [record(other)])
    with pytest.raises(dkim.DkimError, match=r"no key published for mp1\._domainkey"):
        dkim.verify(sign(key), "ac-exemple.test", lambda name: [])
    with pytest.raises(dkim.DkimError, match="no signature"):
        dkim.verify(MESSAGE, "ac-exemple.test", lambda name: [record(key)])
    with pytest.raises(dkim.DkimError, match="key record"):
        dkim.key_of("v=DKIM1; k=rsa; p=AAAA")


def test_rsa_numbers_and_public_key_info(key):
    numbers = key.public_key().public_numbers()
    assert der.rsa_numbers(spki(key)) == (numbers.n, numbers.e)
    with pytest.raises(ValueError, match=r"RSA|early|DER"):
        der.rsa_numbers(spki(ec.generate_private_key(ec.SECP256R1())))


def test_tlsa_records_match_what_is_presented():
    signed = root("mx")
    raw = signed.certificate.public_bytes(serialization.Encoding.DER)
    assert der.public_key_info(raw) == spki(signed.key)
    digest = hashlib.sha256(spki(signed.key)).hexdigest()
    assert certificates.tlsa_matches(f"3 1 1 {digest}", [raw])
    assert certificates.tlsa_matches(f"3 0 1 {hashlib.sha256(raw).hexdigest()}", [raw])
    assert certificates.tlsa_matches(f"2 1 1 {digest}", [b"\x30\x00", raw])
    assert not certificates.tlsa_matches(f"3 1 1 {'0' * 64}", [raw])
    assert not certificates.tlsa_matches(f"2 1 1 {digest}", [raw])


def answer(kind: str, *values: str, rcode=dns.rcode.NOERROR, secure: bool = False) -> bytes:
    message = dns.message.make_response(dns.message.make_query("ac-exemple.test", kind))
    message.set_rcode(rcode)
    if secure:
        message.flags |= dns.flags.AD
    if values:
        message.answer.append(dns.rrset.from_text("ac-exemple.test.", 60, "IN", "CNAME", "mail.ac-exemple.test."))
        message.answer.append(dns.rrset.from_text("mail.ac-exemple.test.", 60, "IN", kind, *values))
    return message.to_wire()


@pytest.mark.parametrize(
    ("kind", "value", "wanted"),
    [
        ("A", "192.0.2.7", "192.0.2.7"),
        ("AAAA", "2001:db8::7", "2001:db8::7"),
        ("MX", "10 mail.ac-exemple.test.", "10 mail.ac-exemple.test"),
        ("TXT", '"v=spf1 " "mx -all"', "v=spf1 mx -all"),
        ("TLSA", f"3 1 1 {'ab' * 32}", f"3 1 1 {'ab' * 32}"),
    ],
)
def test_records_are_read(kind, value, wanted):
    assert resolver.parse(answer(kind, value, secure=True), kind) == resolver.Answer([wanted], True)


def test_no_such_name_is_empty_and_a_failing_resolver_is_an_error():
    assert resolver.parse(answer("A", rcode=dns.rcode.NXDOMAIN), "A").records == []
    with pytest.raises(resolver.DnsError, match="SERVFAIL"):
        resolver.parse(answer("A", rcode=dns.rcode.SERVFAIL), "A")


def test_the_question_asks_for_validation():
    parsed = dns.message.from_wire(resolver.question("_25._tcp.mail.ac-exemple.test.", "TLSA", 4711))
    assert parsed.id == 4711
    assert parsed.flags & dns.flags.AD
    assert parsed.flags & dns.flags.RD
    assert parsed.question[0].to_text() == "_25._tcp.mail.ac-exemple.test. IN TLSA"


def test_no_name_server_answers():
    with pytest.raises(resolver.DnsError, match=r"ac-exemple\.test A"):
        resolver.query("ac-exemple.test", "A", ["127.0.0.1#1"], timeout=1)

"""The probe's DNS, DER and DKIM, against the libraries that the vantage host does not have."""

import hashlib
import json
import socketserver
import subprocess
import threading

import dkim as dkimpy
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from malleposte.probe import ship
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


@pytest.fixture
def name_server():
    """A name server over TCP that gives the answers in a list; its address, the list, and what it was asked."""
    answers, asked = [], []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            message = dns.message.from_wire(self.rfile.read(int.from_bytes(self.rfile.read(2), "big")))
            asked.append(message)
            wire = answer(message, *answers).to_wire()
            self.wfile.write(len(wire).to_bytes(2, "big") + wire)

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"127.0.0.1#{server.server_address[1]}", answers, asked
        server.shutdown()


def answer(question, value=None, rcode=dns.rcode.NOERROR):
    message = dns.message.make_response(question)
    message.set_rcode(rcode)
    message.flags |= dns.flags.AD
    if value:
        kind = question.question[0].rdtype
        message.answer.append(dns.rrset.from_text("ac-exemple.test.", 60, "IN", "CNAME", "mail.ac-exemple.test."))
        message.answer.append(dns.rrset.from_text("mail.ac-exemple.test.", 60, "IN", kind, value))
    return message


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("A", "192.0.2.7", "192.0.2.7"),
        ("AAAA", "2001:db8::7", "2001:db8::7"),
        ("MX", "10 Mail.ac-exemple.test.", "10 mail.ac-exemple.test"),
        ("TXT", '"v=spf1 " "MX -all."', "v=spf1 MX -all."),
        ("TLSA", f"3 1 1 {'ab' * 32}", f"3 1 1 {'ab' * 32}"),
    ],
)
def test_records_are_read_and_their_validation_is_asked_for(name_server, kind, value, text):
    server, answers, asked = name_server
    answers.append(value)
    assert resolver.query("ac-exemple.test", kind, ["127.0.0.1#1", server]) == resolver.Answer([text], True)
    assert asked[0].flags & dns.flags.AD
    assert asked[0].flags & dns.flags.RD


def test_no_such_name_is_empty_and_a_failing_resolver_is_an_error(name_server):
    server, answers, _ = name_server
    assert resolver.query("ac-exemple.test", "A", [server]).records == []
    answers[:] = [None, dns.rcode.NXDOMAIN]
    assert resolver.query("ac-exemple.test", "A", [server]).records == []
    answers[:] = [None, dns.rcode.SERVFAIL]
    with pytest.raises(resolver.DnsError, match="SERVFAIL"):
        resolver.query("ac-exemple.test", "A", [server])


def test_no_name_server_answers():
    with pytest.raises(resolver.DnsError, match=r"ac-exemple\.test A"):
        resolver.query("ac-exemple.test", "A", ["127.0.0.1#1"], timeout=1)


def test_a_bare_python_asks_by_the_library_that_comes_with_the_walker():
    first, start, _ = ship.BOOTSTRAP.partition("from walker import walk")
    ask = f"{first}from walker import resolver\nresolver.query('ac-exemple.test', 'A', ['127.0.0.1#1'], 1)"
    words = ["/usr/bin/python3", "-I", "-S", "-c", ask]
    done = subprocess.run(words, input=json.dumps(ship.bundle()) + "\n", capture_output=True, text=True, check=False)
    assert start
    assert done.stderr.splitlines()[-1].startswith("walker.resolver.DnsError: ac-exemple.test A: ")

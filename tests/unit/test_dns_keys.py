"""Trust anchors, questions on the wire, and the comparison of answers."""

from __future__ import annotations

import struct

import dns.dnssec
import dns.message
import dns.name
import dns.rdata
import dns.rdatatype
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from malleposte.dns.check import Status, compare, kind_of, sets
from malleposte.dns.facts import covers, parse
from malleposte.dnsrecords import keys, wire
from malleposte.dnsrecords.records import Record
from malleposte.errors import InputError


def public_pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def test_the_anchor_is_the_one_dnspython_computes() -> None:
    pem = public_pem(ec.generate_private_key(ec.SECP256R1()))
    rdata = keys.dnskey_rdata(pem)
    dnskey = dns.rdata.from_wire("IN", "DNSKEY", rdata, 0, len(rdata))
    wanted = dns.dnssec.make_ds(dns.name.from_text("test."), dnskey, "SHA256").to_text()
    assert keys.ds_record(pem, "Test") == f"test. IN DS {wanted}"


def test_another_kind_of_key_is_refused() -> None:
    with pytest.raises(keys.KeyFormatError, match="not a P-256 public key"):
        keys.dnskey_rdata(public_pem(rsa.generate_private_key(65537, 2048)))


def test_a_question_is_what_dnspython_reads() -> None:
    message = dns.message.from_wire(wire.build_query("mail.ac-exemple.test", "TLSA", 4711))
    assert message.id == 4711
    assert message.question[0].to_text() == "mail.ac-exemple.test. IN TLSA"
    assert message.flags == dns.flags.RD | dns.flags.AD
    assert message.ednsflags == dns.flags.DO


@pytest.mark.parametrize(("name", "rtype"), [("a" * 64 + ".test", "A"), ("académie.test", "A"), ("test", "WKS")])
def test_a_question_that_cannot_be_asked(name: str, rtype: str) -> None:
    with pytest.raises(wire.WireError):
        wire.build_query(name, rtype, 1)


def test_the_verdict_of_an_answer() -> None:
    secure = struct.pack("!HHHHHH", 7, 0x81A0, 1, 2, 0, 0)
    assert wire.parse_verdict(secure, 7) == wire.Verdict("NOERROR", True, 2)
    failed = struct.pack("!HHHHHH", 7, 0x8182, 1, 0, 0, 0)
    assert wire.parse_verdict(failed, 7) == wire.Verdict("SERVFAIL", False, 0)


@pytest.mark.parametrize("answer", [b"", b"short", struct.pack("!HHHHHH", 8, 0x8180, 1, 0, 0, 0),
                                    struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0)])  # fmt: skip
def test_another_answer_is_no_answer(answer: bytes) -> None:
    with pytest.raises(wire.WireError):
        wire.parse_verdict(answer, 7)


def test_same_set_in_another_order_is_present() -> None:
    assert compare("a.test.", "MX", ["10 x.", "20 y."], ["20 y.", "10 x."]).status is Status.PRESENT


def test_nothing_is_missing_and_more_is_different() -> None:
    assert compare("a.test.", "A", ["192.0.2.1"], []).status is Status.MISSING
    assert compare("a.test.", "A", ["192.0.2.1"], ["192.0.2.1", "192.0.2.9"]).status is Status.DIFFERENT


def test_foreign_text_beside_ours_is_let_be_but_a_second_policy_is_not() -> None:
    ours, foreign, rival = '"v=spf1 mx -all"', '"site-verification=1"', '"v=spf1 +all"'
    assert compare("a.test.", "TXT", [ours], [foreign, ours]).status is Status.PRESENT
    assert compare("a.test.", "TXT", [ours], [foreign]).status is Status.MISSING
    assert compare("a.test.", "TXT", [ours], [ours, rival]).status is Status.DIFFERENT


def test_kind_of_text() -> None:
    assert kind_of('"v=DMARC1; p=none"') == "v=dmarc1"


def test_sets_are_written_as_answers_are() -> None:
    long = "v=DKIM1; k=rsa; p=" + "A" * 300
    text: Record = {"name": "S.test", "type": "TXT", "data": long}
    route: Record = {"name": "a.test", "type": "MX", "data": "10 B.test."}
    grouped = sets([text, route])
    assert grouped["s.test.", "TXT"] == [f'"{long[:255]}" "{long[255:]}"']
    assert grouped["a.test.", "MX"] == ["10 b.test."]


def test_the_servers_of_a_stub_zone_are_asked() -> None:
    told = {
        "facts": {"domain": "ac-exemple.test", "mx": ["mail.ac-exemple.test"]},
        "stub_zones": [{"zone": "test", "addresses": ["192.0.2.53"]}, {"zone": "other", "addresses": ["192.0.2.54"]}],
    }
    published = parse(told)
    assert published.servers == ["192.0.2.53"]
    assert published.without_tlsa


def test_a_wrong_fact_is_bad_input() -> None:
    with pytest.raises(InputError, match="unknown key mxs"):
        parse({"facts": {"domain": "a.test", "mxs": []}})


@pytest.mark.parametrize(
    ("zone", "name", "inside"), [("test", "a.test", True), ("a.test", "a.test.", True), ("a.test", "ba.test", False)]
)
def test_covers(zone: str, name: str, inside: bool) -> None:
    assert covers(zone, name) is inside

"""Trust anchors, questions on the wire, and the comparison of answers."""

import dns.exception
import dns.flags
import dns.message
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from malleposte.core.errors import InputError
from malleposte.dns.check import Status, compare, kind_of, sets, strays
from malleposte.dns.facts import covers, parse
from malleposte.dnsrecords import keys
from malleposte.dnsrecords.records import Record

from plugins.modules import dns_answer


def public_pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


PEM = """-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEGojIhhXUN/u4v54ZQqGSnyhWJwau
bCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==
-----END PUBLIC KEY-----
"""
"""The P-256 key of the example of RFC 6605, section 6.1, whose DS is given there."""


def test_the_anchor_is_that_of_the_standard() -> None:
    dnskey = "257 3 13 GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA=="
    assert keys.dnskey(PEM).to_text().replace(" ", "") == dnskey.replace(" ", "")
    owner, *rest = keys.ds_record(PEM, "Example.Net").split()
    assert (owner, rest[:2]) == ("example.net.", ["IN", "DS"])
    assert rest[2:5] == ["55648", "13", "2"]
    assert rest[5] == "b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17"


def test_another_kind_of_key_is_refused() -> None:
    other = public_pem(rsa.generate_private_key(65537, 2048))
    with pytest.raises(keys.KeyFormatError, match="not a P-256 public key"):
        keys.dnskey(other)
    with pytest.raises(keys.KeyFormatError, match="not an RSA public key"):
        keys.dkim_value(PEM)
    assert keys.dkim_value(other).startswith("v=DKIM1; k=rsa; p=MIIBIjAN")


@pytest.mark.parametrize("text", ["", "-----BEGIN PUBLIC KEY-----", PEM.replace("MFkw", "AAAA")])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(keys.KeyFormatError, match="not a PEM public key"):
        keys.dkim_value(text)


def test_a_question_wants_to_know_whether_the_answer_is_validated() -> None:
    asked = dns.message.from_wire(dns_answer.question("mail.ac-exemple.test", "TLSA").to_wire())
    assert asked.question[0].to_text() == "mail.ac-exemple.test. IN TLSA"
    assert asked.flags == dns.flags.RD | dns.flags.AD
    assert asked.ednsflags == dns.flags.DO


@pytest.mark.parametrize(("name", "rtype"), [("a" * 64 + ".test", "A"), ("a..test", "A"), ("test", "NONESUCH")])
def test_a_question_that_cannot_be_asked(name: str, rtype: str) -> None:
    with pytest.raises(dns.exception.DNSException):
        dns_answer.question(name, rtype)


@pytest.mark.parametrize(
    ("flags", "rcode", "secure", "said"),
    [
        (dns.flags.AD, "NOERROR", True, ""),
        (0, "NOERROR", False, ""),
        (0, "NOERROR", True, "without having validated"),
        (dns.flags.AD, "NXDOMAIN", True, "answered NOERROR, NXDOMAIN was expected"),
    ],
)
def test_why_an_answer_is_not_the_expected_one(flags: int, rcode: str, secure: bool, said: str) -> None:
    answer = dns.message.make_response(dns_answer.question("a.test", "A"))
    answer.flags |= flags
    found = dns_answer.reason(answer, rcode, secure)
    assert said in found if said else not found


def test_same_set_in_another_order_is_present() -> None:
    assert compare("a.test.", "MX", ["10 x.", "20 y."], ["20 y.", "10 x."]).status is Status.PRESENT


def test_nothing_is_missing_and_more_is_different() -> None:
    assert compare("a.test.", "A", ["192.0.2.1"], []).status is Status.MISSING
    assert compare("a.test.", "A", ["192.0.2.1"], ["192.0.2.1", "192.0.2.9"]).status is Status.DIFFERENT


def test_what_must_not_be_there() -> None:
    assert compare("a.test.", "AAAA", [], []).status is Status.PRESENT
    assert compare("a.test.", "AAAA", [], ["2001:db8::1"]).status is Status.DIFFERENT


def test_a_name_must_not_have_addresses_of_the_family_that_its_host_lacks() -> None:
    both = [("both.test.", "A"), ("both.test.", "AAAA")]
    assert strays([*both, ("four.test.", "A"), ("six.test.", "AAAA"), ("a.test.", "MX")]) == {
        ("four.test.", "AAAA"), ("six.test.", "A"),
    }  # fmt: skip


def test_the_names_of_addresses_are_asked_unless_the_hosts_alone_know_them() -> None:
    addresses = {"mail.ac-exemple.test": ["192.0.2.1", "10.0.0.1"]}
    told = {
        "facts": {"domain": "ac-exemple.test", "mx": ["mail.ac-exemple.test"], "addresses": addresses},
        "reverse_names": {"10.0.0.1": "mail.ac-exemple.test"},
    }
    assert [record["name"] for record in parse(told).reverse] == ["1.2.0.192.in-addr.arpa."]


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

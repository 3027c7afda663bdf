"""The records a domain must publish: from facts to lines of a zone file."""

import base64
from typing import Any

import dns.rdata
import pytest
from ansible_collections.academie.malleposte.plugins.module_utils.published import published
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from dns.rdtypes.ANY.TXT import TXT
from malleposte.dnsrecords import mta_sts
from malleposte.dnsrecords.records import expected, reverse
from malleposte.dnsrecords.zone import RecordError, quote_txt, zone_lines

DIGEST = "ab" * 32


def pem() -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    key = rsa.generate_private_key(65537, 2048).public_key()
    return key.public_bytes(serialization.Encoding.PEM, form).decode()


def facts(**more: Any) -> dict[str, Any]:
    return {"domain": "ac-exemple.test", "mx": ["mail.ac-exemple.test"], **more}


def data_of(found: list[Any], name: str, rtype: str) -> list[str]:
    return [record["data"] for record in found if (record["name"], record["type"]) == (name, rtype)]


def test_mx_keeps_the_order() -> None:
    found = expected(facts(mx=["mx1.ac-exemple.test", ["mx2.ac-exemple.test", 50]]))
    assert data_of(found, "ac-exemple.test.", "MX") == ["10 mx1.ac-exemple.test.", "50 mx2.ac-exemple.test."]


def test_addresses_of_both_families() -> None:
    found = expected(facts(addresses={"Mail.ac-exemple.test": ["192.0.2.1", "2001:db8::1"]}))
    assert data_of(found, "mail.ac-exemple.test.", "A") == ["192.0.2.1"]
    assert data_of(found, "mail.ac-exemple.test.", "AAAA") == ["2001:db8::1"]


def test_sender_policy_of_the_domain_and_of_the_host() -> None:
    found = expected(facts(spf=["ip4:192.0.2.0/24"], spf_all="~all"))
    assert data_of(found, "ac-exemple.test.", "TXT") == ["v=spf1 mx ip4:192.0.2.0/24 ~all"]
    assert data_of(found, "mail.ac-exemple.test.", "TXT") == ["v=spf1 a -all"]


def test_the_addresses_of_the_mail_hosts_lead_back_to_their_names() -> None:
    addresses = {"mail.ac-exemple.test": ["192.0.2.1", "2001:db8::1"], "pia.ac-exemple.test": ["192.0.2.2"]}
    found = reverse(facts(addresses=addresses, ttl=60))
    owner = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa."
    assert [(record["name"], record["type"], record["data"], record["ttl"]) for record in found] == [
        ("1.2.0.192.in-addr.arpa.", "PTR", "mail.ac-exemple.test.", 60),
        (owner, "PTR", "mail.ac-exemple.test.", 60),
    ]
    assert reverse(facts()) == []


def test_dkim_publishes_the_key() -> None:
    key = pem()
    found = expected(facts(dkim={"s1": key}))
    value = data_of(found, "s1._domainkey.ac-exemple.test.", "TXT")[0]
    shown = base64.b64decode(value.removeprefix("v=DKIM1; k=rsa; p="))
    assert serialization.load_der_public_key(shown) == serialization.load_pem_public_key(key.encode())


def test_dmarc_policy() -> None:
    policy = {"policy": "reject", "subdomain_policy": "quarantine", "rua": "r@ac-exemple.test", "pct": 50}
    found = expected(facts(dmarc=policy))
    assert data_of(found, "_dmarc.ac-exemple.test.", "TXT") == [
        "v=DMARC1; p=reject; sp=quarantine; rua=mailto:r@ac-exemple.test; pct=50"
    ]


def test_tlsa_for_each_port_and_key() -> None:
    found = expected(facts(tlsa={"mail.ac-exemple.test": [DIGEST.upper()]}, tlsa_ports=[25, 465]))
    assert data_of(found, "_25._tcp.mail.ac-exemple.test.", "TLSA") == [f"3 1 1 {DIGEST}"]
    assert data_of(found, "_465._tcp.mail.ac-exemple.test.", "TLSA") == [f"3 1 1 {DIGEST}"]


def test_a_host_without_key_publishes_no_tlsa() -> None:
    found = expected(facts(tlsa={"mail.ac-exemple.test": [""]}))
    assert [record for record in found if record["type"] == "TLSA"] == []


def test_services_and_their_absence() -> None:
    secure = {"service": "imaps", "port": 993, "target": "mail.ac-exemple.test"}
    srv = [secure, {"service": "imap", "port": 143, "target": "."}]
    found = expected(facts(srv=srv))
    assert data_of(found, "_imaps._tcp.ac-exemple.test.", "SRV") == ["0 1 993 mail.ac-exemple.test."]
    assert data_of(found, "_imap._tcp.ac-exemple.test.", "SRV") == ["0 0 0 ."]
    dav = [{"service": "caldavs", "port": 443, "target": "dav.ac-exemple.test", "path": "/"}]
    assert data_of(expected(facts(srv=dav)), "_caldavs._tcp.ac-exemple.test.", "TXT") == ["path=/"]


def test_transport_policies_only_when_asked() -> None:
    bare = expected(facts())
    assert not [record for record in bare if record["name"].startswith(("_mta-sts", "_smtp"))]
    found = expected(facts(mta_sts={"id": "20260101"}, tls_rpt="t@ac-exemple.test"))
    assert data_of(found, "_mta-sts.ac-exemple.test.", "TXT") == ["v=STSv1; id=20260101"]
    assert data_of(found, "_smtp._tls.ac-exemple.test.", "TXT") == ["v=TLSRPTv1; rua=mailto:t@ac-exemple.test"]


def test_issuers() -> None:
    found = expected(facts(caa=["letsencrypt.org"], caa_iodef="s@ac-exemple.test"))
    assert data_of(found, "ac-exemple.test.", "CAA") == [
        '0 issue "letsencrypt.org"',
        '0 issuewild ";"',
        '0 iodef "mailto:s@ac-exemple.test"',
    ]


def test_every_line_is_one_a_server_loads() -> None:
    everything = facts(
        addresses={"mail.ac-exemple.test": "192.0.2.1"},
        dkim={"s1": pem()},
        dmarc={"policy": "none"},
        tlsa={"mail.ac-exemple.test": DIGEST},
        caa=["letsencrypt.org"],
        tls_rpt="t@ac-exemple.test",
        srv=[{"service": "imaps", "port": 993, "target": "mail.ac-exemple.test"}],
        aliases={"imap.ac-exemple.test": "mail.ac-exemple.test"},
    )
    for line in zone_lines(expected(everything)):
        _name, _ttl, _class, rtype, data = line.split("\t", 4)
        dns.rdata.from_text("IN", rtype, data)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"domain": ""}, "domain is missing"),
        ({"dmark": {}}, "unknown key dmark"),
        ({"dmarc": {"policy": "refuse"}}, "dmarc.policy 'refuse' is not one of none, quarantine, reject"),
        ({"tlsa": {"mail.ac-exemple.test": "abc"}}, "'abc' is not a SHA-256 digest"),
        ({"addresses": {"mail.ac-exemple.test": ["192.0.2.256"]}}, "addresses.mail.ac-exemple.test"),
        ({"mta_sts": {"id": "2026-01"}}, "mta_sts.id '2026-01'"),
        ({"dkim": {"s1": "secret"}}, "not a PEM public key"),
        ({"mx": ["mail exemple.test"]}, "not a domain name"),
    ],
)
def test_a_fact_that_cannot_be_right_is_named(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        expected(facts(**wrong))


def strings(quoted: str) -> tuple[bytes, ...]:
    rdata = dns.rdata.from_text("IN", "TXT", quoted)
    assert isinstance(rdata, TXT)
    return rdata.strings


def test_long_text_is_cut_at_255_bytes() -> None:
    assert [len(part) for part in strings(quote_txt("é" * 200))] == [255, 145]


def test_quotes_and_backslashes_survive() -> None:
    assert strings(quote_txt('a"b\\c')) == (b'a"b\\c',)


def test_an_alias_stands_alone() -> None:
    records = [
        {"name": "a.test", "type": "CNAME", "data": "b.test."},
        {"name": "a.test", "type": "A", "data": "192.0.2.1"},
    ]
    with pytest.raises(RecordError, match="a CNAME stands alone"):
        zone_lines(records)


def test_doubles_are_told_once() -> None:
    record = {"name": "a.test", "type": "A", "data": "192.0.2.1"}
    assert zone_lines([record, record], 60) == ["a.test.\t60\tIN\tA\t192.0.2.1"]


@pytest.mark.parametrize("record", [
    {"name": "a.test", "type": "HINFO", "data": "x"},
    {"name": "a.test", "type": "A", "data": ""},
    {"name": "a.test", "type": "A", "data": "192.0.2.1\nb.test. 1 IN A 192.0.2.2"},
    {"name": "a..test", "type": "A", "data": "192.0.2.1"},
])  # fmt: skip
def test_a_record_no_server_would_load_is_refused(record: dict[str, str]) -> None:
    with pytest.raises(RecordError):
        zone_lines([record])


def test_a_policy_names_the_mail_hosts() -> None:
    assert mta_sts.policy("enforce", ["a.test", "b.test"]).split("\r\n") == [
        "version: STSv1",
        "mode: enforce",
        "mx: a.test",
        "mx: b.test",
        "max_age: 1209600",
        "",
    ]
    assert "mx:" not in mta_sts.policy("none", ["a.test"])


def test_the_id_of_a_policy_changes_with_it_alone() -> None:
    ids = {mta_sts.policy_id(mta_sts.policy(mode, ["a.test"])) for mode in ("testing", "testing", "enforce", "none")}
    assert len(ids) == 3
    assert all(expected(facts(mta_sts={"id": one})) for one in ids)


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(RecordError, match=r"mta_sts\.mode 'strict' is not one of testing, enforce, none"):
        mta_sts.policy("strict", [])


def test_what_is_published_follows_from_the_manifest_and_the_facts() -> None:
    services: dict[str, dict[str, Any]] = {
        "smtp": {"group": "mail", "hostname": "mail", "dns": [{"service": "imaps", "port": 993, "target": "mail"}]},
        "policy": {"group": "web", "vhost": {"label": "mta-sts"}},
    }
    facts = {
        "domain": "example.test",
        "hostnames": {"mail": "mail.example.test"},
        "dmarc": {"policy": "reject", "subdomain_policy": "reject", "reports": "dmarc@example.test"},
        "tls": {"caa": ["ca.test"], "contact": "tls@example.test"},
        "mta_sts": {"mode": "enforce", "reports": "tls@example.test"},
        "ttl": 60,
    }
    groups = {"mail": ["m1"], "web": ["w1"]}
    given = published(services, facts, groups, {"m1": "192.0.2.1", "w1": "192.0.2.2"}, ["a" * 64], {})
    shown = {(record["name"], record["type"]): record["data"] for record in expected(given)}
    assert shown["mail.example.test.", "A"] == "192.0.2.1"
    assert shown["mta-sts.example.test.", "A"] == "192.0.2.2"
    assert shown["w1.example.test.", "A"] == "192.0.2.2"
    assert shown["example.test.", "MX"] == "10 mail.example.test."
    assert shown["_imaps._tcp.example.test.", "SRV"].endswith("993 mail.example.test.")
    assert shown["_25._tcp.mail.example.test.", "TLSA"] == "3 1 1 " + "a" * 64
    assert shown["_mta-sts.example.test.", "TXT"].startswith("v=STSv1; id=")
    assert "rua=mailto:dmarc@example.test" in shown["_dmarc.example.test.", "TXT"]

# SPDX-License-Identifier: GPL-3.0-or-later
"""The DNS records of one mail domain, from its facts alone. Standard library only.

The facts (``Facts`` below, or the same keys in a mapping, so that an inventory can hold them):

``domain``      the mail domain
``addresses``   every public host name -> its addresses, IPv4 or IPv6
``mx``          names of the hosts that take mail, best first, or ``[name, preference]`` pairs
``aliases``     further names -> the public name they stand for (CNAME)
``spf``         mechanisms beside ``mx``, such as ``ip4:192.0.2.0/24``; ``spf_all`` ends it (``-all``)
``dkim``        selector -> public key, PEM
``dmarc``       ``policy``, ``rua`` (address), perhaps ``subdomain_policy``, ``pct``
``tlsa``        name -> SHA-256 digests of the public keys it may present, hexadecimal (RFC 7671: 3 1 1);
                an empty digest, of a host that is not there yet, publishes nothing
``tlsa_ports``  ports those digests hold for (25)
``mta_sts``     ``id`` of the policy; absent or empty when no policy is served
``tls_rpt``     address for TLS reports (RFC 8460), or empty
``caa``         issuers allowed (RFC 8659), and ``caa_iodef``, a mailto for refusals
``srv``         ``[{service, proto, port, target}]``; target ``.`` says the service does not exist (RFC 6186); ``path``
                of the service on that host, published beside it (RFC 6764)
``ttl``         seconds (3600)
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

from .keys import dkim_value
from .zone import RecordError, absolute, zone_lines

KEYS = frozenset(
    {
        "domain",
        "addresses",
        "mx",
        "aliases",
        "spf",
        "spf_all",
        "dkim",
        "dmarc",
        "tlsa",
        "tlsa_ports",
        "mta_sts",
        "tls_rpt",
        "caa",
        "caa_iodef",
        "srv",
        "ttl",
    }
)
POLICIES = ("none", "quarantine", "reject")
DIGEST = re.compile(r"[0-9a-f]{64}")
POLICY_ID = re.compile(r"[A-Za-z0-9]{1,32}")
TLSA_TTL = 300
"""Seconds: caches drop a key that must be replaced in a hurry within five minutes."""


class Record(TypedDict):
    """One record; the data of a TXT is its plain value."""

    name: str
    type: str
    data: str
    ttl: NotRequired[int]


def expected(facts: Mapping[str, Any]) -> list[Record]:
    """The whole list. Raises RecordError, naming the fact that cannot be right."""
    unknown = sorted(set(facts) - KEYS)
    if unknown:
        raise RecordError(f"dns facts: unknown key {unknown[0]}; known: {', '.join(sorted(KEYS))}")
    domain = absolute(str(facts.get("domain") or ""))
    if domain == ".":
        raise RecordError("dns facts: domain is missing")
    ttl = int(facts.get("ttl") or 3600)
    records = [
        *hosts(facts),
        *routing(domain, facts),
        *authentication(domain, facts),
        *transport(domain, facts),
        *issuers(domain, facts),
        *services(domain, facts),
    ]
    zone_lines(records, ttl)
    return [{**record, "ttl": record.get("ttl", ttl)} for record in records]


def hosts(facts: Mapping[str, Any]) -> list[Record]:
    """Addresses of the public names, and the aliases that lead to them."""
    records: list[Record] = []
    for name, addresses in dict(facts.get("addresses") or {}).items():
        for text in [addresses] if isinstance(addresses, str) else addresses:
            try:
                address = ipaddress.ip_address(text)
            except ValueError as error:
                raise RecordError(f"dns facts: addresses.{name}: {error}") from error
            kind = "AAAA" if address.version == 6 else "A"
            records.append({"name": absolute(name), "type": kind, "data": str(address)})
    for name, target in dict(facts.get("aliases") or {}).items():
        records.append({"name": absolute(name), "type": "CNAME", "data": absolute(target)})
    return records


def reverse(facts: Mapping[str, Any]) -> list[Record]:
    """PTR of the hosts that send mail, to the name they greet with: large receivers refuse an address without it.

    Not of the domain's own zone: whoever holds the addresses publishes them (RFC 1912, 2.1).
    """
    addresses = {absolute(name): value for name, value in dict(facts.get("addresses") or {}).items()}
    ttl = int(facts.get("ttl") or 3600)
    records: list[Record] = []
    for entry in facts.get("mx") or []:
        name = absolute(entry if isinstance(entry, str) else entry[0])
        value = addresses.get(name) or []
        for text in [value] if isinstance(value, str) else value:
            owner = absolute(ipaddress.ip_address(text).reverse_pointer)
            records.append({"name": owner, "type": "PTR", "data": name, "ttl": ttl})
    return records


def routing(domain: str, facts: Mapping[str, Any]) -> list[Record]:
    """MX, in the order given, ten apart."""
    records: list[Record] = []
    for rank, entry in enumerate(facts.get("mx") or [], start=1):
        name, preference = (entry, rank * 10) if isinstance(entry, str) else (entry[0], int(entry[1]))
        records.append({"name": domain, "type": "MX", "data": f"{preference} {absolute(name)}"})
    return records


def authentication(domain: str, facts: Mapping[str, Any]) -> list[Record]:
    """SPF (RFC 7208), DKIM (RFC 6376), DMARC (RFC 7489)."""
    mechanisms = ["mx", *(str(item) for item in facts.get("spf") or [])]
    records: list[Record] = [
        {"name": domain, "type": "TXT", "data": " ".join(["v=spf1", *mechanisms, str(facts.get("spf_all") or "-all")])}
    ]
    # A host that bounces speaks with its own name and an empty sender: SPF is then asked of that name.
    for entry in facts.get("mx") or []:
        name = absolute(entry if isinstance(entry, str) else entry[0])
        if name != domain:
            records.append({"name": name, "type": "TXT", "data": "v=spf1 a -all"})
    for selector, pem in dict(facts.get("dkim") or {}).items():
        records.append({"name": f"{selector}._domainkey.{domain}", "type": "TXT", "data": dkim_value(str(pem))})
    dmarc = dict(facts.get("dmarc") or {})
    if dmarc:
        records.append({"name": f"_dmarc.{domain}", "type": "TXT", "data": dmarc_value(dmarc)})
    return records


def dmarc_value(dmarc: Mapping[str, Any]) -> str:
    """The TXT value of a policy. Raises RecordError on an unknown one."""
    for key in ("policy", "subdomain_policy"):
        if dmarc.get(key, "none") not in POLICIES:
            raise RecordError(f"dns facts: dmarc.{key} {dmarc[key]!r} is not one of {', '.join(POLICIES)}")
    parts = ["v=DMARC1", f"p={dmarc.get('policy', 'none')}"]
    if dmarc.get("subdomain_policy"):
        parts.append(f"sp={dmarc['subdomain_policy']}")
    if dmarc.get("rua"):
        parts.append(f"rua=mailto:{str(dmarc['rua']).removeprefix('mailto:')}")
    if dmarc.get("pct") not in (None, "", 100):
        parts.append(f"pct={int(dmarc['pct'])}")
    return "; ".join(parts)


def transport(domain: str, facts: Mapping[str, Any]) -> list[Record]:
    """DANE (RFC 7672), MTA-STS (RFC 8461), TLS reports (RFC 8460)."""
    records: list[Record] = []
    for name, digests in dict(facts.get("tlsa") or {}).items():
        for digest in filter(None, [digests] if isinstance(digests, str) else digests):
            if not DIGEST.fullmatch(str(digest).lower()):
                raise RecordError(f"dns facts: tlsa.{name}: {digest!r} is not a SHA-256 digest in hexadecimal")
            for port in facts.get("tlsa_ports") or [25]:
                records.append(
                    {
                        "name": f"_{int(port)}._tcp.{absolute(name)}",
                        "type": "TLSA",
                        "data": f"3 1 1 {str(digest).lower()}",
                        "ttl": TLSA_TTL,
                    }
                )
    policy = str(dict(facts.get("mta_sts") or {}).get("id") or "")
    if policy:
        if not POLICY_ID.fullmatch(policy):
            raise RecordError(f"dns facts: mta_sts.id {policy!r} is not 1 to 32 letters and digits")
        records.append({"name": f"_mta-sts.{domain}", "type": "TXT", "data": f"v=STSv1; id={policy}"})
    if facts.get("tls_rpt"):
        address = str(facts["tls_rpt"]).removeprefix("mailto:")
        records.append({"name": f"_smtp._tls.{domain}", "type": "TXT", "data": f"v=TLSRPTv1; rua=mailto:{address}"})
    return records


def issuers(domain: str, facts: Mapping[str, Any]) -> list[Record]:
    """The authorities that may issue certificates for the domain."""
    names: Sequence[str] = facts.get("caa") or []
    records: list[Record] = [{"name": domain, "type": "CAA", "data": f'0 issue "{name}"'} for name in names]
    if names:
        records.append({"name": domain, "type": "CAA", "data": '0 issuewild ";"'})
    if names and facts.get("caa_iodef"):
        address = str(facts["caa_iodef"]).removeprefix("mailto:")
        records.append({"name": domain, "type": "CAA", "data": f'0 iodef "mailto:{address}"'})
    return records


def services(domain: str, facts: Mapping[str, Any]) -> list[Record]:
    """SRV of mail and DAV (RFC 6186, RFC 8314, RFC 6764)."""
    records: list[Record] = []
    for entry in facts.get("srv") or []:
        target = str(entry.get("target") or ".")
        priority, weight, port = (0, 1, int(entry["port"])) if target != "." else (0, 0, 0)
        owner = f"_{str(entry['service']).lstrip('_')}._{entry.get('proto', 'tcp')}.{domain}"
        records.append({"name": owner, "type": "SRV", "data": f"{priority} {weight} {port} {absolute(target)}"})
        if entry.get("path"):
            records.append({"name": owner, "type": "TXT", "data": f"path={entry['path']}"})
    return records

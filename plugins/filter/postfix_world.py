# SPDX-License-Identifier: GPL-3.0-or-later
"""The mail domains of the lab's outside world: what they are, the records and the certificate names they need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.academie.malleposte.plugins.plugin_utils.filters import filters

Domain = dict[str, Any]
Record = dict[str, Any]

# sts_mx: MX patterns of an enforced MTA-STS policy; dane: whether the TLSA record matches the key ("good", "bad");
# spf and dmarc: what the domain publishes; dkim: whether its mail is signed.
DOMAINS: tuple[Domain, ...] = (
    {"name": "lointain.test", "spf": "v=spf1 mx -all", "dmarc": "v=DMARC1; p=reject", "dkim": True},
    {"name": "sts.test", "sts_mx": ["mx.sts.test"]},
    {"name": "sts-bad.test", "sts_mx": ["mx.ailleurs.test"]},
    {"name": "dane.test", "dane": "good"},
    {"name": "dane-bad.test", "dane": "bad", "sts_mx": ["mx.dane-bad.test"]},
    {"name": "forge.test", "spf": "v=spf1 ?all", "dmarc": "v=DMARC1; p=none"},
    {"name": "strict.test", "spf": "v=spf1 -all", "dmarc": "v=DMARC1; p=reject"},
)
WRONG_DIGEST = "0" * 64


def postfix_world_domains(domains: Sequence[Mapping[str, Any]]) -> list[Domain]:
    """The given domains, or the built-in ones when the list is empty, with every key set."""
    empty: Domain = {"spf": "", "dmarc": "", "dkim": False, "dane": "", "sts_mx": []}
    return [{**empty, **domain} for domain in domains or DOMAINS]


def postfix_world_names(domains: Sequence[Mapping[str, Any]]) -> list[str]:
    """Host names of the certificate: an MX for each domain, and the policy hosts of MTA-STS."""
    known = postfix_world_domains(domains)
    return [f"mx.{domain['name']}" for domain in known] + [
        f"mta-sts.{domain['name']}" for domain in known if domain["sts_mx"]
    ]


def postfix_world_records(
    addresses: Sequence[str],
    spki: str,
    dkim_value: str,
    dkim_selector: str = "monde",
    domains: Sequence[Mapping[str, Any]] = (),
) -> list[Record]:
    """DNS records {name, type, data} of the domains.

    ``addresses`` of the host; ``spki`` SHA-256 of the certificate's public key, hexadecimal (TLSA 3 1 1);
    ``dkim_value`` the TXT that publishes the signing key. A TXT's data is its plain value.
    """
    found: list[Record] = []

    def add(name: str, kind: str, data: str) -> None:
        found.append({"name": f"{name}.", "type": kind, "data": data})

    for domain in postfix_world_domains(domains):
        name = domain["name"]
        add(name, "MX", f"10 mx.{name}.")
        hosts = [f"mx.{name}"] + ([f"mta-sts.{name}"] if domain["sts_mx"] else [])
        for host in hosts:
            for address in addresses:
                add(host, "AAAA" if ":" in address else "A", address)
        if domain["spf"]:
            add(name, "TXT", domain["spf"])
        if domain["dmarc"]:
            add(f"_dmarc.{name}", "TXT", domain["dmarc"])
        if domain["dkim"]:
            add(f"{dkim_selector}._domainkey.{name}", "TXT", dkim_value)
        if domain["dane"]:
            digest = spki if domain["dane"] == "good" else WRONG_DIGEST
            add(f"_25._tcp.mx.{name}", "TLSA", f"3 1 1 {digest}")
        if domain["sts_mx"]:
            add(f"_mta-sts.{name}", "TXT", "v=STSv1; id=1")
    return found


def postfix_world_policy(patterns: Sequence[str]) -> str:
    """An MTA-STS policy (RFC 8461 section 3.2) as the argument of nginx's ``return``: one line, escaped ends."""
    lines = ["version: STSv1", "mode: enforce", *(f"mx: {pattern}" for pattern in patterns), "max_age: 86400"]
    return "".join(f"{line}\\r\\n" for line in lines)


FilterModule = filters(postfix_world_domains, postfix_world_names, postfix_world_records, postfix_world_policy)

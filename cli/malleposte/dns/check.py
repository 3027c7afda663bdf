"""Asks a resolver for each expected record set and says how it compares."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum

import dns.exception
import dns.rdata
import dns.rdatatype
import dns.resolver

from malleposte.dnsrecords.records import Record
from malleposte.dnsrecords.zone import absolute, quote_txt

FAMILIES = ("A", "AAAA")
LIFETIME = 5.0
"""Seconds for one question, all its tries together."""
AT_ONCE = 16
"""Questions at the same time."""


class Status(StrEnum):
    """The result of the comparison of a record set."""

    PRESENT = "present"
    MISSING = "missing"
    DIFFERENT = "different"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Finding:
    """One record set: what should be there, what is, and why the status is what it is (`reason`, for UNKNOWN)."""

    name: str
    type: str
    status: Status
    expected: Sequence[str]
    found: Sequence[str]
    reason: str = ""


def sets(records: Iterable[Record]) -> dict[tuple[str, str], list[str]]:
    """Expected data by name and type, in the zone-file form that dnspython prints."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for record in records:
        data = quote_txt(record["data"]) if record["type"] == "TXT" else record["data"]
        text = shown(dns.rdata.from_text("IN", record["type"], data))
        grouped.setdefault((absolute(record["name"]), record["type"]), []).append(text)
    return grouped


def shown(rdata: dns.rdata.Rdata) -> str:
    """Zone-file form; in lower case, but for text, since names are the same in either."""
    text = rdata.to_text()
    return text if rdata.rdtype == dns.rdatatype.TXT else text.lower()


def compare(name: str, rtype: str, expected: Sequence[str], published: Sequence[str]) -> Finding:
    """Sets must be equal; beside an expected TXT others may stand, unless they are of the same kind (`v=spf1 ...`).

    Nothing `expected` means that nothing may be there.
    """
    rivals = list(published)
    if rtype == "TXT":
        kinds = {kind_of(text) for text in expected}
        rivals = [text for text in published if text in expected or kind_of(text) in kinds]
    if not rivals:
        status = Status.MISSING if expected else Status.PRESENT
    elif sorted(rivals) == sorted(expected):
        status = Status.PRESENT
    else:
        status = Status.DIFFERENT
    return Finding(name, rtype, status, expected, rivals)


def kind_of(text: str) -> str:
    """The beginning of a TXT that says what it is, such as `v=spf1`."""
    return text.strip('"').replace(";", " ").split(" ", 1)[0].lower()


def ask(resolver: dns.resolver.Resolver, name: str, rtype: str, expected: Sequence[str]) -> Finding:
    """One question. A server that does not answer gives UNKNOWN, never MISSING."""
    try:
        answer = resolver.resolve(name, rtype, search=False, lifetime=LIFETIME)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return compare(name, rtype, expected, [])
    except dns.exception.DNSException as error:
        return Finding(name, rtype, Status.UNKNOWN, expected, [], " ".join(str(error).split()))
    rrset = answer.rrset
    # A set reached through an alias is another name's.
    published = [shown(rdata) for rdata in rrset] if rrset is not None and absolute(str(rrset.name)) == name else []
    return compare(name, rtype, expected, published)


def make_resolver(servers: Sequence[str]) -> dns.resolver.Resolver:
    """A resolver that asks `servers`, or the system's when there is none. Nothing is cached."""
    resolver = dns.resolver.Resolver(configure=not servers)
    if servers:
        resolver.nameservers = list(servers)
    return resolver


def strays(expected: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """The address sets that must be empty: a host without IPv6 whose name has an AAAA is out of reach for many."""
    names = set(expected)
    named = {name for name, rtype in names if rtype in FAMILIES}
    return {(name, rtype) for name in named for rtype in FAMILIES} - names


def check(records: Iterable[Record], servers: Sequence[str]) -> list[Finding]:
    """Every record set, by name; and addresses of the other family, where a name has some that it must not have."""
    resolver = make_resolver(servers)
    expected = sets(records)
    questions = [(name, rtype, data) for (name, rtype), data in sorted(expected.items())]
    beside: list[tuple[str, str, list[str]]] = [(name, rtype, []) for name, rtype in sorted(strays(expected))]
    # A server that is away costs the time of a few questions, not of all.
    with ThreadPoolExecutor(AT_ONCE) as pool:
        findings, others = (pool.map(lambda one: ask(resolver, *one), some) for some in (questions, beside))
        return [*findings, *(one for one in others if one.status is Status.DIFFERENT)]

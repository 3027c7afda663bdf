"""Addresses to which the platform writes: whether their domains take mail at all."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from malleposte.check.findings import Finding, Level
from malleposte.check.offline import Reader
from malleposte.check.values import Path
from malleposte.fleet.site import PLATFORM

NOWHERE = ("invalid", "localhost", "onion")
"""Last labels of names that are never in the DNS (RFC 6761, RFC 7686)."""
PLACES: tuple[Path, ...] = (
    ("malleposte_operators",),
    ("malleposte_support", "mail"),
    ("malleposte_report_mail",),
    ("malleposte_alarms", "mails"),
    ("malleposte_tls", "contact"),
    ("malleposte_dmarc", "reports"),
    ("malleposte_mta_sts", "reports"),
)
"""Facts that hold an address, or a list of them."""
PATIENCE = 4
"""Seconds for the DNS to answer on one domain."""


def addresses(reader: Reader, host: str) -> Iterator[tuple[str, Path, str]]:
    """Each address of the facts: the name of its fact, its path inside, and its domain in lower case."""
    for name, *keys in PLACES:
        value: Any = reader.value(host, str(name))
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        for number, text in enumerate(value if isinstance(value, list) else [value]):
            domain = str(text or "").rpartition("@")[2].lower()
            if domain:
                yield str(name), (*keys, number) if isinstance(value, list) else tuple(keys), domain


def unreachable(reader: Reader, host: str) -> Iterator[Finding]:
    """Addresses at names that the DNS never has; no question is asked."""
    for name, path, domain in addresses(reader, host):
        if domain.rpartition(".")[2] in NOWHERE:
            yield reader.wrong(host, name, path, _fault(domain))


def unpublished(reader: Reader) -> Iterator[Finding]:
    """Addresses whose domain takes no mail, as the DNS says. Not where the lab's own world publishes them."""
    hosts = reader.site.members(PLATFORM)
    if not hosts or reader.site.members("internet"):
        return
    own = str(reader.value(hosts[0], "malleposte_domain")).lower()
    outside = [one for one in addresses(reader, hosts[0]) if one[2] != own]
    domains = sorted({domain for _name, _path, domain in outside})
    with ThreadPoolExecutor(max_workers=8) as pool:
        takes = dict(zip(domains, pool.map(takes_mail, domains), strict=True))
    for name, path, domain in outside:
        if not takes[domain]:
            yield reader.wrong(hosts[0], name, path, _fault(domain), Level.FAILING)


def _fault(domain: str) -> str:
    return f"the domain {domain} takes no mail: nobody would read what is sent there; give an address that is read"


def takes_mail(domain: str) -> bool:
    """Whether a server takes mail of the domain, by the DNS (RFC 5321, 5.1; RFC 7505); true when it does not answer."""
    import dns.exception
    import dns.resolver

    resolver = dns.resolver.Resolver()
    resolver.lifetime = PATIENCE
    try:
        return any(str(one.exchange) != "." for one in resolver.resolve(domain, "MX"))
    except dns.resolver.NXDOMAIN:
        return False
    except dns.resolver.NoAnswer:
        pass
    except dns.exception.DNSException:
        return True
    for kind in ("A", "AAAA"):
        try:
            resolver.resolve(domain, kind)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            continue
        except dns.exception.DNSException:
            pass
        return True
    return False

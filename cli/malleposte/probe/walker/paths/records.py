"""DNS records, seen from outside, against what the servers are."""

from __future__ import annotations

import ipaddress

from .. import resolver
from ..dkim import DkimError, key_of, tags
from ..plan import PathError, Plan
from ..wire import open_smtp
from .refusals import mx_names

DKIM_BITS = 2048


def addresses(plan: Plan, name: str) -> list[str]:
    """IPv4 and IPv6 addresses of a name. Raises PathError when it has none."""
    listed = [item for kind in ("A", "AAAA") for item in resolver.query(name, kind, plan.nameservers).records]
    if not listed:
        raise PathError(f"{name} has no address")
    return listed


def one_text(plan: Plan, name: str, start: str) -> str:
    """The single TXT record of `name` that begins with `start`. Raises PathError unless it is alone."""
    texts = [text for text in resolver.query(name, "TXT", plan.nameservers).records if text.lower().startswith(start)]
    if len(texts) != 1:
        raise PathError(f"{len(texts)} records {start} at {name}, 1 wanted")
    return texts[0]


def address(plan: Plan) -> str:
    """The public mail name has an address."""
    return f"{plan.mail} {' '.join(addresses(plan, plan.mail))}"


def mx(plan: Plan) -> str:
    """Each mail exchanger has an address and greets by its own name on port 25."""
    shown = []
    for name in mx_names(plan):
        addresses(plan, name)
        session = open_smtp(plan, name, "smtp", tls=False)
        session.close()
        greeting = session.banner.split(" ", 1)[0].lower()
        if greeting != name:
            raise PathError(f"{name} greets as {greeting}")
        shown.append(name)
    return ", ".join(shown)


def spf_networks(plan: Plan, domain: str, depth: int = 0) -> list[str]:
    """Networks that the `+` mechanisms of an SPF record name (ip4, ip6, a, mx, include)."""
    networks: list[str] = []
    for word in one_text(plan, domain, "v=spf1").split()[1:]:
        name, _, value = word.removeprefix("+").partition(":")
        if name in ("ip4", "ip6"):
            networks.append(value)
        elif name == "a":
            networks += addresses(plan, value or domain)
        elif name == "mx":
            targets = resolver.query(value or domain, "MX", plan.nameservers).records
            networks += [item for target in targets for item in addresses(plan, target.split()[1])]
        elif name == "include" and depth < 5:
            networks += spf_networks(plan, value, depth + 1)
    return networks


def spf(plan: Plan) -> str:
    """SPF allows every mail exchanger's address and no one else (`-all` or `~all`)."""
    text = one_text(plan, plan.domain, "v=spf1")
    if text.split()[-1] not in ("-all", "~all"):
        raise PathError(f"ends in {text.split()[-1]}: {text}")
    networks = [ipaddress.ip_network(item, strict=False) for item in spf_networks(plan, plan.domain)]
    for name in mx_names(plan):
        for item in addresses(plan, name):
            if not any(ipaddress.ip_address(item) in network for network in networks):
                raise PathError(f"{name} ({item}) is not allowed by: {text}")
    return text


def dkim(plan: Plan) -> str:
    """The selector publishes an RSA key that is long enough."""
    name = f"{plan.selector}._domainkey.{plan.domain}"
    try:
        modulus, _ = key_of(one_text(plan, name, "v=dkim1"))
    except DkimError as error:
        raise PathError(f"{name}: {error}") from error
    if modulus.bit_length() < DKIM_BITS:
        raise PathError(f"{name}: key of {modulus.bit_length()} bits, {DKIM_BITS} wanted")
    return f"{name} rsa {modulus.bit_length()}"


def dmarc(plan: Plan) -> str:
    """The published policy is the one of the inventory."""
    text = one_text(plan, f"_dmarc.{plan.domain}", "v=dmarc1")
    if tags(text).get("p", "") != plan.dmarc_policy:
        raise PathError(f"p={tags(text).get('p')}, {plan.dmarc_policy} wanted")
    return text

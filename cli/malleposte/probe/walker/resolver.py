"""Questions to a validating resolver, by dnspython, over TCP: the records that a mail platform publishes."""

from __future__ import annotations

from dataclasses import dataclass, field

import dns.exception
import dns.flags
import dns.nameserver
import dns.rdata
import dns.resolver
from dns.rdtypes.ANY.TXT import TXT


class DnsError(Exception):
    """The resolver could not be asked, or answered with an error other than "no such name"."""


@dataclass(frozen=True)
class Answer:
    """Records of one name and type, in text; `secure` is the AD flag of the resolver."""

    records: list[str] = field(default_factory=list)
    secure: bool = False


def query(name: str, kind: str, servers: list[str] | None = None, timeout: float = 8.0) -> Answer:
    """Ask for records; `servers` ("address" or "address#port") in turn, or else those of this host.

    An absent name is an empty answer. Raises DnsError.
    """
    try:
        resolver = dns.resolver.Resolver(configure=not servers)
        if servers:
            resolver.nameservers = [_server(server) for server in servers]
        resolver.flags = dns.flags.RD | dns.flags.AD
        answer = resolver.resolve(name, kind, tcp=True, raise_on_no_answer=False, search=False, lifetime=timeout)
    except dns.resolver.NXDOMAIN:
        return Answer()
    except dns.exception.DNSException as error:
        raise DnsError(f"{name} {kind}: {error}") from error
    return Answer(sorted(map(_text, answer)), bool(answer.response.flags & dns.flags.AD))


def _server(text: str) -> dns.nameserver.Nameserver:
    host, _, port = text.partition("#")
    return dns.nameserver.Do53Nameserver(host, int(port or 53))


def _text(record: dns.rdata.Rdata) -> str:
    """A record in its usual form, names without their last dot; the strings of a TXT are joined."""
    if isinstance(record, TXT):
        return b"".join(record.strings).decode("utf-8", "replace")
    return record.to_text(chunksize=0).lower().removesuffix(".")

"""Certificates as the servers present them: chain, name, days left, TLSA."""

from __future__ import annotations

import hashlib
import socket
import ssl
import time

from .. import der, resolver
from ..plan import PathError, Plan
from ..sieve import ManageSieve
from ..wire import connect, context, open_smtp
from .refusals import mx_names


def presented(plan: Plan, name: str, service: str) -> ssl.SSLSocket:
    """A verified TLS connection to a service, with STARTTLS where it is needed."""
    if service in ("smtp", "submission"):
        link = open_smtp(plan, name, service).sock
        if not isinstance(link, ssl.SSLSocket):
            raise PathError("no TLS")
        return link
    plain = connect(plan, name, service)
    try:
        if service == "sieve":
            session = ManageSieve(plain)
            session.starttls(context(plan), name)
            plain = session.link
        else:
            if service == "imap":
                imap_starttls(plain)
            plain = context(plan).wrap_socket(plain, server_hostname=name)
    except BaseException:
        plain.close()
        raise
    assert isinstance(plain, ssl.SSLSocket)
    return plain


def imap_starttls(link: socket.socket) -> None:
    """Ask an IMAP server for TLS on a fresh connection. Raises PathError when it declines."""
    with link.makefile("rb") as stream:
        stream.readline(4096)
        link.sendall(b"p1 STARTTLS\r\n")
        line = stream.readline(4096)
        while line.startswith(b"*"):
            line = stream.readline(4096)
    if not line.upper().startswith(b"P1 OK"):
        raise PathError("STARTTLS is declined")


def certificate(plan: Plan, service: str) -> str:
    """The chain is trusted, the name is in it, and it is valid for some days yet."""
    names = {"smtp": mx_names, "https": web_names}.get(service, mail_name)(plan)
    shown = []
    for name in names:
        try:
            with presented(plan, name, service) as link:
                days = remaining(link)
                shown.append(f"{name} {link.version()} {days} days left")
        except ssl.SSLCertVerificationError as error:
            raise PathError(f"{name}: {error.verify_message}") from error
        if days < plan.days_left:
            raise PathError(f"{name}: {days} days left, fewer than {plan.days_left}")
    return ", ".join(shown)


def mail_name(plan: Plan) -> list[str]:
    """The name that agents' mail programs connect to."""
    return [plan.mail]


def web_names(plan: Plan) -> list[str]:
    """The names that are reached by HTTPS."""
    chosen = sorted({name for key, name in plan.hosts.items() if key not in ("mail", "directory")})
    return [*chosen, f"mta-sts.{plan.domain}", f"autoconfig.{plan.domain}", f"autodiscover.{plan.domain}"]


def remaining(link: ssl.SSLSocket) -> int:
    """Whole days until the presented certificate ends."""
    end = (link.getpeercert() or {}).get("notAfter", "")
    return int((ssl.cert_time_to_seconds(str(end)) - time.time()) // 86400)


def tlsa_matches(record: str, chain: list[bytes]) -> bool:
    """Whether a TLSA record `usage selector matching data` (usage 2 or 3) matches the presented chain."""
    usage, selector, matching, data = record.split()
    for certificate_der in chain[:1] if usage == "3" else chain[1:] if usage == "2" else []:
        part = der.public_key_info(certificate_der) if selector == "1" else certificate_der
        digest = {
            "0": part.hex(),
            "1": hashlib.sha256(part).hexdigest(),
            "2": hashlib.sha512(part).hexdigest(),
        }
        if digest.get(matching) == data:
            return True
    return False


def tlsa(plan: Plan) -> str:
    """Each mail exchanger publishes a DNSSEC-signed TLSA record that matches what it presents on port 25."""
    shown = []
    for name in mx_names(plan):
        answer = resolver.query(f"_25._tcp.{name}", "TLSA", plan.nameservers)
        if not answer.records:
            raise PathError(f"no TLSA for _25._tcp.{name}")
        with presented(plan, name, "smtp") as link:
            chain = [bytes(item) for item in link.get_unverified_chain()]
        if not any(tlsa_matches(record, chain) for record in answer.records):
            raise PathError(f"_25._tcp.{name}: no record matches the presented certificate")
        if not answer.secure:
            raise PathError(f"_25._tcp.{name} is not validated by this host's resolver (DNSSEC)")
        shown.append(name)
    return f"matches on {', '.join(shown)}, signed"

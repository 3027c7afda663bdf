"""Tell Postfix how to reach a domain over TLS: DANE first, MTA-STS where there is no DANE.

Postfix takes the first policy found, and a policy of MTA-STS would replace its DANE checks, which RFC 8461 section 2
forbids. This socketmap server (socketmap_table(5)) looks up the domain's MX hosts and their TLSA records through a
validating resolver and answers:

- ``dane-only`` when every MX host has a usable and validated TLSA record, or some have and MTA-STS would enforce;
- ``TEMP`` when a validated answer cannot be had, so that mail waits instead of going out unprotected;
- else what the MTA-STS server answers; its NOTFOUND leaves Postfix at smtp_tls_security_level.

Postfix asks for each delivery. An answer holds for `SECONDS`, so that a letter to many of one domain costs one look-up;
`TEMP` is never repeated.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import dns.asyncresolver
import dns.exception
import dns.flags
import dns.name
import dns.rdatatype
import dns.resolver

from malleposte.runtime import kit
from malleposte.runtime.streams import to_the_end

LOG = logging.getLogger("tls-policy")
NOTFOUND = "NOTFOUND "
DANE_ONLY = "OK dane-only"
LONGEST = 10_000  # bytes of a request; names are 255 at most
SECONDS = 30.0
"""For how long an answer holds: far less than old and new records of a key stand side by side (RFC 7671, 8.1)."""
REMEMBERED = 5_000
"""Domains whose answers are remembered; the one that was asked for first goes first."""


class Unsure(Exception):
    """No validated answer now; the text says for which name."""


@dataclass(frozen=True)
class Answer:
    """Records of one name; ``secure`` when the resolver validated them, or validated that there are none."""

    secure: bool
    records: tuple[str, ...] = ()
    canonical: str = ""


Lookup = Callable[[str, str], Awaitable[Answer]]


def resolver_lookup(nameserver: str, seconds: float) -> Lookup:
    """A look-up through ``nameserver``, which must validate DNSSEC and be trusted, such as the host's own."""
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers = [nameserver]
    resolver.lifetime = seconds
    resolver.flags = dns.flags.RD | dns.flags.AD

    async def lookup(name: str, kind: str) -> Answer:
        try:
            answer = await resolver.resolve(name, kind, raise_on_no_answer=False, search=False)
        except dns.resolver.NXDOMAIN as error:
            responses = error.kwargs.get("responses", {}).values()
            return Answer(all(response.flags & dns.flags.AD for response in responses))
        except dns.exception.DNSException as error:
            raise Unsure(f"{name}/{kind}: {type(error).__name__}") from error
        secure = bool(answer.response.flags & dns.flags.AD)
        records = tuple(record.to_text() for record in answer.rrset or ())
        return Answer(secure, records, answer.canonical_name.to_text().rstrip("."))

    return lookup


def usable(tlsa: str) -> bool:
    """Whether a TLSA record is of a kind that SMTP clients check (RFC 7672 section 3.1: usages 2 and 3)."""
    fields = tlsa.split()
    return len(fields) >= 4 and fields[0] in "23" and fields[1] in "01" and fields[2] in "012"


async def host_has_dane(lookup: Lookup, host: str) -> bool:
    """Whether ``host`` must be authenticated by DANE. Raises Unsure.

    RFC 7672 section 2.2.2: only a validated address leads to TLSA; the alias-expanded name is tried before the name.
    """
    addresses = [await lookup(host, kind) for kind in ("A", "AAAA")]
    answered = [answer for answer in addresses if answer.records]
    if not answered or not all(answer.secure for answer in answered):
        return False
    names = dict.fromkeys([answered[0].canonical or host, host])
    for name in names:
        answer = await lookup(f"_25._tcp.{name}", "TLSA")
        if answer.secure and any(usable(record) for record in answer.records):
            return True
    return False


async def decide(domain: str, lookup: Lookup, mta_sts: Callable[[str], Awaitable[str]]) -> str:
    """The socketmap reply for one destination."""
    mx = await lookup(domain, "MX")
    hosts = [record.split()[-1].rstrip(".") for record in mx.records] or [domain]
    if not mx.secure or hosts == [""]:
        return await mta_sts(domain)
    results: list[bool] = []
    unsure: list[Unsure] = []
    for host in hosts:
        try:
            results.append(await host_has_dane(lookup, host))
        except Unsure as error:
            unsure.append(error)
    if any(results):
        if all(results) or (await mta_sts(domain)).startswith("OK "):
            return DANE_ONLY
        return NOTFOUND
    if unsure:
        raise unsure[0]
    return await mta_sts(domain)


def netstring(text: str) -> bytes:
    """A text as the protocol has it."""
    data = text.encode()
    return b"%d:%s," % (len(data), data)


async def read_netstring(reader: asyncio.StreamReader) -> str | None:
    """The next netstring, None at the end of the stream. Raises ValueError on anything else."""
    try:
        head = await reader.readuntil(b":")
        size = int(head[:-1])
        if not 0 <= size <= LONGEST:
            raise ValueError(f"netstring of {size} bytes")
        data = await reader.readexactly(size + 1)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    if data[-1:] != b",":
        raise ValueError("netstring without its comma")
    return data[:-1].decode()


def ask_mta_sts(address: tuple[str, int], seconds: float) -> Callable[[str], Awaitable[str]]:
    """A question to the MTA-STS server; one that does not answer makes mail wait."""

    async def exchange(domain: str) -> str:
        reader, writer = await asyncio.open_connection(*address)
        try:
            writer.write(netstring(f"postfix {domain}"))
            reply = await read_netstring(reader)
        finally:
            writer.close()
        return reply or "TEMP MTA-STS server closed the connection"

    async def ask(domain: str) -> str:
        try:
            return await asyncio.wait_for(exchange(domain), seconds)
        except (OSError, ValueError, TimeoutError) as error:
            return f"TEMP MTA-STS server: {error or 'no answer'}"

    return ask


class Server:
    """Answers Postfix's connections."""

    def __init__(self, lookup: Lookup, mta_sts: Callable[[str], Awaitable[str]]) -> None:
        self.lookup = lookup
        self.mta_sts = mta_sts
        self._answers: dict[str, tuple[float, asyncio.Task[str]]] = {}
        """By domain, the end of an answer and the work that gives it, done or under way."""

    async def reply(self, request: str) -> str:
        """``table key`` to a reply; a parent domain (leading dot) or an address literal has no policy here."""
        _table, _blank, key = request.partition(" ")
        domain = key.strip().rstrip(".").lower()
        if not domain or domain.startswith((".", "[")) or ":" in domain:
            return NOTFOUND
        try:
            dns.name.from_text(domain)
        except dns.exception.DNSException:
            return NOTFOUND
        now = asyncio.get_running_loop().time()
        end, task = self._answers.get(domain, (0.0, None))
        if task is None or now >= end:
            task = asyncio.create_task(self._decided(domain))
            self._answers.pop(domain, None)
            self._answers[domain] = now + SECONDS, task
            if len(self._answers) > REMEMBERED:
                del self._answers[next(iter(self._answers))]
        answer = "TEMP"
        try:
            answer = await asyncio.shield(task)
        finally:
            if answer.startswith("TEMP") and self._answers.get(domain, (0.0, None))[1] is task:
                del self._answers[domain]
        return answer

    async def _decided(self, domain: str) -> str:
        try:
            answer = await decide(domain, self.lookup, self.mta_sts)
        except Unsure as error:
            answer = f"TEMP no validated answer for {error}"
        except dns.exception.DNSException:
            return NOTFOUND
        LOG.info("%s: %s", domain, answer.strip())
        return answer

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until it ends or says what is no netstring."""
        try:
            while (request := await read_netstring(reader)) is not None:
                writer.write(netstring(await self.reply(request)))
                await writer.drain()
        except (ValueError, ConnectionError) as error:
            LOG.warning("request refused: %s", error)
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


def endpoint(text: str) -> tuple[str, int]:
    """HOST:PORT, with brackets around an IPv6 address. Raises ValueError."""
    host, _colon, port = text.rpartition(":")
    return host.strip("[]"), int(port)


async def run(options: argparse.Namespace) -> None:
    """Answer until the process is ended."""
    lookup = resolver_lookup(options.nameserver, options.timeout)
    # Longer than the MTA-STS server's own time-out, so that its answer is what counts.
    server = Server(lookup, ask_mta_sts(options.mta_sts, options.timeout * 3))
    async with await asyncio.start_server(to_the_end(server.serve), *options.listen):
        await kit.alive()


def main(words: Sequence[str]) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="tls-policy", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--listen", type=endpoint, required=True, metavar="HOST:PORT")
    parser.add_argument("--mta-sts", type=endpoint, required=True, metavar="HOST:PORT")
    parser.add_argument("--nameserver", required=True, metavar="ADDRESS")
    parser.add_argument("--timeout", type=float, default=8.0, metavar="SECONDS")
    options = parser.parse_args(words)
    kit.log_to_journal()
    return kit.run(run(options))

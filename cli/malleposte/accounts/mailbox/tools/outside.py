"""Requests to the tools of others: to hosts that the academy named, at addresses that are nobody's inside.

A name is resolved once. All its addresses are checked, and the connection goes to one of those, so that no second
answer of a name server counts. TLS proves the host's name. An answer ends in size and in time, whatever the other side
does.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from email.message import Message
from typing import Any
from urllib.parse import urljoin, urlsplit

import msgspec

from malleposte.accounts.mailbox.tools.kinds.base import Answer, Request
from malleposte.core.errors import InputError, MallepostError

SECONDS = 20.0
"""Seconds of a whole request, after the name was resolved."""
SILENCE = 8.0
"""Seconds without an octet."""
MOST_BYTES = 65_536
"""Bytes of an answer that are read."""
REDIRECTS = 2
MOST_ADDRESSES = 4
"""Addresses of a host that are tried."""
AGENT = "Malleposte"
_AGAIN = (307, 308)
"""Redirects that keep method and body; no other is followed."""
_V6 = ipaddress.ip_network("2000::/3")
_TUNNELS = tuple(map(ipaddress.ip_network, ("2001::/32", "2002::/16")))
"""Addresses that hold an IPv4 address (Teredo, 6to4). Others that do (mapped, compatible, NAT64) lie outside `_V6`."""

type Address = ipaddress.IPv4Address | ipaddress.IPv6Address
type Network = ipaddress.IPv4Network | ipaddress.IPv6Network
type Resolve = Callable[[str, int], Sequence[str]]


class Reach(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The hosts of a tool that the academy allows, and the inner networks in which they may be."""

    hosts: tuple[str, ...]
    networks: tuple[str, ...] = ()


def allowed(platform_facts: dict[str, Any]) -> dict[str, Reach]:
    """The tools that the academy allows, each with its hosts. Raises InputError."""
    try:
        return {
            one["name"]: Reach(tuple(one["hosts"]), tuple(one.get("networks", ())))
            for one in platform_facts.get("linked_tools", ())
        }
    except (KeyError, TypeError) as error:
        raise InputError(f"the platform's facts have no {error} of a tool", "deploy this host again") from error


def is_outside(address: Address) -> bool:
    """Whether an address is one of the Internet's, which hides no other."""
    if address.version == 6 and (address not in _V6 or any(address in one for one in _TUNNELS)):
        return False
    return address.is_global and not address.is_multicast


def host_of(url: str, reach: Reach) -> str:
    """The host of an address that may be called. Raises InputError, which does not repeat the address."""
    try:
        parts = urlsplit(url)
        plain = url.isascii() and url.isprintable() and " " not in url and "\\" not in url
        right = plain and parts.scheme == "https" and parts.username is None and parts.port in (None, 443)
    except ValueError:
        raise InputError("the address cannot be read", "copy it from the tool again") from None
    if not right or not parts.hostname:
        raise InputError("only an address https://… without a name, a password and a port is called", "give another")
    if parts.hostname not in reach.hosts:
        raise InputError(f"{parts.hostname[:100]}: the academy does not allow this host", "ask the DSI")
    return parts.hostname


def resolved(host: str, port: int) -> list[str]:
    """The addresses of a host, by this machine's resolver. Raises OSError."""
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in addresses))


def checked(host: str, addresses: Sequence[str], reach: Reach) -> list[Address]:
    """The addresses of a host, each of which may be called. Raises MallepostError."""
    networks: list[Network] = [ipaddress.ip_network(one) for one in reach.networks]
    right: list[Address] = []
    for text in addresses:
        try:
            address = ipaddress.ip_address(text)
        except ValueError as error:
            raise MallepostError(f"{host}: {text[:60]} is no address", "look at the DNS") from error
        never = address.is_loopback or address.is_link_local or address.is_multicast
        if never or (not is_outside(address) and not any(address in one for one in networks)):
            raise MallepostError(f"{host}: {address} lies inside, and is not called", "name its network in the facts")
        right.append(address)
    if not right:
        raise MallepostError(f"{host}: no address", "look at the DNS")
    return right[:MOST_ADDRESSES]


class _Link(http.client.HTTPSConnection):
    """A connection to an address that was checked. It ends at its time."""

    def __init__(self, host: str, addresses: Sequence[Address], context: ssl.SSLContext, end: _End) -> None:
        super().__init__(host, 443, timeout=SILENCE, context=context)
        self._addresses, self._tls, self._end = addresses, context, end

    def connect(self) -> None:
        """Connect to the first address that takes it. Raises OSError."""
        for number, address in enumerate(self._addresses):
            try:
                link = socket.create_connection((str(address), self.port), SILENCE)
            except OSError:
                if number + 1 == len(self._addresses) or self._end.over:
                    raise
                continue
            self._end.watch(link)
            try:
                self.sock = self._tls.wrap_socket(link, server_hostname=self.host)
            except BaseException:
                link.close()
                raise
            return


class _End:
    """Ends a connection at its time, however slowly the other side speaks."""

    def __init__(self) -> None:
        self.over = False
        self._link: socket.socket | None = None

    def watch(self, link: socket.socket) -> None:
        """End this connection too: by a second handle, since TLS is of one thread alone."""
        self._forget()
        self._link = link.dup()
        if self.over:
            self._cut()

    @contextlib.contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        timer = threading.Timer(seconds, self._cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            self._forget()

    def _forget(self) -> None:
        if self._link:
            self._link.close()
            self._link = None

    def _cut(self) -> None:
        self.over = True
        with contextlib.suppress(OSError, AttributeError):
            self._link.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]  # forgotten meanwhile


@dataclass
class Client:
    """Calls tools. `connect` and `resolve` are the network's."""

    context: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    resolve: Resolve = resolved
    connect: Callable[..., http.client.HTTPConnection] = _Link
    seconds: float = SECONDS

    def call(self, request: Request, reach: Reach) -> Answer:
        """The answer to a request. Raises InputError for an address that may not be called, MallepostError."""
        url = request.url
        end = _End()
        with end.within(self.seconds):
            for _turn in range(REDIRECTS + 1):
                answer = self._once(url, request, reach, end)
                if answer.status not in _AGAIN or not (to := answer.headers.get("location", "")):
                    return answer
                url = urljoin(url, to[:2000])
        raise MallepostError(f"more than {REDIRECTS} redirects", "look at the address")

    def _once(self, url: str, request: Request, reach: Reach, end: _End) -> Answer:
        host = host_of(url, reach)
        try:
            addresses = checked(host, self.resolve(host, 443), reach)
        except OSError as error:
            raise MallepostError(f"{host}: {error.strerror or 'no address'}", "it is tried again") from error
        parts = urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        link = self.connect(host, addresses, self.context, end)
        try:
            link.request(request.method, target, request.body, {"User-Agent": AGENT, **request.headers})
            reply = link.getresponse()
            if end.over:  # a head that was cut off
                raise TimeoutError
            return Answer(reply.status, _headers(reply.headers), _beginning(reply))
        except (OSError, http.client.HTTPException, ValueError) as error:
            word = f"no answer in {self.seconds:g} s" if end.over else type(error).__name__
            raise MallepostError(f"{host}: {word}", "it is tried again") from error
        finally:
            link.close()


def _headers(headers: Message) -> dict[str, str]:
    return {name: str(headers[name])[:2000] for name in ("retry-after", "location") if headers.get(name)}


def _beginning(reply: http.client.HTTPResponse) -> bytes:
    """The beginning of an answer; the rest of a long one is not read."""
    content = b""
    with contextlib.suppress(http.client.IncompleteRead):
        while len(content) < MOST_BYTES and (piece := reply.read1(MOST_BYTES - len(content))):
            content += piece
    return content

"""A browser of few words: one request to a host of the lab, under a name of the platform."""

import http.client
import socket
import ssl
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path

SECONDS = 60.0


@dataclass(frozen=True)
class Answer:
    """The response."""

    status: int
    headers: Message
    body: bytes

    @property
    def text(self) -> str:
        """The body, which is UTF-8."""
        return self.body.decode()


class _Known(http.client.HTTPConnection):
    """A connection to an address that is already known, maybe with a port, plain or, with a context, over TLS."""

    def __init__(self, name: str, address: str, context: ssl.SSLContext | None) -> None:
        self.address, _, port = address.partition(":")
        super().__init__(name, int(port) if port else None, timeout=SECONDS)
        self.context, self.at = context, int(port or (443 if context else 80))

    def connect(self) -> None:
        self.sock = socket.create_connection((self.address, self.at), timeout=SECONDS)
        if self.context:
            self.sock = self.context.wrap_socket(self.sock, server_hostname=self.host)


@dataclass
class Web:
    """Requests from the controller; certificates are checked against what the lab's hosts trust."""

    authorities: Path
    context: ssl.SSLContext = field(init=False)

    def __post_init__(self) -> None:
        self.context = ssl.create_default_context(cafile=self.authorities)

    def trust(self, authorities: Path) -> None:
        """Trust the authorities of a file as well."""
        self.context.load_verify_locations(authorities)

    def get(
        self,
        address: str,
        name: str,
        path: str = "/",
        *,
        plain: bool = False,
        method: str = "GET",
        body: bytes | None = None,
        **headers: str,
    ) -> Answer:
        """One request; redirects are not followed. Raises OSError or HTTPException when there is no answer."""
        connection = _Known(name, address, None if plain else self.context)
        try:
            sent = {key.replace("_", "-"): value for key, value in headers.items()}
            connection.request(method, path, body=body, headers=sent)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def handshake(self, address: str, name: str, context: ssl.SSLContext | None = None) -> ssl.SSLSocket:
        """A TLS connection, shaken; the caller closes it."""
        raw = socket.create_connection((address, 443), timeout=SECONDS)
        return (context or self.context).wrap_socket(raw, server_hostname=name)

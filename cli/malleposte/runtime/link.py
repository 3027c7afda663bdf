"""Connections between programs of the platform: a Unix socket on one host, TLS with a client's secret between two.

Standard library alone. The server proves itself by its certificate, the client by name and secret.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import hmac
import io
import os
import socket
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

_NOBODY = hashlib.sha256(os.urandom(32)).hexdigest()


def is_tls(address: str) -> bool:
    """Whether an address leads over TLS, where the client proves itself."""
    return urlsplit(address).scheme == "tls"


class Link:
    """A connection, and its stream of bytes."""

    def __init__(self, plain: socket.socket) -> None:
        """It closes the socket."""
        self._socket = plain
        self.stream: io.BufferedRWPair = plain.makefile("rwb")

    def wait(self, seconds: float) -> None:
        """Wait so long at most for each piece of an answer."""
        self._socket.settimeout(seconds)

    def fileno(self) -> int:
        """The descriptor of the socket; -1 once it is closed."""
        return self._socket.fileno()

    def close(self) -> None:
        """End it. What could not be sent is lost."""
        for one in (self.stream, self._socket):
            with contextlib.suppress(OSError, ValueError):
                one.close()


def opened(address: str, *, port: int, timeout: float, ca_file: str | None = None) -> Link:
    """A connection to `unix://PATH` or `tls://HOST[:PORT]`, which is to be closed.

    `timeout` is in seconds, for each of connection and answers. The certificate is verified for HOST, with `ca_file` or
    the system's authorities. Raises OSError; ValueError for another address.
    """
    where = urlsplit(address)
    if where.scheme == "unix":
        plain = socket.socket(socket.AF_UNIX)
        try:
            plain.settimeout(timeout)
            plain.connect(where.path)
            return Link(plain)
        except BaseException:
            plain.close()
            raise
    if where.scheme == "tls" and where.hostname:
        plain = socket.create_connection((where.hostname, where.port or port), timeout=timeout)
        try:
            return Link(client_context(ca_file).wrap_socket(plain, server_hostname=where.hostname))
        except BaseException:
            plain.close()
            raise
    raise ValueError(f"{address}: neither unix://PATH nor tls://HOST")


@contextlib.contextmanager
def connected(address: str, *, port: int, timeout: float, ca_file: str | None = None) -> Iterator[io.BufferedRWPair]:
    """As `opened`, the stream of a connection that is closed behind the block."""
    link = opened(address, port=port, timeout=timeout, ca_file=ca_file)
    try:
        yield link.stream
    finally:
        link.close()


def client_context(ca_file: str | None = None) -> ssl.SSLContext:
    """TLS 1.3 with a host that is verified by `ca_file` or the system's authorities. Raises OSError, ssl.SSLError.

    Connections share a context until the file of authorities changes: to read the system's takes 7 ms of processor.
    """
    path = Path(ca_file or ssl.get_default_verify_paths().cafile or os.devnull)
    about = path.stat()
    return _context(ca_file, (about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns))


@functools.lru_cache(maxsize=8)
def _context(ca_file: str | None, _state: tuple[int, ...]) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.3 with the host's certificate. Raises OSError, ssl.SSLError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(certificate, key)
    return context


def proves(clients: Mapping[str, str], name: str, secret: str) -> bool:
    """Whether the secret is the client's; `clients` has the SHA-256 (hexadecimal) of each one's by name."""
    digest = hashlib.sha256(secret.encode()).hexdigest()
    return hmac.compare_digest(clients.get(name, _NOBODY), digest)

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


@contextlib.contextmanager
def connected(address: str, *, port: int, timeout: float, ca_file: str | None = None) -> Iterator[io.BufferedRWPair]:
    """A stream to `unix://PATH` or `tls://HOST[:PORT]`; `timeout` in seconds for each of connection and answers.

    The certificate is verified for HOST, with `ca_file` or the system's authorities. Raises OSError; ValueError for
    another address.
    """
    where = urlsplit(address)
    if where.scheme == "unix":
        link = socket.socket(socket.AF_UNIX)
        with link:
            link.settimeout(timeout)
            link.connect(where.path)
            with link.makefile("rwb") as stream:
                yield stream
    elif where.scheme == "tls" and where.hostname:
        with (
            socket.create_connection((where.hostname, where.port or port), timeout=timeout) as plain,
            client_context(ca_file).wrap_socket(plain, server_hostname=where.hostname) as secure,
            secure.makefile("rwb") as stream,
        ):
            yield stream
    else:
        raise ValueError(f"{address}: neither unix://PATH nor tls://HOST")


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

"""Syslog over TLS (RFC 5425): frames of RFC 5424 messages, each with its length before it."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import ssl
from collections.abc import Iterable, Mapping
from typing import Any

PRIORITY = 10 * 8 + 6
"""Facility authpriv, severity informational."""
PATIENCE = 20.0
"""Seconds for the receiver to take something."""
NAME = "malleposte"


def frame(event: Mapping[str, Any]) -> bytes:
    """Return an event as a frame."""
    text = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    head = f"<{PRIORITY}>1 {event['@timestamp']} {event['host']['name']} {NAME} - - - ".encode("ascii", "replace")
    message = head + text
    return b"%d %s" % (len(message), message)


class Receiver:
    """The SIEM. Nothing is answered by it: what was under way when a connection ends is sent again, with its `id`."""

    def __init__(self, host: str, port: int, ca: str = "") -> None:
        """`ca`: a file with the authority of its certificate; the system's authorities without one."""
        self.host, self.port = host, port
        self.context = ssl.create_default_context(cafile=ca or None)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._link: ssl.SSLSocket | None = None

    def send(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Send events. Raises OSError: some of them may have gone."""
        data = b"".join(frame(event) for event in events)
        if not data:
            return
        try:
            self._open().sendall(data)
        except OSError:
            self.close()
            raise

    def _open(self) -> ssl.SSLSocket:
        if self.ended():
            self.close()
        if self._link is None:
            plain = socket.create_connection((self.host, self.port), PATIENCE)
            try:
                self._link = self.context.wrap_socket(plain, server_hostname=self.host)
            except BaseException:
                plain.close()
                raise
        return self._link

    def ended(self) -> bool:
        """Whether the receiver has closed the connection: it has nothing else to say."""
        link = self._link
        while link is not None and select.select([link], [], [], 0)[0]:
            try:
                link.settimeout(0)
                if not link.recv(4096):
                    return True
            except ssl.SSLWantReadError:
                return False
            except OSError:
                return True
            finally:
                link.settimeout(PATIENCE)
        return False

    def close(self) -> None:
        """End the connection."""
        if self._link is not None:
            with contextlib.suppress(OSError):
                self._link.close()
            self._link = None
